/* Catches: answers out of order or lost when requests are pipelined, answered late or by a client
 * that reads slowly, half-closes, resets or leaves; deadlines, limits and stopping that do not
 * hold.
 */
#include "unit/net/rig.h"

#include <fcntl.h>
#include <sys/resource.h>

/* Keep-alive and pipelining */

static void pipelined_answers_leave_in_order_and_in_one_write(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.pipelined_max = 128;
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text requests = {0};
    for (int i = 0; i < 100; i++) {
        text_printf(&requests, GET("/%d"), i);
    }
    assert_true(rig_send(&rig, fd, text_slice(&requests)));
    struct text got = {0};
    size_t offset = 0;
    for (int i = 0; i < 100; i++) {
        char want[32];
        snprintf(want, sizeof want, "GET /%d?|", i);
        assert_slice(rig_next(&rig, fd, &got, &offset).body, want);
    }
    assert_int_equal(offset, got.size);
    close(fd);
    text_deinit(&requests);
    text_deinit(&got);
    rig_stop(&rig);
}

static void late_answers_keep_the_order_of_the_requests(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text got = {0};
    rig_send_text(&rig, fd, GET("/wait/0") GET("/wait/1") GET("/now") GET("/wait/3"));
    RIG_UNTIL(&rig, rig.waiting_count == 3);
    rig_answer(rig.waiting[2]);
    rig_answer(rig.waiting[1]);
    rig_turns(&rig, 3);
    assert_int_equal(rig_take(&rig, fd, &got), RIG_OPEN);
    assert_int_equal(got.size, 0); /* the first is not answered yet */
    rig_answer(rig.waiting[0]);
    rig.waiting_count = 0;
    size_t offset = 0;
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait/0?|");
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait/1?|");
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /now?|");
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait/3?|");
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void reading_pauses_at_the_bound_of_pipelining(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.pipelined_max = 3;
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    for (int i = 0; i < 10; i++) {
        rig_send_text(&rig, fd, GET("/wait"));
    }
    RIG_UNTIL(&rig, rig.waiting_count == 3);
    rig_turns(&rig, 10);
    assert_int_equal(rig.waiting_count, 3);
    for (uint32_t answered = 0; answered < 10; answered++) {
        RIG_UNTIL(&rig, rig.waiting_count > answered);
        assert_true(rig.waiting_count <= answered + 3);
        rig_answer(rig.waiting[answered]);
    }
    struct text got = {0};
    size_t offset = 0;
    for (int i = 0; i < 10; i++) {
        assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait?|");
    }
    rig.waiting_count = 0;
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void a_client_that_takes_no_answers_is_not_read_either(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.stream_buffer_bytes = 4096;
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text request = {0};
    text_add_text(&request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
    size_t head_size = request.size;
    text_reserve(&request, 60000);
    memset(request.data + head_size, 'x', 60000);
    request.size += 60000;
    uint32_t sent = 0;
    /* Until neither side's system takes more. */
    for (int blocked = 0; blocked < 100;) {
        ssize_t size = send(fd, request.data, request.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        rig_turn(&rig);
        blocked = size < 0 ? blocked + 1 : 0;
        sent += size > 0;
        assert_true(sent < 2000); /* 120 MB would mean that nobody holds back */
    }
    struct http_stats stats;
    http_server_stats(rig.server, &stats);
    assert_int_equal(stats.connections, 1);
    close(fd);
    text_deinit(&request);
    rig_stop(&rig);
}

/* Single answers */

static void head_gets_the_length_and_no_body(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text got = {0};
    rig_send_text(&rig, fd, "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
    struct ever_slice length;
    assert_true(rig_field(text_slice(&got), "content-length", &length));
    assert_slice(length, "9");
    assert_memory_equal(got.data + got.size - 4, "\r\n\r\n", 4);
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void respond_with_dirt(void *arg, struct http_exchange *exchange)
{
    (void)arg; /* the answer is always the same */
    struct http_header header = {SLICE_LITERAL("Location"), SLICE_LITERAL("/a\r\nSet-Cookie: b")};
    http_respond(exchange, 204, &header, 1, SLICE_LITERAL("ignored"));
}

static void a_value_cannot_break_out_of_its_line_and_204_has_no_body(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    rig.special = respond_with_dirt;
    int fd = rig_connect(&rig);
    struct text got = {0};
    rig_send_text(&rig, fd, GET("/special") GET("/after"));
    size_t offset = 0;
    struct rig_answer answer = rig_next(&rig, fd, &got, &offset);
    struct ever_slice value;
    assert_int_equal(answer.status, 204);
    assert_true(rig_field(answer.head, "location", &value));
    assert_slice(value, "/a  Set-Cookie: b");
    assert_false(rig_field(answer.head, "content-length", &value));
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /after?|");
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void says_continue_only_when_it_is_waited_for(void **state)
{
    (void)state; /* cmocka's signature */
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text got = {0};
    rig_send_text(&rig, fd, head);
    size_t offset = 0;
    assert_int_equal(rig_next(&rig, fd, &got, &offset).status, 100);
    rig_send_text(&rig, fd, "abc");
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "POST /?|abc");
    struct text whole = {0};
    text_add_text(&whole, head);
    text_add_text(&whole, "abc");
    assert_true(rig_send(&rig, fd, text_slice(&whole)));
    assert_int_equal(rig_next(&rig, fd, &got, &offset).status, 200);
    /* Behind an unanswered request it has to wait, or it would answer that one. */
    rig_send_text(&rig, fd, GET("/wait"));
    rig_send_text(&rig, fd, head);
    RIG_UNTIL(&rig, rig.waiting_count == 1);
    rig_turns(&rig, 5);
    rig_take(&rig, fd, &got);
    assert_int_equal(got.size, offset);
    rig_answer(rig.waiting[0]);
    rig.waiting_count = 0;
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait?|");
    assert_int_equal(rig_next(&rig, fd, &got, &offset).status, 100);
    close(fd);
    text_deinit(&whole);
    text_deinit(&got);
    rig_stop(&rig);
}

/* Limits */

/* Sends `bytes`, and expects one answer, then the end. */
static void expect_one_answer(struct rig *rig, struct ever_slice bytes, unsigned status)
{
    int fd = rig_connect(rig);
    struct text got = {0};
    assert_true(rig_send(rig, fd, bytes));
    assert_int_equal(rig_take_to_end(rig, fd, &got), RIG_EOF);
    struct rig_answer answer = rig_parse(text_slice(&got));
    assert_int_equal(answer.status, status);
    assert_int_equal(answer.size, got.size);
    close(fd);
    text_deinit(&got);
}

static void add_times(struct text *text, char byte, size_t count)
{
    memset(text_reserve(text, count), byte, count);
    text->size += count;
}

static void limits_have_their_status_at_the_byte(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.target_bytes_max = 100;
    options.header_bytes_max = 200;
    options.body_bytes_max = 1000;
    struct rig rig;
    rig_start(&rig, &options);
    for (size_t over = 0; over <= 1; over++) {
        struct text request = {0};
        text_add_text(&request, "GET /");
        add_times(&request, 'a', 99 + over);
        text_add_text(&request, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        expect_one_answer(&rig, text_slice(&request), over == 0 ? 200 : 414);
        text_clear(&request);
        text_add_text(&request, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ");
        add_times(&request, 'a', 200 - 9 - 19 - 5 - 2 + over); /* of 200, less the other lines */
        text_add_text(&request, "\r\n\r\n");
        expect_one_answer(&rig, text_slice(&request), over == 0 ? 200 : 431);
        text_clear(&request);
        text_printf(
            &request,
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
            1000 + over);
        add_times(&request, 'a', 1000 + over);
        expect_one_answer(&rig, text_slice(&request), over == 0 ? 200 : 413);
        text_deinit(&request);
    }
    rig_stop(&rig);
}

static void many_fields_long_chunks_and_long_extensions_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.body_bytes_max = 1000;
    struct rig rig;
    rig_start(&rig, &options);
    struct text request = {0};
    for (int fields = 64; fields <= 65; fields++) {
        text_clear(&request);
        text_add_text(&request, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
        for (int i = 2; i < fields; i++) {
            text_printf(&request, "X-%d: a\r\n", i);
        }
        text_add_text(&request, "\r\n");
        expect_one_answer(&rig, text_slice(&request), fields == 64 ? 200 : 431);
    }

    static const char chunked[] =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    text_clear(&request);
    text_add_text(&request, chunked);
    for (int i = 0; i < 11; i++) { /* each is allowed, together they are too long */
        text_add_text(&request, "64\r\n");
        add_times(&request, 'a', 100);
        text_add_text(&request, "\r\n");
    }
    expect_one_answer(&rig, text_slice(&request), 413);

    text_clear(&request);
    text_add_text(&request, chunked);
    text_add_text(&request, "1;");
    add_times(&request, 'a', 256);
    text_add_text(&request, "\r\na\r\n0\r\n\r\n");
    expect_one_answer(&rig, text_slice(&request), 400);

    text_clear(&request);
    text_add_text(&request, chunked);
    for (int i = 0; i < 100; i++) { /* each is allowed, together they are an attack */
        text_add_text(&request, "1;");
        add_times(&request, 'a', 250);
        text_add_text(&request, "\r\na\r\n");
    }
    expect_one_answer(&rig, text_slice(&request), 400);

    text_clear(&request);
    text_add_text(&request, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    add_times(&request, 'a', 1 << 20); /* a header of 1 MiB, without an end */
    expect_one_answer(&rig, text_slice(&request), 431);

    text_clear(&request);
    add_times(&request, 'a', 1 << 20); /* a request line of 1 MiB, without an end */
    expect_one_answer(&rig, text_slice(&request), 414);
    text_deinit(&request);
    rig_stop(&rig);
}

static void an_upload_that_is_too_long_sees_the_refusal(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct text request = {0};
    text_add_text(&request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n");
    add_times(&request, 'a', 16 << 20); /* all of it is sent, though 4 MiB are allowed */
    expect_one_answer(&rig, text_slice(&request), 413);
    text_deinit(&request);
    rig_stop(&rig);
}

static void a_body_at_the_limit_arrives_whole(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct text request = {0};
    text_printf(&request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                options.body_bytes_max);
    size_t head_size = request.size;
    for (size_t i = 0; i < options.body_bytes_max; i++) {
        text_add_byte(&request, (char)('a' + i % 23));
    }
    int fd = rig_connect(&rig);
    struct text got = {0};
    assert_true(rig_send(&rig, fd, text_slice(&request)));
    size_t offset = 0;
    struct ever_slice body = rig_next(&rig, fd, &got, &offset).body;
    struct ever_slice want = slice_from(text_slice(&request), head_size);
    assert_true(slice_equal(slice_from(body, strlen("POST /?|")), want));
    close(fd);
    text_deinit(&got);
    text_deinit(&request);
    rig_stop(&rig);
}

static void connections_beyond_the_limit_wait_their_turn(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.connections_max = 2;
    struct rig rig;
    rig_start(&rig, &options);
    int fds[5];
    struct text got = {0};
    for (int i = 0; i < 5; i++) {
        fds[i] = rig_connect(&rig);
        rig_send_text(&rig, fds[i], GET("/"));
    }
    rig_turns(&rig, 20);
    struct http_stats stats;
    http_server_stats(rig.server, &stats);
    assert_int_equal(stats.connections, 2);
    assert_int_equal(stats.requests, 2);
    for (int i = 0; i < 5; i++) {
        size_t offset = got.size;
        assert_int_equal(rig_next(&rig, fds[i], &got, &offset).status, 200);
        close(fds[i]);
    }
    text_deinit(&got);
    rig_stop(&rig);
}

static void without_descriptors_one_client_is_told_and_the_others_live(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int kept = rig_connect(&rig);
    struct text got = {0};
    size_t offset = 0;
    rig_send_text(&rig, kept, GET("/1"));
    assert_int_equal(rig_next(&rig, kept, &got, &offset).status, 200);

    int turned_away[2] = {rig_connect(&rig), rig_connect(&rig)};
    int later = rig_connect(&rig);
    int lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(lowest_free);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)lowest_free, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct text refused = {0};
    for (int i = 0; i < 2; i++) { /* the reserve is there for the second one again */
        text_clear(&refused);
        rig_take_to_end(&rig, turned_away[i], &refused);
        assert_int_equal(rig_parse(text_slice(&refused)).status, 503);
    }
    rig_send_text(&rig, kept, GET("/2")); /* those who are in are served on */
    assert_int_equal(rig_next(&rig, kept, &got, &offset).status, 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    rig_send_text(&rig, later, GET("/3")); /* and accepting goes on by itself */
    enum rig_end end = RIG_OPEN;
    text_clear(&refused);
    RIG_UNTIL(&rig, (end = rig_take(&rig, later, &refused)) != RIG_OPEN || refused.size > 0);
    int fresh = rig_connect(&rig);
    size_t fresh_offset = got.size;
    rig_send_text(&rig, fresh, GET("/4"));
    assert_int_equal(rig_next(&rig, fresh, &got, &fresh_offset).status, 200);
    close(kept);
    close(turned_away[0]);
    close(turned_away[1]);
    close(later);
    close(fresh);
    text_deinit(&refused);
    text_deinit(&got);
    rig_stop(&rig);
}

/* Deadlines */

static void a_slow_request_is_told_so_and_an_idle_connection_is_closed(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.request_timeout_ms = 40;
    options.idle_timeout_ms = 80;
    struct rig rig;
    rig_start(&rig, &options);
    expect_one_answer(&rig, SLICE_LITERAL("GET / HT"), 408);
    expect_one_answer(
        &rig, SLICE_LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"), 408);
    const char *const idle[] = {"", "P", GET("/"), GET("/") "\r\n"};
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
        int fd = rig_connect(&rig);
        struct text got = {0};
        rig_send_text(&rig, fd, idle[i]);
        assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
        assert_int_equal(rig_parse(text_slice(&got)).size, got.size);
        close(fd);
        text_deinit(&got);
    }
    rig_stop(&rig);
}

static void waiting_for_an_answer_is_no_idleness(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.request_timeout_ms = 20;
    options.idle_timeout_ms = 20;
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/wait"));
    RIG_UNTIL(&rig, rig.waiting_count == 1);
    uint64_t start_ms = uv_now(&rig.loop);
    RIG_UNTIL(&rig, uv_now(&rig.loop) > start_ms + 100);
    rig_answer(rig.waiting[0]);
    rig.waiting_count = 0;
    struct text got = {0};
    size_t offset = 0;
    assert_slice(rig_next(&rig, fd, &got, &offset).body, "GET /wait?|");
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

/* Clients that leave */

static void a_half_closed_client_gets_its_answers(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    struct text got = {0};
    rig_send_text(&rig, fd, GET("/wait/0") GET("/wait/1"));
    shutdown(fd, SHUT_WR);
    RIG_UNTIL(&rig, rig.waiting_count == 2);
    rig_turns(&rig, 5);
    rig_answer(rig.waiting[0]);
    rig_answer(rig.waiting[1]);
    rig.waiting_count = 0;
    assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
    struct rig_answer first = rig_parse(text_slice(&got));
    assert_slice(first.body, "GET /wait/0?|");
    assert_slice(rig_parse(slice_from(text_slice(&got), first.size)).body, "GET /wait/1?|");
    close(fd);
    text_clear(&got);
    fd = rig_connect(&rig);
    rig_send_text(&rig, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    shutdown(fd, SHUT_WR);
    assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
    assert_int_equal(rig_parse(text_slice(&got)).status, 400);
    close(fd);
    text_deinit(&got);
    rig_stop(&rig);
}

static void who_waits_learns_that_the_client_is_gone(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    options.idle_timeout_ms = 100;
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/wait") GET("/wait"));
    RIG_UNTIL(&rig, rig.waiting_count == 2);
    rig_reset(fd);
    RIG_UNTIL(&rig, rig.abandoned == 2);
    rig_answer(rig.waiting[0]); /* must be done, and does nothing */
    fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/wait"));
    RIG_UNTIL(&rig, rig.waiting_count == 3);
    close(fd); /* looks like a client that has shut its side, for a while */
    RIG_UNTIL(&rig, rig.abandoned == 3);
    rig.waiting[0] = rig.waiting[2];
    rig.waiting_count = 2;
    struct http_stats stats;
    http_server_stats(rig.server, &stats);
    assert_int_equal(stats.requests, 3);
    rig_stop(&rig);
}

static void survives_a_reset_at_any_byte(void **state)
{
    (void)state; /* cmocka's signature */
    static const char request[] = "POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET("/wait");
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    for (size_t size = 0; size < sizeof request; size++) {
        int fd = rig_connect(&rig);
        assert_true(rig_send(&rig, fd, slice_of(request, size)));
        rig_turns(&rig, (int)(size % 4));
        rig_reset(fd);
    }
    struct http_stats stats;
    RIG_UNTIL(&rig, (http_server_stats(rig.server, &stats), stats.connections == 0));
    assert_int_equal(stats.accepted, sizeof request);
    assert_int_equal(rig.abandoned, rig.waiting_count);
    rig_stop(&rig);
}

/* Others on the port */

static void tls_and_http2_are_answered_in_their_own_tongue(void **state)
{
    (void)state; /* cmocka's signature */
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    for (size_t step = 1; step <= 30; step += 29) {
        struct text got = {0};
        int fd = rig_connect(&rig);
        for (size_t at = 0; at < sizeof hello - 1; at += step) {
            size_t left = sizeof hello - 1 - at;
            rig_send(&rig, fd, slice_of(hello + at, left < step ? left : step));
            rig_turns(&rig, 2);
        }
        assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
        assert_int_equal(got.size, 7);
        assert_memory_equal(got.data, "\x15\x03\x01\x00\x02\x02", 6); /* a fatal alert */
        close(fd);
        text_clear(&got);
        fd = rig_connect(&rig);
        for (size_t at = 0; at < sizeof preface - 1; at += step) {
            size_t left = sizeof preface - 1 - at;
            rig_send(&rig, fd, slice_of(preface + at, left < step ? left : step));
            rig_turns(&rig, 2);
        }
        assert_int_equal(rig_take_to_end(&rig, fd, &got), RIG_EOF);
        assert_int_equal(got.size, 9 + 9 + 20);
        assert_memory_equal(got.data, "\0\0\0\x04\0\0\0\0\0\0\0\x14\x07",
                            13); /* SETTINGS, GOAWAY */
        assert_memory_equal(got.data + 22, "\0\0\0\x0d", 4);
        close(fd);
        text_deinit(&got);
    }
    rig_stop(&rig);
}

/* Starting and stopping */

static void start_says_what_is_wrong(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    struct http_server *second = NULL;
    options.port = http_server_port(rig.server);
    assert_err(http_server_start(&rig.loop, &options, rig_handler, rig_refuse, &rig, &second),
               EVER_BUSY);
    options.host = "no address";
    assert_err(http_server_start(&rig.loop, &options, rig_handler, rig_refuse, &rig, &second),
               EVER_INVALID);
    options.host = "192.0.2.1"; /* of nobody's machine */
    assert_err(http_server_start(&rig.loop, &options, rig_handler, rig_refuse, &rig, &second),
               EVER_INVALID);
    assert_null(second);
    rig_stop(&rig);
}

static void stopping_lets_answers_finish(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int waiting = rig_connect(&rig);
    int idle = rig_connect(&rig);
    int half = rig_connect(&rig);
    rig_send_text(&rig, waiting, GET("/wait"));
    rig_send_text(&rig, half, "GET / HTTP");
    RIG_UNTIL(&rig, rig.waiting_count == 1);
    http_server_stop(rig.server, 60000, rig_on_stopped, &rig);
    struct text got = {0};
    assert_int_equal(rig_take_to_end(&rig, idle, &got), RIG_EOF);
    assert_int_equal(rig_take_to_end(&rig, half, &got), RIG_EOF);
    assert_int_equal(got.size, 0);
    close(idle);
    close(half);
    rig_turns(&rig, 10);
    assert_false(rig.stopped);
    rig_answer(rig.waiting[0]);
    assert_int_equal(rig_take_to_end(&rig, waiting, &got), RIG_EOF);
    struct ever_slice value;
    struct rig_answer answer = rig_parse(text_slice(&got));
    assert_slice(answer.body, "GET /wait?|");
    assert_true(rig_field(answer.head, "connection", &value));
    assert_slice(value, "close");
    close(waiting);
    rig_finish(&rig);
    text_deinit(&got);
}

static void stopping_waits_for_answers_but_not_for_clients(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    int fd = rig_connect(&rig);
    rig_send_text(&rig, fd, GET("/wait"));
    RIG_UNTIL(&rig, rig.waiting_count == 1);
    http_server_stop(rig.server, 20, rig_on_stopped, &rig);
    RIG_UNTIL(&rig, rig.abandoned == 1); /* the grace is over */
    struct text got = {0};
    assert_int_not_equal(rig_take_to_end(&rig, fd, &got), RIG_OPEN);
    rig_turns(&rig, 10);
    assert_false(rig.stopped);
    rig_answer(rig.waiting[0]); /* the exchange was valid until now */
    rig_finish(&rig);
    close(fd);
    text_deinit(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_answers_leave_in_order_and_in_one_write),
        cmocka_unit_test(late_answers_keep_the_order_of_the_requests),
        cmocka_unit_test(reading_pauses_at_the_bound_of_pipelining),
        cmocka_unit_test(a_client_that_takes_no_answers_is_not_read_either),
        cmocka_unit_test(head_gets_the_length_and_no_body),
        cmocka_unit_test(a_value_cannot_break_out_of_its_line_and_204_has_no_body),
        cmocka_unit_test(says_continue_only_when_it_is_waited_for),
        cmocka_unit_test(limits_have_their_status_at_the_byte),
        cmocka_unit_test(many_fields_long_chunks_and_long_extensions_are_refused),
        cmocka_unit_test(an_upload_that_is_too_long_sees_the_refusal),
        cmocka_unit_test(a_body_at_the_limit_arrives_whole),
        cmocka_unit_test(connections_beyond_the_limit_wait_their_turn),
        cmocka_unit_test(without_descriptors_one_client_is_told_and_the_others_live),
        cmocka_unit_test(a_slow_request_is_told_so_and_an_idle_connection_is_closed),
        cmocka_unit_test(waiting_for_an_answer_is_no_idleness),
        cmocka_unit_test(a_half_closed_client_gets_its_answers),
        cmocka_unit_test(who_waits_learns_that_the_client_is_gone),
        cmocka_unit_test(survives_a_reset_at_any_byte),
        cmocka_unit_test(tls_and_http2_are_answered_in_their_own_tongue),
        cmocka_unit_test(start_says_what_is_wrong),
        cmocka_unit_test(stopping_lets_answers_finish),
        cmocka_unit_test(stopping_waits_for_answers_but_not_for_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
