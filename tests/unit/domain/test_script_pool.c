/* Catches: a request that is lost, answered twice or blamed for another one's fault when a worker
 * hangs, dies or eats memory; answers out of order; a worker that is not replaced. */
#include "unit/unit.h"

#include "base/json.h"
#include "domain/script/compile.h"
#include "domain/script/pool.h"
#include "unit/domain/script_app.h"

#include <signal.h>

static const char decider[] =
    "export const initial = 0;\n"
    "export const decide = {\n"
    "  Echo(state, data) { return { type: 'Echoed', data }; },\n"
    "  Forever() { for (;;) {} },\n"
    "  Stubborn() { for (;;) { try { for (;;) {} } catch {} finally { for (;;) {} } } },\n"
    "  Regex() { /^(a+)+$/.test('a'.repeat(60) + 'b'); return []; },\n"
    "  Hog() { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); },\n"
    "};\n"
    "export const evolve = {};\n";

struct fixture {
    uv_loop_t loop;
    struct script_program program;
    struct script_pool *pool;
    struct script_pool_options options;
    bool loaded;
    enum script_outcome load_outcome;
    struct text load_text;
    unsigned answers;
};

static void on_loaded(void *arg, const struct script_reply *reply)
{
    struct fixture *fixture = arg;
    fixture->loaded = true;
    fixture->load_outcome = reply->outcome;
    text_add(&fixture->load_text, reply->text);
}

