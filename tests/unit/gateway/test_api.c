/* Catches: operations on the log that answer wrongly over HTTP: statuses, headers, conditions,
 * pages, lines, server-sent events, and errors that are no problem documents. */
#include "gateway_fixture.h"

#include "gateway/operation.h"
#include "gateway/problem.h"

static struct fixture fixture;

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_start(&fixture, NULL, 0);
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_stop(&fixture);
    return 0;
}

#define JSON "Content-Type: application/json\r\n"
#define LINES "Content-Type: application/x-ndjson\r\n"
#define PROBLEM "Content-Type: application/problem+json\r\n"

static void append_some(const char *stream, int count)
{
    struct text body = {0};
    for (int i = 0; i < count; i++) {
        text_printf(&body, "%s{\"type\":\"%s\",\"data\":{\"n\":%d},\"tags\":[\"t%d\"]}",
                    i == 0 ? "[" : ",", i % 2 == 0 ? "Even" : "Odd", i, i % 3);
    }
    text_add_byte(&body, ']');
    char target[64];
    snprintf(target, sizeof target, "/streams/%s", stream);
    expect(post(&fixture, target, body.data), 201, NULL, NULL);
    text_deinit(&body);
}

/* --- Routing --------------------------------------------------------------------------------- */

static void the_table_answers_what_no_handler_does(void **state)
{
    (void)state; /* cmocka's signature */
    expect(get(&fixture, "/nowhere"), 404, PROBLEM, "\"type\":\"/problems/not-found\"");
    expect(get(&fixture, "/streams/a%2fb"), 400, PROBLEM, "/problems/bad-name");
    expect(get(&fixture, "/streams/"), 400, PROBLEM, "empty");
    expect(get(&fixture, "/streams/../x"), 400, PROBLEM, "/problems/bad-name");
    expect(ask(&fixture, "DELETE", "/streams/a-1", "", NULL), 405,
           "Allow: GET, HEAD, POST, OPTIONS\r\n", "DELETE");
    expect(ask(&fixture, "OPTIONS", "/streams/a-1", "", NULL), 204,
           "Allow: GET, HEAD, POST, OPTIONS\r\n", NULL);
    expect(ask(&fixture, "OPTIONS", "/nowhere", "", NULL), 404, PROBLEM, NULL);
    expect(ask(&fixture, "GET", "/events", "Accept: image/png\r\n", NULL), 406, PROBLEM,
           "application/x-ndjson");
    expect(get(&fixture, "/events?colour=red&from=1"), 400, PROBLEM, "colour");
    expect(get(&fixture, "/events?from=1&from=2"), 400, PROBLEM, "more than once");
    expect(ask(&fixture, "POST", "/streams/a-1", "Content-Type: text/xml\r\n", "<x/>"), 415,
           "Accept-Post: application/json, application/x-ndjson\r\n", "text/xml");
    expect(ask(&fixture, "POST", "/streams/a-1", "", "{}"), 415, "Accept-Post", "missing");
    expect(ask(&fixture, "POST", "/streams/a-1", JSON "Sec-Fetch-Site: cross-site\r\n",
               "{\"type\":\"A\",\"data\":1}"),
           403, PROBLEM, "/problems/cross-site-request");
    expect(ask(&fixture, "GET", "/nowhere", "Accept: text/plain\r\n", NULL), 404,
           "Content-Type: text/plain", "/problems/not-found");
}

static struct answer ask_host(const char *method, const char *host)
{
    char request[256];
    int size =
        snprintf(request, sizeof request,
                 "%s /health/live HTTP/1.1\r\nConnection: close\r\nHost: %s\r\n\r\n", method, host);
    int fd = client_connect(&fixture);
    client_send(fd, request, (size_t)size);
    struct answer answer = answer_of(client_read_until(fd, NULL));
    close(fd);
    return answer;
}

