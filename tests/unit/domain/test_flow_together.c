/* Catches: a graph that the worker makes and the engine does not take; an operator on which the two
 * disagree; events that depend on how the log falls into batches or on what the worker remembers.
 */
#include "domain/flow/engine/derive.h"
#include "unit/domain/flow_script_app.h"

#include <signal.h>

#define IMPORT                                                                                     \
    "import { flow, from, merge, update, when, zip, combineLatest, combineTemplate, combineWith, " \
    "count, sum, avg, min, max, minBy, maxBy, topK, countDistinct, first, latest, toArray } from " \
    "'everfold/flow';\nconst account = from('account');\n"

/* --- A log of our own ---------------------------------------------------------------------------
 */

#define EVENTS 300

struct log {
    struct ever_event events[EVENTS];
    char streams[EVENTS][32];
    char data[EVENTS][96];
};

/* Deposits and withdrawals of five accounts, one a minute, and the limit of an account now and
 * then. */
static void fill(struct log *log)
{
    for (uint32_t n = 0; n < EVENTS; n++) {
        struct ever_event *event = &log->events[n];
        (void)snprintf(log->streams[n], sizeof log->streams[n], "account-%u", n * 7 % 5);
        (void)snprintf(log->data[n], sizeof log->data[n], "{\"amount\":%u,\"by\":\"%c\"}",
                       n * 37 % 101, 'a' + (char)(n % 3));
        *event = (struct ever_event){
            .position = n + 1,
            .revision = n / 5,
            .time_ns = (INT64_C(1700000000) + n * 60) * 1000000000,
            .content = EVER_JSON,
            .stream = slice_of_text(log->streams[n]),
            .type = n % 10 == 0  ? SLICE_LITERAL("LimitSet")
                    : n % 3 == 0 ? SLICE_LITERAL("Withdrawn")
                                 : SLICE_LITERAL("Deposited"),
            .data = slice_of_text(log->data[n]),
        };
    }
}

/* --- Running ------------------------------------------------------------------------------------
 */

static enum derive_script_result run_script(void *arg, struct ever_slice segment,
                                            struct ever_slice request, struct text *answer)
{
    (void)segment; /* the request names it too */
    struct text body = {0};
    text_add(&body, request);
    enum script_outcome outcome = flow_script_ask(arg, body.data, answer);
    text_deinit(&body);
    return outcome == SCRIPT_ANSWERED ? DERIVE_SCRIPT_ANSWERED : DERIVE_SCRIPT_BROKEN;
}

static struct derive_program *make_program(const struct flow_script_app *app)
{
    struct text report = {0};
    struct derive_program *program = NULL;
    if (!IS_OK(derive_program_create(text_slice(&app->loaded), &report, &program))) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
    return program;
}

static void add_outputs(const struct derive_result *result, struct text *out)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct derive_output *output = &result->outputs[i];
        text_printf(out, "%llu %.*s %.*s\n", (unsigned long long)output->cause,
                    SLICE_PRINT(output->type), SLICE_PRINT(output->data));
    }
}

static void fail_if_stopped(const struct derive_program *program)
{
    for (size_t i = 0; i < derive_flow_count(program); i++) {
        struct derive_flow_status status;
        derive_flow_status(program, i, &status);
        if (status.stopped) {
            fail_msg("stopped at %llu in %.*s: %.*s", (unsigned long long)status.stop_position,
                     SLICE_PRINT(status.stop_node), SLICE_PRINT(status.stop_message));
        }
    }
}

/* All outputs of the log, in batches; `kill_at`: before this event the worker is killed. */
static void derive(struct flow_script_app *app, const struct log *log, size_t count, size_t batch,
                   size_t kill_at, struct text *out)
{
    struct derive_program *program = make_program(app);
    struct derive_script script = {.run = run_script, .arg = app};
    for (size_t at = 0; at < count; at += batch) {
        if (kill_at >= at && kill_at < at + batch && kill_at > 0) {
            assert_int_equal(kill(script_pool_pid(app->pool, 0), SIGKILL), 0);
        }
        struct derive_result result;
        size_t some = count - at < batch ? count - at : batch;
        derive_program_run(program, log->events + at, some, &script, &result);
        add_outputs(&result, out);
        fail_if_stopped(program);
    }
    derive_program_destroy(program);
}

