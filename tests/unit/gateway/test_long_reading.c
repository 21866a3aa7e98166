/* Catches: a search through a long log for what it hardly has that keeps other connections waiting,
 * in any form of reading, or that looks at more of the log than it has to. */
#include "gateway_fixture.h"

#include "gateway/turns.h"

static struct fixture fixture;

#define CHAFF 10000u                              /* events that nobody below looks for */
#define TURNS_MIN ((int)(CHAFF / TURN_LOOKS_MAX)) /* what looking at all of them takes */

static void append(const char *stream, uint32_t count)
{
    struct ever_new_event events[1000];
    struct ever_slice tag = SLICE_LITERAL("dull");
    for (uint32_t i = 0; i < 1000; i++) {
        events[i] = (struct ever_new_event){
            .type = SLICE_LITERAL("T"), .data = SLICE_LITERAL("1"), .tags = &tag, .tag_count = 1};
    }
    for (uint32_t done = 0; done < count; done += 1000) {
        struct ever_write write = {.stream = slice_of_text(stream),
                                   .events = events,
                                   .event_count = count < 1000 ? count : 1000};
        struct ever_result result;
        assert_ok(ever_append(fixture.store, &write, 1, &result, NULL));
    }
}

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_start(&fixture, NULL, 0);
    append("chaff-1", CHAFF);
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_stop(&fixture);
    return 0;
}

static int metric(const char *name)
{
    struct answer answer = get(&fixture, "/metrics");
    char line[128];
    (void)snprintf(line, sizeof line, "\n%s ", name); /* fits */
    const char *found = strstr(answer.body, line);
    assert_non_null(found);
    int value = (int)strtol(found + strlen(line), NULL, 10);
    answer_free(&answer);
    return value;
}

static int turns(void)
{
    return metric("everfold_reading_turns_total");
}

/* --- Who is answered first ------------------------------------------------------------------- */

static int send_request(const char *target, const char *accept)
{
    int fd = client_connect(&fixture);
    struct text request = {0};
    text_printf(&request,
                "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nConnection: close\r\n\r\n",
                target, accept);
    client_send(fd, request.data, request.size);
    text_deinit(&request);
    return fd;
}

/* The long request came first, the other one finds it still at work: its metrics say so. And it
 * goes on for some turns. */
static void expect_answered_between(const char *target, const char *accept, const char *at_work,
                                    const char *at_its_end)
{
    int before = turns();
    fixture_hold(&fixture);
    int searching = send_request(target, accept);
    int other = send_request("/metrics", "*/*");
    fixture_let_go(&fixture);
    struct answer answer = answer_of(client_read_until(other, NULL));
    assert_int_equal(answer.status, 200);
    if (strstr(answer.body, at_work) == NULL) {
        fail_msg("%s as %s: no \"%s\" in %s", target, accept, at_work, answer.body);
    }
    answer_free(&answer);
    free(client_read_until(searching, at_its_end));
    close(searching);
    close(other);
    assert_true(turns() - before >= TURNS_MIN - 1);
}

static void a_search_lets_others_pass(void **state)
{
    (void)state; /* cmocka's signature */
    expect_answered_between("/events?prefix=xy", "application/x-ndjson", "\neverfold_feeds 1\n",
                            "{\"end\":true");
    expect_answered_between("/events?prefix=xy&direction=backward", "application/x-ndjson",
                            "\neverfold_feeds 1\n", "{\"end\":true");
    expect_answered_between("/events?prefix=xy", "text/event-stream",
                            "\neverfold_feed_channels 0\n", "event: caught-up");
}

static void a_page_lets_others_pass(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_hold(&fixture);
    int searching = send_request("/events?prefix=xy", "application/json");
    int other = send_request("/metrics", "*/*");
    fixture_let_go(&fixture);
    struct answer answer = answer_of(client_read_until(other, NULL));
    assert_null(strstr(answer.body, "operation=\"readEvents\"")); /* none is answered yet */
    answer_free(&answer);
    expect(answer_of(client_read_until(searching, NULL)), 200, NULL, "{\"events\":[],");
    close(searching);
    close(other);
}

/* --- How much is looked at in a turn --------------------------------------------------------- */

static void every_filter_is_searched_in_turns(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const filters[] = {
        "prefix=xy",
        "prefix=xy&type=T",
        "prefix=xy&category=chaff",
        "prefix=xy&tag=dull",
        "prefix=chaff-2",
        "prefix=xy&type=T&tag=dull&category=chaff",
        "prefix=xy&direction=backward",
    };
    append("xylophone-1", 1);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        char target[128];
        (void)snprintf(target, sizeof target, "/events?%s", filters[i]); /* fits */
        int before = turns();
        bool finds = strstr(filters[i], "prefix=xy") != NULL && strstr(filters[i], "chaff") == NULL;
        expect(get(&fixture, target), 200, NULL,
               finds ? "{\"events\":[{\"position\":10001," : "{\"events\":[],");
        assert_in_range(turns() - before, TURNS_MIN - 1, 3 * TURNS_MIN);
    }
}

static void a_search_does_not_go_behind_the_moment_asked_for(void **state)
{
    (void)state; /* cmocka's signature */
    int before = turns();
    expect(get(&fixture, "/events?prefix=xy&at=10"), 200, NULL, "{\"events\":[],\"position\":10}");
    expect(
        ask(&fixture, "GET", "/events?prefix=xy&at=10", "Accept: application/x-ndjson\r\n", NULL),
        200, NULL, "{\"end\":true,\"position\":10}");
    assert_in_range(turns() - before, 0, 2);
}

static void a_live_filter_is_searched_in_turns(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream stream = stream_open(&fixture, "/events?prefix=xy", "");
    stream_expect(&stream, "event: caught-up");
    int before = turns();
    fixture_hold(&fixture);
    append("chaff-1", CHAFF);
    append("xylophone-1", 1);
    fixture_let_go(&fixture);
    stream_expect(&stream, "id: 20001\n");
    assert_true(turns() - before >= TURNS_MIN - 1);
    stream_close(&stream);
}

/* Whoever has seen nothing for long is told how far the search has come, and resumes there. */
static void a_follower_resumes_where_the_search_was(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream stream = stream_open(&fixture, "/events?prefix=xy", "");
    stream_expect(&stream, "id: 10000\nevent: caught-up");
    stream_close(&stream);
    int before = turns();
    stream = stream_open(&fixture, "/events?prefix=xy", "Last-Event-ID: 10000\r\n");
    stream_expect(&stream, "event: caught-up");
    stream_close(&stream);
    assert_in_range(turns() - before, 0, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_search_lets_others_pass),
        TEST(a_page_lets_others_pass),
        TEST(every_filter_is_searched_in_turns),
        TEST(a_search_does_not_go_behind_the_moment_asked_for),
        TEST(a_live_filter_is_searched_in_turns),
        TEST(a_follower_resumes_where_the_search_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