/* A page of http://rebound.example, once that name leads to 127.0.0.1, is of the same site. */
static void the_loopback_answers_to_no_other_name(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const own[] = {"localhost", "LocalHost:1", "127.0.0.1:80",
                                      "127.1.2.3", "[::1]",       "[::1]:80"};
    static const char *const others[] = {
        "rebound.example", "rebound.example:2113", "localhost.example", "128.0.0.1",
        "[::2]:80",        "127.0.0.1.example",    "[2001:db8::1]:80",  "10.0.0.1"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        expect(ask_host("GET", own[i]), 200, NULL, NULL);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        expect(ask_host("GET", others[i]), 403, PROBLEM, "/problems/host-refused");
        expect(ask_host("OPTIONS", others[i]), 403, PROBLEM, "--host");
    }
    int fd = client_connect(&fixture);
    client_send(fd, "GET /health/live HTTP/1.0\r\n\r\n", 29);
    expect(answer_of(client_read_until(fd, NULL)), 200, NULL, NULL);
    close(fd);
}

static void what_is_no_request_is_a_problem_too(void **state)
{
    (void)state; /* cmocka's signature */
    int fd = client_connect(&fixture);
    client_send(fd, "garbage\r\n\r\n", 11);
    expect(answer_of(client_read_until(fd, NULL)), 400, PROBLEM, "/problems/malformed-request");
    close(fd);
}

static void head_is_get_without_its_body(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 2);
    struct answer answer = ask(&fixture, "HEAD", "/streams/a-1", "", NULL);
    assert_int_equal(strlen(answer.body), 0);
    assert_null(strstr(answer.head, "Content-Length: 0\r\n"));
    expect(answer, 200, "ETag: \"1\"\r\n", NULL);
    expect(ask(&fixture, "HEAD", "/events", "Accept: text/event-stream\r\n", NULL), 200,
           "Content-Type: text/event-stream\r\n", NULL);
}

/* --- Appending ------------------------------------------------------------------------------- */

static void an_append_tells_where_it_went(void **state)
{
    (void)state; /* cmocka's signature */
    expect(post(&fixture, "/streams/caf%C3%A9-1", "{\"type\":\"A\",\"data\":1}"), 201,
           "Location: /streams/caf%C3%A9-1/0\r\n",
           "{\"stream\":\"caf\xc3\xa9-1\",\"revision\":0,\"firstPosition\":1,\"position\":1}");
    expect(post(&fixture, "/streams/caf%C3%A9-1",
                "[{\"type\":\"A\",\"data\":1},{\"type\":\"B\",\"data\":2}]"),
           201, "Location: /streams/caf%C3%A9-1/1\r\n",
           "\"revision\":2,\"firstPosition\":2,\"position\":3}");
    expect(ask(&fixture, "POST", "/streams/b-1", LINES,
               "{\"type\":\"A\",\"data\":1}\n{\"type\":\"B\",\"data\":2}\n"),
           201, "Everfold-Position: 5\r\n", "\"revision\":1");
    expect(get(&fixture, "/streams/caf%C3%A9-1/2"), 200, "immutable", "\"type\":\"B\"");
    expect(get(&fixture, "/events/5"), 200, "ETag: \"5\"\r\n", "\"stream\":\"b-1\"");
}

static void the_same_ids_again_get_the_first_answer(void **state)
{
    (void)state; /* cmocka's signature */
    const char *body =
        "{\"type\":\"A\",\"data\":1,\"id\":\"01020304-0506-0708-890a-0b0c0d0e0f10\"}";
    const char *other =
        "{\"type\":\"A\",\"data\":2,\"id\":\"01020304-0506-0708-890a-0b0c0d0e0f10\"}";
    expect(post(&fixture, "/streams/a-1", body), 201, "ETag: \"0\"\r\n", NULL);
    append_some("a-1", 1);
    expect(post(&fixture, "/streams/a-1", body), 200, "ETag: \"0\"\r\n", "\"repeated\":true");
    expect(post(&fixture, "/streams/a-1", other), 409, PROBLEM, "/problems/event-id-reused");
    expect(get(&fixture, "/events"), 200, NULL, "\"position\":2}");
}

