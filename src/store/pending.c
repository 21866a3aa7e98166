#include "store/pending.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"
#include "store/event.h"

/* A table of at least twice as many slots, all free. */
static struct ever_err make_slots(struct room *slots, uint32_t count, uint32_t *out_mask)
{
    uint32_t size = 16;
    while (size < 2 * count) {
        size *= 2;
    }
    TRY(room_make(slots, size * sizeof(uint32_t)));
    memset(slots->data, 0, size * sizeof(uint32_t));
    *out_mask = size - 1;
    return ERR_OK;
}

struct ever_err pending_begin(struct pending *pending, uint32_t streams_max, uint32_t ids_max)
{
    pending->stream_count = 0;
    pending->id_count = 0;
    TRY(room_make(&pending->streams, streams_max * sizeof(struct pending_stream)));
    TRY(room_make(&pending->ids, ids_max * sizeof(struct pending_id)));
    TRY(make_slots(&pending->stream_slots, streams_max, &pending->stream_mask));
    return make_slots(&pending->id_slots, ids_max, &pending->id_mask);
}

void pending_end(struct pending *pending)
{
    pending->stream_count = 0;
    pending->id_count = 0;
    room_shrink(&pending->streams);
    room_shrink(&pending->ids);
    room_shrink(&pending->stream_slots);
    room_shrink(&pending->id_slots);
}

void pending_deinit(struct pending *pending)
{
    room_deinit(&pending->streams);
    room_deinit(&pending->ids);
    room_deinit(&pending->stream_slots);
    room_deinit(&pending->id_slots);
}

struct pending_stream *pending_stream_at(const struct pending *pending, uint32_t index)
{
    ASSERT(index < pending->stream_count);
    return (struct pending_stream *)pending->streams.data + index;
}

struct pending_stream *pending_find_stream(const struct pending *pending, struct ever_slice name,
                                           uint64_t hash)
{
    const uint32_t *slots = pending->stream_slots.data;
    for (uint32_t at = (uint32_t)hash & pending->stream_mask; slots[at] != 0;
         at = (at + 1) & pending->stream_mask) {
        struct pending_stream *stream = pending_stream_at(pending, slots[at] - 1);
        if (stream->hash == hash && slice_equal(stream->name, name)) {
            return stream;
        }
    }
    return NULL;
}

struct pending_stream *pending_add_stream(struct pending *pending, struct ever_slice name,
                                          uint64_t hash)
{
    ASSERT((pending->stream_count + 1) * sizeof(struct pending_stream) <= pending->streams.bytes);
    uint32_t *slots = pending->stream_slots.data;
    uint32_t at = (uint32_t)hash & pending->stream_mask;
    while (slots[at] != 0) {
        at = (at + 1) & pending->stream_mask;
    }
    slots[at] = ++pending->stream_count;
    struct pending_stream *stream = pending_stream_at(pending, pending->stream_count - 1);
    *stream = (struct pending_stream){.name = name, .hash = hash};
    return stream;
}

bool pending_find_id(const struct pending *pending, struct ever_uuid id, uint32_t *out_record)
{
    const uint32_t *slots = pending->id_slots.data;
    const struct pending_id *ids = pending->ids.data;
    for (uint32_t at = (uint32_t)id_hash(id) & pending->id_mask; slots[at] != 0;
         at = (at + 1) & pending->id_mask) {
        if (uuid_equal(ids[slots[at] - 1].id, id)) {
            *out_record = ids[slots[at] - 1].record;
            return true;
        }
    }
    return false;
}

void pending_add_id(struct pending *pending, struct ever_uuid id, uint32_t record)
{
    ASSERT((pending->id_count + 1) * sizeof(struct pending_id) <= pending->ids.bytes);
    uint32_t *slots = pending->id_slots.data;
    struct pending_id *ids = pending->ids.data;
    uint32_t at = (uint32_t)id_hash(id) & pending->id_mask;
    while (slots[at] != 0) {
        at = (at + 1) & pending->id_mask;
    }
    ids[pending->id_count] = (struct pending_id){.id = id, .record = record, .slot = at};
    slots[at] = ++pending->id_count;
}

/* Newest first, each slot is the end of its run again, so freeing it breaks no other search. */
void pending_drop_ids(struct pending *pending, uint32_t count)
{
    uint32_t *slots = pending->id_slots.data;
    const struct pending_id *ids = pending->ids.data;
    while (pending->id_count > count) {
        slots[ids[--pending->id_count].slot] = 0;
    }
}
