/* Catches: a flow whose graph says something else than its file; a mistake in a declaration that is
 * taken, or refused without its file, its line and a way out. */
#include "unit/domain/flow_script_app.h"

#include "base/json.h"

#define IMPORT                                                                                     \
    "import { flow, from, merge, count, sum, first, topK, toArray, map, filter, take, tumbling, "  \
    "update, when, combineTemplate, interval, aggregate } from 'everfold/flow';\n"

/* --- What the graph says --------------------------------------------------------------------- */

/* The nodes of the only flow in `source`, without the member "line". */
static void assert_nodes(const char *source, const char *want)
{
    struct text file = {0};
    text_printf(&file, "%s%s", IMPORT, source);
    struct script_source files[] = {{APP_FLOW, "flows/a.js", file.data}};
    struct flow_script_app app;
    if (!IS_OK(flow_script_app_open(&app, files, 1))) {
        fail_msg("%s: %s", source, app.report.data);
    }
    struct json_value flows, nodes;
    assert_true(
        json_member(json_value_of(text_slice(&app.loaded)), SLICE_LITERAL("flows"), &flows));
    struct json_iter i = json_iter(flows);
    assert_true(json_next(&i));
    assert_true(json_member(i.value, SLICE_LITERAL("nodes"), &nodes));
    struct text got = {0};
    for (struct ever_slice rest = nodes.text; rest.size > 0;) {
        bool is_line = slice_starts_with(rest, SLICE_LITERAL("\"line\":"));
        if (is_line) {
            rest = slice_from(rest, slice_find_byte(rest, ':') + 1);
            while (rest.data[0] >= '0' && rest.data[0] <= '9') {
                rest = slice_from(rest, 1);
            }
            rest = slice_from(rest, rest.data[0] == ',');
        } else {
            text_add_byte(&got, rest.data[0]);
            rest = slice_from(rest, 1);
        }
    }
    assert_slice(text_slice(&got), want);
    text_deinit(&got);
    text_deinit(&file);
    flow_script_app_close(&app);
}

#define ACCOUNT "[{\"op\":\"from\",\"name\":\"from1\",\"category\":\"account\"},"
#define EMIT(NAME, IN) "{\"op\":\"emit\",\"name\":\"" NAME "\",\"in\":[" IN "],\"type\":\"E\"}]"