static void conditions_hold_or_nothing_is_written(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *header;
        int status;
        const char *words;
    } cases[] = {
        {"If-Match: \"0\"\r\n", 412, "\"revision\":null"},
        {"If-Match: *\r\n", 412, "/problems/append-condition-failed"},
        {"If-None-Match: *\r\n", 201, "\"revision\":0"},
        {"If-None-Match: *\r\n", 412, "\"revision\":0"},
        {"If-Match: \"0\"\r\n", 201, "\"revision\":1"},
        {"If-Match: \"0\"\r\n", 412, "\"revision\":1"},
        {"If-Match: *\r\n", 201, "\"revision\":2"},
        {"If-Match: \"1\", \"2\"\r\n", 201, "\"revision\":3"},
        {"If-Match: \"1\", \"2\"\r\n", 412, "\"revision\":3"},
        {"If-Match: \"1\"\r\nIf-Match: \"3\"\r\n", 201, "\"revision\":4"},
        {"If-Match: W/\"4\"\r\n", 412, "\"revision\":4"},
        {"If-Match: 4\r\n", 400, "/problems/bad-header"},
        {"If-None-Match: \"4\"\r\n", 400, "/problems/bad-header"},
        {"If-Match: \"4\"\r\nIf-None-Match: *\r\n", 400, "/problems/bad-header"},
        {"", 201, "\"revision\":5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char headers[128];
        snprintf(headers, sizeof headers, JSON "%s", cases[i].header);
        expect(ask(&fixture, "POST", "/streams/a-1", headers, "{\"type\":\"A\",\"data\":1}"),
               cases[i].status, NULL, cases[i].words);
    }
}

static void several_streams_are_written_together_or_not(void **state)
{
    (void)state; /* cmocka's signature */
    expect(post(&fixture, "/append",
                "{\"writes\":["
                "{\"stream\":\"a-1\",\"expect\":\"no-stream\",\"events\":[{\"type\":\"A\",\"data\":"
                "1}]},"
                "{\"stream\":\"b-1\",\"events\":[{\"type\":\"B\",\"data\":1},{\"type\":\"C\","
                "\"data\":1}]},"
                "{\"stream\":\"a-1\",\"events\":{\"type\":\"D\",\"data\":1}}]}"),
           201, "Everfold-Position: 4\r\n",
           "{\"firstPosition\":1,\"position\":4,\"streams\":[{\"stream\":\"a-1\",\"revision\":1},"
           "{\"stream\":\"b-1\",\"revision\":1}]}");
    expect(post(&fixture, "/append",
                "{\"writes\":["
                "{\"stream\":\"c-1\",\"events\":[{\"type\":\"A\",\"data\":1}]},"
                "{\"stream\":\"b-1\",\"expect\":0,\"events\":[{\"type\":\"B\",\"data\":1}]}]}"),
           409, PROBLEM, "\"conflict\":{\"stream\":\"b-1\",\"revision\":1}");
    expect(get(&fixture, "/streams/c-1"), 404, PROBLEM, "/problems/stream-not-found");
    expect(ask(&fixture, "POST", "/append", LINES,
               "{\"stream\":\"c-1\",\"type\":\"A\",\"data\":1}\n"
               "{\"stream\":\"d-1\",\"type\":\"B\",\"data\":1}\n"
               "{\"stream\":\"c-1\",\"type\":\"C\",\"data\":1}\n"),
           201, NULL, "[{\"stream\":\"c-1\",\"revision\":1},{\"stream\":\"d-1\",\"revision\":0}]");
    expect(get(&fixture, "/events/7"), 200, NULL, "\"type\":\"C\"");
}

