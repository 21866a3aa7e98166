/* Catches: a test of an APP that passes though it should not, or fails without saying what was
 * expected and what came; a test that is written wrongly and counts as passed. */
#include "unit/unit.h"

#include "domain/app_test.h"
#include "unit/domain/script_app.h"

static const char decider[] =
    "export const initial = { balance: 0 };\n"
    "export const decide = {\n"
    "  Deposit(state, { amount }) { return { type: 'Deposited', data: { amount, by: 'x' } }; },\n"
    "  Withdraw(state, { amount }, ctx) {\n"
    "    if (amount > state.balance) ctx.reject('short', 'Too little.', { balance: state.balance "
    "});\n"
    "    return [{ type: 'Withdrawn', data: { amount } }, { type: 'Noted' }];\n"
    "  },\n"
    "  Nothing() { return []; },\n"
    "  Throw() { null.x; },\n"
    "  Forever() { for (;;) {} },\n"
    "};\n"
    "export const evolve = {\n"
    "  Deposited(state, event) { return { balance: state.balance + event.data.amount }; },\n"
    "  Withdrawn(state, event) { return { balance: state.balance - event.data.amount }; },\n"
    "};\n";

static const char view[] =
    "-- view balances\n"
    "create table account (id text primary key, balance real not null) strict;\n"
    "-- on Deposited\n"
    "insert into account (id, balance) values (@id, :amount)\n"
    "on conflict (id) do update set balance = balance + :amount;\n"
    "-- query by_id(id)\n"
    "select id, balance from account where id = :id;\n";

/* Runs tests/a.test.js with this text behind `export default`. */
static struct app_test *run(const char *tests)
{
    char source[4096];
    (void)snprintf(source, sizeof source,
                   "const own = { decider: 'a', id: '1' };\nexport default %s;", tests);
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.js", decider},
        {APP_TEST, "tests/a.test.js", source},
        {APP_VIEW, "views/balances.sql", view},
    };
    struct app app = script_app(files, 3);
    free(app.files[2].name);
    app.files[2].name = mem_copy_text(SLICE_LITERAL("balances"));
    struct decider_options options = {.worker_path = script_worker_path(), .time_limit_ms = 500};
    struct text report = {0};
    struct app_test *test = NULL;
    struct ever_err err = app_test_run(&app, &options, &report, &test);
    if (!IS_OK(err)) {
        fail_msg("%s: %s", tests, report.data);
    }
    text_deinit(&report);
    script_app_deinit(&app);
    return test;
}

static void passes(void **state)
{
    (void)state; /* cmocka's signature */
    struct app_test *test =
        run("{ 'events': { ...own, given: [{ type: 'Deposited', data: { amount: 5 } }],\n"
            "    when: { Withdraw: { amount: 5 } },\n"
            "    then: [{ type: 'Withdrawn', data: { amount: 5.0 } }, { type: 'Noted' }] },\n"
            "  'order of members': { ...own, when: { Deposit: { amount: 1 } },\n"
            "    then: [{ data: { by: 'x', amount: 1 }, type: 'Deposited' }] },\n"
            "  'rejection': { ...own, when: { Withdraw: { amount: 5 } }, then: { rejected: 'short' "
            "} },\n"
            "  'all of a rejection': { ...own, when: { Withdraw: { amount: 5 } },\n"
            "    then: { rejected: 'short', message: 'Too little.', details: { balance: 0 } } },\n"
            "  'nothing': { ...own, when: { Nothing: {} }, then: [] },\n"
            "  'a view': { ...own, given: [{ type: 'Deposited', data: { amount: 5 } },\n"
            "      { type: 'Deposited', data: { amount: 7 }, stream: 'a-2' }],\n"
            "    when: { Deposit: { amount: 1 } }, then: [{ type: 'Deposited', data: { amount: 1, "
            "by: 'x' } }],\n"
            "    view: { 'balances.by_id': { arguments: { id: 1 }, rows: [{ balance: 6, id: '1' }] "
            "} } },\n"
            "  'a view alone': { given: [{ type: 'Deposited', data: { amount: 5 } }],\n"
            "    view: { 'balances.by_id': { arguments: { id: '1' }, rows: [{ id: '1', balance: 5 "
            "}] } } } }");
    assert_int_equal(app_test_count(test), 7);
    for (size_t i = 0; i < 7; i++) {
        const struct app_test_result *result = app_test_at(test, i);
        if (!result->passed) {
            fail_msg("%s: %s", result->name, result->message);
        }
        assert_string_equal(result->file, "tests/a.test.js");
        assert_string_equal(result->message, "");
    }
    assert_string_equal(app_test_at(test, 0)->name, "events");
    app_test_free(test);
}

