/* Catches: streams that lose, repeat or reorder bytes, hold more than their buffer, or tell their
 * writer too little or too much of what became of the client. */
#include "unit/net/rig.h"

struct feed { /* writes numbered lines whenever there is room */
    struct http_exchange *exchange;
    uint64_t line_count; /* to write */
    uint64_t written;
    uint32_t ready_count;
    uint32_t gone_count;
    size_t unsent_max;
    bool ends;
};

static void feed_write(struct feed *feed, struct http_exchange *exchange)
{
    bool room = true;
    while (feed->written < feed->line_count && room) {
        char line[64];
        int size = snprintf(line, sizeof line, "line %llu\n", (unsigned long long)feed->written++);
        room = http_stream_write(exchange, slice_of(line, (size_t)size));
    }
}

static void feed_ready(void *arg, struct http_exchange *exchange)
{
    struct feed *feed = arg;
    feed->ready_count++;
    feed_write(feed, exchange);
    size_t unsent = http_stream_unsent(exchange);
    feed->unsent_max = unsent > feed->unsent_max ? unsent : feed->unsent_max;
    if (feed->written == feed->line_count && feed->ends) {
        http_stream_end(exchange);
    }
}

static void feed_gone(void *arg, struct http_exchange *exchange)
{
    struct feed *feed = arg;
    assert_ptr_equal(exchange, feed->exchange);
    feed->gone_count++;
}

static void feed_begin(void *arg, struct http_exchange *exchange)
{
    struct feed *feed = arg;
    feed->exchange = exchange;
    struct http_stream_events events = {feed_ready, feed_gone, feed};
    struct http_header header = {SLICE_LITERAL("Content-Type"), SLICE_LITERAL("text/plain")};
    http_stream_begin(exchange, 200, &header, 1, &events);
}

/* The body of a chunked answer; false: it does not end. */
static bool dechunk(struct ever_slice bytes, struct text *out_body, size_t *out_rest)
{
    for (;;) {
        char *end = NULL;
        size_t size = strtoul(bytes.data, &end, 16);
        size_t skip = (size_t)(end - bytes.data) + 2;
        if (end == bytes.data || bytes.size < skip + size + 2) {
            return false;
        }
        text_add(out_body, slice_of(bytes.data + skip, size));
        assert_memory_equal(bytes.data + skip + size, "\r\n", 2);
        bytes = slice_from(bytes, skip + size + 2);
        if (size == 0) {
            *out_rest = bytes.size;
            return true;
        }
    }
}

/* Until the answer to GET /after is there, which is sent last. */
static void take_until_after(struct rig *rig, int fd, struct text *got)
{
    static const char last[] = "GET /after?|";
    size_t size = sizeof last - 1;
    RIG_UNTIL(rig, (rig_take(rig, fd, got),
                    got->size > size && memcmp(got->data + got->size - size, last, size) == 0));
}

static void check_lines(struct ever_slice body, uint64_t count)
{
    struct text want = {0};
    for (uint64_t i = 0; i < count; i++) {
        text_printf(&want, "line %llu\n", (unsigned long long)i);
    }
    assert_true(slice_equal(body, text_slice(&want)));
    text_deinit(&want);
}

static void a_stream_arrives_whole_within_its_buffer(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.stream_buffer_bytes = 16384;
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 500000, .ends = true};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/special") GET("/after"));
    rig_turns(&rig, 2000); /* the client reads nothing for now */
    assert_true(feed.written < feed.line_count);
    uint64_t written = feed.written;
    rig_turns(&rig, 100);
    assert_int_equal(feed.written, written);
    struct text got = {0};
    RIG_UNTIL(&rig, (rig_take(&rig, fd, &got), rig.handled == 2));
    take_until_after(&rig, fd, &got);
    assert_true(feed.unsent_max < options.stream_buffer_bytes + 128);
    struct rig_answer answer = rig_parse(text_slice(&got));
    struct text body = {0};
    size_t rest = 0;
    assert_true(dechunk(slice_from(text_slice(&got), answer.head.size), &body, &rest));
    check_lines(text_slice(&body), feed.line_count);
    assert_slice(rig_parse(slice_from(text_slice(&got), got.size - rest)).body, "GET /after?|");
    assert_int_equal(feed.gone_count, 0);
    close(fd);
    text_deinit(&body);
    text_deinit(&got);
    rig_stop(&rig);
}

static void a_stream_for_1_0_ends_with_the_connection(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 1000, .ends = true};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, "GET /special HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct text got = {0};
    assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
    struct rig_answer answer = rig_parse(text_slice(&got));
    struct ever_slice value;
    assert_false(rig_field(answer.head, "transfer-encoding", &value));
    check_lines(slice_from(text_slice(&got), answer.head.size), 1000);
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void a_stream_learns_once_that_its_client_is_gone(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.idle_timeout_ms = 100;
    struct rig rig;
    rig_start(&rig, &options);
    for (int way = 0; way < 3; way++) {
        struct feed feed = {.line_count = way == 2 ? 10000000 : 10};
        rig.special = feed_begin;
        rig.special_arg = &feed;
        int fd = rig_connect(&rig);
        rig_send_text(&rig, fd, GET("/special"));
        RIG_UNTIL(&rig, feed.ready_count > 0);
        rig_turns(&rig, 3);
        if (way == 0) {
            close(fd); /* with nothing to say, silence tells */
        } else {
            rig_reset(fd); /* while idle, and while full */
        }
        RIG_UNTIL(&rig, feed.gone_count > 0);
        rig_turns(&rig, 5);
        assert_int_equal(feed.gone_count, 1);
    }
    rig_stop(&rig);
}