static void bad_bodies_say_what_and_where(void **state)
{
    (void)state; /* cmocka's signature */
    expect(post(&fixture, "/streams/a-1", "{\"type\":\"A\",\n\"data\":}"), 400, PROBLEM,
           "\"line\":2,\"column\":8");
    expect(post(&fixture, "/streams/a-1", "{\"type\":\"A\",\"type\":\"A\",\"data\":1}"), 400, NULL,
           "duplicate key");
    expect(post(&fixture, "/streams/a-1", "[{\"type\":\"A\",\"data\":1,\"colour\":1}]"), 400,
           PROBLEM, "\"errors\":[{\"pointer\":\"/0/colour\"");
    expect(post(&fixture, "/streams/a-1", ""), 400, PROBLEM, "/problems/malformed-json");
    expect(post(&fixture, "/streams/$a", "{\"type\":\"A\",\"data\":1}"), 403, PROBLEM,
           "/problems/stream-reserved");
    expect(get(&fixture, "/events"), 200, NULL, "{\"events\":[],\"position\":0}");
}

static void nobody_writes_into_the_stream_of_a_flow(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const streams[] = {"flow-large", "flow-large.0123456789abcdef",
                                          "flow-large.0123456789abcdef.late"};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        char target[96];
        snprintf(target, sizeof target, "/streams/%s", streams[i]);
        struct answer answer = post(&fixture, target, "{\"type\":\"A\",\"data\":1}");
        assert_non_null(strstr(answer.body, "/problems/flow-stream"));
        expect(answer, 403, NULL, "belongs to the flow \\\"large\\\"; append to another stream");
    }
    expect(post(&fixture, "/append",
                "{\"writes\":[{\"stream\":\"a-1\",\"events\":{\"type\":\"A\",\"data\":1}},"
                "{\"stream\":\"flow-large\",\"events\":{\"type\":\"A\",\"data\":1}}]}"),
           403, PROBLEM, "\"errors\":[{\"pointer\":\"/writes/1/stream\"");
    expect(ask(&fixture, "POST", "/append", LINES,
               "{\"stream\":\"a-1\",\"type\":\"A\",\"data\":1}\n"
               "{\"stream\":\"flow-\",\"type\":\"A\",\"data\":1}\n"),
           403, PROBLEM, "/problems/flow-stream");
    expect(ask(&fixture, "POST", "/append", LINES,
               "{\"stream\":\"flow-x\",\"type\":\"A\",\"data\":1}\n"
               "{\"stream\":\"a-1\",\"type\":1,\"data\":1}\n"),
           400, PROBLEM, "/problems/bad-body");
    expect(get(&fixture, "/events"), 200, NULL, "{\"events\":[],\"position\":0}");
    expect(post(&fixture, "/streams/flow", "{\"type\":\"A\",\"data\":1}"), 201, NULL, NULL);
    expect(post(&fixture, "/streams/flows-1", "{\"type\":\"A\",\"data\":1}"), 201, NULL, NULL);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void pages_lead_to_each_other(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 5);
    expect(get(&fixture, "/streams/a-1?limit=2"), 200,
           "Link: </streams/a-1?limit=2>; rel=\"first\", </streams/a-1?from=2&limit=2>; "
           "rel=\"next\"\r\n",
           "\"next\":\"/streams/a-1?from=2&limit=2\"}");
    expect(get(&fixture, "/streams/a-1?from=2&limit=2"), 200,
           "</streams/a-1?direction=backward&from=1&limit=2>; rel=\"prev\"", "from=4");
    struct answer last = get(&fixture, "/streams/a-1?from=4&limit=2");
    assert_null(strstr(last.body, "next"));
    expect(last, 200, "ETag: \"4\"\r\n", "\"revision\":4");
    expect(get(&fixture, "/streams/a-1?direction=backward&limit=1"), 200, NULL,
           "\"events\":[{\"position\":5,");
    expect(get(&fixture, "/streams/a-1?direction=backward&from=99&limit=1"), 200, NULL,
           "\"next\":\"/streams/a-1?direction=backward&from=3&limit=1\"");
    struct answer oldest = get(&fixture, "/streams/a-1?direction=backward&from=0");
    assert_null(strstr(oldest.body, "next"));
    expect(oldest, 200, "rel=\"prev\"", "\"revision\":0");
    expect(get(&fixture, "/streams/a-1?from=9"), 200, NULL, "\"events\":[]}");
    expect(get(&fixture, "/events?after=4"), 200, NULL, "{\"events\":[{\"position\":5,");
}

