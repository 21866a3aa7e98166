/* Catches: an operator that computes something else than its name says; a state lost, mixed between
 * keys or left behind by an item that failed; results that depend on how items were cut into calls,
 * on the clock or on chance; a function that throws or loops without being named. */
#include "unit/domain/flow_script_app.h"

#include "base/json.h"

#define IMPORT "import { flow, from, merge, update, when, zip } from 'everfold/flow';\n"

/* Opens an APP whose only flow is f: `chain` on from('account'), so that its segment is "f/1". */
static void open_chain(struct flow_script_app *app, const char *chain)
{
    struct text file = {0};
    text_printf(&file, IMPORT "flow('f', () => from('account')%s.emit('E'));\n", chain);
    struct script_source files[] = {{APP_FLOW, "flows/a.js", file.data}};
    if (!IS_OK(flow_script_app_open(app, files, 1))) {
        fail_msg("%s: %s", chain, app->report.data);
    }
    text_deinit(&file);
}

/* The same of two streams, x and y; its segment is "f/2" when it reads both. */
static void open_two_inputs(struct flow_script_app *app, const char *stream)
{
    struct text file = {0};
    text_printf(&file,
                IMPORT "const x = from('x'), y = from('y');\nflow('f', () => %s.emit('E'));\n",
                stream);
    struct script_source files[] = {{APP_FLOW, "flows/a.js", file.data}};
    assert_ok(flow_script_app_open(app, files, 1));
    text_deinit(&file);
}

static void assert_answer(struct flow_script_app *app, const char *request, const char *want)
{
    struct text answer = {0};
    assert_int_equal(flow_script_ask(app, request, &answer), SCRIPT_ANSWERED);
    if (strcmp(answer.data, want) != 0) {
        fail_msg("%s\ngot  %s\nwant %s", request, answer.data, want);
    }
    text_deinit(&answer);
}

#define FIRST(ITEMS) "{\"segment\":\"f/1\",\"generation\":1,\"fresh\":true,\"items\":[" ITEMS "]}"
#define A "\"[\\\"a\\\"]\""
#define B "\"[\\\"b\\\"]\""
/* Values 3, 4, 5 of key a and 7 of key b, roots 1 to 4. */
#define NUMBERS                                                                                    \
    FIRST("[1,0," A ",1000,0,3],[2,0," A ",2000,0,4],[3,0," B ",3000,0,7],[4,0," A ",4000,0,5]")

