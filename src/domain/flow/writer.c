#include "domain/flow/writer_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "store/request.h"

#include <stdlib.h>

#define APPEND_BYTES_MAX (EVER_APPEND_BYTES_MAX / 2) /* names and frames take some too */
#define EVENT_FRAME_BYTES 64u                        /* of one in the log, about */
#define FULL_COUNT (EVER_EVENTS_PER_APPEND_MAX / 2)
#define FULL_BYTES (4u << 20)

void flow_writer_init(struct flow_writer *writer, struct ever *store)
{
    *writer = (struct flow_writer){.store = store};
    arena_init(&writer->arena);
}

void flow_writer_deinit(struct flow_writer *writer)
{
    arena_deinit(&writer->arena);
    free(writer->list);
    *writer = (struct flow_writer){0};
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* NULL, or what keeps the log from taking it. */
static const char *fault_of(const struct ever_new_event *event)
{
    if (event->data.size + event->metadata.size > EVER_EVENT_BYTES_MAX) {
        return "is larger than 4 MiB";
    }
    if (event->type.size == 0 ||
        !IS_OK(request_check_name(event->type, EVER_TYPE_NAME_BYTES_MAX))) {
        return "has a type that is not 1 to 256 bytes long without control characters";
    }
    if (event->tag_count > EVER_TAGS_PER_EVENT_MAX) {
        return "has more than 64 tags";
    }
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (!IS_OK(request_check_name(event->tags[i], EVER_TAG_BYTES_MAX))) {
            return "has a tag that is longer than 256 bytes or has control characters";
        }
    }
    return NULL;
}

static struct ever_new_event copy_event(struct arena *arena, const struct ever_new_event *event)
{
    struct ever_new_event copy = *event;
    copy.type = arena_copy(arena, event->type);
    copy.data = arena_copy(arena, event->data);
    copy.metadata = arena_copy(arena, event->metadata);
    struct ever_slice *tags = arena_alloc(arena, event->tag_count * sizeof *tags);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        tags[i] = arena_copy(arena, event->tags[i]);
    }
    copy.tags = tags;
    return copy;
}

static size_t bytes_of(const struct ever_new_event *event)
{
    size_t bytes = event->data.size + event->metadata.size + event->type.size + EVENT_FRAME_BYTES;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        bytes += event->tags[i].size;
    }
    return bytes;
}

void flow_writer_add(struct flow_writer *writer, struct flow_part *part, enum flow_side side,
                     uint64_t cause, const struct ever_new_event *event)
{
    const char *fault = fault_of(event);
    if (fault != NULL) {
        flow_part_stop(part, cause, "the %.*s event it makes of position %llu %s",
                       SLICE_PRINT(event->type), (unsigned long long)cause, fault);
        return;
    }
    if (writer->count == writer->capacity) {
        writer->capacity = writer->capacity == 0 ? 256 : writer->capacity * 2;
        writer->list = mem_grow(writer->list, writer->capacity * sizeof writer->list[0]);
    }
    writer->list[writer->count++] = (struct flow_pending){
        .part = part, .side = side, .cause = cause, .event = copy_event(&writer->arena, event)};
    writer->bytes += bytes_of(event);
}

bool flow_writer_is_full(const struct flow_writer *writer)
{
    return writer->count >= FULL_COUNT || writer->bytes >= FULL_BYTES;
}

/* --- One append ------------------------------------------------------------------------------- */

/* How many pending events, from `done`, go into one append. */
static size_t measure(const struct flow_writer *writer)
{
    const struct flow_pending *first = &writer->list[writer->done];
    size_t left = writer->count - writer->done;
    size_t bytes = 0;
    size_t whole_causes = 0;
    for (size_t i = 0; i < left; i++) {
        bytes += bytes_of(&first[i].event);
        if (i > 0 && first[i].cause != first[i - 1].cause) {
            whole_causes = i;
        }
        if (i == EVER_EVENTS_PER_APPEND_MAX || (i > 0 && bytes > APPEND_BYTES_MAX)) {
            return whole_causes > 0 ? whole_causes : i;
        }
    }
    return left;
}

struct chunk {
    struct flow_pending *first;
    size_t count;
    struct ever_write *writes;
    struct flow_pending **owners; /* of each write: its first event */
    struct ever_new_event *events;
    uint32_t write_count;
};

/* A part that stopped at a cause keeps what it made of earlier ones. */
static bool is_dropped(const struct flow_pending *pending)
{
    const struct flow_stop *stop = &pending->part->stop;
    return pending->is_logged || (stop->is_set && pending->cause >= stop->position);
}