static void filters_must_all_hold(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 6);
    append_some("ab-1", 2);
    static const struct {
        const char *query;
        const char *first;
        int count;
    } cases[] = {
        {"type=Odd", "\"position\":2", 4},
        {"type=Odd,Even", "\"position\":1", 8},
        {"type=Odd&type=Even&limit=3", "\"position\":1", 3},
        {"category=a", "\"position\":1", 6},
        {"prefix=ab", "\"position\":7", 2},
        {"tag=t1", "\"position\":2", 3},
        {"tag=t1&type=Even", "\"position\":5", 1},
        {"tag=t1&tag=t2", "", 0},
        {"category=ab&direction=backward", "\"position\":8", 2},
        {"from=7&category=a", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[96];
        snprintf(target, sizeof target, "/events?%s", cases[i].query);
        struct answer answer = get(&fixture, target);
        int count = 0;
        for (const char *at = answer.body; (at = strstr(at, "\"revision\"")) != NULL; at++) {
            count++;
        }
        if (count != cases[i].count) {
            fail_msg("%s: %d events: %s", target, count, answer.body);
        }
        expect(answer, 200, "Everfold-Position: 8\r\n", cases[i].first);
    }
}

static void bad_parameters_are_named(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {"from=-1",
                                      "from=x",
                                      "limit=0",
                                      "limit=1.5",
                                      "limit=1001",
                                      "direction=up",
                                      "at=x",
                                      "at=99",
                                      "at=3000-01-01T00:00:00Z",
                                      "type=",
                                      "tag=",
                                      "from=1&after=1",
                                      "after=1&direction=backward"};
    append_some("a-1", 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[96];
        snprintf(target, sizeof target, "/events?%s", bad[i]);
        char name[16] = "";
        memcpy(name, bad[i], strcspn(bad[i], "="));
        struct answer answer = get(&fixture, target);
        if (answer.status != 400 || strstr(strstr(answer.body, "detail"), name) == NULL) {
            fail_msg("%s: %d %s", target, answer.status, answer.body);
        }
        answer_free(&answer);
    }
}

static void the_past_can_be_read(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 2);
    append_some("b-1", 2);
    append_some("a-1", 2);
    expect(get(&fixture, "/streams/a-1?at=4"), 200, "ETag: \"1\"\r\n", "\"revision\":1");
    expect(get(&fixture, "/streams/a-1?at=5"), 200, "ETag: \"2\"\r\n", "\"position\":5");
    expect(get(&fixture, "/streams/a-1?at=5&direction=backward&limit=1"), 200, NULL,
           "\"events\":[{\"position\":5,");
    expect(get(&fixture, "/streams/b-1?at=2"), 404, PROBLEM, "at position 2");
    expect(get(&fixture, "/events?at=3"), 200, "Everfold-Position: 3\r\n", "\"position\":3}");
    expect(get(&fixture, "/events?at=2000-01-01T00:00:00Z"), 200, NULL, "{\"events\":[],");
    expect(get(&fixture, "/events?at=2000-01-01T00:00:00+02:00"), 200, NULL, "{\"events\":[],");
}

static void what_a_client_knows_is_not_sent_again(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 2);
    struct answer known = ask(&fixture, "GET", "/streams/a-1", "If-None-Match: \"1\"\r\n", NULL);
    assert_int_equal(strlen(known.body), 0);
    expect(known, 304, "ETag: \"1\"\r\n", NULL);
    expect(ask(&fixture, "GET", "/streams/a-1", "If-None-Match: W/\"1\"\r\n", NULL), 304,
           "Everfold-Position: 2\r\n", NULL);
    expect(ask(&fixture, "GET", "/streams/a-1", "If-None-Match: \"0\"\r\n", NULL), 200, NULL, NULL);
    expect(ask(&fixture, "GET", "/streams/a-1", "If-Match: \"0\"\r\n", NULL), 412, PROBLEM,
           "/problems/precondition-failed");
    expect(ask(&fixture, "GET", "/events/1", "If-None-Match: \"1\"\r\n", NULL), 304, NULL, NULL);
    expect(ask(&fixture, "GET", "/events", "Everfold-Min-Position: 3\r\n", NULL), 503,
           "Retry-After", "\"position\":2,\"minPosition\":3");
}

