/* gateway_fixture.h - a whole gateway in this process, on a thread and a port of its own, and a
 * client that speaks to it over a socket. */
#pragma once
#include "unit/unit.h"

#include "base/assert.h"
#include "base/json.h"
#include "gateway/gateway.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct ever *store;
    struct app *app; /* NULL: none */
    struct views *views;
    struct flows *flows;       /* NULL unless a test opens some */
    struct deciders *deciders; /* NULL: the APP has none */
    uv_loop_t loop;
    uv_async_t stop;
    uv_async_t hold;
    sem_t held;
    sem_t let_go;
    pthread_t thread;
    struct gateway *gateway;
    uint16_t port;
};

static inline int fixture_remove(const char *path, const struct stat *stat, int type,
                                 struct FTW *walk)
{
    (void)stat; /* nftw's signature */
    (void)type; /* likewise */
    (void)walk; /* likewise */
    return remove(path);
}

static inline void fixture_stopped(void *arg)
{
    struct fixture *fixture = arg;
    uv_close((uv_handle_t *)&fixture->stop, NULL);
    uv_close((uv_handle_t *)&fixture->hold, NULL);
    uv_stop(&fixture->loop); /* the deciders close on the thread that joins */
}

static inline void fixture_on_stop(uv_async_t *handle)
{
    struct fixture *fixture = handle->data;
    gateway_stop(fixture->gateway, fixture_stopped, fixture);
}

static inline void fixture_on_hold(uv_async_t *handle)
{
    struct fixture *fixture = handle->data;
    sem_post(&fixture->held);
    sem_wait(&fixture->let_go);
}

/* The loop stands still, so that several things are there when it goes on. */
static inline void fixture_hold(struct fixture *fixture)
{
    uv_async_send(&fixture->hold);
    sem_wait(&fixture->held);
}

static inline void fixture_let_go(struct fixture *fixture)
{
    sem_post(&fixture->let_go);
}

static inline void *fixture_run(void *arg)
{
    struct fixture *fixture = arg;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    return NULL;
}

struct fixture_file { /* of an APP */
    const char *path;
    const char *content;
};

static inline void fixture_write_app(struct fixture *fixture, const struct fixture_file *files,
                                     size_t count)
{
    static const char *const folders[] = {"app", "app/deciders", "app/flows", "app/views"};
    char path[128];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, folders[i]); /* fits */
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/app/%s", fixture->dir, files[i].path); /* fits */
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(files[i].content, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
}

/* everfold-js lies in bin/, this program in tests/ of the same build. */
static inline const char *fixture_worker_path(void)
{
    static char path[4200];
    size_t size = sizeof path - 64;
    assert_int_equal(uv_exepath(path, &size), 0);
    path[size] = '\0';
    (void)snprintf(strrchr(path, '/'), 64, "/../bin/everfold-js"); /* fits */
    return path;
}

static inline void fixture_open_app(struct fixture *fixture, struct text *report)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/app", fixture->dir); /* fits */
    assert_ok(app_load(path, report, &fixture->app));
    assert_ok(views_open(fixture->store, fixture->app, NULL, NULL, 0, report, &fixture->views));
    assert_ok(views_start(fixture->views));
    for (size_t i = 0; i < fixture->app->file_count; i++) {
        if (fixture->app->files[i].kind == APP_DECIDER && fixture->deciders == NULL) {
            struct decider_options options = {.worker_path = fixture_worker_path(),
                                              .time_limit_ms = 10000};
            assert_ok(deciders_open(&fixture->loop, fixture->store, fixture->app, &options, report,
                                    &fixture->deciders));
        }
    }
}

/* Opens everything but the gateway, on an empty store, with an APP of these files. */
static inline void fixture_open(struct fixture *fixture, const struct fixture_file *files,
                                size_t count, struct text *report)
{
    *fixture = (struct fixture){.dir = "/tmp/everfold-gateway-XXXXXX"};
    assert_non_null(mkdtemp(fixture->dir));
    char data[96];
    (void)snprintf(data, sizeof data, "%s/data", fixture->dir); /* fits */
    struct ever_options options = {.segment_bytes = 1 << 20};
    assert_ok(ever_open(data, &options, &fixture->store));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    if (count > 0) {
        fixture_write_app(fixture, files, count);
        fixture_open_app(fixture, report);
    }
}