static void makes_the_graph_of_each_operator(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *chain; /* of from('account') */
        const char *node;
    } cases[] = {
        {".where({ 'data.amount': { gte: 5, lt: 9 }, '@type': 'A' })",
         "{\"op\":\"where\",\"name\":\"where1\",\"in\":[0],\"where\":{\"all\":["
         "{\"path\":\"data.amount\",\"cmp\":\"gte\",\"value\":5},"
         "{\"path\":\"data.amount\",\"cmp\":\"lt\",\"value\":9},"
         "{\"path\":\"@type\",\"cmp\":\"eq\",\"value\":\"A\"}]}},"},
        {".where({ not: { any: [{ 'data.x': { exists: true } }, { 'data.x': { in: [1] } }] } })",
         "{\"op\":\"where\",\"name\":\"where1\",\"in\":[0],\"where\":{\"not\":{\"any\":["
         "{\"path\":\"data.x\",\"cmp\":\"exists\",\"value\":true},"
         "{\"path\":\"data.x\",\"cmp\":\"in\",\"value\":[1]}]}}},"},
        {".select({ id: '@id', n: 'data.lines.0.n', kind: { value: 'x' }, one: 1 })",
         "{\"op\":\"select\",\"name\":\"select1\",\"in\":[0],\"select\":[[\"id\",{\"path\":"
         "\"@id\"}],[\"n\",{\"path\":\"data.lines.0.n\"}],[\"kind\",{\"value\":\"x\"}],"
         "[\"one\",{\"value\":1}]]},"},
        {".keyBy('data.a', '@id')", "{\"op\":\"keyBy\",\"name\":\"keyBy1\",\"in\":[0],"
                                    "\"paths\":[\"data.a\",\"@id\"]},"},
        {".tumbling('1d', { offset: '4h' }).aggregate({ n: count(), total: sum('data.a') }, "
         "{ mode: 'updates' })",
         "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[0],\"window\":{\"kind\":"
         "\"tumbling\",\"size\":86400000,\"offset\":14400000},\"folds\":[[\"n\",{\"fold\":"
         "\"count\"}],[\"total\",{\"fold\":\"sum\",\"path\":\"data.a\"}]],\"mode\":\"updates\"},"},
        {".hopping('1h', '10m').topK(3, 'data.a')",
         "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[0],\"window\":{\"kind\":\"hopping\""
         ",\"size\":3600000,\"every\":600000,\"offset\":0},\"folds\":[[\"topK\",{\"fold\":\"topK\","
         "\"k\":3,\"path\":\"data.a\"}]],\"mode\":\"final\"},"},
        {".pipe(tumbling('1s'), toArray({ limit: 5 }))",
         "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[0],\"window\":{\"kind\":"
         "\"tumbling\",\"size\":1000,\"offset\":0},\"folds\":[[\"collect\",{\"fold\":\"collect\","
         "\"limit\":5}]],\"mode\":\"final\"},"},
        {".session('30m').count()", "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[0],"
                                    "\"window\":{\"kind\":\"session\",\"gap\":1800000},\"folds\":[["
                                    "\"count\",{\"fold\":\"count\"}]],\"mode\":\"final\"},"},
        {".aggregate({ n: count() })", "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[0],"
                                       "\"folds\":[[\"n\",{\"fold\":\"count\"}]],\"mode\":"
                                       "\"final\"},"},
        {".bufferCount(3)",
         "{\"op\":\"bufferCount\",\"name\":\"bufferCount1\",\"in\":[0],\"size\":3,\"every\":3},"},
        {".distinct('data.a', { ttl: '1h' })", "{\"op\":\"distinct\",\"name\":\"distinct1\",\"in\":"
                                               "[0],\"path\":\"data.a\",\"ttl\":3600000},"},
        {".debounceTime(500).named('quiet')",
         "{\"op\":\"debounceTime\",\"name\":\"quiet\",\"in\":[0],\"due\":500},"},
        {".pipe(first())", "{\"op\":\"take\",\"name\":\"take1\",\"in\":[0],\"count\":1},"},
        {".filter(e => true).map(e => 1).scan((n, v) => n + v, 0)",
         "{\"op\":\"script\",\"name\":\"filter1+map1+scan1\",\"in\":[0],\"segment\":\"f/1\","
         "\"ops\":[{\"op\":\"filter\",\"name\":\"filter1\",\"source\":\"e => "
         "true\"},{\"op\":\"map\",\"name\":\"map1\",\"source\":\"e => 1\"},"
         "{\"op\":\"scan\",\"name\":\"scan1\",\"source\":\"(n, v) => n + v\"}]},"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text source = {0};
        struct text want = {0};
        text_printf(&source, "flow('f', () => from('account')%s.emit('E'));", cases[i].chain);
        text_printf(&want, ACCOUNT "%s" EMIT("emit1", "1"), cases[i].node);
        assert_nodes(source.data, want.data);
        text_deinit(&source);
        text_deinit(&want);
    }
}

/* A stream that two read is one node; ofType narrows its source; functions that two read, or that
 * something native stands between, are not one segment. */
static void shares_and_splits_nodes(void **state)
{
    (void)state; /* cmocka's signature */
    assert_nodes(
        "const all = from('account').ofType('A', 'B').map(e => e.data);\n"
        "flow('f', () => [merge(all.filter(v => v), all.take(2).map(v => v)).emit('E'),\n"
        "  all.withLatestFrom(from({ prefix: 'b-' })).emit('F')]);",
        "[{\"op\":\"from\",\"name\":\"from1\",\"category\":\"account\",\"types\":[\"A\",\"B\"]},"
        "{\"op\":\"script\",\"name\":\"map1\",\"in\":[0],\"segment\":\"f/1\",\"ops\":[{\"op\":"
        "\"map\",\"name\":\"map1\",\"source\":\"e => e.data\"}]},"
        "{\"op\":\"script\",\"name\":\"filter1\",\"in\":[1],\"segment\":\"f/2\",\"ops\":[{\"op\":"
        "\"filter\",\"name\":\"filter1\",\"source\":\"v => v\"}]},"
        "{\"op\":\"take\",\"name\":\"take1\",\"in\":[1],\"count\":2},"
        "{\"op\":\"script\",\"name\":\"map2\",\"in\":[3],\"segment\":\"f/4\",\"ops\":[{\"op\":"
        "\"map\",\"name\":\"map2\",\"source\":\"v => v\"}]},"
        "{\"op\":\"merge\",\"name\":\"merge1\",\"in\":[2,4]},"
        "{\"op\":\"emit\",\"name\":\"emit1\",\"in\":[5],\"type\":\"E\"},"
        "{\"op\":\"from\",\"name\":\"from2\",\"prefix\":\"b-\"},"
        "{\"op\":\"withLatestFrom\",\"name\":\"withLatestFrom1\",\"in\":[1,7]},"
        "{\"op\":\"emit\",\"name\":\"emit2\",\"in\":[8],\"type\":\"F\"}]");
}

