/* Catches: a request whose parts are read wrongly, or read otherwise when its bytes are cut in two
 * at any place; buffers that grow beyond the limits or move under slices that were given out. */
#include "unit/unit.h"

#include "net/http1.h"

static const struct http1_limits limits = {
    .target_bytes_max = 64, .header_bytes_max = 256, .body_bytes_max = 128};

/* What came out, as text, so that two ways of feeding can be compared. */
static void note(struct text *out, const struct http1 *parser, enum http1_event event)
{
    const struct http_request *request = &parser->message->request;
    switch (event) {
    case HTTP1_MORE:
        return;
    case HTTP1_CONTINUE:
        text_add_text(out, "continue\n");
        return;
    case HTTP1_REFUSED:
        text_printf(out, "refused %u %s\n", parser->refusal.status, parser->refusal.detail);
        return;
    case HTTP1_REQUEST:
        break;
    }
    text_printf(out, "%.*s %.*s path %.*s query %.*s %s %s\n", SLICE_PRINT(request->method),
                SLICE_PRINT(request->target), SLICE_PRINT(request->path),
                SLICE_PRINT(request->query), parser->message->is_1_0 ? "1.0" : "1.1",
                parser->message->keep_alive ? "keep" : "close");
    for (size_t i = 0; i < request->header_count; i++) {
        text_printf(out, "<%.*s>=<%.*s>\n", SLICE_PRINT(request->headers[i].name),
                    SLICE_PRINT(request->headers[i].value));
    }
    text_printf(out, "body %.*s\n", SLICE_PRINT(request->body));
}

struct reader {
    struct http1 parser;
    struct http1_message message;
    bool refused;
    struct text out;
};

static void feed(struct reader *reader, struct ever_slice bytes)
{
    while (bytes.size > 0 && !reader->refused) {
        size_t used = 0;
        enum http1_event event = http1_feed(&reader->parser, bytes, &used);
        assert_true(used > 0 && used <= bytes.size);
        bytes = slice_from(bytes, used);
        note(&reader->out, &reader->parser, event);
        reader->refused = event == HTTP1_REFUSED;
        if (event == HTTP1_REQUEST) {
            http1_begin(&reader->parser, &limits, &reader->message);
        }
    }
}

static void reader_init(struct reader *reader)
{
    *reader = (struct reader){0};
    http1_begin(&reader->parser, &limits, &reader->message);
}

static void reader_deinit(struct reader *reader)
{
    http1_message_deinit(&reader->message);
    text_deinit(&reader->out);
}

static const struct {
    const char *bytes;
    const char *out;
} requests[] = {
    {"GET /a%20b?c=d&e HTTP/1.1\r\nHost: x\r\nAccept:  text/html, */* \r\n\r\n",
     "GET /a%20b?c=d&e path /a%20b query c=d&e 1.1 keep\n<Host>=<x>\n<Accept>=<text/html, "
     "*/*>\nbody \n"},
    {"GET /?a?b HTTP/1.1\r\nHost: x\r\n\r\n",
     "GET /?a?b path / query a?b 1.1 keep\n<Host>=<x>\nbody \n"},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
     "OPTIONS * path * query  1.1 keep\n<Host>=<x>\nbody \n"},
    {"GET http://x:1?q HTTP/1.1\r\nHost: X:1\r\nConnection: close\r\n\r\n",
     "GET http://x:1?q path / query q 1.1 close\n<Host>=<X:1>\n<Connection>=<close>\nbody \n"},
    {"GET HTTPS://x/p/q?r HTTP/1.0\r\n\r\n",
     "GET HTTPS://x/p/q?r path /p/q query r 1.0 close\nbody \n"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab\r\ncGET / HTTP/1.0\r\n\r\n",
     "POST / path / query  1.1 keep\n<Host>=<x>\n<Content-Length>=<5>\nbody ab\r\nc\n"
     "GET / path / query  1.0 close\nbody \n"},
    {"QUERY / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n{}",
     "continue\nQUERY / path / query  1.1 keep\n<Host>=<x>\n<Content-Length>=<2>\n"
     "<Expect>=<100-Continue>\nbody {}\n"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
     "1\r\na\r\n1A;b=\"c\"\r\nbcdefghijklmnopqrstuvwxyz\n\r\n0\r\nTrailer-A: dropped\r\n\r\n\r\n"
     "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
     "continue\nPUT / path / query  1.1 keep\n<Host>=<x>\n<Transfer-Encoding>=<chunked>\n"
     "<Expect>=<100-continue>\nbody abcdefghijklmnopqrstuvwxyz\n\n"
     "GET /2 path /2 query  1.1 keep\n<Host>=<x>\nbody \n"},
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
     "GET / path / query  1.1 keep\n<Host>=<x>\nbody \nrefused 400 The Host header is missing.\n"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 129\r\nExpect: 100-continue\r\n\r\n",
     "refused 413 The body is longer than this server allows.\n"},
};