static void missing_events_are_named(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 1);
    expect(get(&fixture, "/events/2"), 404, PROBLEM, "/problems/event-not-found");
    expect(get(&fixture, "/events/0"), 404, PROBLEM, "/problems/event-not-found");
    expect(get(&fixture, "/events/x"), 400, PROBLEM, "position");
    expect(get(&fixture, "/streams/a-1/1"), 404, PROBLEM, "revision 1");
    expect(get(&fixture, "/streams/b-1/0"), 404, PROBLEM, "b-1");
    expect(get(&fixture, "/streams/b-1"), 404, "Everfold-Position: 1\r\n", "b-1");
}

/* --- Long answers ---------------------------------------------------------------------------- */

static void lines_end_with_one_that_says_so(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 3000);
    struct answer answer =
        ask(&fixture, "GET", "/streams/a-1", "Accept: application/x-ndjson\r\n", NULL);
    size_t lines = 0;
    for (const char *at = answer.body; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 3001);
    expect(answer, 200, "Content-Type: application/x-ndjson\r\n",
           "\n{\"end\":true,\"position\":3000}\n");
    expect(
        ask(&fixture, "GET", "/events?limit=2&type=Odd", "Accept: application/x-ndjson\r\n", NULL),
        200, NULL, "\n{\"end\":true,\"position\":4}\n");
    expect(ask(&fixture, "GET", "/events?from=2999&direction=backward",
               "Accept: application/x-ndjson\r\n", NULL),
           200, NULL, "{\"end\":true,\"position\":3000}\n");
}

static void followers_catch_up_and_see_what_comes(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 3);
    struct stream all = stream_open(&fixture, "/events?after=2", "");
    stream_expect(&all, "retry: 2000\n\n");
    stream_expect(&all, "id: 3\nevent: Even\ndata: {\"position\":3,");
    stream_expect(&all, "id: 3\nevent: caught-up\ndata: {\"position\":3}\n\n");
    struct stream odd = stream_open(&fixture, "/events?type=Odd", "Last-Event-ID: 2\r\n");
    stream_expect(&odd, "id: 3\nevent: caught-up\n");
    struct stream stream = stream_open(&fixture, "/streams/b-1", "");
    stream_expect(&stream, "event: caught-up\n");
    append_some("b-1", 2);
    stream_expect(&all, "id: 4\nevent: Even\n");
    stream_expect(&all, "id: 5\nevent: Odd\n");
    stream_expect(&odd, "id: 5\nevent: Odd\n");
    stream_expect(&stream, "\"revision\":1,");
    struct stream resumed = stream_open(&fixture, "/streams/b-1", "Last-Event-ID: 4\r\n");
    struct ever_slice before = stream_expect(&resumed, "id: 5\n");
    assert_null(memmem(before.data, before.size, "id: 4\n", 6));
    stream_expect(&resumed, "caught-up");
    append_some("b-1", 1);
    stream_expect(&resumed, "id: 6\n");
    stream_expect(&stream, "id: 6\n");
    stream_close(&all);
    stream_close(&odd);
    stream_close(&stream);
    stream_close(&resumed);
}

/* Followers of one filter share a reader: each still gets every event once, whenever it joined. */
static void followers_of_one_filter_get_the_same(void **state)
{
    (void)state; /* cmocka's signature */
    enum { FOLLOWERS = 5, ROUNDS = 20 };
    struct stream streams[FOLLOWERS];
    for (int i = 0; i < FOLLOWERS; i++) {
        streams[i] = stream_open(&fixture, "/events?category=a", "");
        append_some("a-1", 7);
    }
    for (int i = 0; i < ROUNDS; i++) {
        append_some("a-2", 3);
        append_some("b-1", 2);
    }
    for (int i = 0; i < FOLLOWERS; i++) {
        for (int k = 0; k < 7 * FOLLOWERS + 3 * ROUNDS; k++) {
            int behind = k - 7 * FOLLOWERS; /* in each round three of five events are of a-2 */
            int position = behind < 0 ? k + 1 : 7 * FOLLOWERS + behind / 3 * 5 + behind % 3 + 1;
            assert_int_equal(stream_next_position(&streams[i]), position);
        }
        stream_close(&streams[i]);
    }
}