static void gives_options_and_lines(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct script_source files[] = {
        {APP_FLOW, "flows/a.js",
         "import { flow } from 'everfold/flow';\nimport { paid } from '../lib/paid.js';\n"
         "export const large = flow('large', { version: 3, lateness: '10m', time: 'data.at', "
         "onError: 'skip' }, () => paid\n    .take(1)\n    .emit('E'));\n"},
        {APP_FLOW, "flows/b.js",
         "import { flow, from } from 'everfold/flow';\nimport { large } from './a.js';\n"
         "flow('next', () => from(large).emit('E', { x: '@id' }, { tags: ['@id'] }));\n"},
        {APP_MODULE, "lib/paid.js",
         "\nimport { from } from 'everfold/flow';\nexport const paid = from('till');\n"},
    };
    struct flow_script_app app;
    assert_ok(flow_script_app_open(&app, files, 3));
    assert_slice(
        text_slice(&app.loaded),
        "{\"deciders\":[],\"data\":{},\"flows\":["
        "{\"name\":\"large\",\"file\":\"flows/a.js\",\"line\":3,\"version\":3,\"options\":{"
        "\"lateness\":600000,\"time\":\"data.at\",\"ahead\":86400000,\"idle\":0,\"tick\":0,"
        "\"onError\":\"skip\",\"keys\":1000000,\"bytes\":268435456},\"nodes\":["
        "{\"op\":\"from\",\"name\":\"from1\",\"file\":\"lib/paid.js\",\"line\":3,\"category\":"
        "\"till\"},{\"op\":\"take\",\"name\":\"take1\",\"line\":4,\"in\":[0],\"count\":1},"
        "{\"op\":\"emit\",\"name\":\"emit1\",\"line\":5,\"in\":[1],\"type\":\"E\"}]},"
        "{\"name\":\"next\",\"file\":\"flows/b.js\",\"line\":3,\"version\":1,\"options\":{"
        "\"lateness\":0,\"time\":null,\"ahead\":86400000,\"idle\":0,\"tick\":0,\"onError\":"
        "\"stop\",\"keys\":1000000,\"bytes\":268435456},\"nodes\":["
        "{\"op\":\"from\",\"name\":\"from1\",\"line\":3,\"flow\":\"large\"},"
        "{\"op\":\"emit\",\"name\":\"emit1\",\"line\":3,\"in\":[0],\"type\":\"E\",\"select\":[["
        "\"x\",{\"path\":\"@id\"}]],\"tags\":[\"@id\"]}]}]}");
    flow_script_app_close(&app);
}

/* --- What is refused ------------------------------------------------------------------------- */

static void assert_refused(const struct script_source *files, size_t count, const char *want)
{
    struct flow_script_app app;
    struct ever_err err = flow_script_app_open(&app, files, count);
    if (IS_OK(err)) {
        fail_msg("accepted: %s", files[0].source);
    }
    assert_int_equal(err.code, EVER_INVALID);
    assert_slice(text_slice(&app.report), want);
    flow_script_app_close(&app);
}

/* One mistake, one fault, whose place is the line. */
struct mistake {
    const char *source;
    const char *report;
};

/* All of them in one file: a mistake hides no other. */
static void assert_mistakes(const struct mistake *mistakes, size_t count)
{
    struct text file = {0};
    struct text want = {0};
    text_add_text(&file, IMPORT);
    for (size_t i = 0; i < count; i++) {
        text_printf(&file, "%s\n", mistakes[i].source);
        text_printf(&want, "flows/a.js:%zu: %s\n", i + 2, mistakes[i].report);
    }
    /* What only shows when all is declared is told last. */
    struct script_source files[] = {{APP_FLOW, "flows/a.js", file.data}};
    struct flow_script_app app;
    assert_err(flow_script_app_open(&app, files, 1), EVER_INVALID);
    for (size_t i = 0; i < count; i++) {
        struct text line = {0};
        text_printf(&line, "flows/a.js:%zu: %s\n", i + 2, mistakes[i].report);
        if (strstr(app.report.data, line.data) == NULL) {
            fail_msg("%s\nwant %sin\n%s", mistakes[i].source, line.data, app.report.data);
        }
        text_deinit(&line);
    }
    assert_int_equal(app.report.size, want.size);
    flow_script_app_close(&app);
    text_deinit(&want);
    text_deinit(&file);
}

