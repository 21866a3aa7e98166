/* Catches: followers that stay with a version nobody makes any more, or miss or hear twice what
 * happened around a takeover; waiting that does not end; watchers that outlive what they watch.
 *
 * The flows' thread is started by the tests, so that what comes before and after a takeover is no
 * matter of luck. */
#include "unit/gateway/gateway_fixture.h"

#define PROBLEM "application/problem+json"

#define DECLARE(least)                                                                             \
    "import { flow, from } from 'everfold/flow';\n"                                                \
    "flow('large', () => from('till').where({ 'data.amount': { gte: " least " } })"                \
    ".emit('Large', { amount: 'data.amount' }));\n"

static struct fixture fixture;

static void append(const char *amounts)
{
    struct text body = {0};
    text_add_byte(&body, '[');
    for (const char *at = amounts; *at != '\0'; at++) {
        text_printf(&body, "%s{\"type\":\"Paid\",\"data\":{\"amount\":%c}}",
                    at == amounts ? "" : ",", *at);
    }
    text_add_byte(&body, ']');
    expect(post(&fixture, "/streams/till-a", body.data), 201, NULL, NULL);
    text_deinit(&body);
}

static void open_flows(void)
{
    struct text report = {0};
    struct flows_options options = {.worker_path = fixture_worker_path()};
    struct ever_err err =
        flows_open(fixture.store, fixture.app, NULL, &options, &report, &fixture.flows);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
}

static void append_to_store(int amount)
{
    char data[32];
    snprintf(data, sizeof data, "{\"amount\":%d}", amount);
    struct ever_new_event event = {.type = SLICE_LITERAL("Paid"), .data = slice_of_text(data)};
    struct ever_write write = {
        .stream = SLICE_LITERAL("till-a"), .events = &event, .event_count = 1};
    struct ever_result result;
    assert_ok(ever_append(fixture.store, &write, 1, &result, NULL));
}

/* A log with the amounts 1, 5 and 9, of which the first version took those from 5 on; the APP has
 * another version by now, whose thread does not run yet. */