static void reads_the_same_however_it_is_cut(void **state)
{
    (void)state; /* cmocka's signature */
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct ever_slice bytes = slice_of_text(requests[i].bytes);
        for (size_t cut = 0; cut <= bytes.size; cut++) {
            struct reader reader;
            reader_init(&reader);
            feed(&reader, slice_first(bytes, cut));
            feed(&reader, slice_from(bytes, cut));
            assert_slice(text_slice(&reader.out), requests[i].out);
            reader_deinit(&reader);
        }
        struct reader reader;
        reader_init(&reader);
        for (size_t at = 0; at < bytes.size; at++) {
            feed(&reader, slice_of(bytes.data + at, 1));
        }
        assert_slice(text_slice(&reader.out), requests[i].out);
        reader_deinit(&reader);
    }
}

/* What a refused request said before it was refused is there for the answer. */
static void a_refused_request_is_filled_in_as_far_as_read(void **state)
{
    (void)state; /* cmocka's signature */
    struct reader reader;
    reader_init(&reader);
    feed(&reader, SLICE_LITERAL("POST /a HTTP/1.1\r\nAccept: text/html\r\nContent-Length: 200\r\n"
                                "Host: x\r\n\r\n"));
    assert_slice(text_slice(&reader.out),
                 "refused 413 The body is longer than this server allows.\n");
    const struct http_request *request = &reader.message.request;
    assert_slice(request->method, "POST");
    assert_slice(request->path, "/a");
    assert_int_equal(request->header_count, 3);
    assert_slice(http_request_header(request, "accept"), "text/html");
    assert_null(http_request_header(request, "accep").data);
    reader_deinit(&reader);
}

static void every_status_has_its_cause(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *head; /* then 300 times "a" */
        unsigned status;
    } cases[] = {
        {"GET /", 414},
        {"GET / HTTP/1.1\r\nHost: x\r\nX: ", 431},
        {"GET / HTTP/1.1\r\nHost: x\r\n", 431},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 431},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n81\r\n", 413},
    };
    char many[300];
    memset(many, 'a', sizeof many);
    const size_t steps[] = {1, sizeof many};
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        const char *head = cases[i / 2].head;
        struct reader reader;
        reader_init(&reader);
        feed(&reader, slice_of_text(head));
        for (size_t at = 0; at < sizeof many; at += steps[i % 2]) {
            feed(&reader, slice_of(many + at, steps[i % 2]));
        }
        if (!reader.refused || reader.parser.refusal.status != cases[i / 2].status) {
            fail_msg("%s: got %u, want %u", head, reader.parser.refusal.status,
                     cases[i / 2].status);
        }
        reader_deinit(&reader);
    }
}

static void a_promised_body_costs_nothing_yet(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct http1_limits generous = {
        .target_bytes_max = 64, .header_bytes_max = 256, .body_bytes_max = 1 << 30};
    struct http1 parser;
    struct http1_message message = {0};
    size_t used = 0;
    http1_begin(&parser, &generous, &message);
    struct ever_slice head =
        SLICE_LITERAL("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\nabc");
    assert_int_equal(http1_feed(&parser, head, &used), HTTP1_MORE);
    assert_int_equal(message.body.size, 3);
    assert_true(message.body.capacity <= 65536 + 1);
    http1_message_clear(&message);
    assert_int_equal(message.body.capacity, 0); /* and a large one is not kept */
    http1_message_deinit(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_same_however_it_is_cut),
        cmocka_unit_test(a_refused_request_is_filled_in_as_far_as_read),
        cmocka_unit_test(every_status_has_its_cause),
        cmocka_unit_test(a_promised_body_costs_nothing_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
