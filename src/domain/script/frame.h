/* frame.h - what the server and a worker say to each other, as bytes.
 *
 *     size u32 | kind u8 | id u32 | payload | NUL
 *
 * Little-endian; `size` counts what follows it. The payload is a text; the NUL makes it a C string
 * where it lies. A request's id comes back with its answer; a worker answers in the order asked. No
 * I/O here: server (pool.c) and worker (worker/main.c) bring their own. */
#pragma once
#include "base/text.h"

#define FRAME_PAYLOAD_BYTES_MAX (96u << 20)

enum frame_kind {
    FRAME_COMPILE = 1,  /* server -> worker: files in, modules or faults out (compiler.js) */
    FRAME_LOAD,         /* server -> worker: modules in, deciders or faults out (runtime.js) */
    FRAME_STEP,         /* server -> worker: fold and decide (decide.js) */
    FRAME_FLOW,         /* server -> worker: items through a segment of a flow, see below */
    FRAME_LIVE,         /* server -> worker: time and events for a live expression (live.js) */
    FRAME_ANSWER,       /* worker -> server: what the script answered, JSON */
    FRAME_TIME_LIMIT,   /* worker -> server: it ran too long and was stopped */
    FRAME_MEMORY_LIMIT, /* worker -> server: it took too much memory; the worker ends */
    FRAME_FAULT, /* worker -> server: the script failed where it must not; payload says how */
};

/* FRAME_FLOW: a segment is a run of JavaScript functions of a flow (js/flow_graph.js); a call takes
 * a batch of items through it.
 *
 *     request  {"segment":"large/3","instance":TEXT?,"generation":7,"fresh":true?,
 *               "items":[ITEM...],"states":{"scan1":{KEY:STATE|null}}?}
 *     ITEM     [p, k, KEY|null, time_ms, input, VALUE]                                  a value
 *              [p, k, KEY|null, time_ms, input, type, DATA, METADATA, stream, revision, [tag...]]
 *     answer   {"done":n,"out":[OUT...],"states":{"scan1":{KEY:STATE}},"failed":TEXT?}
 *              or {"need":{"scan1":[KEY...]}}
 *     OUT      i | [i, 0, VALUE] | [i, KEY] | [i, KEY, VALUE]
 *
 * p: position of the root event; k: ordinal in its transaction; KEY: a string, the JSON array text
 * of the key's values; input: which of the node's inputs the item came from; i: index of the item.
 * All items of a root are in one request. A bare index or a pair: the item's value as it came; 0:
 * its key as it came. Outputs stand in the order of their items, of which one may have many.
 *
 * "done" items, from the front, were handled; the states are of exactly those. Less than all
 * without "failed": time ran short, ask again with the rest. "failed": item n threw, TEXT says
 * where.
 *
 * The server holds the states, as JSON arrays it does not look into, by operator and KEY (""
 * without keys); the worker caches them. Every answer with "done" raises "generation" by one: a
 * request with another number than expected makes the worker forget what it cached for the segment.
 * "need": nothing was run, the request is to be sent again with these states (null: there is none).
 * "fresh": the server has no state at all, so nothing is asked for. Programs that run side by side
 * name an "instance". */

struct frame {
    enum frame_kind kind;
    uint32_t id;
    struct ever_slice payload; /* lent from the bytes read; a NUL follows it */
};

void script_frame_write(struct text *out, enum frame_kind kind, uint32_t id,
                        struct ever_slice payload);

enum frame_status {
    FRAME_WHOLE,   /* *out_frame is set, *bytes goes on behind it */
    FRAME_PARTIAL, /* more bytes are needed */
    FRAME_BROKEN,  /* this is not our protocol */
};
enum frame_status script_frame_read(struct ever_slice *bytes, struct frame *out_frame);

/* Memory that both sides map: what the worker has in hand. So the server knows which request a dead
 * worker died of, and can look after one that does not answer. The worker writes, the server reads.
 */
struct frame_status_page {
    _Atomic uint32_t current_id;       /* request being run; 0: none */
    _Atomic uint64_t memory_bytes_max; /* what the process may hold in all; 0: not known yet */
};

/* File descriptors of a worker. */
#define WORKER_SOCKET_FD 3
#define WORKER_STATUS_FD 4
