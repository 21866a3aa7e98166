#include "net/connection_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "net/foreign_priv.h"
#include "net/server_priv.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_MS 2000u
#define BUFFERS_MAX 64u /* blocks in one write */

static struct connection *connection_of_handle(uv_handle_t *handle)
{
    return handle->data;
}

/* The end */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = connection_of_handle(handle);
    struct http_server *server = connection->server;
    output_drop(&connection->output, &server->blocks, connection->output.size);
    ring_remove(&connection->in_turn);
    ring_remove(&connection->in_server);
    free(connection);
    server_connection_closed(server);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    connection->state = CONNECTION_CLOSED;
    if (connection->protocol != NULL) {
        connection->protocol->closed(connection);
    }
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

void connection_finish(struct connection *connection)
{
    if (connection->state < CONNECTION_DRAINING) {
        connection->state = CONNECTION_DRAINING;
        connection_read(connection, true);
        connection_need_turn(connection);
    }
}

static void linger(struct connection *connection)
{
    uv_os_fd_t fd;
    if (connection->client_ended || uv_fileno((uv_handle_t *)&connection->tcp, &fd) != 0 ||
        shutdown(fd, SHUT_WR) != 0) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_LINGERING;
    connection->linger_end_ms = uv_now(connection->server->loop) + LINGER_MS;
}

/* Out */

void connection_need_turn(struct connection *connection)
{
    if (ring_is_empty(&connection->in_turn)) {
        ring_add_last(&connection->server->in_turn, &connection->in_turn);
    }
}

size_t connection_unsent(const struct connection *connection)
{
    size_t queued = uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
    return connection->output.size - connection->writing + queued;
}

static void sent(struct connection *connection, size_t size)
{
    output_drop(&connection->output, &connection->server->blocks, size);
    connection->progress_ms = uv_now(connection->server->loop);
}

static void on_written(uv_write_t *request, int status)
{
    struct connection *connection = request->data;
    size_t size = connection->writing;
    connection->is_writing = false;
    connection->writing = 0;
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (status != 0) {
        connection_close(connection);
        return;
    }
    sent(connection, size);
    connection_need_turn(connection);
}

/* What the system takes at once. False: the connection is lost. */
static bool write_now(struct connection *connection)
{
    uv_buf_t buffers[BUFFERS_MAX];
    unsigned count = output_buffers(&connection->output, buffers, BUFFERS_MAX);
    int written = uv_try_write((uv_stream_t *)&connection->tcp, buffers, count);
    if (written < 0 && written != UV_EAGAIN) {
        return false;
    }
    if (written > 0) {
        sent(connection, (size_t)written);
    }
    return true;
}

/* The rest, when the client is ready for it. */
static bool write_later(struct connection *connection)
{
    uv_buf_t buffers[BUFFERS_MAX];
    unsigned count = output_buffers(&connection->output, buffers, BUFFERS_MAX);
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += buffers[i].len;
    }
    connection->write.data = connection;
    connection->is_writing = true;
    connection->writing = size;
    connection->queued_last_tick = size;
    return uv_write(&connection->write, (uv_stream_t *)&connection->tcp, buffers, count,
                    on_written) == 0;
}

static bool flush(struct connection *connection)
{
    if (connection->is_writing || connection->output.size == 0) {
        return true;
    }
    if (!connection->tells_when_sent && !write_now(connection)) {
        return false;
    }
    return connection->output.size == 0 || write_later(connection);
}

void connection_end_turn(struct connection *connection)
{
    ring_remove(&connection->in_turn);
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (connection->protocol != NULL) {
        connection->protocol->turn(connection);
    }
    if (!flush(connection)) {
        connection_close(connection);
        return;
    }
    if (connection->state == CONNECTION_DRAINING && connection->output.size == 0) {
        linger(connection);
    }
}

/* In */

static void serve(struct connection *connection, struct ever_slice bytes)
{
    connection->protocol->bytes(connection, bytes);
}

/* The first bytes tell TLS, HTTP/2 and HTTP/1 apart: 0x16, "PRI", and anything else. NULL: more of
 * them are needed. */
static const struct protocol *protocol_of(struct ever_slice first_bytes)
{
    if (first_bytes.data[0] == 0x16) {
        return &tls_protocol;
    }
    if (slice_starts_with(SLICE_LITERAL("PRI"), first_bytes)) {
        return first_bytes.size == CONNECTION_SNIFF_BYTES ? &h2_protocol : NULL;
    }
    return &http1_protocol;
}