static const struct mistake mistakes_of_options_and_bodies[] = {
    {"flow('f1', { latenes: '1m' }, () => from('a').emit('E'));",
     "flow f1 has no option latenes; there are: version, lateness, time, ahead, idle, tick, "
     "onError, keys, bytes; did you mean \"lateness\"?"},
    {"flow('f2', { lateness: '1 minute' }, () => from('a').emit('E'));",
     "lateness is \"1 minute\": a duration is a text like '500ms', '30s', '10m', '12h', '1d', or a "
     "whole number of milliseconds"},
    {"flow('f3', { lateness: -5 }, () => from('a').emit('E'));",
     "lateness is -5: it lies between 0 ms and 100 years"},
    {"flow('f4', { ahead: '200000d' }, () => from('a').emit('E'));",
     "ahead is \"200000d\": it lies between 0 ms and 100 years"},
    {"flow('f5', { version: 0 }, () => from('a').emit('E'));",
     "version is 0: it is a whole number from 1 to 1000000000"},
    {"flow('f6', { keys: 1e12 }, () => from('a').emit('E'));",
     "keys is 1000000000000: it is a whole number from 1 to 100000000"},
    {"flow('f7', { bytes: '256MB' }, () => from('a').emit('E'));",
     "bytes is \"256MB\": it is a whole number from 65536 to 68719476736"},
    {"flow('f8', { onError: 'ignore' }, () => from('a').emit('E'));",
     "onError is \"ignore\": it is one of \"stop\", \"skip\""},
    {"flow('f9', { tick: '10ms' }, () => from('a').emit('E'));",
     "tick is \"10ms\": it lies between 1000 ms and 100 years"},
    {"flow('f10', { time: 'at' }, () => from('a').emit('E'));",
     "time: a path into an event begins with data, metadata or @, and \"at\" does not; did you "
     "mean \"data.at\"?"},
    {"flow('f11', 5, () => from('a').emit('E'));", "the options of flow f11 are an object, not 5"},
    {"flow('Big Name', () => from('a').emit('E'));",
     "a flow's name has a-z, 0-9, _ and - only, at most 100 of them; \"Big Name\" is none"},
    {"flow('f13', { version: 2 });",
     "flow f13 has no function: flow('f13', { ... }, () => from('account').emit('Type'))"},
    {"flow('f14', () => {});", "flow f14 emits nothing: end a chain with .emit('Type')"},
    {"flow('f15', () => from('a').take(1));",
     "flow f15 gives back a stream that is not written: end the chain with .emit('Type')"},
    {"flow('f16', () => 5);", "flow f16 gives back 5: end the chain with .emit('Type')"},
    {"flow('f17', () => from('a').emit('E')); flow('f17', () => from('a').emit('E'));",
     "there is a flow f17 already, at flows/a.js:18"},
    {"from('a').emit('E');", "this emit belongs to no flow: make it in the function of one, or "
                             "give it back there: flow('name', () => it)"},
    {"flow('f19', () => from('a').emit('E').take(1));",
     "emit is the end of a chain: what comes behind it reads the stream in front of it"},
};

