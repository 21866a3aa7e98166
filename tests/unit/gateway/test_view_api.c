/* Catches: queries that answer with other rows than the view's, without saying what they reflect,
 * too early for who waits, or that are not pushed when their rows change. */
#include "gateway_fixture.h"

static struct fixture fixture;

static const char balances[] = "-- view balances\n"
                               "create table account (id text primary key, owner text not null,\n"
                               "  balance integer not null default 0) strict;\n"
                               "-- on Opened\n"
                               "insert into account (id, owner) values (@id, :owner);\n"
                               "-- on Deposited\n"
                               "update account set balance = balance + :amount where id = @id;\n"
                               "-- query by_id(id)\n"
                               "select id, owner, balance from account where id = :id;\n"
                               "-- query everyone()\n"
                               "select id, balance from account order by id;\n";

static const struct fixture_file app[] = {{"views/balances.sql", balances}};

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_start(&fixture, app, 1);
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_stop(&fixture);
    return 0;
}

#define PROBLEM "Content-Type: application/problem+json\r\n"

static void open_account(const char *id)
{
    char target[64];
    snprintf(target, sizeof target, "/streams/account-%s", id);
    expect(post(&fixture, target, "{\"type\":\"Opened\",\"data\":{\"owner\":\"Al\"}}"), 201, NULL,
           NULL);
}

static void deposit(const char *id, int amount)
{
    char target[64];
    char body[64];
    snprintf(target, sizeof target, "/streams/account-%s", id);
    snprintf(body, sizeof body, "{\"type\":\"Deposited\",\"data\":{\"amount\":%d}}", amount);
    expect(post(&fixture, target, body), 201, NULL, NULL);
}

/* A query that waits until the view has reached the position. */
static struct answer ask_at(const char *target, int position)
{
    char headers[96];
    snprintf(headers, sizeof headers, "Everfold-Min-Position: %d\r\nPrefer: wait=30\r\n", position);
    return ask(&fixture, "GET", target, headers, NULL);
}

static void rows_say_what_they_reflect(void **state)
{
    (void)state; /* cmocka's signature */
    open_account("alice");
    deposit("alice", 5);
    expect(ask_at("/views/balances/by_id?id=alice", 2), 200, "Preference-Applied: wait=30\r\n",
           "{\"view\":\"balances\",\"query\":\"by_id\",\"position\":2,\"rows\":["
           "{\"id\":\"alice\",\"owner\":\"Al\",\"balance\":5}]}");
    expect(get(&fixture, "/views/balances/by_id?id=nobody"), 200, "Everfold-Position: 2\r\n",
           "\"rows\":[]}");
    expect(get(&fixture, "/views/balances"), 200, "Everfold-Position: 2\r\n",
           "\"position\":2,\"lag\":0,\"queries\":[{\"name\":\"by_id\",\"arguments\":[\"id\"]},"
           "{\"name\":\"everyone\",\"arguments\":[]}]}");
    expect(get(&fixture, "/views"), 200, NULL, "[{\"name\":\"balances\",\"state\":\"live\",");
    expect(get(&fixture, "/metrics"), 200, NULL, "everfold_view_position{view=\"balances\"} 2\n");
    expect(get(&fixture, "/health/ready"), 200, NULL, "\"views\":{\"balances\":\"live\"}");
    expect(get(&fixture, "/openapi.json"), 200, NULL, "\"/views/balances/by_id\":{\"get\":");
    expect(get(&fixture, "/"), 200, NULL, "<a href=\"/views/balances/everyone\">");
}

static void arguments_are_checked(void **state)
{
    (void)state; /* cmocka's signature */
    expect(get(&fixture, "/views/balances/by_id"), 400, PROBLEM,
           "\\\"id\\\" of query by_id is missing");
    expect(get(&fixture, "/views/balances/by_id?id=a&x=1"), 400, PROBLEM, "\\\"x\\\"");
    expect(get(&fixture, "/views/balances/by_id?id=a&id=b"), 400, PROBLEM, "more than once");
    expect(get(&fixture, "/views/balances/by_name?id=a"), 404, PROBLEM,
           "/problems/query-not-found");
    expect(get(&fixture, "/views/nothing/by_id?id=a"), 404, PROBLEM, "/problems/view-not-found");
}

