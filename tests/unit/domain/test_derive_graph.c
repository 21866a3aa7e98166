/* Catches: a broken graph that is taken, or that ends the process; a fault without its file and
 * line; a cycle without its names; a version that changes with a line number. */
#include "unit/domain/derive_case.h"

#include "base/json.h"

static void refuses(const char *graphs, const char *want)
{
    struct arena arena;
    struct text report = {0};
    struct derive_program *program = NULL;
    arena_init(&arena);
    assert_err(derive_program_create(case_quotes(graphs, &arena), &report, &program), EVER_INVALID);
    assert_null(program);
    if (strcmp(report.data, want) != 0) {
        fail_msg("report is:\n%swanted:\n%s", report.data, want);
    }
    text_deinit(&report);
    arena_deinit(&arena);
}

#define IN FROM("in", ",'category':'a'")

static void faults_name_their_place(void **state)
{
    (void)state; /* cmocka's signature */
    refuses("{",
            "flows: the graphs are not JSON: a member name in quotes was expected at byte 1\n");
    refuses("{'flows':3}", "flows: \"flows\" must be a list of up to 256 flows\n");
    refuses(FLOW("", IN "," NODE("x", "teleport", "0", "") "," EMIT("out", "1")),
            "flows/f.js:2: x: there is no operator 'teleport' for flows\n");
    refuses(FLOW("", IN "," NODE("x", "take", "0", ",'count':-1")),
            "flows/f.js:2: x: \"count\" must be a whole number from 0 to 1000000000\n"
            "flows/f.js:1: flow 'f' emits nothing; end it with .emit('TypeOfEvent')\n");
    refuses(FLOW("", IN "," EMIT("out", "1")),
            "flows/f.js:2: out must read nodes that stand before it\n");
    refuses(FLOW("", IN
                 "," NODE("k", "keyBy", "0", ",'paths':['data..x','@who']") "," EMIT("out", "1")),
            "flows/f.js:2: k: the path 'data..x': a name is missing before or behind a point\n"
            "flows/f.js:2: k: the path '@who': there are @id, @stream, @type, @position, @revision "
            "and @time\n");
    refuses(
        FLOW("", IN "," NODE("k", "keyBy", "0", ",'paths':['@id']") "," NODE(
                     "m", "merge", "0,1", "") "," EMIT("out", "2")),
        "flows/f.js:2: m: the streams 'in' and 'k' are not keyed alike; give both the same keyBy, "
        "or put one behind merge\n");
    refuses(
        FLOW("'lateness':-1", IN "," EMIT("out", "0")),
        "flows/f.js:1: an option of flow 'f' is out of bounds: durations are whole milliseconds "
        "up to a hundred years, keys up to 2,147,483,647, bytes up to 64 GiB\n");
}

#define READS(name, other)                                                                         \
    "{'name':'" name "','file':'flows/" name                                                       \
    ".js','line':4,'nodes':[" FROM("in", ",'flow':'" other "'") "," EMIT("out", "0") "]}"

static void cycles_are_named(void **state)
{
    (void)state; /* cmocka's signature */
    refuses(
        "{'flows':[" READS("a", "b") "," READS("b", "c") "," READS("c", "a") "]}",
        "flows/a.js:4: flows read each other in a circle: a reads b reads c reads a; feed events "
        "back by a command instead\n");
    refuses("{'flows':[" READS("a", "a") "]}",
            "flows/a.js:4: flows read each other in a circle: a reads a; feed events back by a "
            "command instead\n");
    refuses("{'flows':[" READS("a", "b") "]}",
            "flows/a.js:2: flow 'a' reads flow 'b', which does not exist\n");
}

