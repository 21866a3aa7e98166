#include "domain/flow/part_priv.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/text.h"
#include "store/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_BYTES_MAX 120u /* of each of two events that differ */

const char *flow_side_ending(enum flow_side side)
{
    static const char *const endings[FLOW_SIDES] = {"", ".late", ".errors"};
    return endings[side];
}

/* --- Opening ---------------------------------------------------------------------------------- */

static struct ever_err ask_length(struct ever *store, struct flow_side_stream *side)
{
    int64_t revision;
    TRY(ever_last_revision(store, side->name, &revision));
    side->logged = (uint64_t)(revision + 1);
    return ERR_OK;
}

struct ever_err flow_part_open(struct ever *store, const struct flow_info *info, bool is_written,
                               struct flow_part *out_part)
{
    struct flow_part part = {.info = info, .store = store, .is_written = is_written};
    size_t size = strlen(info->stream) + sizeof ".errors";
    part.names = mem_alloc(FLOW_SIDES * size);
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        char *name = part.names + i * size;
        int length =
            snprintf(name, size, "%s%s", info->stream, flow_side_ending((enum flow_side)i));
        part.sides[i].name = slice_of(name, (size_t)length);
    }
    for (size_t i = 0; is_written && i < FLOW_SIDES; i++) {
        struct ever_err err = ask_length(store, &part.sides[i]);
        if (!IS_OK(err)) {
            flow_part_close(&part);
            return err;
        }
    }
    *out_part = part;
    return ERR_OK;
}

void flow_part_close(struct flow_part *part)
{
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        ever_cursor_close(part->sides[i].cursor);
    }
    free(part->names);
    *part = (struct flow_part){0};
}

void flow_part_stop(struct flow_part *part, uint64_t position, const char *format, ...)
{
    if (part->stop.is_set) {
        return;
    }
    part->stop = (struct flow_stop){.is_set = true, .position = position};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(part->stop.why, sizeof part->stop.why, format, arguments); /* may be cut */
    va_end(arguments);
}

/* --- Identity --------------------------------------------------------------------------------- */

struct ever_uuid flow_event_id(const struct flow_info *info, uint64_t position, uint32_t ordinal)
{
    char key[16 + FLOW_STREAM_BYTES_MAX];
    size_t size = strlen(info->stream);
    ASSERT(size <= FLOW_STREAM_BYTES_MAX);
    put_u64(key, position);
    put_u64(key + 8, ordinal);
    memcpy(key + 16, info->stream, size);
    struct hash128 hash = hash128(slice_of(key, 16 + size));
    struct ever_uuid id;
    put_u64(id.bytes, hash.high);
    put_u64(id.bytes + 8, hash.low);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x80); /* version 8: made as its maker likes */
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

static uint64_t hash_slice(uint64_t hash, struct ever_slice bytes)
{
    return hash64(bytes, hash + bytes.size);
}

static uint64_t hash_event(uint64_t hash, enum flow_side side, const struct ever_new_event *event)
{
    hash = hash64(slice_of(event->id.bytes, sizeof event->id.bytes), hash + (uint64_t)side);
    hash = hash_slice(hash, event->type);
    hash = hash_slice(hash, event->data);
    hash = hash_slice(hash, event->metadata);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        hash = hash_slice(hash, event->tags[i]);
    }
    return hash;
}

/* --- Comparing -------------------------------------------------------------------------------- */

static struct ever_err seek(struct flow_part *part, struct flow_side_stream *side,
                            uint64_t revision)
{
    if (side->cursor != NULL && side->next == revision) {
        return ERR_OK;
    }
    ever_cursor_close(side->cursor);
    side->cursor = NULL;
    struct ever_read read = {.stream = side->name, .from = revision};
    TRY(ever_cursor_open(part->store, &read, &side->cursor));
    side->next = revision;
    return ERR_OK;
}

/* Lent until the next call for this side. */
static struct ever_err read_logged(struct flow_part *part, enum flow_side side, uint64_t revision,
                                   const struct ever_event **out_event)
{
    struct flow_side_stream *stream = &part->sides[side];
    ASSERT(revision < stream->logged);
    TRY(seek(part, stream, revision));
    TRY(ever_next(stream->cursor, out_event));
    stream->next = revision + 1;
    return ERR_OK;
}