static void open_pool(struct fixture *fixture)
{
    script_pool_open(&fixture->loop, &fixture->options, on_loaded, fixture, &fixture->pool);
    while (!fixture->loaded) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(sizeof *fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->options = (struct script_pool_options){
        .process = {.worker_path = script_worker_path(),
                    .time_limit_ms = 200,
                    .memory_limit_mb = 200,
                    .states_max = 1000},
        .worker_count = 1,
        .grace_ms = 300,
    };
    struct script_source files[] = {{APP_DECIDER, "deciders/a.js", decider}};
    struct app app = script_app(files, 1);
    struct text report = {0};
    assert_ok(script_compile(&fixture->loop, &fixture->options.process, &app, SCRIPT_COMMANDS,
                             &report, &fixture->program));
    script_app_deinit(&app);
    text_deinit(&report);
    fixture->options.load = fixture->program.load;
    *state = fixture;
    return 0;
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    bool closed = false;
    script_pool_close(fixture->pool, on_closed, &closed);
    while (uv_run(&fixture->loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_true(closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    script_program_deinit(&fixture->program);
    text_deinit(&fixture->load_text);
    free(fixture);
    return 0;
}

struct call {
    struct script_request request;
    struct fixture *fixture;
    struct text body;
    unsigned answers;
    unsigned order; /* counted over all calls */
    enum script_outcome outcome;
    struct text text;
};

static void on_done(struct script_request *request, const struct script_reply *reply)
{
    struct call *call = (struct call *)request;
    call->answers++;
    call->order = ++call->fixture->answers;
    call->outcome = reply->outcome;
    text_clear(&call->text);
    text_add(&call->text, reply->text);
}

/* Each call is for a stream of its own, without events yet. */
static void submit(struct fixture *fixture, struct call *call, unsigned number, const char *command)
{
    text_clear(&call->body);
    text_printf(
        &call->body,
        "{\"decider\":\"a\",\"stream\":\"a-%u\",\"id\":\"%u\",\"revision\":-1,"
        "\"command\":{\"id\":\"c\",\"name\":\"%s\",\"data\":%u,\"now\":\"n\",\"seed\":\"\"}}",
        number, number, command, number);
    call->fixture = fixture;
    call->request =
        (struct script_request){.body = text_slice(&call->body), .key = number, .done = on_done};
    script_pool_send(fixture->pool, &call->request);
}

static void run_until(struct fixture *fixture, unsigned answers)
{
    while (fixture->answers < answers) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

static void assert_echoed(const struct call *call, unsigned number)
{
    char want[128];
    (void)snprintf(want, sizeof want,
                   "{\"events\":[{\"type\":\"Echoed\",\"data\":%u}],\"seeded\":false}", number);
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->outcome, SCRIPT_ANSWERED);
    assert_slice(text_slice(&call->text), want);
}

static void deinit_calls(struct call *calls, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        text_deinit(&calls[i].body);
        text_deinit(&calls[i].text);
    }
}

static void answers_many_in_order(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.worker_count = 2;
    open_pool(fixture);
    assert_slice(text_slice(&fixture->load_text),
                 "{\"deciders\":[{\"name\":\"a\",\"commands\":[\"Echo\",\"Forever\",\"Stubborn\","
                 "\"Regex\",\"Hog\"],\"eventTypes\":[]}],\"data\":{},\"flows\":[]}");
    static struct call calls[500];
    for (unsigned i = 0; i < 500; i++) {
        submit(fixture, &calls[i], i, "Echo");
    }
    assert_int_equal(fixture->answers, 0); /* never from inside the call */
    run_until(fixture, 500);
    for (unsigned i = 0; i < 500; i++) {
        assert_echoed(&calls[i], i);
        assert_true(i < 2 || calls[i].order > calls[i - 2].order); /* of one worker */
    }
    deinit_calls(calls, 500);
}

/* `command` among others: it is answered with `want`, they with their echo. */
static void among_others(struct fixture *fixture, const char *command, enum script_outcome want)
{
    struct call calls[9] = {0};
    unsigned first = fixture->answers; /* streams that have no event yet */
    for (unsigned i = 0; i < 9; i++) {
        submit(fixture, &calls[i], first + i, i == 4 ? command : "Echo");
    }
    run_until(fixture, fixture->answers + 9);
    for (unsigned i = 0; i < 9; i++) {
        if (i == 4) {
            assert_int_equal(calls[i].answers, 1);
            assert_int_equal(calls[i].outcome, want);
        } else {
            assert_echoed(&calls[i], first + i);
        }
    }
    deinit_calls(calls, 9);
}

static uint32_t replaced(const struct fixture *fixture)
{
    struct script_pool_stats stats;
    script_pool_stats(fixture->pool, &stats);
    return stats.replaced;
}

static void stops_endless_loops_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    open_pool(fixture);
    for (int i = 0; i < 5; i++) { /* compiled code is stopped as well as fresh code */
        among_others(fixture, i % 2 == 0 ? "Forever" : "Stubborn", SCRIPT_TIME_LIMIT);
    }
    assert_int_equal(replaced(fixture), 0); /* the worker itself went on */
}

static void kills_a_worker_that_cannot_be_stopped(void **state)
{
    struct fixture *fixture = *state;
    open_pool(fixture);
    among_others(fixture, "Regex", SCRIPT_TIME_LIMIT);
    assert_int_equal(replaced(fixture), 1);
    among_others(fixture, "Echo", SCRIPT_ANSWERED);
}

static void ends_what_eats_memory(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.process.time_limit_ms = 60000;
    open_pool(fixture);
    among_others(fixture, "Hog", SCRIPT_MEMORY_LIMIT);
    assert_int_equal(replaced(fixture), 1);
}

static void survives_the_death_of_a_worker(void **state)
{
    struct fixture *fixture = *state;
    open_pool(fixture);
    static struct call calls[400];
    for (unsigned i = 0; i < 400; i++) {
        submit(fixture, &calls[i], i, "Echo");
    }
    for (unsigned killed_at = 0; fixture->answers < 400;) {
        if (fixture->answers >= killed_at && killed_at < 400) {
            int pid = script_pool_pid(fixture->pool, 0);
            if (pid != 0) {
                assert_int_equal(kill(pid, SIGKILL), 0);
                killed_at = fixture->answers + 100;
            }
        }
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    assert_true(replaced(fixture) > 0);
    for (unsigned i = 0; i < 400; i++) {
        assert_echoed(&calls[i], i);
    }
    deinit_calls(calls, 400);
}

static void a_stopped_worker_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.process.time_limit_ms = 20;
    fixture->options.grace_ms = 20;
    open_pool(fixture);
    assert_int_equal(kill(script_pool_pid(fixture->pool, 0), SIGSTOP), 0);
    struct call calls[1] = {0};
    submit(fixture, &calls[0], 0, "Echo");
    run_until(fixture, 1);
    assert_echoed(&calls[0], 0);
    assert_int_equal(replaced(fixture), 1);
    deinit_calls(calls, 1);
}

static void says_so_when_no_worker_starts(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.process.worker_path = "/bin/true";
    open_pool(fixture);
    assert_int_equal(fixture->load_outcome, SCRIPT_UNAVAILABLE);
    assert_slice(text_slice(&fixture->load_text), "no worker can be started: ended with status 0");
    struct call calls[1] = {0};
    submit(fixture, &calls[0], 0, "Echo");
    run_until(fixture, 1);
    assert_int_equal(calls[0].outcome, SCRIPT_UNAVAILABLE);
    deinit_calls(calls, 1);
}

static void answers_what_waits_when_closed(void **state)
{
    struct fixture *fixture = *state;
    open_pool(fixture);
    static struct call calls[3];
    submit(fixture, &calls[0], 0, "Forever");
    uv_run(&fixture->loop, UV_RUN_NOWAIT); /* it is on its way, the others wait */
    submit(fixture, &calls[1], 1, "Echo");
    submit(fixture, &calls[2], 2, "Echo");
    assert_int_equal(tear_down(state), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(calls[i].answers, 1);
        assert_int_equal(calls[i].outcome, SCRIPT_CLOSED);
    }
    deinit_calls(calls, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_many_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stops_endless_loops_and_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kills_a_worker_that_cannot_be_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_what_eats_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_the_death_of_a_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stopped_worker_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_so_when_no_worker_starts, set_up, tear_down),
        cmocka_unit_test_setup(answers_what_waits_when_closed, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
