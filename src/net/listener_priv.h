/* listener_priv.h - accepting connections, up to the limit and through a lack of descriptors.
 *
 * At the limit, connections wait in the system's backlog until one of ours closes. When descriptors
 * run out, one kept in reserve lets us tell one client so, and accepting rests until the next tick:
 * the loop never spins on a socket it cannot accept from. */
#pragma once
#include "base/err.h"

#include <uv.h>

struct http_server;

struct listener {
    uv_poll_t poll;
    int fd;
    int reserve_fd; /* -1: it was spent and could not be opened again yet */
    uint16_t port;
    bool is_accepting;
};

struct ever_err listener_open(struct http_server *server);
void listener_close(struct http_server *server); /* calls server_handle_closed() later */
/* After a tick, or when a connection has closed: accepts again if there is room. */
void listener_resume(struct http_server *server);