static void runs_each_operator(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *chain;
        const char *answer;
    } cases[] = {
        {".map(v => ({ v, no: undefined }))", "{\"done\":4,\"out\":[[0,0,{\"v\":3}],[1,0,{\"v\":4}"
                                              "],[2,0,{\"v\":7}],[3,0,{\"v\":5}]],\"states\":{}}"},
        {".filter(v => v > 3)", "{\"done\":4,\"out\":[1,2,3],\"states\":{}}"},
        {".map((v, i) => [v, i])",
         "{\"done\":4,\"out\":[[0,0,[3,0]],[1,0,[4,1]],[2,0,[7,0]],[3,0,[5,2]]],\"states\":{"
         "\"map1\":{" A ":[3]," B ":[1]}}}"},
        {".scan((sum, v) => sum + v, 100)",
         "{\"done\":4,\"out\":[[0,0,103],[1,0,107],[2,0,107],[3,0,112]],\"states\":{\"scan1\":{" A
         ":[112,3]," B ":[107,1]}}}"},
        {".scan((sum, v) => sum + v)", "{\"done\":4,\"out\":[[0,0,3],[1,0,7],[2,0,7],[3,0,12]],"
                                       "\"states\":{\"scan1\":{" A ":[12,3]," B ":[7,1]}}}"},
        {".flatMap(v => v > 4 ? [v, -v] : [])",
         "{\"done\":4,\"out\":[[2,0,7],[2,0,-7],[3,0,5],[3,0,-5]],\"states\":{}}"},
        {".keyBy(v => v % 2)",
         "{\"done\":4,\"out\":[[0,\"[1]\"],[1,\"[0]\"],[2,\"[1]\"],[3,\"[1]\"]],\"states\":{}}"},
        {".keyBy(v => v % 2).scan((n, v) => n + v, 0).filter(n => n > 3)",
         "{\"done\":4,\"out\":[[1,\"[0]\",4],[2,\"[1]\",10],[3,\"[1]\",15]],\"states\":{\"scan1\":{"
         "\"[1]\":[15,3],\"[0]\":[4,1]}}}"},
        {".takeWhile(v => v < 4)",
         "{\"done\":4,\"out\":[0],\"states\":{\"takeWhile1\":{" A ":[1]," B ":[1]}}}"},
        {".takeWhile(v => v < 4, true)",
         "{\"done\":4,\"out\":[0,1,2],\"states\":{\"takeWhile1\":{" A ":[1]," B ":[1]}}}"},
        {".skipWhile(v => v < 4)",
         "{\"done\":4,\"out\":[1,2,3],\"states\":{\"skipWhile1\":{" A ":[1]," B ":[1]}}}"},
        {".distinctUntilChanged((a, b) => a + 1 === b)",
         "{\"done\":4,\"out\":[0,2,3],\"states\":{\"distinctUntilChanged1\":{" A ":[5]," B
         ":[7]}}}"},
        {".distinctUntilChanged(undefined, v => v > 3)",
         "{\"done\":4,\"out\":[0,1,2],\"states\":{\"distinctUntilChanged1\":{" A ":[true]," B
         ":[true]}}}"},
        {".withStateMachine(0, (s, v) => [s + v, s === 0 ? [] : [s, v]])",
         "{\"done\":4,\"out\":[[1,0,3],[1,0,4],[3,0,7],[3,0,5]],\"states\":{\"withStateMachine1\":"
         "{" A ":[12]," B ":[7]}}}"},
        {".tap(v => { v + 1; }).find(v => v === 4)", "{\"done\":4,\"out\":[1],\"states\":{}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flow_script_app app;
        open_chain(&app, cases[i].chain);
        assert_answer(&app, NUMBERS, cases[i].answer);
        flow_script_app_close(&app);
    }
}

/* Two inputs: those of root 2 arrive together. */
#define PAIRS                                                                                      \
    "[1,0,null,1000,0,\"x1\"],[2,0,null,2000,0,\"x2\"],[2,0,null,2000,1,\"y2\"],"                  \
    "[3,0,null,3000,1,\"y3\"],[4,0,null,4000,1,\"y4\"]"

static void combines_several_inputs(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *stream; /* of x and y */
        const char *answer;
    } cases[] = {
        {"x.takeUntil(y)", "{\"done\":5,\"out\":[0,1],\"states\":{\"takeUntil1\":{\"\":[1]}}}"},
        {"x.skipUntil(y)", "{\"done\":5,\"out\":[],\"states\":{\"skipUntil1\":{\"\":[1]}}}"},
        {"zip(x, y)", "{\"done\":5,\"out\":[[2,0,[\"x1\",\"y2\"]],[3,0,[\"x2\",\"y3\"]]],"
                      "\"states\":{\"when1\":{\"\":[null,[[],[\"y4\"]],[null,null]]}}}"},
        {"when([x, y, (a, b) => a + b], [y, b => b])",
         "{\"done\":5,\"out\":[[2,0,\"x1y2\"],[3,0,\"x2y3\"],[4,0,\"y4\"]],\"states\":{"
         "\"when1\":{\"\":[null,[[],[]],[null,null]]}}}"},
        {"when([x.toProperty(), y, (a, b) => a + b])",
         "{\"done\":5,\"out\":[[2,0,\"x2y2\"],[3,0,\"x2y3\"],[4,0,\"x2y4\"]],\"states\":{"
         "\"when1\":{\"\":[null,[[],[]],[[\"x2\"],null]]}}}"},
        /* Both patterns apply at root 2, with one value. */
        {"update([], [x, (s, a) => [...s, a]], [y, (s, b) => [b, ...s]])",
         "{\"done\":5,\"out\":[[0,0,[\"x1\"]],[2,0,[\"y2\",\"x1\",\"x2\"]],[3,0,[\"y3\","
         "\"y2\",\"x1\",\"x2\"]],[4,0,[\"y4\",\"y3\",\"y2\",\"x1\",\"x2\"]]],\"states\":{"
         "\"update1\":{\"\":[[\"y4\",\"y3\",\"y2\",\"x1\",\"x2\"],[[],[]],[null,null]]}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flow_script_app app;
        open_two_inputs(&app, cases[i].stream);
        bool property = strstr(cases[i].stream, "toProperty") != NULL; /* a node of its own */
        assert_answer(
            &app,
            property ? "{\"segment\":\"f/3\",\"generation\":1,\"fresh\":true,\"items\":[" PAIRS "]}"
                     : "{\"segment\":\"f/2\",\"generation\":1,\"fresh\":true,\"items\":[" PAIRS
                       "]}",
            cases[i].answer);
        flow_script_app_close(&app);
    }
}

