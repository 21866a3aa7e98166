#include "domain/flow/snapshot_priv.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/text.h"
#include "domain/flow/engine/derive.h"
#include "domain/flow/flow_stream.h"
#include "store/bytes.h"

#include <stdlib.h>

#define MAGIC "EVFLOWS1"
#define HASH_BYTES 16u
#define FILE_BYTES_MAX (UINT64_C(4) << 30)
#define FLOW_BYTES_MIN (8u * 8u) /* so that a count from a file cannot make us ask for much */

/* --- The event at a position ------------------------------------------------------------------ */

/* All zero: position 0, before every event. */
static struct ever_err event_id_at(struct ever *store, uint64_t position, struct ever_uuid *out_id)
{
    *out_id = (struct ever_uuid){0};
    if (position == 0) {
        return ERR_OK;
    }
    if (position > ever_last_position(store)) {
        return FAIL(EVER_NOT_FOUND, "an event at a snapshot's position");
    }
    struct ever_read read = {.from = position};
    struct ever_cursor *cursor;
    TRY(ever_cursor_open(store, &read, &cursor));
    const struct ever_event *event;
    struct ever_err err = ever_next(cursor, &event);
    if (IS_OK(err)) {
        *out_id = event->id;
    }
    ever_cursor_close(cursor);
    return err;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void add_u64(struct text *out, uint64_t value)
{
    put_u64(text_reserve(out, 8), value);
    out->size += 8;
}

static void add_u32(struct text *out, uint32_t value)
{
    put_u32(text_reserve(out, 4), value);
    out->size += 4;
}

static void add_sized(struct text *out, struct ever_slice bytes)
{
    add_u64(out, bytes.size);
    text_add(out, bytes);
}

static void add_id(struct text *out, struct ever_uuid id)
{
    text_add(out, slice_of(id.bytes, sizeof id.bytes));
}

static void add_flow(struct text *out, const struct flow_saved *flow)
{
    add_sized(out, flow->name);
    add_sized(out, flow->version);
    add_u64(out, flow->position);
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        add_u64(out, flow->counts[i]);
    }
    add_u64(out, flow->hash);
    add_sized(out, flow->state);
}

static void add_hash(struct text *out)
{
    struct hash128 hash = hash128(text_slice(out));
    add_u64(out, hash.low);
    add_u64(out, hash.high);
}

struct ever_err flow_snapshot_write(struct vfs *vfs, struct ever *store, const char *dir,
                                    const char *name, const struct flow_snapshot *snapshot)
{
    struct ever_uuid id;
    TRY(event_id_at(store, snapshot->position, &id));
    CLEANUP(text_deinit) struct text out = {0};
    text_add_text(&out, MAGIC);
    add_id(&out, ever_store_id(store));
    add_u32(&out, DERIVE_SEMANTICS);
    add_u64(&out, snapshot->position);
    add_id(&out, id);
    add_u32(&out, (uint32_t)snapshot->count);
    for (size_t i = 0; i < snapshot->count; i++) {
        add_flow(&out, &snapshot->flows[i]);
    }
    add_hash(&out);
    return vfs_write_file(vfs, dir, name, text_slice(&out));
}

/* --- Reading ---------------------------------------------------------------------------------- */

static uint64_t read_u64(struct byte_reader *reader)
{
    struct ever_slice bytes = read_bytes(reader, 8);
    return bytes.size == 0 ? 0 : get_u64(bytes.data);
}

static uint32_t read_u32(struct byte_reader *reader)
{
    struct ever_slice bytes = read_bytes(reader, 4);
    return bytes.size == 0 ? 0 : get_u32(bytes.data);
}

static struct ever_slice read_sized(struct byte_reader *reader)
{
    return read_bytes(reader, read_u64(reader));
}

static bool is_id(struct ever_slice bytes, struct ever_uuid id)
{
    return slice_equal(bytes, slice_of(id.bytes, sizeof id.bytes));
}

static struct flow_saved read_flow(struct byte_reader *reader)
{
    struct flow_saved flow = {.name = read_sized(reader), .version = read_sized(reader)};
    flow.position = read_u64(reader);
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        flow.counts[i] = read_u64(reader);
    }
    flow.hash = read_u64(reader);
    flow.state = read_sized(reader);
    return flow;
}