static void tells_of_its_flows(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_program *program = case_program(
        "{'flows':[" READS("top", "low") ",{'name':'low','file':'flows/low.js','line':9,"
                                         "'options':{'tick':1000}, 'nodes': "
                                         "[{'op':'from','name':'in','line':10,'category':'a',"
                                         "'types':['E']}," EMIT("out", "0") "]}]}");
    struct derive_flow_info info;
    assert_int_equal(derive_flow_count(program), 2);
    derive_flow_info(program, 0, &info);
    assert_slice(info.name, "low");
    assert_int_equal(info.tick_ms, 1000);
    assert_slice(info.canonical,
                 "{\"name\":\"low\",\"options\":{\"tick\":1000},\"nodes\":[{\"op\":"
                 "\"from\",\"name\":\"in\",\"category\":\"a\",\"types\":[\"E\"]},"
                 "{\"op\":\"emit\",\"name\":\"out\",\"in\":[0],\"type\":\"Out\"}]}");
    derive_flow_info(program, 1, &info);
    assert_slice(info.name, "top");
    assert_int_equal(info.level, 1);
    assert_int_equal(info.upstream_count, 1);
    assert_int_equal(info.upstreams[0], 0);
    size_t count;
    const struct ever_read *reads = derive_program_reads(program, &count);
    assert_int_equal(count, 2);
    assert_slice(reads[0].category, "a");
    assert_slice(reads[0].types[0], "E");
    assert_slice(reads[1].stream, "$tick");
    derive_program_destroy(program);
}

static void damaged_states_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    const char *graph = FLOW("", IN "," NODE("t", "take", "0", ",'count':5") "," EMIT("out", "1"));
    struct derive_case_events *all = case_read_events("a-1 E {}\na-1 E {}");
    struct derive_program *program = case_program(graph);
    struct derive_program *other =
        case_program(FLOW("", IN "," NODE("t", "take", "0", ",'count':6") "," EMIT("out", "1")));
    struct derive_result result;
    struct text saved = {0};
    derive_program_run(program, all->events, all->count, NULL, &result);
    derive_flow_save(program, 0, &saved);
    assert_err(derive_flow_load(other, 0, text_slice(&saved)), EVER_CORRUPT);
    for (size_t i = 0; i < saved.size; i++) {
        assert_err(derive_flow_load(program, 0, slice_first(text_slice(&saved), i)), EVER_CORRUPT);
        saved.data[i] ^= 4;
        assert_err(derive_flow_load(program, 0, text_slice(&saved)), EVER_CORRUPT);
        saved.data[i] ^= 4;
    }
    assert_ok(derive_flow_load(program, 0, text_slice(&saved)));
    text_deinit(&saved);
    derive_program_destroy(program);
    derive_program_destroy(other);
    case_free_events(all);
}

/* --- Broken at random ------------------------------------------------------------------------- */

static const char *const whole[] = {
    FLOW(
        "'time':'data.t','lateness':5,'idle':9,'tick':7,'onError':'skip','keys':9,'bytes':999",
        FROM("in", ",'category':'a','types':['E'],'tags':['x']") "," NODE(
            "w", "where", "0",
            ",'where':{'all':[{'path':'data.n','cmp':'gt','value':1},{'not':{'path':'@id','cmp':'"
            "in',"
            "'value':[1,'a']}}]}") "," NODE("k", "keyBy", "1",
                                            ",'paths':['data.n','@id']") "," NODE("g", "aggregate",
                                                                                  "2",
                                                                                  ",'mode':'"
                                                                                  "updates','"
                                                                                  "window':{'kind':"
                                                                                  "'hopping','size'"
                                                                                  ":5000,'every':"
                                                                                  "1000,'offset':3}"
                                                                                  ","
                                                                                  "'folds':[['a',{'"
                                                                                  "fold':'sum','"
                                                                                  "path':'data.n'}]"
                                                                                  ",['b',{'fold':'"
                                                                                  "topK','path':'@"
                                                                                  "id','k':3}],"
                                                                                  "['c',{'fold':'"
                                                                                  "collect','limit'"
                                                                                  ":4}]]") "," NODE("out",
                                                                                                    "emit",
                                                                                                    "3",
                                                                                                    ",'type':'Out','tags':['key'],'select':[['a',{'path':'a'}],['b',{'value':[1]}]]")),
    FLOW("", IN "," NODE("b", "bufferCount", "0", ",'size':3,'every':2") "," NODE(
                 "s", "slidingWindow", "0",
                 ",'size':3,'min':1") "," NODE("t", "startWith", "0",
                                               ",'values':[1]") "," NODE("m", "merge", "1,2,3", "") "," NODE("c", "combineLatest", "1,2", "") "," NODE("l", "withLatestFrom", "3,4", "") "," NODE("j", "joinWithin", "4,5", ",'within':100,'join':'left'") "," NODE("d", "debounceTime", "7", ",'due':10") "," NODE("e",
                                                                                                                                                                                                                                                                                                                    "delay", "6", ",'due':10") "," NODE("h",
                                                                                                                                                                                                                                                                                                                                                        "throttleTime", "8", ",'due':10") "," NODE("i",
                                                                                                                                                                                                                                                                                                                                                                                                   "distinct",
                                                                                                                                                                                                                                                                                                                                                                                                   "9",
                                                                                                                                                                                                                                                                                                                                                                                                   ",'ttl':100,'path':'0.n'") "," NODE("u",
                                                                                                                                                                                                                                                                                                                                                                                                                                       "take",
                                                                                                                                                                                                                                                                                                                                                                                                                                       "11",
                                                                                                                                                                                                                                                                                                                                                                                                                                       ",'count':3") "," NODE("p",
                                                                                                                                                                                                                                                                                                                                                                                                                                                              "pairwise", "12", "") "," EMIT("out",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "13") "," EMIT("out2",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "10")),
};