static const struct mistake mistakes_of_sources[] = {
    {"flow('f20', () => from('account-1').emit('E'));",
     "from: a category is the part of a stream's name in front of the dash, and \"account-1\" has "
     "one; one stream is from({ stream: 'account-1' })"},
    {"flow('f21', () => from(['a']).emit('E'));",
     "from takes a category, as in from('account'), a flow or { stream | prefix | flow, types, "
     "tags }, not an array"},
    {"flow('f22', () => from({ stream: 'a-1', prefix: 'b' }).emit('E'));",
     "from takes one of category, stream, prefix, flow, not stream and prefix; streams are joined "
     "by merge"},
    {"flow('f23', () => from({ streams: 'a-1' }).emit('E'));",
     "from has no option streams; there are: category, stream, prefix, flow, types, tags; did you "
     "mean \"stream\"?"},
    {"flow('f24', () => from({ types: 'A' }).emit('E'));",
     "from: types is an array of texts, not \"A\""},
    {"flow('f25', () => from({ types: ['A', 3] }).emit('E'));",
     "types takes one or more texts, not 3"},
    {"flow('f26', () => from({ category: 5 }).emit('E'));", "from: category is 5: it is a text"},
    {"flow('f27', () => from('flow').emit('E'));",
     "from: the streams of flows are read by the flow's name: from({ flow: 'NAME' })"},
    {"flow('f28', () => from({ stream: 'flow-f' }).emit('E'));",
     "from: the streams of flows are read by the flow's name: from({ flow: 'NAME' })"},
    {"flow('f29', () => from({ prefix: '$command-' }).emit('E'));",
     "from: flows do not see $command streams, the records of commands"},
    {"flow('large', () => from('a').emit('E')); flow('lost', () => from({ flow: 'lagre' "
     "}).emit('E'));",
     "there is no flow lagre; did you mean \"large\"?"},
    {"flow('f31', () => from({ flow: 'f31' }).emit('E'));",
     "these flows read each other in a circle: f31 <- f31; what goes round must become a command, "
     "and so a new event"},
    {"flow('f32', () => merge(from('a'), 5).emit('E'));",
     "merge takes streams, as from() gives them, not 5; from(flow) is the stream of a flow"},
    {"const f = flow('f33', () => from('a').emit('E')); flow('g33', () => merge(f, "
     "from('a')).emit('E'));",
     "merge takes streams, as from() gives them, not an object; from(flow) is the stream of a "
     "flow"},
    {"flow('f34', () => merge().emit('E'));", "merge takes streams"},
};

