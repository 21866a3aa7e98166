/* rig.h - a server and its clients on one thread: a real loop, real sockets on 127.0.0.1, no
 * waiting but for the system itself. Clients never block: whoever waits lets the loop run. */
#pragma once
#include "unit/unit.h"

#include "base/text.h"
#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

#define RIG_WAITING_MAX 256
#define RIG_PATIENCE_S 20 /* a test that waits longer has failed */

struct rig {
    uv_loop_t loop;
    struct http_server *server;
    struct http_exchange *waiting[RIG_WAITING_MAX]; /* of "/wait", in order */
    uint32_t waiting_count;
    uint32_t abandoned;
    uint32_t handled;
    bool stopped;
    http_handler_fn *special; /* for paths that begin with "/special" */
    void *special_arg;
};

static inline void rig_abandoned(void *arg)
{
    ((struct rig *)arg)->abandoned++;
}

/* Says what it was asked, so that a test sees where one request ended and the next began. */
static inline void rig_answer(struct http_exchange *exchange)
{
    const struct http_request *request = http_request(exchange);
    struct ever_slice body = arena_printf(http_arena(exchange), "%.*s %.*s?%.*s|%.*s",
                                          SLICE_PRINT(request->method), SLICE_PRINT(request->path),
                                          SLICE_PRINT(request->query), SLICE_PRINT(request->body));
    struct http_header header = {SLICE_LITERAL("Content-Type"), SLICE_LITERAL("text/plain")};
    http_respond(exchange, 200, &header, 1, body);
}

static inline void rig_handler(void *arg, struct http_exchange *exchange)
{
    struct rig *rig = arg;
    rig->handled++;
    struct ever_slice path = http_request(exchange)->path;
    if (slice_starts_with(path, SLICE_LITERAL("/special"))) {
        rig->special(rig->special_arg, exchange);
    } else if (slice_starts_with(path, SLICE_LITERAL("/wait"))) {
        assert_true(rig->waiting_count < RIG_WAITING_MAX);
        rig->waiting[rig->waiting_count++] = exchange;
        http_on_abandoned(exchange, rig_abandoned, rig);
    } else {
        rig_answer(exchange);
    }
}

static inline void rig_refuse(void *arg, struct http_exchange *exchange, unsigned status,
                              const char *detail)
{
    (void)arg; /* a refusal needs nothing of the rig */
    assert_non_null(detail);
    http_respond(exchange, status, NULL, 0, slice_of_text(detail));
}

static inline struct http_options rig_options(void)
{
    struct http_options options;
    http_options_default(&options);
    options.port = 0;
    return options;
}

static inline void rig_start(struct rig *rig, const struct http_options *options)
{
    *rig = (struct rig){0};
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_ok(http_server_start(&rig->loop, options, rig_handler, rig_refuse, rig, &rig->server));
}

