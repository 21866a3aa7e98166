#include "net/listener_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "net/connection_priv.h"
#include "net/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTED_IN_A_TURN_MAX 64 /* so that a rush of clients does not starve those we have */

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool has_room(const struct http_server *server)
{
    return server->stats.connections < server->options.connections_max;
}

static void rest(struct http_server *server)
{
    if (server->listener.is_accepting) {
        server->listener.is_accepting = false;
        uv_poll_stop(&server->listener.poll);
    }
}

/* Spends the reserve on telling one client, so that it need not wait for nothing. */
static void turn_one_away(struct listener *listener)
{
    static const struct ever_slice answer =
        SLICE_LITERAL("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                      "Content-Length: 0\r\nConnection: close\r\n\r\n");
    if (listener->reserve_fd >= 0) {
        close(listener->reserve_fd);
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            /* Whether the client gets it is beyond us: there is no descriptor to wait with. */
            (void)!send(fd, answer.data, answer.size, MSG_NOSIGNAL);
            close(fd);
        }
    }
    listener->reserve_fd = open_reserve();
}

/* True: there may be more to accept. */
static bool accept_one(struct http_server *server)
{
    int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        server->stats.accepted++;
        server->stats.connections++;
        server_need_ticks(server);
        connection_open(server, fd);
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED) {
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
    }
    if (errno == EMFILE || errno == ENFILE) {
        turn_one_away(&server->listener);
    }
    rest(server);
    server_need_ticks(server);
    return false;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    (void)events; /* only one kind was asked for */
    struct http_server *server = poll->data;
    if (status != 0) {
        rest(server);
        server_need_ticks(server);
        return;
    }
    for (int i = 0; i < ACCEPTED_IN_A_TURN_MAX; i++) {
        if (!has_room(server)) {
            rest(server);
            return;
        }
        if (!accept_one(server)) {
            return;
        }
    }
}

void listener_resume(struct http_server *server)
{
    struct listener *listener = &server->listener;
    if (server->is_stopping || listener->is_accepting || !has_room(server)) {
        return;
    }
    if (listener->reserve_fd < 0) {
        listener->reserve_fd = open_reserve();
    }
    listener->is_accepting = uv_poll_start(&listener->poll, UV_READABLE, on_acceptable) == 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    close(server->listener.fd);
    close(server->listener.reserve_fd);
    server_handle_closed(server);
}

void listener_close(struct http_server *server)
{
    rest(server);
    uv_close((uv_handle_t *)&server->listener.poll, on_poll_closed);
}

/* Opening */

static struct ever_err parse_address(const char *host, uint16_t port,
                                     struct sockaddr_storage *out_address, socklen_t *out_size)
{
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)out_address) == 0) {
        *out_size = sizeof(struct sockaddr_in);
        return ERR_OK;
    }
    if (uv_ip6_addr(host, port, (struct sockaddr_in6 *)out_address) == 0) {
        *out_size = sizeof(struct sockaddr_in6);
        return ERR_OK;
    }
    return FAIL(EVER_INVALID, "the host to listen on is no IP address");
}

static struct ever_err bind_and_listen(int fd, const struct sockaddr_storage *address,
                                       socklen_t size)
{
    int on = 1;
    /* TCP_NODELAY is inherited by accepted sockets: answers are written whole, never in drips. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        return FAIL_ERRNO(EVER_IO, errno, "set options of the listening socket");
    }
    if (bind(fd, (const struct sockaddr *)address, size) != 0 || listen(fd, BACKLOG) != 0) {
        switch (errno) {
        case EADDRINUSE:
            return FAIL_ERRNO(EVER_BUSY, errno, "listen: the port is taken");
        case EADDRNOTAVAIL:
            return FAIL_ERRNO(EVER_INVALID, errno, "listen: not an address of this machine");
        default:
            return FAIL_ERRNO(EVER_IO, errno, "listen");
        }
    }
    return ERR_OK;
}

static struct ever_err read_port(int fd, uint16_t *out_port)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return FAIL_ERRNO(EVER_IO, errno, "ask for the port");
    }
    *out_port =
        ntohs(address.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&address)->sin6_port
                                            : ((const struct sockaddr_in *)&address)->sin_port);
    return ERR_OK;
}

static void close_fdp(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

struct ever_err listener_open(struct http_server *server)
{
    struct listener *listener = &server->listener;
    struct sockaddr_storage address = {0};
    socklen_t size = 0;
    TRY(parse_address(server->options.host, server->options.port, &address, &size));
    CLEANUP(close_fdp)
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return FAIL_ERRNO(EVER_IO, errno, "make the listening socket");
    }
    TRY(bind_and_listen(fd, &address, size));
    TRY(read_port(fd, &listener->port));
    CLEANUP(close_fdp) int reserve_fd = open_reserve();
    if (reserve_fd < 0) {
        return FAIL_ERRNO(EVER_IO, errno, "open the descriptor in reserve");
    }
    int failed = uv_poll_init(server->loop, &listener->poll, fd);
    if (failed != 0) {
        return FAIL_ERRNO(EVER_IO, -failed, "watch the listening socket");
    }
    listener->poll.data = server;
    listener->fd = fd;
    listener->reserve_fd = reserve_fd;
    fd = -1;
    reserve_fd = -1;
    listener_resume(server);
    return ERR_OK;
}