struct values {
    struct ever_slice all[512];
    size_t count;
};

static void collect(struct values *values, struct json_value value)
{
    assert_true(values->count < 512);
    values->all[values->count++] = value.text;
    if (value.kind == JSON_ARRAY || value.kind == JSON_OBJECT) {
        for (struct json_iter i = json_iter(value); json_next(&i);) {
            if (value.kind == JSON_OBJECT) {
                values->all[values->count++] = i.key.text;
            }
            collect(values, i.value);
        }
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 33;
}

static void check_report(const struct text *report)
{
    struct ever_slice rest = text_slice(report);
    assert_true(rest.size > 0 && rest.data[rest.size - 1] == '\n');
    while (rest.size > 0) {
        assert_true(slice_starts_with(rest, SLICE_LITERAL("flows")));
        rest = slice_from(rest, slice_find_byte(rest, '\n') + 1);
    }
}

static void try_graph(struct ever_slice graph, const struct derive_case_events *all)
{
    struct text report = {0};
    struct derive_program *program = NULL;
    struct ever_err err = derive_program_create(graph, &report, &program);
    if (err.code == EVER_OK) {
        struct derive_result result;
        struct text saved = {0};
        derive_program_run(program, all->events, all->count, NULL, &result);
        if (derive_flow_count(program) > 0) {
            derive_flow_save(program, 0, &saved);
        }
        text_deinit(&saved);
    } else {
        assert_int_equal(err.code, EVER_INVALID);
        check_report(&report);
    }
    derive_program_destroy(program);
    text_deinit(&report);
}

static void broken_graphs_break_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const others[] = {"null",        "true",
                                         "-1",          "0",
                                         "1",           "3",
                                         "99999999999", "1e9",
                                         "0.5",         "\"\"",
                                         "\"x\"",       "\"in\"",
                                         "\"@id\"",     "\"data.n\"",
                                         "\"take\"",    "\"merge\"",
                                         "\"count\"",   "[]",
                                         "{}",          "[0]",
                                         "[[]]",        "{\"path\":\"data.n\"}",
                                         "[0,0,0]"};
    struct derive_case_events *all =
        case_read_events("a-1 E {'n':2,'t':1}\na-2 E {'n':3,'t':2000}\na-1 E {'n':'x'}\n"
                         "$tick $Tick {'time':'1970-01-01T01:00:00Z'}\na-1 E {'n':2,'t':90000}");
    uint64_t seed = 1;
    for (size_t round = 0; round < 6000; round++) {
        struct arena arena;
        struct text text = {0};
        struct values values = {0};
        arena_init(&arena);
        struct ever_slice graph = case_quotes(whole[round % 2], &arena);
        collect(&values, json_value_of(graph));
        struct ever_slice gone = values.all[next_random(&seed) % values.count];
        bool from_itself = next_random(&seed) % 2 == 0;
        struct ever_slice instead =
            from_itself
                ? values.all[next_random(&seed) % values.count]
                : slice_of_text(others[next_random(&seed) % (sizeof others / sizeof others[0])]);
        text_add(&text, slice_first(graph, (size_t)(gone.data - graph.data)));
        text_add(&text, instead);
        text_add(&text, slice_from(graph, (size_t)(gone.data + gone.size - graph.data)));
        try_graph(text_slice(&text), all);
        text_deinit(&text);
        arena_deinit(&arena);
    }
    case_free_events(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place),     cmocka_unit_test(cycles_are_named),
        cmocka_unit_test(tells_of_its_flows),          cmocka_unit_test(damaged_states_are_refused),
        cmocka_unit_test(broken_graphs_break_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
