/* connection_priv.h - one socket: bytes in to a protocol, output out, and a decent end.
 *
 *     SNIFFING --> SERVING --> DRAINING --> LINGERING --> CLOSED
 *         |           |           |             |            ^
 *         +-----------+-----------+-------------+------------+  lost: reset, write failed, too slow
 *
 * SNIFFING   the first bytes decide which protocol it is.
 * SERVING    bytes go to the protocol.
 * DRAINING   nothing more is read for sense; what is in the output still goes out.
 * LINGERING  our side is shut; what the client still sends is thrown away for a moment, since
 * closing on unread bytes would reset the connection and take the last answer away from it.
 *
 * All output of one loop turn leaves in one write, at the end of the turn. Nothing is closed or
 * freed inside a call of the protocol: only in callbacks of the loop. Loop thread only. */
#pragma once
#include "net/http1_session_priv.h"
#include "net/output.h"
#include "net/ring.h"

struct connection;
struct http_server;

/* What is spoken on a connection. Called by the connection, never from within its own calls. */
struct protocol {
    /* Bytes came; takes them all. Lent for the call. */
    void (*bytes)(struct connection *connection, struct ever_slice bytes);
    /* The client has shut its side: no byte will follow, but it may still read. */
    void (*ended)(struct connection *connection);
    /* Before the output of this turn is sent: the moment to add to it. */
    void (*turn)(struct connection *connection);
    /* Now and then: look after deadlines. */
    void (*tick)(struct connection *connection, uint64_t now_ms);
    /* The server stops: finish what is begun and begin nothing. */
    void (*stop)(struct connection *connection);
    /* The connection is gone; let go of everything. The last call. */
    void (*closed)(struct connection *connection);
};

enum connection_state {
    CONNECTION_SNIFFING,
    CONNECTION_SERVING,
    CONNECTION_DRAINING,
    CONNECTION_LINGERING,
    CONNECTION_CLOSED
};

#define CONNECTION_SNIFF_BYTES 3

struct connection {
    struct http_server *server;
    const struct protocol *protocol; /* NULL while sniffing */
    enum connection_state state;
    bool is_reading;
    bool is_writing;      /* the first `writing` bytes of the output are lent to `write` */
    bool client_ended;    /* it has shut its side */
    bool tells_when_sent; /* the protocol wants a turn when a write is over */
    uint8_t sniffed_count;
    char sniffed[CONNECTION_SNIFF_BYTES];
    size_t writing;
    size_t queued_last_tick; /* of `writing`, bytes the system had not taken at the last tick */
    uint64_t progress_ms;    /* when the client last took bytes, or had no reason to */
    bool is_overdue; /* its time was over at the last tick; one more, in case we were held up */
    uint64_t linger_end_ms;
    struct output output;
    struct ring in_server; /* of all connections */
    struct ring in_turn;   /* of those to be looked at when the turn ends; empty: not among them */
    struct http1_session http1;
    uv_tcp_t tcp;
    uv_write_t write;
};

/* Takes the socket, which is accepted and does not block. */
void connection_open(struct http_server *server, int fd);

/* For protocols. Bytes are added to connection->output, then: */
void connection_need_turn(struct connection *connection);
void connection_read(struct connection *connection, bool on);
/* Ends decently once the output is out. No further bytes() are called. */
void connection_finish(struct connection *connection);
size_t connection_unsent(const struct connection *connection); /* bytes the system has not taken */

/* For the server. */
void connection_end_turn(struct connection *connection);
void connection_tick(struct connection *connection, uint64_t now_ms);
void connection_stop(struct connection *connection);  /* decently, when its work is done */
void connection_close(struct connection *connection); /* at once; freed later by the loop */