static inline void rig_turn(struct rig *rig)
{
    uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static inline void rig_turns(struct rig *rig, int count)
{
    for (int i = 0; i < count; i++) {
        rig_turn(rig);
    }
}

static inline time_t rig_now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Lets the loop run until the condition holds. */
#define RIG_UNTIL(rig, condition)                                                                  \
    do {                                                                                           \
        time_t start_s_ = rig_now_s();                                                             \
        while (!(condition)) {                                                                     \
            rig_turn(rig);                                                                         \
            if (rig_now_s() - start_s_ > RIG_PATIENCE_S) {                                         \
                fail_msg("waited in vain: %s", #condition);                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static inline void rig_on_stopped(void *arg)
{
    ((struct rig *)arg)->stopped = true;
}

/* After http_server_stop(). */
static inline void rig_finish(struct rig *rig)
{
    RIG_UNTIL(rig, rig->stopped);
    assert_int_equal(uv_run(&rig->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&rig->loop), 0); /* no handle is left behind */
}

static inline void rig_stop(struct rig *rig)
{
    http_server_stop(rig->server, 0, rig_on_stopped, rig);
    for (uint32_t i = 0; i < rig->waiting_count; i++) {
        http_respond(rig->waiting[i], 200, NULL, 0, SLICE_NONE);
    }
    rig->waiting_count = 0;
    rig_finish(rig);
}

static inline int rig_connect(struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(rig->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return fd;
}

/* False: the server has reset the connection. */
static inline bool rig_send(struct rig *rig, int fd, struct ever_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            rig_turn(rig);
            continue;
        }
        if (sent < 0) {
            return false;
        }
        bytes = slice_from(bytes, (size_t)sent);
    }
    return true;
}

static inline void rig_send_text(struct rig *rig, int fd, const char *text)
{
    assert_true(rig_send(rig, fd, slice_of_text(text)));
}

static inline void rig_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

enum rig_end { RIG_OPEN, RIG_EOF, RIG_RESET };

/* Takes what is there; says whether the server has closed. */
static inline enum rig_end rig_take(struct rig *rig, int fd, struct text *into)
{
    rig_turn(rig);
    for (;;) {
        char *at = text_reserve(into, 65536);
        ssize_t size = recv(fd, at, 65536, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) {
            text_seal(into);
            return RIG_OPEN;
        }
        if (size <= 0) {
            text_seal(into);
            return size == 0 ? RIG_EOF : RIG_RESET;
        }
        into->size += (size_t)size;
    }
}

static inline enum rig_end rig_take_to_end(struct rig *rig, int fd, struct text *into)
{
    enum rig_end end = RIG_OPEN;
    RIG_UNTIL(rig, (end = rig_take(rig, fd, into)) != RIG_OPEN);
    return end;
}

/* One answer at the start of `bytes`. */
struct rig_answer {
    unsigned status;
    struct ever_slice head; /* with the empty line */
    struct ever_slice body;
    size_t size; /* of all of it; 0: it is not whole */
};

static inline bool rig_field(struct ever_slice head, const char *name, struct ever_slice *out_value)
{
    size_t name_size = strlen(name);
    while (head.size > 0) {
        size_t end = slice_find_byte(head, '\n');
        struct ever_slice line = slice_first(head, end);
        head = end == head.size ? SLICE_NONE : slice_from(head, end + 1);
        if (line.size > name_size && line.data[name_size] == ':' &&
            slice_equal_ignoring_case(slice_first(line, name_size), slice_of_text(name))) {
            struct ever_slice value = slice_from(line, name_size + 1);
            value.size -= value.size > 0 && value.data[value.size - 1] == '\r';
            *out_value = slice_trim(value);
            return true;
        }
    }
    return false;
}

static inline struct rig_answer rig_parse(struct ever_slice bytes)
{
    struct rig_answer answer = {0};
    const char *end = bytes.size == 0 ? NULL : memmem(bytes.data, bytes.size, "\r\n\r\n", 4);
    if (end == NULL) {
        return answer;
    }
    assert_true(slice_starts_with(bytes, SLICE_LITERAL("HTTP/1.1 ")));
    answer.head = slice_first(bytes, (size_t)(end - bytes.data) + 4);
    answer.status = (unsigned)strtoul(bytes.data + 9, NULL, 10);
    struct ever_slice length;
    uint64_t body_size = 0;
    if (rig_field(answer.head, "content-length", &length)) {
        assert_true(slice_parse_u64(length, &body_size));
    }
    if (bytes.size - answer.head.size < body_size) {
        return answer;
    }
    answer.body = slice_first(slice_from(bytes, answer.head.size), body_size);
    answer.size = answer.head.size + body_size;
    return answer;
}

/* Waits for one whole answer, which `into` holds from `*offset` on; moves the offset behind it. */
static inline struct rig_answer rig_next(struct rig *rig, int fd, struct text *into, size_t *offset)
{
    struct rig_answer answer = {0};
    RIG_UNTIL(rig, (rig_take(rig, fd, into),
                    (answer = rig_parse(slice_from(text_slice(into), *offset))).size > 0));
    *offset += answer.size;
    return answer;
}