/* Writes before it was asked to. */
static void eager_begin(void *arg, struct http_exchange *exchange)
{
    feed_begin(arg, exchange);
    struct feed *feed = arg;
    feed->written = 0;
    feed_write(feed, exchange);
}

static void streams_that_were_written_before_their_turn_are_whole(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 5, .ends = true};
    rig.special = eager_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/special/1") GET("/special/2") GET("/special/3") GET("/after"));
    struct text got = {0};
    take_until_after(&rig, fd, &got);
    struct ever_slice bytes = text_slice(&got);
    for (int i = 0; i < 3; i++) {
        struct text body = {0};
        size_t rest = 0;
        bytes = slice_from(bytes, rig_parse(bytes).head.size);
        assert_true(dechunk(bytes, &body, &rest));
        check_lines(text_slice(&body), 5);
        bytes = slice_from(bytes, bytes.size - rest);
        text_deinit(&body);
    }
    assert_slice(rig_parse(bytes).body, "GET /after?|");
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void a_client_that_stops_reading_is_cut_off(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.idle_timeout_ms = 60;
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 1000000000};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/special"));
    RIG_UNTIL(&rig, feed.gone_count == 1);
    assert_true(feed.unsent_max < options.stream_buffer_bytes + 128);
    close(fd);
    rig_stop(&rig);
}

static void a_client_that_left_is_noticed_by_the_next_write(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 1};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/special"));
    struct text got = {0};
    RIG_UNTIL(&rig, (rig_take(&rig, fd, &got), feed.ready_count > 0 && got.size > 0));
    close(fd); /* all was read: this is a plain end, not a reset */
    rig_turns(&rig, 5);
    assert_int_equal(feed.gone_count, 0);
    feed.line_count++;
    feed_write(&feed, feed.exchange);
    RIG_UNTIL(&rig, feed.gone_count == 1); /* long before the time for silence is over */
    text_deinit(&got);
    rig_stop(&rig);
}

static void head_of_a_stream_is_a_head_and_gone(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 10};
    rig.special = eager_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, "HEAD /special HTTP/1.1\r\nHost: a\r\n\r\n" GET("/after"));
    struct text got = {0};
    size_t offset = 0;
    struct rig_answer answer = rig_next(&rig, fd, &got, &offset);
    assert_int_equal(answer.head.size, answer.size);
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /after?|");
    assert_int_equal(feed.written, 1); /* there is no room, ever */
    assert_int_equal(feed.ready_count, 0);
    assert_int_equal(feed.gone_count, 1);
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void a_stream_waits_for_the_answer_before_it(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 10, .ends = true};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/wait") GET("/special") GET("/after"));
    RIG_UNTIL(&rig, rig.handled == 3);
    struct text got = {0};
    rig_turns(&rig, 5);
    rig_take(&rig, fd, &got);
    assert_int_equal(got.size, 0);
    rig_answer(rig.waiting[0]);
    rig.waiting_count = 0;
    size_t offset = 0;
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait?|");
    take_until_after(&rig, fd, &got);
    struct rig_answer answer = rig_parse(slice_from(text_slice(&got), offset));
    struct text body = {0};
    size_t rest = 0;
    assert_true(dechunk(slice_from(text_slice(&got), offset + answer.head.size), &body, &rest));
    check_lines(text_slice(&body), 10);
    close(fd);
    text_deinit(&body);
    text_deinit(&got);
    rig_stop(&rig);
}

static void stopping_cuts_a_stream_and_what_waits_behind_it(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct feed feed = {.line_count = 3};
    rig.special = feed_begin;
    rig.special_arg = &feed;
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/special") GET("/wait"));
    RIG_UNTIL(&rig, rig.waiting_count == 1 && feed.ready_count == 1);
    feed.line_count++;
    feed_write(&feed, feed.exchange);
    http_server_stop(rig.server, 60000, rig_on_stopped, &rig);
    assert_int_equal(feed.gone_count, 1);
    assert_int_equal(rig.abandoned, 1);
    struct text got = {0};
    assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
    struct text body = {0};
    size_t rest = 0;
    struct rig_answer answer = rig_parse(text_slice(&got));
    assert_false(dechunk(slice_from(text_slice(&got), answer.head.size), &body,
                         &rest)); /* no last chunk: the client can tell */
    check_lines(text_slice(&body), 4);
    close(fd);
    rig_turns(&rig, 10);
    assert_false(rig.stopped);
    rig_answer(rig.waiting[0]);
    rig_finish(&rig);
    text_deinit(&body);
    text_deinit(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_arrives_whole_within_its_buffer),
        cmocka_unit_test(a_stream_for_1_0_ends_with_the_connection),
        cmocka_unit_test(a_stream_learns_once_that_its_client_is_gone),
        cmocka_unit_test(streams_that_were_written_before_their_turn_are_whole),
        cmocka_unit_test(a_client_that_stops_reading_is_cut_off),
        cmocka_unit_test(a_client_that_left_is_noticed_by_the_next_write),
        cmocka_unit_test(head_of_a_stream_is_a_head_and_gone),
        cmocka_unit_test(a_stream_waits_for_the_answer_before_it),
        cmocka_unit_test(stopping_cuts_a_stream_and_what_waits_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