static bool same_tags(const struct ever_event *a, const struct ever_new_event *b)
{
    if (a->tag_count != b->tag_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->tag_count; i++) {
        if (!slice_equal(a->tags[i], b->tags[i])) {
            return false;
        }
    }
    return true;
}

static bool same_event(const struct ever_event *a, const struct ever_new_event *b)
{
    return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes) == 0 && a->content == b->content &&
           slice_equal(a->type, b->type) && slice_equal(a->data, b->data) &&
           slice_equal(a->metadata, b->metadata) && same_tags(a, b);
}

/* Whole characters of the front. */
static struct ever_slice shown(struct ever_slice text)
{
    size_t size = text.size < SHOWN_BYTES_MAX ? text.size : SHOWN_BYTES_MAX;
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return slice_first(text, size);
}

static void stop_as_different(struct flow_part *part, enum flow_side side, uint64_t cause,
                              const struct ever_event *logged, const struct ever_new_event *made)
{
    bool only_metadata = slice_equal(logged->type, made->type) &&
                         slice_equal(logged->data, made->data) && same_tags(logged, made);
    flow_part_stop(
        part, cause,
        "event %llu of %.*s, at position %llu, is not what the flow makes of position %llu%s: the "
        "log has %.*s %.*s, the flow makes %.*s %.*s. Another hand wrote to the stream, or the "
        "flow is not deterministic: change its version to build it anew",
        (unsigned long long)logged->revision, SLICE_PRINT(part->sides[side].name),
        (unsigned long long)logged->position, (unsigned long long)cause,
        only_metadata ? " (id, content or metadata differ)" : "", SLICE_PRINT(shown(logged->type)),
        SLICE_PRINT(shown(logged->data)), SLICE_PRINT(shown(made->type)),
        SLICE_PRINT(shown(made->data)));
}

struct ever_err flow_part_compare(struct flow_part *part, enum flow_side side, uint64_t revision,
                                  uint64_t cause, const struct ever_new_event *event)
{
    const struct ever_event *logged;
    TRY(read_logged(part, side, revision, &logged));
    part->compared++;
    if (!same_event(logged, event)) {
        stop_as_different(part, side, cause, logged, event);
    }
    return ERR_OK;
}

struct ever_err flow_part_take(struct flow_part *part, enum flow_side side, uint64_t cause,
                               const struct ever_new_event *event, bool *out_is_new)
{
    ASSERT(!part->stop.is_set);
    struct flow_side_stream *stream = &part->sides[side];
    bool is_new = part->is_written && stream->count >= stream->logged;
    if (part->is_written && !is_new) {
        TRY(flow_part_compare(part, side, stream->count, cause, event));
    }
    if (!part->stop.is_set) {
        part->hash = hash_event(part->hash, side, event);
        stream->count++;
    }
    *out_is_new = is_new;
    return ERR_OK;
}

/* --- The end ---------------------------------------------------------------------------------- */

static struct ever_err check_side(struct flow_part *part, enum flow_side side, uint64_t position)
{
    const struct flow_side_stream *stream = &part->sides[side];
    if (stream->count >= stream->logged) {
        return ERR_OK;
    }
    const struct ever_event *logged;
    TRY(read_logged(part, side, stream->count, &logged));
    if (logged->position <= position) {
        flow_part_stop(part, 0,
                       "event %llu of %.*s, at position %llu, is not the flow's: %.*s %.*s. "
                       "Another hand wrote to the stream: change the flow's version to build it "
                       "anew",
                       (unsigned long long)logged->revision, SLICE_PRINT(stream->name),
                       (unsigned long long)logged->position, SLICE_PRINT(shown(logged->type)),
                       SLICE_PRINT(shown(logged->data)));
    }
    return ERR_OK;
}

struct ever_err flow_part_check_end(struct flow_part *part, uint64_t position)
{
    for (enum flow_side side = 0; side < FLOW_SIDES && !part->stop.is_set; side++) {
        TRY(check_side(part, side, position));
    }
    return ERR_OK;
}
