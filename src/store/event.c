#include "store/event.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/slice.h"
#include "store/bytes.h"

/* A test builds the store with few bits, so that unequal terms meet in one hash all the time. */
#ifndef TERM_HASH_BITS
#define TERM_HASH_BITS 64
#endif

#define EVENT_FORMAT 1u

enum event_flags {
    FLAG_CONTINUES = 1 << 0, /* same append as the record before */
    FLAG_BYTES = 1 << 1,     /* data is opaque, not JSON */
    FLAG_METADATA = 1 << 2,
    FLAG_TAGS = 1 << 3,
    FLAG_EXTRA = 1 << 4, /* fields that a reader may skip */
    FLAGS_KNOWN = FLAG_CONTINUES | FLAG_BYTES | FLAG_METADATA | FLAG_TAGS | FLAG_EXTRA,
};

size_t event_bytes_max(const struct ever_event *event)
{
    size_t size = 2 + sizeof event->id.bytes + 5 * VARINT_BYTES_MAX;
    size += event->stream.size + event->type.size + event->metadata.size + event->data.size;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        size += VARINT_BYTES_MAX + event->tags[i].size;
    }
    return size;
}

static uint8_t flags_of(const struct ever_event *event)
{
    unsigned flags = event->continues ? FLAG_CONTINUES : 0;
    flags |= event->content == EVER_BYTES ? FLAG_BYTES : 0u;
    flags |= event->metadata.size > 0 ? FLAG_METADATA : 0u;
    flags |= event->tag_count > 0 ? FLAG_TAGS : 0u;
    return (uint8_t)flags;
}

static char *put_sized(char *at, struct ever_slice bytes)
{
    return put_bytes(put_varint(at, bytes.size), bytes);
}

char *event_encode(const struct ever_event *event, char *to)
{
    ASSERT(event->stream.size > 0);
    ASSERT(event->tag_count <= EVER_TAGS_PER_EVENT_MAX);
    char *at = to;
    *at++ = (char)EVENT_FORMAT;
    *at++ = (char)flags_of(event);
    at = put_bytes(at, slice_of(event->id.bytes, sizeof event->id.bytes));
    at = put_varint(at, event->revision);
    at = put_sized(at, event->stream);
    at = put_sized(at, event->type);
    if (event->tag_count > 0) {
        at = put_varint(at, event->tag_count);
        for (uint32_t i = 0; i < event->tag_count; i++) {
            at = put_sized(at, event->tags[i]);
        }
    }
    if (event->metadata.size > 0) {
        at = put_sized(at, event->metadata);
    }
    at = put_bytes(at, event->data);
    ASSERT((size_t)(at - to) <= event_bytes_max(event));
    return at;
}

static struct ever_slice read_sized(struct byte_reader *reader)
{
    return read_bytes(reader, read_varint(reader));
}

static void read_tags(struct byte_reader *reader, struct event_view *view)
{
    uint64_t count = read_varint(reader);
    if (count == 0 || count > EVER_TAGS_PER_EVENT_MAX) {
        reader->bad = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        view->tags[i] = read_sized(reader);
    }
    view->event.tag_count = (uint32_t)count;
}

static void read_fields(struct byte_reader *reader, unsigned flags, struct event_view *view)
{
    struct ever_event *event = &view->event;
    struct ever_slice id = read_bytes(reader, sizeof event->id.bytes);
    if (!reader->bad) {
        memcpy(event->id.bytes, id.data, sizeof event->id.bytes);
    }
    event->revision = read_varint(reader);
    event->stream = read_sized(reader);
    event->type = read_sized(reader);
    if ((flags & FLAG_TAGS) != 0) {
        read_tags(reader, view);
    }
    if ((flags & FLAG_METADATA) != 0) {
        event->metadata = read_sized(reader);
    }
    if ((flags & FLAG_EXTRA) != 0) {
        (void)read_sized(reader); /* a newer version's, and it said that we may skip it */
    }
    event->data = read_bytes(reader, (uint64_t)(reader->end - reader->at));
}

struct ever_err event_decode(struct ever_slice record, struct event_view *out_view)
{
    struct byte_reader reader = byte_reader_of(record);
    uint8_t format = read_byte(&reader);
    unsigned flags = read_byte(&reader);
    if (reader.bad || format == 0) {
        return FAIL(EVER_CORRUPT, "decode event");
    }
    if (format != EVENT_FORMAT || (flags & ~(unsigned)FLAGS_KNOWN) != 0) {
        return FAIL(EVER_UNSUPPORTED, "decode event of a newer version");
    }
    out_view->event = (struct ever_event){
        .continues = (flags & FLAG_CONTINUES) != 0,
        .content = (flags & FLAG_BYTES) != 0 ? EVER_BYTES : EVER_JSON,
        .tags = out_view->tags,
    };
    read_fields(&reader, flags, out_view);
    if (reader.bad || out_view->event.stream.size == 0) {
        return FAIL(EVER_CORRUPT, "decode event");
    }
    return ERR_OK;
}

static uint64_t hash_bits(uint64_t hash)
{
#if TERM_HASH_BITS < 64
    hash &= (UINT64_C(1) << TERM_HASH_BITS) - 1;
    return hash | hash << (64 - TERM_HASH_BITS); /* tables look at the upper bits, too */
#else
    return hash;
#endif
}

uint64_t term_hash(enum term_kind kind, struct ever_slice name)
{
    return hash_bits(hash64(name, (uint64_t)kind));
}

uint64_t id_hash(struct ever_uuid id)
{
    return hash_bits(hash64(slice_of(id.bytes, sizeof id.bytes), 0));
}

struct ever_slice stream_category(struct ever_slice stream)
{
    return slice_first(stream, slice_find_byte(stream, '-'));
}

uint32_t event_terms(const struct ever_event *event, uint64_t out_terms[static EVENT_TERMS_MAX])
{
    uint32_t count = 0;
    out_terms[count++] = term_hash(TERM_STREAM, event->stream);
    out_terms[count++] = term_hash(TERM_CATEGORY, stream_category(event->stream));
    out_terms[count++] = term_hash(TERM_TYPE, event->type);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        out_terms[count++] = term_hash(TERM_TAG, event->tags[i]);
    }
    return count;
}
