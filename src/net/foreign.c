#include "net/foreign_priv.h"

#include "base/slice.h"
#include "net/connection_priv.h"
#include "net/server_priv.h"

/* A fatal alert, handshake_failure (RFC 8446, 6): there is no TLS here to agree upon. */
static const char tls_alert[] = {0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28};

#define H2_FRAME(size, type) 0x00, 0x00, size, type, 0x00, 0x00, 0x00, 0x00, 0x00
/* The server's preface, an empty SETTINGS; then GOAWAY with last stream 0 and HTTP_1_1_REQUIRED
 * (RFC 9113, 6.8 and 7), and a word for whoever reads the trace. */
static const char h2_goaway[] = {
    H2_FRAME(0, 0x04),
    H2_FRAME(20, 0x07), /* 8 bytes of numbers, 12 of text */
    0x00,
    0x00,
    0x00,
    0x00, /* last stream */
    0x00,
    0x00,
    0x00,
    0x0d, /* HTTP_1_1_REQUIRED */
    'u',
    's',
    'e',
    ' ',
    'H',
    'T',
    'T',
    'P',
    '/',
    '1',
    '.',
    '1',
};

static void answer(struct connection *connection, struct ever_slice bytes)
{
    output_add(&connection->output, &connection->server->blocks, bytes);
    connection->server->stats.refused++;
    connection_finish(connection);
}

static void tls_bytes(struct connection *connection, struct ever_slice bytes)
{
    (void)bytes; /* the first one said enough */
    answer(connection, slice_of(tls_alert, sizeof tls_alert));
}

static void h2_bytes(struct connection *connection, struct ever_slice bytes)
{
    (void)bytes; /* the first three said enough */
    answer(connection, slice_of(h2_goaway, sizeof h2_goaway));
}

static void nothing(struct connection *connection)
{
    (void)connection; /* one answer is all there is to it */
}

static void no_deadline(struct connection *connection, uint64_t now_ms)
{
    (void)connection; /* the connection's own deadlines do */
    (void)now_ms;
}

const struct protocol tls_protocol = {tls_bytes, nothing, nothing, no_deadline, nothing, nothing};
const struct protocol h2_protocol = {h2_bytes, nothing, nothing, no_deadline, nothing, nothing};