static void sniff(struct connection *connection, struct ever_slice bytes)
{
    while (bytes.size > 0 && connection->protocol == NULL) {
        connection->sniffed[connection->sniffed_count++] = bytes.data[0];
        bytes = slice_from(bytes, 1);
        connection->protocol =
            protocol_of(slice_of(connection->sniffed, connection->sniffed_count));
    }
    if (connection->protocol == NULL) {
        return;
    }
    connection->state = CONNECTION_SERVING;
    serve(connection, slice_of(connection->sniffed, connection->sniffed_count));
    if (bytes.size > 0 && connection->state == CONNECTION_SERVING) {
        serve(connection, bytes);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t suggested_size, uv_buf_t *out_buffer)
{
    (void)suggested_size; /* one buffer for all: nothing of it is kept behind the read callback */
    struct http_server *server = connection_of_handle(handle)->server;
    *out_buffer = (uv_buf_t){.base = server->read_buffer, .len = SERVER_READ_BYTES};
}

/* libuv reports a reset as a mere end when it comes right behind data; and behind an end it does
 * not look at the socket any more. */
static bool is_reset(struct connection *connection)
{
    uv_os_fd_t fd;
    int error = 0;
    socklen_t size = sizeof error;
    return uv_fileno((uv_handle_t *)&connection->tcp, &fd) != 0 ||
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

static void on_client_ended(struct connection *connection)
{
    connection->client_ended = true;
    connection->is_reading = false; /* libuv has stopped by itself */
    if (is_reset(connection)) {
        connection_close(connection);
    } else if (connection->state == CONNECTION_SERVING) {
        connection->protocol->ended(connection);
    } else if (connection->state != CONNECTION_DRAINING) {
        connection_close(connection);
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = connection_of_handle((uv_handle_t *)stream);
    if (size == UV_EOF) {
        on_client_ended(connection);
    } else if (size < 0) {
        connection_close(connection);
    } else if (connection->state == CONNECTION_SERVING) {
        serve(connection, slice_of(buffer->base, (size_t)size));
    } else if (connection->state == CONNECTION_SNIFFING) {
        sniff(connection, slice_of(buffer->base, (size_t)size));
    }
}

void connection_read(struct connection *connection, bool on)
{
    if (connection->client_ended || on == connection->is_reading) {
        return;
    }
    connection->is_reading = on;
    if (on) {
        int failed = uv_read_start((uv_stream_t *)&connection->tcp, lend_buffer, on_read);
        ASSERT(failed == 0);
    } else {
        uv_read_stop((uv_stream_t *)&connection->tcp);
    }
}

/* The beginning, and the clock */

void connection_open(struct http_server *server, int fd)
{
    struct connection *connection = mem_alloc_zero(sizeof *connection);
    connection->server = server;
    connection->progress_ms = uv_now(server->loop);
    connection->tcp.data = connection;
    ring_init(&connection->in_turn);
    ring_add_last(&server->connections, &connection->in_server);
    int failed = uv_tcp_init(server->loop, &connection->tcp);
    ASSERT(failed == 0); /* without a socket there is nothing that could fail */
    if (uv_tcp_open(&connection->tcp, fd) != 0) {
        close(fd); /* the client sees the end; there is nobody else to tell */
        connection_close(connection);
        return;
    }
    connection_read(connection, true);
}

/* Whoever is late gets one more tick: when this process itself was held up, what the client sent or would
 * take is dealt with in the turn between. */
static bool is_late(struct connection *connection, uint64_t now_ms)
{
    bool was_overdue = connection->is_overdue;
    uint64_t passed_ms = now_ms - connection->progress_ms;
    connection->is_overdue = passed_ms > connection->server->options.idle_timeout_ms;
    return connection->is_overdue && was_overdue;
}

/* A client that takes nothing for this long holds our memory for nothing. One that has shut its
 * side may only be waiting for its answer, or have left: nothing but bytes would tell, so that it
 * has to be sent some in this time. */
static bool is_stalled(struct connection *connection, uint64_t now_ms)
{
    size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp);
    bool may_be_silent = connection->output.size == 0 && !connection->client_ended;
    if (may_be_silent || queued != connection->queued_last_tick) {
        connection->queued_last_tick = queued;
        connection->progress_ms = now_ms;
    }
    return is_late(connection, now_ms);
}

void connection_tick(struct connection *connection, uint64_t now_ms)
{
    switch (connection->state) {
    case CONNECTION_SNIFFING:
        if (is_late(connection, now_ms)) {
            connection_close(connection);
        }
        return;
    case CONNECTION_LINGERING:
        if (now_ms >= connection->linger_end_ms) {
            connection_close(connection);
        }
        return;
    case CONNECTION_SERVING:
    case CONNECTION_DRAINING:
        if (is_stalled(connection, now_ms) || (connection->client_ended && is_reset(connection))) {
            connection_close(connection);
        } else {
            connection->protocol->tick(connection, now_ms);
        }
        return;
    default:
        return;
    }
}

void connection_stop(struct connection *connection)
{
    if (connection->state == CONNECTION_SNIFFING) {
        connection_close(connection);
    } else if (connection->state == CONNECTION_SERVING) {
        connection->protocol->stop(connection);
    }
}