static const struct mistake mistakes_of_operators[] = {
    {"flow('f35', () => from('account').ofType().emit('E'));",
     "ofType takes one or more texts, not nothing"},
    {"flow('f36', () => from('account').ofType(5).emit('E'));",
     "ofType takes one or more texts, not 5"},
    {"flow('f37', () => from('account').where(e => e.x).emit('E'));",
     "where takes { path: value } or { path: { gte: 1 } }, not a function; a function goes into "
     "filter"},
    {"flow('f38', () => from('account').where({}).emit('E'));",
     "where takes { path: value } or { path: { gte: 1 } }, not an empty object"},
    {"flow('f39', () => from('account').where({ 'data.a': { gt: 'x', above: 3 } }).emit('E'));",
     "where: there is no comparison above; there are: eq, ne, gt, gte, lt, lte, in, startsWith, "
     "exists"},
    {"flow('f40', () => from('account').where({ 'data.a': { gte: true } }).emit('E'));",
     "where: data.a: gte takes a number or text, not true"},
    {"flow('f41', () => from('account').where({ 'data.a': [1, 2] }).emit('E'));",
     "where: data.a is compared with an array: write { in: [...] } for one of several"},
    {"flow('f42', () => from('account').where({ 'data.a': { in: [] } }).emit('E'));",
     "where: data.a: in takes an array of texts, numbers, true, false or null, not an array"},
    {"flow('f43', () => from('account').where({ amount: 5 }).emit('E'));",
     "where: a path into an event begins with data, metadata or @, and \"amount\" does not; did "
     "you mean \"data.amount\"?"},
    {"flow('f44', () => from('account').where({ '@ids': 5 }).emit('E'));",
     "where: there is no @ids; the envelope has @id, @stream, @type, @position, @revision, @time; "
     "did you mean \"@id\"?"},
    {"flow('f45', () => from('account').where({ 'data.lines[0]': 5 }).emit('E'));",
     "where: \"data.lines[0]\" is no path: an element of an array is written with a dot, as in "
     "data.lines.0"},
    {"flow('f46', () => from('account').where({ 'data..x': 5 }).emit('E'));",
     "where: \"data..x\" is no path: names joined by dots, as in data.amount"},
    {"flow('f47', () => from('account').select('data.a').emit('E'));",
     "select takes { name: 'path' }, not \"data.a\""},
    {"flow('f48', () => from('account').select({ a: v => v }).emit('E'));",
     "select: a is a function: it is a path, or { value: constant }; a function goes into map"},
    {"flow('f49', () => from('account').select({ a: { b: 1 } }).emit('E'));",
     "select: a is an object: it is a path, or { value: constant }"},
    {"flow('f50', () => from('account').keyBy().emit('E'));",
     "keyBy takes paths, as in keyBy('data.account'), or one function"},
    {"flow('f51', () => from('account').keyBy(5).emit('E'));",
     "keyBy takes a path like 'data.amount' or '@id', not 5"},
    {"flow('f52', () => from('account').map('data.a').emit('E'));",
     "map takes a function, not \"data.a\"; data goes into where, select and keyBy"},
    {"flow('f53', () => from('account').filter({ 'data.a': 1 }).emit('E'));",
     "filter takes a function, not an object; data goes into where, select and keyBy"},
    {"flow('f54', () => from('account').map().emit('E'));", "map takes a function, not undefined"},
    {"flow('f55', () => from('account').scan((a, b) => a, () => 0).emit('E'));",
     "the seed of scan is a function, where data is wanted"},
    {"flow('f56', () => from('account').scan((a, b) => a, { at: NaN }).emit('E'));",
     "the seed of scan.at is NaN, which JSON cannot hold"},
    {"flow('f57', () => from('account').take(-1).emit('E'));",
     "take is -1: it is a whole number from 0 to 1000000000"},
    {"flow('f58', () => from('account').skip('3').emit('E'));",
     "skip is \"3\": it is a whole number from 0 to 1000000000"},
    {"flow('f59', () => from('account').bufferCount(0).emit('E'));",
     "bufferCount is 0: it is a whole number from 1 to 100000"},
    {"flow('f60', () => from('account').debounceTime('soon').emit('E'));",
     "debounceTime is \"soon\": a duration is a text like '500ms', '30s', '10m', '12h', '1d', or a "
     "whole number of milliseconds"},
    {"flow('f61', () => from('account').delay(1.5).emit('E'));",
     "delay is 1.5: a duration is a text like '500ms', '30s', '10m', '12h', '1d', or a whole "
     "number of milliseconds"},
    {"flow('f62', () => from('account').distinct(v => v.id).emit('E'));",
     "distinct takes a path; a key that is computed is made first: .map(v => ({ key: f(v), v "
     "})).distinct('key')"},
    {"flow('f63', () => from('account').distinct('data.a', { tll: 5 }).emit('E'));",
     "distinct has no option tll; there are: ttl; did you mean \"ttl\"?"},
    {"flow('f64', () => from('account').named('a b').emit('E'));",
     "named takes a name of a-z, A-Z, 0-9, _ and -, at most 100 of them, not \"a b\""},
    {"flow('f65', () => from('account').take(1).named('x').skip(1).named('x').emit('E'));",
     "flow f65: two operators are named x; state is kept by name, so a name stands for one"},
    {"flow('f66', () => from('account').pipe(5).emit('E'));",
     "step 1 of pipe is 5: a step is an operator like map(f), imported from 'everfold/flow'"},
    {"flow('f67', () => from('account').pipe(v => v).emit('E'));",
     "step 1 of pipe is a function: a step is an operator like map(f), imported from "
     "'everfold/flow'"},
    {"flow('f68', () => from('account').joinWithin(from('b'), '1h', { join: 'right' }).emit('E'));",
     "join is \"right\": it is one of \"inner\", \"left\", \"outer\""},
    {"flow('f69', () => from('account').joinWithin('b', '1h').emit('E'));",
     "joinWithin takes streams, as from() gives them, not \"b\"; from(flow) is the stream of a "
     "flow"},
    {"flow('f69b', () => from('account').lookup(from('b')).emit('E'));",
     "lookup takes a path like 'data.amount' or '@id', not undefined"},
    {"flow('f70', () => from('account').withLatestFrom().emit('E'));",
     "withLatestFrom takes streams"},
    {"flow('f71', () => from('account').takeUntil('10m').emit('E'));",
     "takeUntil takes streams, as from() gives them, not \"10m\"; from(flow) is the stream of a "
     "flow"},
    {"flow('f72', () => from('account').aggregate({}).emit('E'));",
     "aggregate takes { name: fold }, as in { n: count() }, not an empty object"},
    {"flow('f73', () => from('account').aggregate({ n: count }).emit('E'));",
     "aggregate: n is a function: call it, as in count()"},
    {"flow('f74', () => from('account').aggregate({ n: 5 }).emit('E'));",
     "aggregate: n is 5: a fold is one of count, sum, avg, min, max, minBy, maxBy, countDistinct, "
     "first, latest, last, topK, toArray"},
    {"flow('f75', () => from('account').aggregate({ n: sum() }).emit('E'));",
     "sum takes the path of what it folds, as in sum('data.amount')"},
    {"flow('f76', () => from('account').aggregate({ n: sum('amount') }).emit('E'));",
     "sum: a path into an event begins with data, metadata or @, and \"amount\" does not; did you "
     "mean \"data.amount\"?"},
    {"flow('f77', () => from('account').aggregate({ end: count() }).emit('E'));",
     "aggregate: end is a member of every result; give the fold another name"},
    {"flow('f78', () => from('account').aggregate({ n: count() }, { mode: 'each' }).emit('E'));",
     "mode is \"each\": it is one of \"final\", \"updates\""},
    {"flow('f79', () => from('account').tumbling('1h').emit('E'));",
     "emit of a window: a window has no value before it is folded; put .aggregate({ n: count() }) "
     "or another fold in front"},
    {"flow('f80', () => from('account').tumbling(0).count().emit('E'));",
     "tumbling is 0: it lies between 1 ms and 100 years"},
    {"flow('f81', () => from('account').tumbling('1h', { ofset: '1m' }).count().emit('E'));",
     "tumbling has no option ofset; there are: offset; did you mean \"offset\"?"},
    {"flow('f82', () => from('account').hopping('1d', '1s').count().emit('E'));",
     "hopping: an event would be in 86400 windows at once; at most 1000: make every longer"},
    {"flow('f83', () => from('account').aggregate({ n: topK(0, 'data.a') }).emit('E'));",
     "topK is 0: it is a whole number from 1 to 1000"},
    {"flow('f84', () => from('account').takeWhile(v => v, { inclusive: true }).emit('E'));",
     "takeWhile: inclusive is an object: it is one of false, true"},
};