static inline struct ever_err fixture_start_gateway(struct fixture *fixture, struct text *report)
{
    struct gateway_parts parts = {.loop = &fixture->loop,
                                  .store = fixture->store,
                                  .deciders = fixture->deciders,
                                  .views = fixture->views,
                                  .flows = fixture->flows};
    http_options_default(&parts.http);
    parts.http.port = 0;
    return gateway_start(&parts, report, &fixture->gateway);
}

/* Starts a gateway on what is open, and the thread of its loop. */
static inline void fixture_serve(struct fixture *fixture)
{
    struct text report = {0};
    assert_ok(fixture_start_gateway(fixture, &report));
    text_deinit(&report);
    fixture->port = gateway_port(fixture->gateway);
    assert_int_equal(uv_async_init(&fixture->loop, &fixture->stop, fixture_on_stop), 0);
    fixture->stop.data = fixture;
    assert_int_equal(uv_async_init(&fixture->loop, &fixture->hold, fixture_on_hold), 0);
    fixture->hold.data = fixture;
    sem_init(&fixture->held, 0, 0);
    sem_init(&fixture->let_go, 0, 0);
    assert_int_equal(pthread_create(&fixture->thread, NULL, fixture_run, fixture), 0);
}

static inline void fixture_start(struct fixture *fixture, const struct fixture_file *files,
                                 size_t count)
{
    struct text report = {0};
    fixture_open(fixture, files, count, &report);
    text_deinit(&report);
    fixture_serve(fixture);
}

static inline void fixture_deciders_closed(void *arg)
{
    (void)arg; /* the loop ends when they are */
}