static void who_asks_too_early_waits_or_is_told(void **state)
{
    (void)state; /* cmocka's signature */
    open_account("alice");
    expect(ask(&fixture, "GET", "/views/balances/everyone", "Everfold-Min-Position: 9\r\n", NULL),
           503, "Retry-After: 1\r\n", "\"minPosition\":9");
    expect(ask(&fixture, "GET", "/views/balances/everyone",
               "Everfold-Min-Position: 9\r\nPrefer: wait=1\r\n", NULL),
           503, "Preference-Applied: wait=1\r\n", "/problems/view-behind");
    expect(ask(&fixture, "GET", "/views/balances/everyone",
               "Everfold-Min-Position: 9\r\nPrefer: handling=lenient\r\n", NULL),
           200, "Preference-Applied: handling=lenient\r\n", "\"view\":\"balances\"");
    expect(ask(&fixture, "GET", "/views/balances/everyone", "Everfold-Min-Position: x\r\n", NULL),
           400, PROBLEM, "/problems/bad-header");
    expect(ask(&fixture, "GET", "/views/balances/everyone", "Prefer: handling=strict, magic\r\n",
               NULL),
           400, PROBLEM, "magic");
}

static void a_view_that_has_stopped_says_so(void **state)
{
    (void)state; /* cmocka's signature */
    open_account("alice");
    open_account("alice"); /* the second row breaks the primary key */
    expect(ask_at("/views/balances/everyone", 2), 503, NULL, "has stopped at position 1");
    expect(get(&fixture, "/views/balances"), 200, NULL, "\"state\":\"stopped\"");
    expect(get(&fixture, "/health/ready"), 200, NULL, "{\"status\":\"degraded\"");
    expect(get(&fixture, "/views/balances/everyone"), 200, "Everfold-Position: 1\r\n", "alice");
}

static void rows_that_are_known_are_not_sent_again(void **state)
{
    (void)state; /* cmocka's signature */
    open_account("alice");
    struct answer answer = ask_at("/views/balances/everyone", 1);
    char *tag = strstr(answer.head, "ETag: ");
    assert_non_null(tag);
    char headers[96];
    snprintf(headers, sizeof headers, "If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"),
             tag + 6);
    answer_free(&answer);
    expect(ask(&fixture, "GET", "/views/balances/everyone", headers, NULL), 304,
           "Everfold-Position: 1\r\n", NULL);
    deposit("alice", 3);
    answer_free(&(struct answer){.text = ask_at("/views/balances/everyone", 2).text});
    expect(ask(&fixture, "GET", "/views/balances/everyone", headers, NULL), 200, NULL,
           "\"balance\":3");
}

static void changed_rows_are_pushed(void **state)
{
    (void)state; /* cmocka's signature */
    open_account("alice");
    struct stream first = stream_open(&fixture, "/views/balances/by_id?id=alice", "");
    stream_expect(&first, "event: rows\n");
    deposit("alice", 5);
    stream_expect(&first, "\"balance\":5}]}\n\n");
    struct stream second = stream_open(&fixture, "/views/balances/by_id?id=alice", "");
    stream_expect(&second, "\"balance\":5}]}\n\n");
    open_account("bob");
    deposit("bob", 100);
    deposit("alice", 2);
    struct ever_slice between = stream_expect(&first, "\"balance\":7}]}\n\n");
    assert_null(
        memmem(between.data, between.size, "\"balance\":5", 11)); /* others change nothing */
    stream_expect(&second, "\"balance\":7}]}\n\n");
    stream_close(&first);
    deposit("alice", 1);
    stream_expect(&second, "\"balance\":8}]}\n\n");
    stream_close(&second);
    expect(ask(&fixture, "GET", "/views/balances/by_id", "Accept: text/event-stream\r\n", NULL),
           400, PROBLEM, "missing");
}

static void waiting_ends_with_the_server(void **state)
{
    (void)state; /* cmocka's signature */
    int fd = client_connect(&fixture);
    const char *request = "GET /views/balances/everyone HTTP/1.1\r\nHost: localhost\r\n"
                          "Everfold-Min-Position: 99\r\nPrefer: wait=30\r\n\r\n";
    client_send(fd, request, strlen(request));
    const char *live = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client_send(fd, live, strlen(live));
    expect(get(&fixture, "/health/live"), 200, NULL, NULL); /* the server has read the first one */
    fixture_stop(&fixture);
    char *text = client_read_until(fd, NULL);
    assert_true(strncmp(text, "HTTP/1.1 503 ", 13) == 0);
    free(text);
    close(fd);
    fixture_start(&fixture, app, 1); /* for the teardown */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_say_what_they_reflect),
        TEST(arguments_are_checked),
        TEST(who_asks_too_early_waits_or_is_told),
        TEST(a_view_that_has_stopped_says_so),
        TEST(rows_that_are_known_are_not_sent_again),
        TEST(changed_rows_are_pushed),
        TEST(waiting_ends_with_the_server),
    };
    return cmocka_run_group_tests_name("gateway views", tests, NULL, NULL);
}