static const struct mistake mistakes_of_what_a_flow_cannot_do[] = {
    {"flow('f85', () => from('account').reduce((a, b) => a, 0).emit('E'));",
     "reduce needs an end, and a stream of the log has none: fold a window of it, as in "
     ".tumbling('1h').aggregate({ n: count() }), or each event, as in .aggregate({ n: count() })"},
    {"flow('f86', () => from('account').toArray().emit('E'));",
     "toArray needs an end, and a stream of the log has none: fold a window of it, as in "
     ".tumbling('1h').aggregate({ n: count() }), or each event, as in .aggregate({ n: count() })"},
    {"flow('f87', () => from('account').pipe(count()).emit('E'));",
     "count needs an end, and a stream of the log has none: fold a window of it, as in "
     ".tumbling('1h').aggregate({ n: count() }), or each event, as in .aggregate({ n: count() })"},
    {"flow('f88', () => from('account').last().emit('E'));",
     "last needs an end, and a stream of the log has none: fold a window of it, as in "
     ".tumbling('1h').aggregate({ n: count() }), or each event, as in .aggregate({ n: count() })"},
    {"flow('f89', () => from('account').bufferTime(100).emit('E'));",
     "bufferTime runs on the clock on the wall, which a replay cannot see again: a flow has "
     "debounceTime, throttleTime, delay and windows on the time of its events"},
    {"flow('f90', () => from('account').pipe(interval(5)).emit('E'));",
     "interval runs on the clock on the wall, which a replay cannot see again: a flow has "
     "debounceTime, throttleTime, delay and windows on the time of its events"},
    {"flow('f91', () => from('account').switchMap(v => v).emit('E'));",
     "switchMap switches between streams made for each event, which a flow cannot replay: keyBy "
     "keeps them apart, flatMap gives arrays"},
    {"flow('f92', () => from('account').catchError(e => e).emit('E'));",
     "catchError is not for flows: an event that fails stops the flow, or is skipped and recorded "
     "with { onError: 'skip' }"},
    {"flow('f93', () => from('account').share().emit('E'));",
     "share is not needed: a stream of a flow is computed once, whatever reads it; leave it out"},
    {"flow('f94', () => interval(1000).emit('E'));",
     "interval runs on the clock on the wall, which a replay cannot see again: a flow has "
     "debounceTime, throttleTime, delay and windows on the time of its events"},
    {"flow('f95', () => from('a').emit(''));",
     "emit takes the type of the events it writes, a text that does not begin with $, not \"\""},
    {"flow('f96', () => from('a').emit('$Serving'));",
     "emit takes the type of the events it writes, a text that does not begin with $, not "
     "\"$Serving\""},
    {"flow('f97', () => from('a').emit('E', v => v));",
     "emit takes { name: 'path' }, not a function; a function goes into map"},
    {"flow('f98', () => from('a').emit('E', { a: '@id' }, { tag: [] }));",
     "emit has no option tag; there are: tags; did you mean \"tags\"?"},
    {"flow('f99', () => from('a').emit('E', null, { tags: 'x' }));", "tags is an array of paths"},
    {"flow('f100', () => update({}, [from('a')]).emit('E'));",
     "a pattern of update is [stream, ..., function], not an array of 1"},
    {"flow('f101', () => update({}, [from('a'), 5]).emit('E'));",
     "the end of a pattern of update takes a function, not 5"},
    {"flow('f102', () => update({}).emit('E'));", "update takes patterns: [stream, ..., function]"},
    {"flow('f103', () => when([from('a').toProperty(), v => v]).emit('E'));",
     "a pattern of when has properties only, which never fire: one of its streams must be no "
     "property"},
    {"flow('f104', () => combineTemplate({ a: 1 }).emit('E'));",
     "combineTemplate takes an object or array with streams in it"},
};