static void open_flows(struct flow_script_app *app, const char *source)
{
    struct script_source files[] = {{APP_FLOW, "flows/a.js", source}};
    if (!IS_OK(flow_script_app_open(app, files, 1))) {
        fail_msg("%s", app->report.data);
    }
}

/* --- Tests --------------------------------------------------------------------------------------
 */

static const char everything[] = IMPORT
    "const keyed = account.keyBy('@id');\n"
    "const paid = keyed.ofType('Withdrawn'), got = keyed.ofType('Deposited');\n"
    "const amount = (e) => e.data.amount;\n"
    "flow('native', { lateness: '2m' }, () => [\n"
    "  account.where({ 'data.amount': { gte: 50 }, any: [{ '@type': 'Withdrawn' }, { not: { "
    "'data.by': "
    "{ in: ['a', 'b'] } } }] }).emit('Where', { id: '@id', n: 'data.amount', one: 1 }),\n"
    "  keyed.tumbling('10m', { offset: '1m' }).aggregate({ n: count(), s: sum('data.amount'), a: "
    "avg('data.amount'), lo: min('data.amount'), hi: max('data.amount'), at: minBy('data.amount'), "
    "to: maxBy('data.amount'), top: topK(2, 'data.amount'), who: countDistinct('data.by'), f: "
    "first('data.by'), l: latest('data.by'), all: toArray({ limit: 50 }, 'data.amount') }, { mode: "
    "'updates' }).emit('Tumbling'),\n"
    "  keyed.hopping('20m', '5m').count().emit('Hopping'), keyed.session('3m').sum('data.amount')"
    ".emit('Session'), keyed.sliding('15m').max('data.amount').emit('Sliding'), "
    "keyed.countWindow(4).last('data.by').emit('Counted'),\n"
    "  keyed.aggregate({ n: count() }).emit('Running'), keyed.pairwise().take(7).emit('Pair'), "
    "keyed.skip(40).first().emit('Skip'), keyed.distinctUntilChanged('data.by').emit('Changed'), "
    "keyed.distinct('data.by', { ttl: '30m' }).emit('Distinct'), keyed.bufferCount(3, "
    "2).emit('Buffer'), keyed.slidingWindow(2, 2).emit('Last'), "
    "keyed.select({ n: 'data.amount' }).startWith({ n: -1 }).emit('Start'), "
    "keyed.debounceTime('4m').emit('Debounce'), keyed.throttleTime('7m').emit('Throttle'), "
    "keyed.delay('3m').emit('Delay')]);\n"
    "flow('several', () => [merge(paid, got).emit('Merge'), paid.withLatestFrom(got).emit('With'), "
    "combineLatest(paid.select({ n: 'data.amount' }), got.select({ n: 'data.amount' "
    "})).emit('Combine'), "
    "paid.joinWithin(got, '10m', { join: 'left' }).emit('Join'), "
    "account.ofType('Withdrawn').lookup(account.ofType('Deposited'), '@id')"
    ".emit('Lookup')]);\n"
    "flow('functions', () => [\n"
    "  keyed.map(amount).filter((n, i) => (n + i) % 2 === 0).scan((s, n) => s + n, "
    "0).emit('Scan'),\n"
    "  account.keyBy((e) => [e.data.by, e.id]).map((e) => [Date.now(), Math.random(), "
    "Math.sin(e.data.amount)]).emit('World'),\n"
    "  keyed.flatMap((e) => [e.data.by, e.data.amount]).distinctUntilChanged((a, b) => typeof a "
    "=== "
    "typeof b).emit('Flat'),\n"
    "  account.takeWhile((e) => e.position < 9, true).emit('While'), account.skipWhile((e) => "
    "e.position "
    "< 290).emit('SkipWhile'), account.withStateMachine(0, (s, e) => [s + 1, s % 50 === 0 ? [s, "
    "e.type] : "
    "[]]).emit('Machine'),\n"
    "  keyed.countWindow(5).reduce((s, e) => s + e.data.amount, 0).emit('Reduce')]);\n"
    "const balance = update({ sum: 0 }, [got, (s, e) => { s.sum += amount(e); return s; }], [paid, "
    "(s, "
    "e) => ({ sum: s.sum - amount(e) })]);\n"
    "const limit = keyed.ofType('LimitSet').map(amount).toProperty();\n"
    "flow('patterns', () => [balance.emit('Balance'), combineTemplate({ balance, limit, is: ['x', "
    "1] })"
    ".emit('Template'), combineWith((b, l) => b.sum - l, balance, limit).emit('Left'), "
    "balance.sampledBy(limit).emit('Sampled'), zip(paid, got).map(([a, b]) => a.position - "
    "b.position).emit('Zip'), when([paid, limit, (p, l) => [amount(p), l]]).emit('When'), "
    "got.takeUntil(limit).emit('Until'), got.skipUntil(limit).take(2).emit('After')]);\n"
    "flow('next', () => from({ flow: 'functions' }).ofType('Scan').keyBy('@id').map((e) => "
    "[e.type, "
    "e.data]).pairwise().emit('Next'));\n";