/* Closes what fixture_open() has opened; the loop runs on this thread to its end. */
static inline void fixture_close(struct fixture *fixture)
{
    if (fixture->deciders != NULL) {
        deciders_close(fixture->deciders, fixture_deciders_closed, NULL);
    }
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    flows_close(fixture->flows);
    views_close(fixture->views);
    app_free(fixture->app);
    ever_close(fixture->store);
    nftw(fixture->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_stop(struct fixture *fixture)
{
    uv_async_send(&fixture->stop);
    pthread_join(fixture->thread, NULL);
    sem_destroy(&fixture->held);
    sem_destroy(&fixture->let_go);
    fixture_close(fixture);
}

/* --- The client ------------------------------------------------------------------------------ */

struct answer {
    int status;
    char *text; /* the whole answer as received */
    char *head; /* the header lines, each behind CR LF */
    char *body; /* without chunk sizes */
};

static inline int client_connect(const struct fixture *fixture)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fixture->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void client_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* Reads until `stop` has come, or to the end of the connection. */
static inline char *client_read_until(int fd, const char *stop)
{
    struct text text = {0};
    text_add_text(&text, "");
    while (stop == NULL || strstr(text.data, stop) == NULL) {
        char buffer[4096];
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        assert_true(got >= 0);
        if (got == 0) {
            break;
        }
        text_add(&text, slice_of(buffer, (size_t)got));
    }
    return text.data;
}

/* Takes the chunk sizes out, in place. */
static inline void join_chunks(char *body)
{
    char *out = body;
    for (char *at = body; *at != '\0';) {
        char *data;
        size_t size = strtoul(at, &data, 16);
        data += 2;
        if (size == 0) {
            break;
        }
        memmove(out, data, size);
        out += size;
        at = data + size + 2;
    }
    *out = '\0';
}

static inline struct answer answer_of(char *text)
{
    struct answer answer = {.text = text};
    assert_true(strncmp(text, "HTTP/1.1 ", 9) == 0);
    answer.status = (int)strtol(text + 9, NULL, 10);
    answer.head = strstr(text, "\r\n");
    answer.body = strstr(text, "\r\n\r\n");
    assert_non_null(answer.body);
    answer.body[2] = '\0';
    answer.body += 4;
    if (strstr(answer.head, "\r\nTransfer-Encoding: chunked\r\n") != NULL) {
        join_chunks(answer.body);
    }
    return answer;
}

/* One request on a connection of its own. `headers`: "A: b\r\n" lines, or "". */
static inline struct answer ask(const struct fixture *fixture, const char *method,
                                const char *target, const char *headers, const char *body)
{
    int fd = client_connect(fixture);
    struct text request = {0};
    text_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
                target, headers);
    if (body != NULL) {
        text_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    }
    text_printf(&request, "\r\n%s", body == NULL ? "" : body);
    client_send(fd, request.data, request.size);
    text_deinit(&request);
    struct answer answer = answer_of(client_read_until(fd, NULL));
    close(fd);
    return answer;
}

static inline struct answer get(const struct fixture *fixture, const char *target)
{
    return ask(fixture, "GET", target, "", NULL);
}

static inline struct answer post(const struct fixture *fixture, const char *target,
                                 const char *body)
{
    return ask(fixture, "POST", target, "Content-Type: application/json\r\n", body);
}

static inline void answer_free(struct answer *answer)
{
    free(answer->text);
    *answer = (struct answer){0};
}

/* The status is this, the head and body hold these (NULL: anything); then the answer is freed. */
static inline void expect_(struct answer answer, int status, const char *in_head,
                           const char *in_body, const char *file, int line)
{
    bool fine = answer.status == status &&
                (in_head == NULL || strstr(answer.head, in_head) != NULL) &&
                (in_body == NULL || strstr(answer.body, in_body) != NULL);
    if (!fine) {
        print_error("%s:%d: want %d, head \"%s\", body \"%s\"; got %d%s\n%s\n", file, line, status,
                    in_head == NULL ? "" : in_head, in_body == NULL ? "" : in_body, answer.status,
                    answer.head, answer.body);
        _fail(file, line);
    }
    answer_free(&answer);
}
#define expect(answer, status, in_head, in_body)                                                   \
    expect_(answer, status, in_head, in_body, __FILE__, __LINE__)

/* --- Streams --------------------------------------------------------------------------------- */

struct stream { /* an answer that goes on */
    int fd;
    struct text seen;
    size_t read; /* of it, by stream_expect() */
};

/* Asks for server-sent events. `headers` as in ask(). */
static inline struct stream stream_open(const struct fixture *fixture, const char *target,
                                        const char *headers)
{
    struct stream stream = {.fd = client_connect(fixture)};
    struct text request = {0};
    text_printf(&request,
                "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n", target,
                headers);
    client_send(stream.fd, request.data, request.size);
    text_deinit(&request);
    text_add_text(&stream.seen, "");
    return stream;
}

static inline bool stream_receive(struct stream *stream)
{
    char buffer[65536];
    ssize_t got = recv(stream->fd, buffer, sizeof buffer, 0);
    if (got > 0) {
        text_add(&stream->seen, slice_of(buffer, (size_t)got));
    }
    return got > 0;
}

/* Waits until `words` have come behind those that were expected before; gives what stood between.
 */
static inline struct ever_slice stream_expect(struct stream *stream, const char *words)
{
    const char *found;
    while ((found = strstr(stream->seen.data + stream->read, words)) == NULL) {
        if (!stream_receive(stream)) {
            fail_msg("no \"%s\" in \"%s\"", words, stream->seen.data + stream->read);
        }
    }
    const char *start = stream->seen.data + stream->read;
    stream->read = (size_t)(found - stream->seen.data) + strlen(words);
    return slice_of(start, (size_t)(found - start));
}

/* The position of the next event; caught-up and its kind have a position and nothing else. */
static inline int stream_next_position(struct stream *stream)
{
    for (;;) {
        stream_expect(stream, "\ndata: {\"position\":");
        size_t start = stream->read;
        struct ever_slice rest = stream_expect(stream, "\n\n");
        if (slice_find_byte(rest, ',') < rest.size) {
            return (int)strtol(stream->seen.data + start, NULL, 10);
        }
    }
}

static inline void stream_expect_end(struct stream *stream)
{
    while (stream_receive(stream)) {
    }
}

static inline void stream_close(struct stream *stream)
{
    close(stream->fd);
    text_deinit(&stream->seen);
}
