/* save.c - a flow's state as bytes, and back.
 *
 *     "EFDS" | semantics | hash of the canonical graph, 8 bytes | position | watermark | counts
 *     | newest time of each source | for each node: in, out, entries (key, state) by key
 *     | hash of all that, 8 bytes
 *
 * Numbers as in state_priv.h. The hash at the end is looked at first, so that what is read was
 * written here. */
#include "domain/flow/engine/engine_priv.h"
#include "domain/flow/engine/state_priv.h"

#include "base/checksum.h"

#include <stdlib.h>

static const struct ever_slice magic = SLICE_LITERAL("EFDS");

static void put_hash(struct text *out, uint64_t hash)
{
    char bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(unsigned char)(hash >> (8 * i));
    }
    text_add(out, slice_of(bytes, sizeof bytes));
}

static void put_head(const struct derive_flow *flow, struct text *out)
{
    text_add(out, magic);
    state_put_u64(out, DERIVE_SEMANTICS);
    put_hash(out, hash64(flow->graph->canonical, 0));
}

static void save_node(const struct derive_node *node, struct text *out)
{
    state_put_u64(out, node->counts.in);
    state_put_u64(out, node->counts.out);
    state_put_u64(out, node->table.count);
    if (node->table.count == 0) {
        return;
    }
    const struct table_entry **entries = table_sorted(&node->table);
    for (uint64_t i = 0; i < node->table.count; i++) {
        state_put_bytes(out, table_key(entries[i]));
        state_put_bytes(out, table_state(entries[i]));
    }
    free((void *)entries);
}

void derive_flow_save(const struct derive_program *program, size_t flow, struct text *out)
{
    ASSERT(flow < program->flow_count);
    const struct derive_flow *saved = &program->flows[flow];
    size_t start = out->size;
    put_head(saved, out);
    state_put_u64(out, saved->now.position);
    state_put_i64(out, saved->now.watermark_us);
    state_put_u64(out, saved->now.in);
    state_put_u64(out, saved->now.out);
    state_put_u64(out, saved->now.late);
    state_put_u64(out, saved->now.errors);
    for (uint32_t i = 0; i < saved->source_count; i++) {
        state_put_i64(out, saved->newest_us[i]);
    }
    for (uint32_t i = 0; i < saved->node_count; i++) {
        save_node(&saved->nodes[i], out);
    }
    put_hash(out, hash64(slice_from(text_slice(out), start), 0));
}

static void load_node(struct derive_node *node, struct state_reader *reader)
{
    node->counts.in = state_get_u64(reader);
    node->counts.out = state_get_u64(reader);
    uint64_t count = state_get_u64(reader);
    ASSERT(count == 0 || node->kind->has_state);
    if (!node->kind->has_state) {
        return;
    }
    table_clear(&node->table);
    node->table.quiet = true;
    for (uint64_t i = 0; i < count; i++) {
        struct ever_slice key = state_get_bytes(reader);
        struct ever_slice state = state_get_bytes(reader);
        uint64_t hash = table_hash(key);
        bool set = table_set(&node->table, table_find(&node->table, key, hash), key, hash, state);
        ASSERT(set); /* it was within the bounds, which are part of the graph */
    }
    node->table.quiet = false;
    node_make_alarms(node);
}

/* Head and hash are as they must be; `*out_body` is what lies between. */
static bool fits(const struct derive_flow *flow, struct ever_slice state,
                 struct ever_slice *out_body)
{
    struct text head = {0};
    struct text hash = {0};
    put_head(flow, &head);
    bool fine = state.size >= head.size + 8 && slice_starts_with(state, text_slice(&head));
    if (fine) {
        struct ever_slice hashed = slice_first(state, state.size - 8);
        put_hash(&hash, hash64(hashed, 0));
        fine = slice_equal(slice_from(state, hashed.size), text_slice(&hash));
        *out_body = slice_from(hashed, head.size);
    }
    text_deinit(&head);
    text_deinit(&hash);
    return fine;
}

struct ever_err derive_flow_load(struct derive_program *program, size_t flow,
                                 struct ever_slice state)
{
    ASSERT(flow < program->flow_count);
    struct derive_flow *loaded = &program->flows[flow];
    struct ever_slice body;
    if (!fits(loaded, state, &body)) {
        return FAIL(EVER_CORRUPT, "load the state of a flow");
    }
    struct state_reader reader = state_reader(body);
    loaded->now.position = state_get_u64(&reader);
    loaded->now.watermark_us = state_get_i64(&reader);
    loaded->now.in = state_get_u64(&reader);
    loaded->now.out = state_get_u64(&reader);
    loaded->now.late = state_get_u64(&reader);
    loaded->now.errors = state_get_u64(&reader);
    for (uint32_t i = 0; i < loaded->source_count; i++) {
        loaded->newest_us[i] = state_get_i64(&reader);
    }
    for (uint32_t i = 0; i < loaded->node_count; i++) {
        load_node(&loaded->nodes[i], &reader);
    }
    ASSERT(state_at_end(&reader));
    loaded->stopped = false;
    return ERR_OK;
}
