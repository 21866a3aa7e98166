/* flow_store.h - what the tests of flows share: a store in a temporary folder, and flows over it
 * that need no JavaScript. */
#pragma once
#include "unit/unit.h"

#include "base/text.h"
#include "base/uuid.h"
#include "base/vfs.h"
#include "domain/flow/flows_priv.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct flow_world {
    char dir[64];
    char data[96];      /* of the store */
    char snapshots[96]; /* of the flows */
    struct flows_options options;
    struct ever *store;
    struct flows *flows;
};

static inline void flow_world_open_store(struct flow_world *world)
{
    struct ever_options options = {.segment_bytes = 1 << 20};
    assert_ok(ever_open(world->data, &options, &world->store));
}

static inline void flow_world_init(struct flow_world *world)
{
    *world = (struct flow_world){0};
    strcpy(world->dir, "/tmp/everfold-flow-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    (void)snprintf(world->data, sizeof world->data, "%s/data", world->dir); /* these fit */
    (void)snprintf(world->snapshots, sizeof world->snapshots, "%s/snapshots", world->dir);
    flow_world_open_store(world);
}

static inline void flow_world_open(struct flow_world *world, const char *graphs)
{
    struct text report = {0};
    struct ever_err err =
        flows_open_graphs(vfs_real(), world->store, slice_of_text(graphs), world->snapshots,
                          &world->options, &report, &world->flows);
    if (!IS_OK(err)) {
        fail_msg("%s (%s)", report.data, err.what);
    }
    text_deinit(&report);
}

static inline void flow_world_close(struct flow_world *world)
{
    flows_close(world->flows);
    world->flows = NULL;
}

/* As a start, a run over all there is, and an end. */
static inline void flow_world_pass(struct flow_world *world, const char *graphs)
{
    flow_world_open(world, graphs);
    assert_ok(flows_run_to_end(world->flows));
    flow_world_close(world);
}

static inline int flow_world_remove_one(const char *path, const struct stat *status, int flag,
                                        struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

static inline void flow_world_forget(struct flow_world *world) /* the snapshots */
{
    assert_int_equal(nftw(world->snapshots, flow_world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void flow_world_deinit(struct flow_world *world)
{
    flow_world_close(world);
    ever_close(world->store);
    assert_int_equal(nftw(world->dir, flow_world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline uint64_t flow_world_append(struct flow_world *world, const char *stream,
                                         const char *type, const char *data)
{
    struct ever_new_event event = {.type = slice_of_text(type), .data = slice_of_text(data)};
    struct ever_write write = {.stream = slice_of_text(stream), .events = &event, .event_count = 1};
    struct ever_result result;
    assert_ok(ever_append(world->store, &write, 1, &result, NULL));
    assert_int_equal(result.outcome, EVER_APPENDED);
    return result.last_position;
}

static inline void flow_world_withdraw(struct flow_world *world, const char *account, int amount)
{
    struct text stream = {0};
    struct text data = {0};
    text_printf(&stream, "account-%s", account);
    text_printf(&data, "{\"amount\":%d}", amount);
    (void)flow_world_append(world, stream.data, "Withdrawn", data.data);
    text_deinit(&stream);
    text_deinit(&data);
}

static inline struct flow *flow_world_flow(struct flow_world *world, const char *name)
{
    struct flow *flow = flows_find(world->flows, slice_of_text(name));
    assert_non_null(flow);
    return flow;
}

static inline struct flow_status flow_world_status(struct flow_world *world, const char *name)
{
    struct flow_status status;
    flow_status(flow_world_flow(world, name), &status);
    return status;
}

/* The data of a stream's events, a line for each; freed by the caller. */
static inline char *flow_world_read(struct flow_world *world, const char *stream)
{
    struct ever_read read = {.stream = slice_of_text(stream)};
    struct ever_cursor *cursor;
    struct text out = {0};
    const struct ever_event *event;
    assert_ok(ever_cursor_open(world->store, &read, &cursor));
    while (IS_OK(ever_next(cursor, &event))) {
        text_add(&out, event->data);
        text_add_byte(&out, '\n');
    }
    ever_cursor_close(cursor);
    text_add_text(&out, "");
    return out.data == NULL ? strdup("") : out.data;
}

static inline void flow_world_expect(struct flow_world *world, const char *stream, const char *want)
{
    char *got = flow_world_read(world, stream);
    assert_string_equal(got, want);
    free(got);
}

/* --- Graphs ----------------------------------------------------------------------------------- */

#define FLOW(name, options, nodes)                                                                 \
    "{\"name\":\"" name "\",\"file\":\"flows/bank.js\",\"line\":2,\"version\":1,"                  \
    "\"options\":" options ",\"nodes\":[" nodes "]}"
#define FROM(source) "{\"op\":\"from\",\"name\":\"from1\"," source "}"
#define THEN(op, name, in, more)                                                                   \
    ",{\"op\":\"" op "\",\"name\":\"" name "\",\"in\":[" in "]," more "}"
#define WITHDRAWN "\"category\":\"account\",\"types\":[\"Withdrawn\"]"

/* Withdrawals from `amount` on. */
#define AT_LEAST(amount)                                                                           \
    "\"where\":{\"path\":\"data.amount\",\"cmp\":\"gte\",\"value\":" #amount "}"
#define AS_LARGE                                                                                   \
    "\"type\":\"LargeWithdrawal\",\"select\":[[\"account\",{\"path\":\"@id\"}],"                   \
    "[\"amount\",{\"path\":\"data.amount\"}]]"
#define LARGE_NODES(amount)                                                                        \
    FROM(WITHDRAWN)                                                                                \
    THEN("where", "where1", "0", AT_LEAST(amount)) THEN("emit", "emit1", "1", AS_LARGE)
#define LARGE_WITH(options, amount) FLOW("large", options, LARGE_NODES(amount))
#define LARGE(amount) LARGE_WITH("{}", amount)

/* How much each account has withdrawn so far. */
#define SUM "\"folds\":[[\"total\",{\"fold\":\"sum\",\"path\":\"data.amount\"}]]"
#define TOTALS_NODES                                                                               \
    FROM(WITHDRAWN)                                                                                \
    THEN("keyBy", "keyBy1", "0", "\"paths\":[\"@id\"]")                                            \
    THEN("aggregate", "aggregate1", "1", SUM) THEN("emit", "emit1", "2", "\"type\":\"Total\"")
#define TOTALS_WITH(options) FLOW("totals", options, TOTALS_NODES)
#define TOTALS TOTALS_WITH("{}")

/* How many large withdrawals there were; reads the flow large. */
#define COUNT "\"folds\":[[\"n\",{\"fold\":\"count\"}]]"
#define LARGE_COUNT_NODES                                                                          \
    FROM("\"flow\":\"large\"")                                                                     \
    THEN("aggregate", "aggregate1", "0", COUNT) THEN("emit", "emit1", "1", "\"type\":\"Count\"")
#define LARGE_COUNT FLOW("large-count", "{}", LARGE_COUNT_NODES)

#define FLOWS_1(a) "{\"flows\":[" a "]}"
#define FLOWS_2(a, b) "{\"flows\":[" a "," b "]}"
#define FLOWS_3(a, b, c) "{\"flows\":[" a "," b "," c "]}"

/* Bytes of every event in the log that a flow made, ids included. Who serves from where is none. */
static inline void flow_read_derived(struct ever *store, struct text *out)
{
    struct ever_read read = {.category = SLICE_LITERAL("flow")};
    struct ever_cursor *cursor;
    const struct ever_event *event;
    assert_ok(ever_cursor_open(store, &read, &cursor));
    while (IS_OK(ever_next(cursor, &event))) {
        char id[UUID_TEXT_BYTES];
        uuid_format(event->id, id);
        if (event->type.data[0] != '$') {
            text_printf(out, "%.*s %.*s %.*s %.*s %.*s\n", SLICE_PRINT(event->stream),
                        UUID_TEXT_BYTES, id, SLICE_PRINT(event->type), SLICE_PRINT(event->data),
                        SLICE_PRINT(event->metadata));
        }
    }
    ever_cursor_close(cursor);
}
