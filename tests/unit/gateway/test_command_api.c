/* Catches: commands that are answered wrongly over HTTP or through a route: outcomes, headers,
 * repeats, conditions, waiting for views, records; routes that are wrong and do not stop the start.
 */
#include "gateway_fixture.h"

static struct fixture fixture;

#define DECIDER                                                                                    \
    "export const initial = { open: false, balance: 0 };\n"                                        \
    "export const decide = {\n"                                                                    \
    "  Open(state, { owner }, ctx) {\n"                                                            \
    "    if (state.open) ctx.reject('already-open', 'The account is open already.');\n"            \
    "    return [{ type: 'Opened', data: { owner: owner ?? null } }];\n"                           \
    "  },\n"                                                                                       \
    "  Deposit(state, { amount }) { return [{ type: 'Deposited', data: { amount } }]; },\n"        \
    "  Withdraw(state, { amount }, ctx) {\n"                                                       \
    "    if (amount > state.balance) ctx.reject('insufficient-funds', 'Too little.', { balance: "  \
    "state.balance, status: 7 });\n"                                                               \
    "    return [{ type: 'Deposited', data: { amount: -amount } }];\n"                             \
    "  },\n"                                                                                       \
    "  Nothing() { return []; },\n"                                                                \
    "  Fail() { throw new Error('the roof is on fire'); },\n"                                      \
    "};\n"                                                                                         \
    "export const evolve = {\n"                                                                    \
    "  Opened(state) { return { ...state, open: true }; },\n"                                      \
    "  Deposited(state, event) { return { ...state, balance: state.balance + event.data.amount "   \
    "}; "                                                                                          \
    "},\n"                                                                                         \
    "};\n"

#define VIEW                                                                                       \
    "-- view balances\n"                                                                           \
    "create table account (id text primary key, balance integer not null default 0) strict;\n"     \
    "-- on Opened\n"                                                                               \
    "insert into account (id) values (@id);\n"                                                     \
    "-- on Deposited\n"                                                                            \
    "update account set balance = balance + :amount where id = @id;\n"                             \
    "-- query by_id(id)\n"                                                                         \
    "select id, balance from account where id = :id;\n"                                            \
    "-- query above(least, id)\n"                                                                  \
    "select id from account where balance >= cast(:least as integer) and id = :id;\n"

#define ROUTES                                                                                     \
    "export default {\n"                                                                           \
    "  'POST /api/accounts/{id}': { decider: 'account', id: '{id}', command: 'Open' },\n"          \
    "  'PUT /api/{bank}/{id}/balance': { decider: 'account', id: '{bank}-{id}', command: "         \
    "'Deposit' },\n"                                                                               \
    "  'GET /api/accounts/{id}': { view: 'balances', query: 'by_id', arguments: { id: '{id}' }, "  \
    "one: true },\n"                                                                               \
    "  'GET /api/accounts/{id}/above': { view: 'balances', query: 'above', arguments: { id: "      \
    "'{id}' } },\n"                                                                                \
    "};\n"

static const struct fixture_file bank[] = {
    {"deciders/account.js", DECIDER},
    {"views/balances.sql", VIEW},
    {"routes.js", ROUTES},
};

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_start(&fixture, bank, 3);
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_stop(&fixture);
    return 0;
}

#define JSON "Content-Type: application/json\r\n"
#define PROBLEM "Content-Type: application/problem+json\r\n"

static struct answer command(const char *name, const char *headers, const char *body)
{
    char target[96];
    char all[256];
    (void)snprintf(target, sizeof target, "/deciders/account/alice/%s", name); /* fits */
    (void)snprintf(all, sizeof all, JSON "%s", headers);                       /* fits */
    return ask(&fixture, "POST", target, all, body);
}

/* The value of Location, to be freed. */
static char *location_of(const struct answer *answer)
{
    const char *start = strstr(answer->head, "\r\nLocation: ");
    assert_non_null(start);
    start += strlen("\r\nLocation: ");
    return strndup(start, strcspn(start, "\r"));
}