#define WRITER_APPENDS 400

static void *append_many(void *arg)
{
    (void)arg; /* pthread's signature */
    for (int i = 0; i < WRITER_APPENDS; i++) {
        expect(post(&fixture, "/streams/w-1", "{\"type\":\"A\",\"data\":1}"), 201, NULL, NULL);
    }
    return NULL;
}

/* Followers that join while somebody writes: between catching up and following there is no seam. */
static void who_joins_in_the_middle_misses_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    enum { FOLLOWERS = 40 };
    struct stream streams[FOLLOWERS];
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, append_many, NULL), 0);
    for (int i = 0; i < FOLLOWERS; i++) {
        streams[i] = stream_open(&fixture, "/events", "");
        stream_expect(&streams[i], "event: caught-up\n");
        streams[i].read = 0;
    }
    for (int i = 0; i < FOLLOWERS; i++) {
        for (int k = 1; k <= WRITER_APPENDS; k++) {
            assert_int_equal(stream_next_position(&streams[i]), k);
        }
        stream_close(&streams[i]);
    }
    pthread_join(writer, NULL);
}

static void nobody_follows_from_the_future(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 1);
    static const char *const sse = "Accept: text/event-stream\r\n";
    expect(ask(&fixture, "GET", "/events?from=3", sse, NULL), 400, PROBLEM,
           "/problems/position-ahead-of-log");
    expect(ask(&fixture, "GET", "/streams/a-1?from=2", sse, NULL), 400, PROBLEM,
           "/problems/position-ahead-of-log");
    expect(
        ask(&fixture, "GET", "/events", "Accept: text/event-stream\r\nLast-Event-ID: 2\r\n", NULL),
        400, PROBLEM, "/problems/position-ahead-of-log");
    expect(
        ask(&fixture, "GET", "/events", "Accept: text/event-stream\r\nLast-Event-ID: x\r\n", NULL),
        400, PROBLEM, "/problems/bad-header");
    expect(ask(&fixture, "GET", "/events?limit=3", sse, NULL), 400, PROBLEM, "limit");
}

/* A follower that reads nothing, then all: what it missed was not buffered for it, and is there. */
static void a_slow_follower_misses_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 1);
    struct stream slow = stream_open(&fixture, "/events", "");
    stream_expect(&slow, "event: caught-up\n");
    struct text body = {0};
    text_add_text(&body, "{\"type\":\"Big\",\"data\":\"");
    for (int i = 0; i < 100000; i++) {
        text_add_byte(&body, 'x');
    }
    text_add_text(&body, "\"}");
    for (int i = 0; i < 100; i++) {
        expect(post(&fixture, "/streams/big-1", body.data), 201, NULL, NULL);
    }
    text_deinit(&body);
    for (int i = 2; i <= 101; i++) {
        assert_int_equal(stream_next_position(&slow), i);
    }
    stream_close(&slow);
}

static void the_end_of_the_server_ends_followers(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream stream = stream_open(&fixture, "/events", "");
    stream_expect(&stream, "caught-up");
    fixture_stop(&fixture);
    stream_expect_end(&stream);
    stream_close(&stream);
    fixture_start(&fixture, NULL, 0); /* for the teardown */
}

/* --- Description ----------------------------------------------------------------------------- */