static bool is_whole(struct ever_slice bytes)
{
    if (bytes.size < HASH_BYTES) {
        return false;
    }
    struct hash128 hash = hash128(slice_first(bytes, bytes.size - HASH_BYTES));
    const char *kept = bytes.data + bytes.size - HASH_BYTES;
    return get_u64(kept) == hash.low && get_u64(kept + 8) == hash.high;
}

/* Ours, and of this log as it is now. */
static bool read_header(struct byte_reader *reader, struct ever *store,
                        struct flow_snapshot *snapshot)
{
    if (!slice_is(read_bytes(reader, strlen(MAGIC)), MAGIC) ||
        !is_id(read_bytes(reader, sizeof(struct ever_uuid)), ever_store_id(store)) ||
        read_u32(reader) != DERIVE_SEMANTICS) {
        return false;
    }
    snapshot->position = read_u64(reader);
    struct ever_uuid id;
    struct ever_err err = event_id_at(store, snapshot->position, &id);
    return IS_OK(err) && is_id(read_bytes(reader, sizeof id), id);
}

static bool read_flows(struct byte_reader *reader, struct flow_snapshot *snapshot)
{
    uint32_t count = read_u32(reader);
    if (count > (uint64_t)(reader->end - reader->at) / FLOW_BYTES_MIN) {
        return false;
    }
    snapshot->flows = mem_alloc(count * sizeof snapshot->flows[0]);
    for (uint32_t i = 0; i < count; i++) {
        snapshot->flows[snapshot->count++] = read_flow(reader);
    }
    return !reader->bad && reader->at == reader->end;
}

static bool fits_streams(struct ever *store, const struct flow_saved *flow)
{
    CLEANUP(text_deinit) struct text stream = {0};
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        int64_t last;
        text_clear(&stream);
        text_printf(&stream, FLOW_CATEGORY "-%.*s.%.*s%s", SLICE_PRINT(flow->name),
                    SLICE_PRINT(flow->version), flow_side_ending((enum flow_side)i));
        if (!IS_OK(ever_last_revision(store, text_slice(&stream), &last)) ||
            (uint64_t)(last + 1) < flow->counts[i]) {
            return false;
        }
    }
    return true;
}

static bool parse(struct ever *store, struct ever_slice bytes, struct flow_snapshot *snapshot)
{
    if (!is_whole(bytes)) {
        return false;
    }
    bytes.size -= HASH_BYTES;
    struct byte_reader reader = byte_reader_of(bytes);
    bool fits = read_header(&reader, store, snapshot) && read_flows(&reader, snapshot);
    for (size_t i = 0; fits && i < snapshot->count; i++) {
        fits = fits_streams(store, &snapshot->flows[i]);
    }
    return fits;
}

bool flow_snapshot_read(struct vfs *vfs, struct ever *store, const char *dir, const char *name,
                        struct flow_snapshot *out_snapshot)
{
    char path[VFS_PATH_BYTES_MAX];
    struct flow_snapshot snapshot = {0};
    size_t size = 0;
    struct ever_err err = vfs_path(dir, name, path);
    if (IS_OK(err)) {
        err = vfs_read_file(vfs, path, FILE_BYTES_MAX, &snapshot.memory, &size);
    }
    bool fits = IS_OK(err) && parse(store, slice_of(snapshot.memory, size), &snapshot);
    if (!fits) {
        flow_snapshot_deinit(&snapshot);
        return false;
    }
    *out_snapshot = snapshot;
    return true;
}

void flow_snapshot_deinit(struct flow_snapshot *snapshot)
{
    free(snapshot->flows);
    free(snapshot->memory);
    *snapshot = (struct flow_snapshot){0};
}

const struct flow_saved *flow_snapshot_find(const struct flow_snapshot *snapshot,
                                            const struct flow_info *info)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct flow_saved *flow = &snapshot->flows[i];
        if (slice_is(flow->name, info->name) && slice_is(flow->version, info->version)) {
            return flow;
        }
    }
    return NULL;
}