static void a_command_is_answered_with_what_it_wrote(void **state)
{
    (void)state; /* cmocka's signature */
    struct answer opened = command("Open", "", "{\"owner\":\"Al\"}");
    char *location = location_of(&opened);
    assert_true(strncmp(location, "/commands/", 10) == 0);
    expect(opened, 202, "ETag: \"0\"\r\n",
           "\"status\":\"done\",\"stream\":\"account-alice\",\"revision\":0,\"events\":["
           "{\"position\":1,\"type\":\"Opened\"}],\"position\":1}");
    expect(get(&fixture, location), 200, "Everfold-Position: 1\r\n",
           "\"status\":\"done\",\"decider\":\"account\",\"id\":\"alice\",\"name\":\"Open\","
           "\"data\":{\"owner\":\"Al\"},\"stream\":\"account-alice\",\"revision\":0,\"events\":["
           "{\"position\":1,\"type\":\"Opened\"}],\"position\":1,\"time\":\"20");
    free(location);
    expect(command("Deposit", "", "{\"amount\":5}"), 202, "Everfold-Position: 2\r\n",
           "\"revision\":1");
    expect(get(&fixture, "/deciders/account/alice"), 200, "ETag: \"1\"\r\n",
           "{\"decider\":\"account\",\"id\":\"alice\",\"stream\":\"account-alice\",\"revision\":1,"
           "\"position\":2,\"state\":{\"open\":true,\"balance\":5}}");
    expect(get(&fixture, "/deciders/account/alice?at=1"), 200, "ETag: \"0\"\r\n", "\"balance\":0");
    expect(ask(&fixture, "GET", "/deciders/account/alice", "If-None-Match: \"1\"\r\n", NULL), 304,
           "Everfold-Position: 2\r\n", NULL);
    expect(get(&fixture, "/deciders/account/bob"), 200, NULL, "\"revision\":null");
    expect(get(&fixture, "/deciders"), 200, NULL, "\"commands\":[\"Open\",\"Deposit\"");
}

static void a_rejection_is_a_problem_with_a_record(void **state)
{
    (void)state; /* cmocka's signature */
    struct answer rejected = command("Withdraw", "", "{\"amount\":5}");
    char *location = location_of(&rejected);
    assert_null(strstr(rejected.body, "\"status\":7"));
    expect(rejected, 422, PROBLEM,
           "\"status\":422,\"detail\":\"Too little.\",\"code\":\"insufficient-funds\","
           "\"balance\":0}");
    expect(get(&fixture, location), 200, NULL, "\"status\":\"rejected\"");
    expect(get(&fixture, location), 200, NULL,
           "\"problem\":{\"type\":\"/problems/command-rejected\"");
    free(location);
    expect(get(&fixture, "/streams/account-alice"), 404, NULL, NULL);
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state; /* cmocka's signature */
    expect(command("Dance", "", "{}"), 404, PROBLEM, "Dance");
    expect(post(&fixture, "/deciders/nobody/a/Open", "{}"), 404, PROBLEM, "nobody");
    expect(command("Deposit", "", "[5]"), 400, PROBLEM, "/problems/bad-body");
    expect(command("Deposit", "", "{\"amount\":}"), 400, PROBLEM, "/problems/malformed-json");
    expect(ask(&fixture, "POST", "/deciders/account/a/Open", "Content-Type: text/plain\r\n", "{}"),
           415, PROBLEM, NULL);
    expect(get(&fixture, "/commands/nothing"), 404, PROBLEM, "/problems/command-not-found");
    expect(get(&fixture, "/commands/0190a5f0-0000-7000-8000-000000000000"), 404, PROBLEM,
           "/problems/command-not-found");
    expect(command("Fail", "", "{}"), 500, PROBLEM, "the roof is on fire");
    expect(command("Nothing", "", NULL), 202, NULL, "\"revision\":null,\"events\":[]");
    struct text long_id = {0};
    text_add_text(&long_id, "/deciders/account/");
    for (int i = 0; i < EVER_STREAM_NAME_BYTES_MAX - 7; i++) {
        text_add_byte(&long_id, 'x');
    }
    text_add_text(&long_id, "/Open");
    expect(post(&fixture, long_id.data, "{}"), 400, PROBLEM, "too long");
    text_deinit(&long_id);
}