static bool goes_on(const struct chunk *chunk, const struct flow_pending *pending)
{
    if (chunk->write_count == 0) {
        return false;
    }
    const struct flow_pending *owner = chunk->owners[chunk->write_count - 1];
    return owner->part == pending->part && owner->side == pending->side;
}

/* Conditions are about the log before the append, so all writes to one stream have the same. */
static struct ever_write begin_write(const struct flow_pending *pending,
                                     const struct ever_new_event *events)
{
    const struct flow_side_stream *stream = &pending->part->sides[pending->side];
    return (struct ever_write){
        .stream = stream->name,
        .expect = stream->logged == 0 ? EVER_NO_STREAM : EVER_EXACT,
        .revision = stream->logged == 0 ? 0 : stream->logged - 1,
        .events = events,
    };
}

static void fill(struct chunk *chunk)
{
    size_t event_count = 0;
    chunk->write_count = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        struct flow_pending *pending = &chunk->first[i];
        if (is_dropped(pending)) {
            continue;
        }
        if (!goes_on(chunk, pending)) {
            chunk->owners[chunk->write_count] = pending;
            chunk->writes[chunk->write_count++] = begin_write(pending, &chunk->events[event_count]);
        }
        chunk->events[event_count++] = pending->event;
        chunk->writes[chunk->write_count - 1].event_count++;
    }
}

static void settle(struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->count; i++) {
        struct flow_pending *pending = &chunk->first[i];
        if (!is_dropped(pending)) {
            pending->part->sides[pending->side].logged++;
        }
    }
}

/* --- Conflicts -------------------------------------------------------------------------------- */

/* What the log has of this stream beyond what was known: the pending events, after an append whose
 * outcome stayed unknown, or another's. *out_moved: something was found. */
static struct ever_err look_again(struct flow_pending *pending, bool *out_moved)
{
    struct flow_side_stream *stream = &pending->part->sides[pending->side];
    int64_t last;
    TRY(ever_last_revision(pending->part->store, stream->name, &last));
    uint64_t revision = stream->logged;
    if ((uint64_t)(last + 1) <= revision) {
        return ERR_OK;
    }
    stream->logged = revision + 1;
    *out_moved = true;
    TRY(flow_part_compare(pending->part, pending->side, revision, pending->cause, &pending->event));
    pending->is_logged = true;
    return ERR_OK;
}

static struct ever_err reconcile(struct chunk *chunk, const struct ever_result *result)
{
    bool moved = false;
    for (size_t i = 0; i < chunk->count; i++) {
        if (!is_dropped(&chunk->first[i])) {
            TRY(look_again(&chunk->first[i], &moved));
        }
    }
    if (!moved) { /* events with these ids stand elsewhere, and nothing we know put them there */
        struct flow_pending *owner = chunk->owners[result->write_index];
        flow_part_stop(owner->part, owner->cause,
                       "the log refuses the events made of position %llu: ids of flow events "
                       "stand in another stream. Change the flow's version to build it anew",
                       (unsigned long long)owner->cause);
    }
    return ERR_OK;
}

/* --- Flushing --------------------------------------------------------------------------------- */

static struct ever_err append_chunk(struct flow_writer *writer, struct chunk *chunk)
{
    for (;;) {
        fill(chunk);
        if (chunk->write_count == 0) {
            return ERR_OK;
        }
        struct ever_result result;
        TRY(ever_append(writer->store, chunk->writes, chunk->write_count, &result, NULL));
        if (result.outcome == EVER_APPENDED || result.outcome == EVER_REPEATED) {
            settle(chunk);
            return ERR_OK;
        }
        TRY(reconcile(chunk, &result)); /* each round finds or stops something */
    }
}

static struct ever_err flush_one(struct flow_writer *writer)
{
    struct chunk chunk = {.first = &writer->list[writer->done], .count = measure(writer)};
    ASSERT(chunk.count > 0);
    chunk.writes = mem_alloc(chunk.count * sizeof chunk.writes[0]);
    chunk.owners = mem_alloc(chunk.count * sizeof(struct flow_pending *));
    chunk.events = mem_alloc(chunk.count * sizeof chunk.events[0]);
    struct ever_err err = append_chunk(writer, &chunk);
    free(chunk.writes);
    free(chunk.owners);
    free(chunk.events);
    if (IS_OK(err)) {
        writer->done += chunk.count;
    }
    return err;
}

struct ever_err flow_writer_flush(struct flow_writer *writer)
{
    while (writer->done < writer->count) {
        TRY(flush_one(writer));
    }
    writer->count = 0;
    writer->done = 0;
    writer->bytes = 0;
    arena_reset(&writer->arena);
    return ERR_OK;
}