static void fails_and_says_why(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *test;
        const char *message;
    } bad[] = {
        {"{ ...own, when: { Deposit: { amount: 1 } }, then: [{ type: 'Deposited', data: { amount: "
         "2, "
         "by: 'x' } }] }",
         "expected [{\"type\":\"Deposited\",\"data\":{\"amount\":2,\"by\":\"x\"}}]\n"
         "but got  [{\"type\":\"Deposited\",\"data\":{\"amount\":1,\"by\":\"x\"}}]"},
        {"{ ...own, when: { Deposit: { amount: 1 } }, then: [{ type: 'Deposited' }] }",
         "expected [{\"type\":\"Deposited\"}]\n"
         "but got  [{\"type\":\"Deposited\",\"data\":{\"amount\":1,\"by\":\"x\"}}]"},
        {"{ ...own, when: { Nothing: {} }, then: [{ type: 'Deposited' }] }",
         "expected [{\"type\":\"Deposited\"}]\nbut got  []"},
        {"{ ...own, when: { Deposit: { amount: 1 } }, then: [] }",
         "expected []\nbut got  [{\"type\":\"Deposited\",\"data\":{\"amount\":1,\"by\":\"x\"}}]"},
        {"{ ...own, when: { Deposit: { amount: 1 } }, then: { rejected: 'short' } }",
         "expected {\"rejected\":\"short\"}\n"
         "but got  [{\"type\":\"Deposited\",\"data\":{\"amount\":1,\"by\":\"x\"}}]"},
        {"{ ...own, when: { Withdraw: { amount: 1 } }, then: { rejected: 'other' } }",
         "expected {\"rejected\":\"other\"}\n"
         "but got  {\"rejected\":{\"code\":\"short\",\"message\":\"Too little.\",\"details\":{"
         "\"balance\":0}},\"seeded\":false}"},
        {"{ ...own, when: { Throw: {} }, then: [] }",
         "deciders/a.js:9: TypeError: null is not an object (evaluating 'null.x')"},
        {"{ ...own, when: { Forever: {} }, then: [] }",
         "it ran longer than the time limit, 500 ms"},
        {"{ ...own, when: { Deposti: {} }, then: [] }", "decider a has no command Deposti"},
        {"{ decider: 'b', id: '1', when: { X: {} }, then: [] }", "there is no decider b"},
        {"{ ...own, when: { Nothing: {} } }", "when needs a then: events, or { rejected: code }"},
        {"{ ...own, then: [] }", "then needs a when: the command"},
        {"{ ...own, when: {}, then: [] }", "when is empty: it holds one command, { Name: data }"},
        {"{ ...own, when: { A: {}, B: {} }, then: [] }",
         "when holds several commands: a test gives one"},
        {"{ ...own, when: { Nothing: {} }, then: 1 }",
         "then is an array of events or { rejected: code }"},
        {"{ ...own, whn: {} }", "whn is unknown: a test has decider, id, given, when, then, view"},
        {"{ ...own, given: {} }", "given is of the wrong type"},
        {"{ ...own, given: [{ data: {} }] }",
         "an event of given has no type: { type, data, stream? }"},
        {"{ id: '1', when: { Nothing: {} }, then: [] }",
         "decider and id are missing: the test needs both"},
        {"1", "a test is an object with given, when, then, view"},
        {"{ view: { 'balances.by_id': { arguments: { id: '1' }, rows: [{ id: '1' }] } } }",
         "balances.by_id: expected [{\"id\":\"1\"}]\nbut got  []"},
        {"{ view: { 'balances.x': { rows: [] } } }", "balances.x: the view has no such query"},
        {"{ view: { 'other.x': { rows: [] } } }",
         "other.x: there is no such view; a query is named view.query"},
        {"{ view: { 'balances.by_id': { arguments: { id: '1' } } } }",
         "balances.by_id: rows are missing"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char tests[512];
        (void)snprintf(tests, sizeof tests, "{ 'it': %s }", bad[i].test);
        struct app_test *test = run(tests);
        assert_int_equal(app_test_count(test), 1);
        assert_false(app_test_at(test, 0)->passed);
        assert_string_equal(app_test_at(test, 0)->message, bad[i].message);
        app_test_free(test);
    }
}

static void a_file_that_cannot_be_used_is_an_error(void **state)
{
    (void)state; /* cmocka's signature */
    struct script_source files[] = {{APP_TEST, "tests/a.test.js", "\nexport const x = await 1;"}};
    struct app app = script_app(files, 1);
    struct decider_options options = {.worker_path = script_worker_path()};
    struct text report = {0};
    struct app_test *test = NULL;
    assert_err(app_test_run(&app, &options, &report, &test), EVER_INVALID);
    assert_true(slice_starts_with(text_slice(&report),
                                  SLICE_LITERAL("tests/a.test.js:2: await is closed")));
    text_deinit(&report);
    script_app_deinit(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes),
        cmocka_unit_test(fails_and_says_why),
        cmocka_unit_test(a_file_that_cannot_be_used_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