static void the_same_key_is_the_same_command(void **state)
{
    (void)state; /* cmocka's signature */
    const char *key = "Idempotency-Key: \"one\"\r\n";
    expect(command("Open", "", "{}"), 202, NULL, NULL);
    struct answer first = command("Deposit", key, "{\"amount\":5}");
    char *location = location_of(&first);
    assert_null(strstr(first.head, "Idempotency-Replayed"));
    expect(first, 202, NULL, "\"position\":2}");
    expect(command("Deposit", "", "{\"amount\":1}"), 202, NULL, "\"position\":3}");
    struct answer again = command("Deposit", key, "{\"amount\":5}");
    char *same = location_of(&again);
    assert_string_equal(same, location);
    expect(again, 202, "Idempotency-Replayed: true\r\n", "\"position\":2}");
    free(same);
    free(location);
    expect(command("Deposit", key, "{\"amount\":6}"), 422, PROBLEM,
           "/problems/idempotency-key-reused");
    expect(command("Open", key, "{\"amount\":5}"), 422, PROBLEM,
           "/problems/idempotency-key-reused");
    expect(command("Open", "Idempotency-Key: two\r\n", "{}"), 422, PROBLEM, "already-open");
    expect(command("Open", "Idempotency-Key: two\r\n", "{}"), 422, "Idempotency-Replayed: true\r\n",
           "already-open");
    expect(command("Open", "Idempotency-Key: \"two\r\n", "{}"), 400, PROBLEM,
           "/problems/bad-header");
    expect(get(&fixture, "/deciders/account/alice"), 200, NULL, "\"balance\":6");
}

static void a_command_may_carry_a_condition(void **state)
{
    (void)state; /* cmocka's signature */
    expect(command("Open", "If-Match: *\r\n", "{}"), 412, PROBLEM, "\"revision\":null");
    expect(command("Open", "If-None-Match: *\r\n", "{}"), 202, NULL, NULL);
    expect(command("Deposit", "If-Match: \"0\"\r\n", "{\"amount\":1}"), 202, "ETag: \"1\"\r\n",
           NULL);
    expect(command("Deposit", "If-Match: \"0\"\r\n", "{\"amount\":1}"), 412, "ETag: \"1\"\r\n",
           "/problems/append-condition-failed");
}

static void who_prefers_to_wait_can_read_what_was_written(void **state)
{
    (void)state; /* cmocka's signature */
    struct answer opened = command("Open", "Prefer: wait=30\r\n", "{}");
    assert_null(strstr(opened.body, "viewsBehind"));
    expect(opened, 202, "Preference-Applied: wait=30\r\n", "\"status\":\"done\"");
    expect(get(&fixture, "/views/balances/by_id?id=alice"), 200, "Everfold-Position: 1\r\n",
           "\"rows\":[{\"id\":\"alice\",\"balance\":0}]");
    /* The view stops at the missing amount, so that nobody can wait for what comes behind. */
    expect(command("Deposit", "", "{\"amount\":null}"), 202, NULL, NULL);
    expect(command("Deposit", "Prefer: wait=30\r\n", "{\"amount\":2}"), 202,
           "Preference-Applied: wait=30\r\n", "\"viewsBehind\":[\"balances\"]}");
    expect(command("Nothing", "Prefer: wait=30\r\n", "{}"), 202, NULL, "\"events\":[]");
}