static void the_description_holds_every_operation(void **state)
{
    (void)state; /* cmocka's signature */
    struct answer answer = get(&fixture, "/openapi.json");
    struct json_fault fault;
    if (!json_check(slice_of_text(answer.body), &fault)) {
        fail_msg("%s at %zu: %.60s", fault.reason, fault.offset, answer.body + fault.offset);
    }
    struct json_value document = json_value_of(slice_of_text(answer.body));
    struct json_value paths;
    struct json_value components;
    struct json_value schemas;
    assert_true(json_member(document, SLICE_LITERAL("paths"), &paths));
    assert_true(json_member(document, SLICE_LITERAL("components"), &components));
    assert_true(json_member(components, SLICE_LITERAL("schemas"), &schemas));
    for (size_t i = 0; i < operation_count(); i++) {
        const struct operation *operation = operation_at(i);
        struct json_value path;
        assert_true(json_member(paths, slice_of_text(operation->path), &path));
        const char *types[] = {operation->answer_type, operation->body_type};
        for (size_t k = 0; k < 2; k++) {
            struct json_value schema;
            if (types[k] != NULL && !json_member(schemas, slice_of_text(types[k]), &schema)) {
                fail_msg("%s names no schema", types[k]);
            }
        }
    }
    answer_free(&answer);
}

static void pages_and_metrics_are_there(void **state)
{
    (void)state; /* cmocka's signature */
    append_some("a-1", 3);
    expect(get(&fixture, "/"), 200, "Content-Security-Policy: default-src 'none'",
           "<a href=\"/openapi.json\">");
    expect(get(&fixture, "/health/live"), 200, NULL, "{\"status\":\"ok\"}");
    expect(get(&fixture, "/health/ready"), 200, NULL, "{\"status\":\"ok\",\"position\":3,");
    expect(get(&fixture, "/deciders"), 200, NULL, "[]");
    expect(get(&fixture, "/views"), 200, NULL, "[]");
    expect(get(&fixture, "/deciders/a/b"), 404, NULL, "/problems/decider-not-found");
    expect(get(&fixture, "/views/a"), 404, NULL, "/problems/view-not-found");
    expect(get(&fixture, "/metrics"), 200, "Content-Type: text/plain; version=0.0.4",
           "\neverfold_log_position 3\n");
    expect(get(&fixture, "/metrics"), 200, NULL,
           "everfold_http_requests_total{operation=\"appendToStream\",status=\"2xx\"} 1\n");
    expect(get(&fixture, "/problems/busy"), 200, NULL, "\"explanation\":");
    expect(ask(&fixture, "GET", "/problems/busy", "Accept: text/html\r\n", NULL), 200,
           "Vary: Accept\r\n", "<h1>");
    expect(get(&fixture, "/problems/nothing"), 404, PROBLEM, "nothing");
    expect(get(&fixture, "/problems"), 200, NULL, "\"type\":\"/problems/busy\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_table_answers_what_no_handler_does),
        TEST(the_loopback_answers_to_no_other_name),
        TEST(what_is_no_request_is_a_problem_too),
        TEST(head_is_get_without_its_body),
        TEST(an_append_tells_where_it_went),
        TEST(the_same_ids_again_get_the_first_answer),
        TEST(conditions_hold_or_nothing_is_written),
        TEST(several_streams_are_written_together_or_not),
        TEST(bad_bodies_say_what_and_where),
        TEST(nobody_writes_into_the_stream_of_a_flow),
        TEST(pages_lead_to_each_other),
        TEST(filters_must_all_hold),
        TEST(bad_parameters_are_named),
        TEST(the_past_can_be_read),
        TEST(what_a_client_knows_is_not_sent_again),
        TEST(missing_events_are_named),
        TEST(lines_end_with_one_that_says_so),
        TEST(followers_catch_up_and_see_what_comes),
        TEST(followers_of_one_filter_get_the_same),
        TEST(who_joins_in_the_middle_misses_nothing),
        TEST(nobody_follows_from_the_future),
        TEST(a_slow_follower_misses_nothing),
        TEST(the_end_of_the_server_ends_followers),
        TEST(the_description_holds_every_operation),
        TEST(pages_and_metrics_are_there),
    };
    return cmocka_run_group_tests_name("gateway api", tests, NULL, NULL);
}