static void gives_events_whole(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app, ".map(e => e)");
    assert_answer(
        &app, FIRST("[12,0,null,1500,0,\"Opened\",{\"x\":1},null,\"account-al-ice\",4,[\"t\"]]"),
        "{\"done\":1,\"out\":[[0,0,{\"type\":\"Opened\",\"data\":{\"x\":1},\"metadata\":"
        "null,\"stream\":\"account-al-ice\",\"id\":\"al-ice\",\"position\":12,"
        "\"revision\":4,\"time\":1500,\"tags\":[\"t\"]}]],\"states\":{}}");
    flow_script_app_close(&app);
}

/* --- State ----------------------------------------------------------------------------------- */

static void asks_for_states_it_does_not_know(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app, ".scan((sum, v) => sum + v, 0)");
#define ITEMS "\"items\":[[1,0," A ",1,0,3],[2,0," B ",2,0,4],[3,0," A ",3,0,5]]"
    assert_answer(&app, "{\"segment\":\"f/1\",\"generation\":7," ITEMS "}",
                  "{\"need\":{\"scan1\":[" A "," B "]}}");
    assert_answer(&app,
                  "{\"segment\":\"f/1\",\"generation\":7," ITEMS ",\"states\":{\"scan1\":{" A
                  ":[100,9]," B ":null}}}",
                  "{\"done\":3,\"out\":[[0,0,103],[1,0,4],[2,0,108]],\"states\":{\"scan1\":{" A
                  ":[108,11]," B ":[4,1]}}}");
    /* The next generation: they are known. */
    assert_answer(&app, "{\"segment\":\"f/1\",\"generation\":8," ITEMS "}",
                  "{\"done\":3,\"out\":[[0,0,111],[1,0,8],[2,0,116]],\"states\":{\"scan1\":{" A
                  ":[116,13]," B ":[8,2]}}}");
    /* Another instance knows nothing of this one. */
    assert_answer(&app,
                  "{\"segment\":\"f/1\",\"instance\":\"building\",\"generation\":9," ITEMS "}",
                  "{\"need\":{\"scan1\":[" A "," B "]}}");
    /* A generation again: what was computed was not taken. */
    assert_answer(&app, "{\"segment\":\"f/1\",\"generation\":8," ITEMS "}",
                  "{\"need\":{\"scan1\":[" A "," B "]}}");
    flow_script_app_close(&app);
}

/* The state is what JSON keeps of it, in the same call already; changing what was given changes
 * nothing in the state, and a function that changes its state in place and then throws has not. */
static void a_state_is_plain_data(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app, "\n.scan((s, v) => { s.all.push(v); if (v === 5) throw new Error('five');\n"
                     "return { all: s.all, gone: undefined, has: 'gone' in s, zero: Object.is(-0, "
                     "s.zero), hasOwnProperty: 1 }; }, { all: [], zero: -0 })\n"
                     ".map(s => { s.all.push('not kept'); return s.all.length + '' + s.has + "
                     "s.zero; })");
    assert_answer(&app,
                  FIRST("[1,0,null,1,0,3],[2,0,null,2,0,4],[3,0,null,3,0,5],[4,0,null,4,0,6]"),
                  "{\"done\":2,\"out\":[[0,0,\"2falsefalse\"],[1,0,\"3falsefalse\"]],\"states\":{"
                  "\"scan1\":{\"\":[{\"all\":[3,4],\"has\":false,\"zero\":false,"
                  "\"hasOwnProperty\":1},2]}},\"failed\":\"flows/a.js:3: five\"}");
    assert_answer(&app, "{\"segment\":\"f/1\",\"generation\":2,\"items\":[[4,0,null,4,0,6]]}",
                  "{\"done\":1,\"out\":[[0,0,\"4falsefalse\"]],\"states\":{\"scan1\":{\"\":[{"
                  "\"all\":[3,4,6],\"has\":false,\"zero\":false,\"hasOwnProperty\":1},3]}}}");
    flow_script_app_close(&app);
}

