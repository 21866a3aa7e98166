#include "store/filter.h"

#include "base/slice.h"
#include "store/event.h"

#include <stdlib.h>

/* --- The copy -------------------------------------------------------------------------------- */

static size_t bytes_of(const struct ever_slice *slices, uint32_t count)
{
    size_t bytes = count * sizeof *slices;
    for (uint32_t i = 0; i < count; i++) {
        bytes += slices[i].size;
    }
    return bytes;
}

static struct ever_slice copy_bytes(char **at, struct ever_slice slice)
{
    struct ever_slice copy = slice_of(*at, slice.size);
    if (slice.size > 0) {
        memcpy(*at, slice.data, slice.size);
    }
    *at += slice.size;
    return copy;
}

/* The slices themselves go to `*slices`, what they point to goes to `*at`. */
static const struct ever_slice *copy_all(struct ever_slice **slices, char **at,
                                         const struct ever_slice *from, uint32_t count)
{
    struct ever_slice *copies = *slices;
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = copy_bytes(at, from[i]);
    }
    *slices += count;
    return copies;
}

struct ever_err filter_init(struct filter *filter, const struct ever_read *read)
{
    size_t bytes = read->stream.size + read->category.size + read->prefix.size + 1 +
                   bytes_of(read->types, read->type_count) + bytes_of(read->tags, read->tag_count);
    filter->memory = malloc(bytes);
    if (filter->memory == NULL) {
        return FAIL(EVER_NO_MEMORY, "open cursor");
    }
    struct ever_slice *slices = filter->memory;
    char *at = (char *)(slices + read->type_count + read->tag_count);
    filter->read = *read;
    filter->read.stream = copy_bytes(&at, read->stream);
    filter->read.category = copy_bytes(&at, read->category);
    filter->read.prefix = copy_bytes(&at, read->prefix);
    filter->read.types = copy_all(&slices, &at, read->types, read->type_count);
    filter->read.tags = copy_all(&slices, &at, read->tags, read->tag_count);
    return ERR_OK;
}

void filter_deinit(struct filter *filter)
{
    free(filter->memory);
    filter->memory = NULL;
}

/* --- The test -------------------------------------------------------------------------------- */

static bool is_among(struct ever_slice value, const struct ever_slice *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_equal(values[i], value)) {
            return true;
        }
    }
    return false;
}

static bool has_all_tags(const struct ever_event *event, const struct ever_read *read)
{
    for (uint32_t i = 0; i < read->tag_count; i++) {
        if (!is_among(read->tags[i], event->tags, event->tag_count)) {
            return false;
        }
    }
    return true;
}

bool filter_matches(const struct filter *filter, const struct ever_event *event)
{
    const struct ever_read *read = &filter->read;
    bool stream = read->stream.size == 0 || slice_equal(event->stream, read->stream);
    bool category =
        read->category.size == 0 || slice_equal(stream_category(event->stream), read->category);
    bool type = read->type_count == 0 || is_among(event->type, read->types, read->type_count);
    return stream && category && type && slice_starts_with(event->stream, read->prefix) &&
           has_all_tags(event, read);
}

/* --- Finding them ---------------------------------------------------------------------------- */

/* "account-a" is a prefix of streams of the category "account" only. */
static bool prefix_names_category(struct ever_slice prefix)
{
    return slice_find_byte(prefix, '-') < prefix.size;
}

static uint32_t type_terms(const struct ever_read *read, uint64_t *out_terms, uint32_t room)
{
    if (read->type_count > room) {
        return 0;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < read->type_count; i++) {
        out_terms[count++] = term_hash(TERM_TYPE, read->types[i]);
    }
    return count;
}

uint32_t filter_terms(const struct filter *filter, uint32_t set, uint64_t *out_terms, uint32_t room)
{
    const struct ever_read *read = &filter->read;
    if (read->stream.size > 0) {
        out_terms[0] = term_hash(TERM_STREAM, read->stream);
        return set == 0 ? 1 : 0;
    }
    if (read->category.size > 0 && set-- == 0) {
        out_terms[0] = term_hash(TERM_CATEGORY, read->category);
        return 1;
    }
    if (prefix_names_category(read->prefix) && set-- == 0) {
        out_terms[0] = term_hash(TERM_CATEGORY, stream_category(read->prefix));
        return 1;
    }
    if (read->type_count > 0 && read->type_count <= room && set-- == 0) {
        return type_terms(read, out_terms, room);
    }
    if (set < read->tag_count) {
        out_terms[0] = term_hash(TERM_TAG, read->tags[set]);
        return 1;
    }
    return 0;
}