static void refuses_each_mistake_at_its_line(void **state)
{
    (void)state; /* cmocka's signature */
#define ASSERT_MISTAKES(TABLE) assert_mistakes(TABLE, sizeof TABLE / sizeof TABLE[0])
    ASSERT_MISTAKES(mistakes_of_options_and_bodies);
    ASSERT_MISTAKES(mistakes_of_sources);
    ASSERT_MISTAKES(mistakes_of_operators);
    ASSERT_MISTAKES(mistakes_of_what_a_flow_cannot_do);
}

static void refuses_what_the_engine_refuses(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *source;
        const char *report;
    } cases[] = {
        {"import { flow, form } from 'everfold/flow';",
         "flows/a.js:1: everfold/flow does not export form; did you mean \"from\"?\n"},
        {"import { flow, from } from 'everfold/flow';\n"
         "flow('f', () => from('a').mapp(v => v).emit('E'));",
         "flows/a.js:2: TypeError: from('a').mapp is not a function. (In 'from('a').mapp(v => v)', "
         "'from('a').mapp' is undefined)\n"},
        {"export const square = (x) => x ** 2;\nexport const grown = (x, years) => x * 1.05 ** "
         "years;",
         "flows/a.js:2: ** is closed in flows but for whole numbers, as in x ** 2: its last digit "
         "depends on the machine; use Math.pow\n"},
        {"import { flow, from } from 'everfold/flow';\n"
         "flow('f', () => from('a').map(async (v) => v).emit('E'));",
         "flows/a.js:2: async functions are closed: a flow gives the same events whenever it is "
         "run, and waits for nothing: let a program that reads its events do what takes time\n"},
        {"import { flow, from } from 'everfold/flow';\n"
         "flow('f', () => from('a').subscribe(() => 1));\nflow('g', () => from('a'));",
         "flows/a.js:2: subscribe is not for flows, which are always on: end the chain with "
         ".emit('Type'), and GET /flows/NAME/events has what it makes\n"
         "flows/a.js:3: flow g gives back a stream that is not written: end the chain with "
         ".emit('Type')\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script_source files[] = {{APP_FLOW, "flows/a.js", cases[i].source}};
        assert_refused(files, 1, cases[i].report);
    }
}

static void names_a_circle_through_files(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct script_source files[] = {
        {APP_FLOW, "flows/a.js",
         "import { flow, from } from 'everfold/flow';\n"
         "flow('a', () => from({ flow: 'b' }).emit('E'));\n"
         "flow('outside', () => from({ flow: 'a' }).emit('E'));\n"},
        {APP_FLOW, "flows/b.js",
         "import { flow, from } from 'everfold/flow';\n"
         "flow('b', () => from({ flow: 'c' }).emit('E'));\n"},
        {APP_FLOW, "flows/c.js",
         "import { flow, from, merge } from 'everfold/flow';\n\n"
         "flow('c', () => merge(from('x'),\n  from({ flow: 'a' })).emit('E'));\n"},
    };
    assert_refused(files, 3,
                   "flows/c.js:4: these flows read each other in a circle: a <- b <- c <- a; what "
                   "goes round must become a command, and so a new event\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_graph_of_each_operator),
        cmocka_unit_test(shares_and_splits_nodes),
        cmocka_unit_test(gives_options_and_lines),
        cmocka_unit_test(refuses_each_mistake_at_its_line),
        cmocka_unit_test(refuses_what_the_engine_refuses),
        cmocka_unit_test(names_a_circle_through_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