/* --- Cuts ------------------------------------------------------------------------------------ */

/* The member `name` of a checked answer. */
static struct json_value member(const struct text *answer, const char *name)
{
    struct json_value value;
    assert_true(json_member(json_value_of(text_slice(answer)), slice_of_text(name), &value));
    return value;
}

/* Adds the values of "out" without their items' indexes. */
static void add_values(struct json_value out, struct text *values)
{
    for (struct json_iter i = json_iter(out); json_next(&i);) {
        struct json_iter parts = json_iter(i.value);
        while (json_next(&parts)) {
        }
        text_add(values, parts.value.text);
        text_add_byte(values, '\n');
    }
}

static uint32_t done_of(const struct text *answer)
{
    int64_t done;
    assert_true(json_integer(member(answer, "done"), &done));
    return (uint32_t)done;
}

/* Item n is of root n / 2, key n / 2 % 3, input n % 2. */
static void add_item(struct text *request, uint32_t n)
{
    text_printf(request, "%s[%u,%u,\"[%u]\",%u,%u,%u]", n == 0 ? "" : ",", n / 2, n % 2, n / 2 % 3,
                n * 10, n % 2, n);
}

/* Takes `count` items through f/2, at most `cut` in a call, and adds what comes out. */
static uint32_t run_in_calls(struct flow_script_app *app, uint32_t count, uint32_t cut,
                             struct text *values)
{
    static uint32_t generation = 100;
    struct text answer = {0};
    uint32_t calls = 0;
    bool fresh = true;
    for (uint32_t first = 0; first < count; calls++) {
        struct text request = {0};
        text_printf(&request, "{\"segment\":\"f/2\",\"generation\":%u%s,\"items\":[", generation++,
                    fresh ? ",\"fresh\":true" : "");
        for (uint32_t n = first; n < count && n < first + cut; n++) {
            struct text item = {0};
            add_item(&item, n);
            text_add(&request, slice_from(text_slice(&item), n == first && n > 0 ? 1 : 0));
            text_deinit(&item);
        }
        text_add_text(&request, "]}");
        assert_int_equal(flow_script_ask(app, request.data, &answer), SCRIPT_ANSWERED);
        add_values(member(&answer, "out"), values);
        assert_in_range(done_of(&answer), 1, cut);
        first += done_of(&answer);
        fresh = false;
        text_deinit(&request);
    }
    text_deinit(&answer);
    return calls;
}

static void cuts_do_not_show(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_two_inputs(&app,
                    "update({ n: 0, last: [] }, [x, (s, v) => { s.n += v; return s; }], "
                    "[y, (s, v) => ({ n: s.n, last: [v, s.last.length], no: undefined })])"
                    ".map((s, i) => [i, 'no' in s, s, Math.random()])"
                    ".keyBy(v => v[0] % 4).scan((all, v) => { all.n++; return { ...all, v }; }, "
                    "{ n: 0 }).distinctUntilChanged((a, b) => b.n % 3 === 0)"
                    ".flatMap(v => [v, v.n]).skipWhile(v => v.n === 1)");
    struct text whole = {0};
    assert_int_equal(run_in_calls(&app, 400, 400, &whole), 1);
    assert_in_range(whole.size, 5000, 1000000);
    for (uint32_t cut = 2; cut < 20; cut += 6) {
        struct text parts = {0};
        (void)run_in_calls(&app, 400, cut, &parts);
        assert_slice(text_slice(&parts), whole.data);
        text_deinit(&parts);
    }
    text_deinit(&whole);
    flow_script_app_close(&app);
}

/* 60 roots of some 25 ms are more than the limit of 500 ms allows in one call. Its two items are
 * not torn apart: each root gives one state. */