static void routes_do_what_native_paths_do(void **state)
{
    (void)state; /* cmocka's signature */
    expect(post(&fixture, "/api/accounts/cf-1", "{}"), 202, "Location: /commands/",
           "\"stream\":\"account-cf-1\"");
    expect(ask(&fixture, "PUT", "/api/cf/1/balance", JSON "Prefer: wait=30\r\n", "{\"amount\":7}"),
           202, "ETag: \"1\"\r\n", "\"position\":2}");
    expect(get(&fixture, "/api/accounts/cf-1"), 200, "Everfold-Position: 2\r\n",
           "{\"id\":\"cf-1\",\"balance\":7}");
    expect(get(&fixture, "/api/accounts/nobody"), 404, PROBLEM, "/problems/row-not-found");
    expect(get(&fixture, "/api/accounts/cf-1/above?least=7"), 200, NULL,
           "\"rows\":[{\"id\":\"cf-1\"}]");
    expect(get(&fixture, "/api/accounts/cf-1/above?least=8"), 200, NULL, "\"rows\":[]");
    expect(get(&fixture, "/api/accounts/cf-1/above"), 400, PROBLEM, "least");
    expect(get(&fixture, "/api/accounts/cf-1/above?least=8&id=x"), 400, PROBLEM, "more than once");
    expect(ask(&fixture, "DELETE", "/api/accounts/cf-1", "", NULL), 405,
           "Allow: GET, HEAD, POST, OPTIONS\r\n", NULL);
    expect(get(&fixture, "/api/nothing/at/all"), 404, PROBLEM, "/problems/not-found");
    expect(get(&fixture, "/openapi.json"), 200, NULL, "\"/api/{bank}/{id}/balance\":{\"put\":");
    expect(get(&fixture, "/openapi.json"), 200, NULL,
           "\"/deciders/account/{id}/Deposit\":{\"post\":");
    expect(get(&fixture, "/"), 200, NULL, "command account.Open");
}

/* Starts with one route, which is wrong. */
static void expect_route_refused(const char *route, const char *words)
{
    struct text routes = {0};
    text_printf(&routes, "export default { %s };\n", route);
    const struct fixture_file files[] = {
        bank[0],
        bank[1],
        {"routes.js", routes.data},
    };
    struct fixture other;
    struct text report = {0};
    fixture_open(&other, files, 3, &report);
    assert_err(fixture_start_gateway(&other, &report), EVER_INVALID);
    if (strstr(report.data, "routes.js: '") == NULL || strstr(report.data, words) == NULL) {
        fail_msg("%s: %s", route, report.data);
    }
    fixture_close(&other);
    text_deinit(&routes);
    text_deinit(&report);
}

static void wrong_routes_stop_the_start(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const cases[][2] = {
        {"'POST /api/{id}': { decider: 'nobody', id: '{id}', command: 'Open' }", "\"nobody\""},
        {"'POST /api/{id}': { decider: 'account', id: '{id}', command: 'Dance' }", "\"Dance\""},
        {"'POST /api/{id}': { decider: 'account', id: '{name}', command: 'Open' }", "{name}"},
        {"'POST /api/{id}/{x}': { decider: 'account', id: '{id}', command: 'Open' }", "{x}"},
        {"'POST /api/{id}': { decider: 'account', command: 'Open' }", "id"},
        {"'GET /api/{id}': { decider: 'account', id: '{id}', command: 'Open' }", "GET"},
        {"'POST /other/{id}': { decider: 'account', id: '{id}', command: 'Open' }", "/api/"},
        {"'FETCH /api/x': { view: 'balances', query: 'by_id' }", "GET, POST"},
        {"'GET /api/x': { view: 'nothing', query: 'by_id' }", "\"nothing\""},
        {"'GET /api/x': { view: 'balances', query: 'nothing' }", "\"nothing\""},
        {"'GET /api/{x}': { view: 'balances', query: 'by_id', arguments: { name: '{x}' } }",
         "\"name\""},
        {"'POST /api/x': { view: 'balances', query: 'by_id' }", "GET"},
        {"'GET /api/x': { view: 'balances', query: 'by_id', colour: 1 }", "\"colour\""},
        {"'GET /api/x': {}", "neither"},
        {"'GET /api/x{y}': { view: 'balances', query: 'by_id' }", "brace"},
        {"'GET /api/x': 5", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_route_refused(cases[i][0], cases[i][1]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_is_answered_with_what_it_wrote),
        TEST(a_rejection_is_a_problem_with_a_record),
        TEST(what_is_no_command_is_refused),
        TEST(the_same_key_is_the_same_command),
        TEST(a_command_may_carry_a_condition),
        TEST(who_prefers_to_wait_can_read_what_was_written),
        TEST(routes_do_what_native_paths_do),
        cmocka_unit_test(wrong_routes_stop_the_start),
    };
    return cmocka_run_group_tests_name("gateway commands", tests, NULL, NULL);
}