static int begin_changed(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct fixture_file first[] = {{"flows/x.js", DECLARE("5")}};
    char path[96];
    struct text report = {0};
    fixture_open(&fixture, first, 1, &report);
    open_flows();
    append_to_store(1);
    append_to_store(5);
    append_to_store(9);
    assert_ok(flows_run_to_end(fixture.flows));
    flows_close(fixture.flows);
    app_free(fixture.app);
    snprintf(path, sizeof path, "%s/app/flows/x.js", fixture.dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(DECLARE("4"), file);
    fclose(file);
    snprintf(path, sizeof path, "%s/app", fixture.dir);
    assert_ok(app_load(path, &report, &fixture.app));
    open_flows();
    text_deinit(&report);
    fixture_serve(&fixture);
    return 0;
}

/* A log with one event, and a flow that is new to it. */
static int begin_new(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct fixture_file files[] = {{"flows/x.js", DECLARE("5")}};
    struct text report = {0};
    fixture_open(&fixture, files, 1, &report);
    append_to_store(7);
    open_flows();
    text_deinit(&report);
    fixture_serve(&fixture);
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    fixture_stop(&fixture);
    return 0;
}

/* --- Takeover -------------------------------------------------------------------------------- */

static void followers_are_sent_on_when_another_version_takes_over(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream old = stream_open(&fixture, "/flows/large/events", "");
    stream_expect(&old, "\"amount\":5");
    stream_expect(&old, "\"amount\":9");
    stream_expect(&old, "event: caught-up\n");
    expect(get(&fixture, "/flows/large"), 200, NULL, "\"state\":\"building\"");

    assert_ok(flows_start(fixture.flows));
    struct ever_slice between = stream_expect(&old, "event: superseded\n");
    assert_null(memmem(between.data, between.size, "\"amount\"", 8));
    stream_expect(&old, "\"from\":2}\n\n"); /* 5 and 9 were heard of */
    stream_expect(&old, "0\r\n\r\n");       /* the answer ends */
    stream_close(&old);

    append("36");
    struct stream next = stream_open(&fixture, "/flows/large/events?from=2", "");
    between = stream_expect(&next, "\"amount\":6");
    assert_null(memmem(between.data, between.size, "\"amount\"", 8));
    stream_close(&next);
}

static void the_id_of_superseded_is_a_place_to_go_on(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream old = stream_open(&fixture, "/flows/large/events", "");
    stream_expect(&old, "event: caught-up\n");
    assert_ok(flows_start(fixture.flows));
    struct ever_slice between = stream_expect(&old, "event: superseded\n");
    const char *id = memmem(between.data, between.size, "id: ", 4);
    for (const char *later;
         (later = strstr(id + 4, "id: ")) != NULL && later < between.data + between.size;) {
        id = later;
    }
    char header[64];
    snprintf(header, sizeof header, "Last-Event-ID: %d\r\n", atoi(id + 4));
    stream_close(&old);
    append("8");
    struct stream next = stream_open(&fixture, "/flows/large/events", header);
    between = stream_expect(&next, "\"amount\":8");
    assert_null(memmem(between.data, between.size, "\"amount\"", 8));
    stream_close(&next);
}

static void side_streams_are_followed_and_superseded_too(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream errors = stream_open(&fixture, "/flows/large/events?side=errors", "");
    stream_expect(&errors, "event: caught-up\n");
    assert_ok(flows_start(fixture.flows));
    stream_expect(&errors, "event: superseded\n");
    stream_expect(&errors, ".errors\",");
    stream_expect(&errors, "\"from\":0}\n\n");
    stream_close(&errors);
}

/* --- Waiting --------------------------------------------------------------------------------- */

static void a_new_flow_says_that_it_is_being_built(void **state)
{
    (void)state; /* cmocka's signature */
    expect(get(&fixture, "/flows/large/events"), 503, PROBLEM, "/problems/flow-building");
    expect(ask(&fixture, "GET", "/flows/large/events", "Everfold-Min-Position: 1\r\n", NULL), 503,
           PROBLEM, "\"state\":\"building\"");
    expect(ask(&fixture, "GET", "/flows/large/events", "Everfold-Min-Position: x\r\n", NULL), 400,
           PROBLEM, "/problems/bad-header");
}

static void who_waits_is_answered_when_the_flow_serves(void **state)
{
    (void)state; /* cmocka's signature */
    int fd = client_connect(&fixture);
    const char *request =
        "GET /flows/large/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Everfold-Min-Position: 1\r\nPrefer: wait=30\r\n\r\n";
    client_send(fd, request, strlen(request));
    expect(get(&fixture, "/health/live"), 200, NULL, NULL); /* it has been read */
    assert_ok(flows_start(fixture.flows));
    expect(answer_of(client_read_until(fd, NULL)), 200, "Preference-Applied: wait=30\r\n",
           "\"amount\":7");
    close(fd);
}

/* --- Marbles --------------------------------------------------------------------------------- */

static void watchers_see_what_passes_and_may_go_at_any_time(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream first = stream_open(&fixture, "/flows/large/marbles", "");
    stream_expect(&first, "event: flow\n");
    struct stream second = stream_open(&fixture, "/flows/large/marbles", "");
    stream_expect(&second, "event: flow\n");
    assert_ok(flows_start(fixture.flows));
    stream_expect(&first, "event: mark\ndata: {\"node\":\"from1\"");
    stream_expect(&second, "\"node\":\"emit1\"");
    stream_close(&first);
    append("8");
    stream_expect(&second, "\"type\":\"Paid\",\"value\":{\"amount\":8}}");
    stream_expect(&second, "\"node\":\"emit1\"");
    stream_close(&second);
    struct stream third = stream_open(&fixture, "/flows/large/marbles", "");
    stream_expect(&third, "event: flow\n");
    append("6");
    stream_expect(&third, "\"amount\":6}}");
    text_deinit(&third.seen); /* its socket stays: the server stops while somebody watches */
}

static void too_many_watchers_are_told(void **state)
{
    (void)state; /* cmocka's signature */
    struct stream watchers[64];
    for (size_t i = 0; i < 64; i++) {
        watchers[i] = stream_open(&fixture, "/flows/large/marbles", "");
        stream_expect(&watchers[i], "event: flow\n");
    }
    expect(ask(&fixture, "GET", "/flows/large/marbles", "Accept: text/event-stream\r\n", NULL), 429,
           "Retry-After: 10\r\n", "/problems/busy");
    expect(ask(&fixture, "HEAD", "/flows/large/marbles", "Accept: text/event-stream\r\n", NULL),
           429, NULL, NULL);
    for (size_t i = 0; i < 64; i++) {
        stream_close(&watchers[i]);
    }
}

#define CHANGED(name) cmocka_unit_test_setup_teardown(name, begin_changed, end)
#define NEW(name) cmocka_unit_test_setup_teardown(name, begin_new, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGED(followers_are_sent_on_when_another_version_takes_over),
        CHANGED(the_id_of_superseded_is_a_place_to_go_on),
        CHANGED(side_streams_are_followed_and_superseded_too),
        NEW(a_new_flow_says_that_it_is_being_built),
        NEW(who_waits_is_answered_when_the_flow_serves),
        NEW(watchers_see_what_passes_and_may_go_at_any_time),
        NEW(too_many_watchers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