static void slow_functions_are_answered_in_parts(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_two_inputs(&app,
                    "update(0, [x, (n, v) => { for (let i = 0; i < 3e7; i++) { n = (n + i) | "
                    "0; } return n; }], [y, (n, v) => { for (let i = 0; i < 3e7; i++) { n = (n "
                    "+ i) | 0; } return n; }]).map(v => 'state')");
    struct text values = {0};
    assert_true(run_in_calls(&app, 120, 120, &values) > 1);
    size_t states = 0;
    for (const char *at = values.data; (at = strstr(at, "state")) != NULL; at++) {
        states++;
    }
    assert_int_equal(states, 60);
    text_deinit(&values);
    flow_script_app_close(&app);
}

/* --- What fails ------------------------------------------------------------------------------ */

static void names_what_failed(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *chain; /* from line 3 on */
        const char *failed;
    } cases[] = {
        {".map(v => v.x.y)", "flows/a.js:3: TypeError: undefined is not an object (evaluating "
                             "'v.x.y')"},
        {".map(v => { throw { code: 5 }; })", "flows/a.js:3: threw {\\\"code\\\":5}"},
        {".map(v => undefined)",
         "flows/a.js:3: TypeError: map1: what its function gave is undefined"},
        {".map(v => ({ at: new Date(0) }))",
         "flows/a.js:3: TypeError: map1: what its function gave.at is a Date: only plain objects, "
         "arrays, texts, numbers, true, false and null can be kept"},
        {".map(v => v / 0)", "flows/a.js:3: TypeError: map1: what its function gave is Infinity, "
                             "which JSON cannot hold"},
        {".filter(v => true)\n.scan((s, v) => undefined, 0)",
         "flows/a.js:4: TypeError: scan1: what its function gave is undefined"},
        {".flatMap(v => v)",
         "flows/a.js:3: TypeError: flatMap1: its function gives an array of values, [] for none"},
        {".keyBy(v => v.x)",
         "flows/a.js:3: TypeError: keyBy1: its function gave undefined, which is no key"},
        {".withStateMachine(0, (s, v) => s)",
         "flows/a.js:3: TypeError: withStateMachine1: its function gives [state, [value, ...]]"},
        {".flatMap(v => from('x'))",
         "flows/a.js:3: streams are declared while a file is loaded, not by a function that runs"},
        {".map(v => eval('1'))", "flows/a.js:3: EvalError: eval and new Function are closed: write "
                                 "the code in a file and import it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flow_script_app app;
        struct text chain = {0};
        struct text want = {0};
        text_printf(&chain, "\n%s", cases[i].chain);
        text_printf(&want, "{\"done\":0,\"out\":[],\"states\":{},\"failed\":\"%s\"}",
                    cases[i].failed);
        open_chain(&app, chain.data);
        assert_answer(&app, NUMBERS, want.data);
        text_deinit(&chain);
        text_deinit(&want);
        flow_script_app_close(&app);
    }
}

static void a_function_that_loops_is_stopped(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app, ".scan((s, v) => { while (v === 7) {} return s + v; }, 0)");
    struct text answer = {0};
    assert_int_equal(flow_script_ask(&app, NUMBERS, &answer), SCRIPT_TIME_LIMIT);
    /* What the stopped call did is forgotten. */
    assert_answer(&app, "{\"segment\":\"f/1\",\"generation\":2,\"items\":[[9,0," A ",1,0,1]]}",
                  "{\"need\":{\"scan1\":[" A "]}}");
    text_deinit(&answer);
    flow_script_app_close(&app);
}

/* --- Time and chance -------------------------------------------------------------------------- */