static void engine_and_worker_agree_on_every_operator(void **state)
{
    (void)state; /* cmocka's signature */
    static struct log log;
    fill(&log);
    struct flow_script_app app;
    open_flows(&app, everything);
    struct text whole = {0};
    derive(&app, &log, EVENTS, 4096, 0, &whole);
    static const char *const types[] = {
        "Where",   "Tumbling", "Hopping",   "Session", "Sliding", "Counted", "Running",  "Pair",
        "Skip",    "Changed",  "Distinct",  "Buffer",  "Last",    "Start",   "Debounce", "Throttle",
        "Delay",   "Merge",    "With",      "Combine", "Join",    "Lookup",  "Scan",     "World",
        "Flat",    "While",    "SkipWhile", "Machine", "Reduce",  "Balance", "Template", "Left",
        "Sampled", "Zip",      "When",      "Until",   "After",   "Next"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct text wanted = {0};
        text_printf(&wanted, " %s ", types[i]);
        if (strstr(whole.data, wanted.data) == NULL) {
            fail_msg("nothing came of %s", types[i]);
        }
        text_deinit(&wanted);
    }
    static const size_t batches[] = {7, 64};
    for (size_t i = 0; i < 2; i++) {
        struct text parts = {0};
        derive(&app, &log, EVENTS, batches[i], 0, &parts);
        assert_slice(text_slice(&parts), whole.data);
        text_deinit(&parts);
    }
    /* A worker that has forgotten everything is told again. */
    struct text again = {0};
    derive(&app, &log, EVENTS, 64, 128, &again);
    assert_slice(text_slice(&again), whole.data);
    text_deinit(&again);
    text_deinit(&whole);
    flow_script_app_close(&app);
}

static void gives_what_the_names_say(void **state)
{
    (void)state; /* cmocka's signature */
    static struct log log;
    fill(&log);
    struct flow_script_app app;
    open_flows(&app,
               IMPORT "const keyed = account.keyBy('@id');\n"
                      "flow('f', () => [keyed.ofType('Deposited').map((e) => [e.id, e.data.amount, "
                      "e.position, e.revision, e.time, e.tags, e.metadata]).emit('Event'),\n"
                      "keyed.ofType('Deposited').scan((sum, e) => sum + e.data.amount, 0)"
                      ".emit('Sum', null, { tags: ['@id'] })]);\n"
                      "flow('g', () => from({ flow: 'f' }).ofType('Sum').where({ data: { gt: 100 } "
                      "}).emit('Large', { id: '@id', sum: 'data' }));");
    struct text out = {0};
    derive(&app, &log, 9, 4096, 0, &out);
    assert_slice(text_slice(&out), "2 Event [\"2\",37,2,0,1700000060000,[],null]\n2 Sum 37\n"
                                   "3 Event [\"4\",74,3,0,1700000120000,[],null]\n3 Sum 74\n"
                                   "5 Event [\"3\",47,5,0,1700000240000,[],null]\n5 Sum 47\n"
                                   "6 Event [\"0\",84,6,1,1700000300000,[],null]\n6 Sum 84\n"
                                   "8 Event [\"4\",57,8,1,1700000420000,[],null]\n8 Sum 131\n"
                                   "8 Large {\"id\":\"4\",\"sum\":131}\n"
                                   "9 Event [\"1\",94,9,1,1700000480000,[],null]\n9 Sum 94\n");
    text_deinit(&out);
    flow_script_app_close(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_and_worker_agree_on_every_operator),
        cmocka_unit_test(gives_what_the_names_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