static void time_is_the_event_and_chance_is_repeated(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app, ".map(v => [Date.now(), new Date().getTime(), Date().slice(0, 24), new "
                     "Date(5).getTime(), Math.random(), Math.random()])");
    struct text first = {0};
    struct text again = {0};
    struct text other = {0};
    static const char request[] = FIRST("[1,0,null,1500,0,3],[1,1,null,1500,0,3]");
    assert_int_equal(flow_script_ask(&app, request, &first), SCRIPT_ANSWERED);
    assert_int_equal(flow_script_ask(&app, request, &again), SCRIPT_ANSWERED);
    assert_int_equal(flow_script_ask(&app, FIRST("[2,0,null,1500,0,3]"), &other), SCRIPT_ANSWERED);
    assert_string_equal(first.data, again.data);
    assert_non_null(strstr(first.data, "[[0,0,[1500,1500,\"Thu Jan 01 1970 00:00:01\",5,0."));
    /* Each item has numbers of its own, in [0, 1). */
    double a, b, c, d, e;
    assert_int_equal(
        sscanf(first.data,
               "{\"done\":2,\"out\":[[0,0,[1500,1500,\"Thu Jan 01 1970 00:00:01\",5,%lf,"
               "%lf]],[1,0,[1500,1500,\"Thu Jan 01 1970 00:00:01\",5,%lf,%lf]]]",
               &a, &b, &c, &d),
        4);
    assert_int_equal(
        sscanf(other.data,
               "{\"done\":1,\"out\":[[0,0,[1500,1500,\"Thu Jan 01 1970 00:00:01\",5,%lf", &e),
        1);
    assert_true(a >= 0 && a < 1 && a != b && a != c && a != e && c != d);
    text_deinit(&first);
    text_deinit(&again);
    text_deinit(&other);
    flow_script_app_close(&app);
}

/* What the exact results round to; the system's library is one digit off in some of them, which
 * ones depends on the machine. Whole powers and what is special are as ever. */
static void math_is_exact(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_script_app app;
    open_chain(&app,
               ".map(v => [Math.exp(0.5), Math.expm1(1e-5), Math.log(3), Math.log1p(0.1), "
               "Math.log2(0.3), Math.log10(0.7), Math.cbrt(-2), Math.sin(1e22), Math.cos(1000), "
               "Math.tan(1e22), Math.asin(0.9), Math.acos(-0.7), Math.atan(3), Math.sinh(-0.7), "
               "Math.cosh(0.7), Math.tanh(0.43), Math.asinh(2), Math.acosh(2), Math.atanh(0.5), "
               "Math.pow(2, -0.5), Math.atan2(1, 710), Math.hypot(0.2, 0.9)])");
    assert_answer(
        &app, FIRST("[1,0,null,1500,0,3]"),
        "{\"done\":1,\"out\":[[0,0,[1.6487212707001282,0.000010000050000166668,1.0986122886681098,"
        "0."
        "09531017980432487,-1.7369655941662063,-0.1549019599857432,-1.2599210498948732,-0."
        "8522008497671888,0.5623790762907029,-1.6287782256068988,1.1197695149986342,2."
        "3461938234056494,1.2490457723982544,-0.7585837018395335,1.255169005630943,0."
        "405321308689463,1.4436354751788103,1.3169578969248168,0.5493061443340549,0."
        "7071067811865476,0.0014084497728962322,0.9219544457292888]]],\"states\":{}}");
    flow_script_app_close(&app);
    open_chain(
        &app,
        ".map(v => [Math.pow(10, 3), Math.pow(-2, 3), Math.log2(8), Math.log10(1000), "
        "Math.cbrt(27), "
        "Math.hypot(3, 4), Math.hypot(), Math.sin(-0) === 0, Math.pow(1, NaN) !== 1, Math.log(-1) "
        "!== 0, "
        "Math.exp(-1000), Math.atan2(0, -1), Math.max.length, Math.pow.length, Math.exp.name])");
    assert_answer(&app, FIRST("[1,0,null,1500,0,3]"),
                  "{\"done\":1,\"out\":[[0,0,[1000,-8,3,3,3,5,0,true,true,true,0,"
                  "3.141592653589793,2,2,\"exp\"]]],\"states\":{}}");
    flow_script_app_close(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_each_operator),
        cmocka_unit_test(combines_several_inputs),
        cmocka_unit_test(gives_events_whole),
        cmocka_unit_test(asks_for_states_it_does_not_know),
        cmocka_unit_test(a_state_is_plain_data),
        cmocka_unit_test(cuts_do_not_show),
        cmocka_unit_test(slow_functions_are_answered_in_parts),
        cmocka_unit_test(names_what_failed),
        cmocka_unit_test(a_function_that_loops_is_stopped),
        cmocka_unit_test(math_is_exact),
        cmocka_unit_test(time_is_the_event_and_chance_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
