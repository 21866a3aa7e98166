#include "domain/view/origin_priv.h"

#include "base/slice.h"
#include "domain/flow/flow_stream.h"

#include <string.h>

#define LINE "\n-- flow stream "

static bool part_handles(const struct view_part *part, const struct view_origin *origin)
{
    for (size_t i = 0; i < part->type_count; i++) {
        for (size_t k = 0; k < origin->type_count; k++) {
            if (slice_equal(part->types[i], origin->types[k])) {
                return true;
            }
        }
    }
    return false;
}

static bool handles(const struct view_source *source, const struct view_origin *origin)
{
    for (size_t i = 0; i < source->part_count; i++) {
        if (source->parts[i].kind == VIEW_PART_HANDLER && part_handles(&source->parts[i], origin)) {
            return true;
        }
    }
    return false;
}

bool view_origin_complete(const struct view_source *source, const struct view_origin *origins,
                          size_t count, struct text *out_text)
{
    bool any = false;
    text_add(out_text, source->text);
    for (size_t i = 0; i < count; i++) {
        if (handles(source, &origins[i])) {
            text_add_text(out_text, LINE);
            text_add(out_text, origins[i].stream);
            text_add_byte(out_text, '\n');
            any = true;
        }
    }
    return any;
}

/* The name and the end of its line must follow; names of streams hold no line end. */
static bool names(const char *at, const char *end, struct ever_slice stream)
{
    struct ever_slice rest = slice_of(at, (size_t)(end - at));
    return slice_starts_with(rest, stream) && rest.size > stream.size && at[stream.size] == '\n';
}

bool view_origin_takes(const struct view_source *source, struct ever_slice stream)
{
    if (!flow_stream_is(stream, NULL)) {
        return true;
    }
    const char *end = source->text.data + source->text.size;
    const char *at = source->text.data;
    const size_t size = sizeof LINE - 1;
    while ((at = memmem(at, (size_t)(end - at), LINE, size)) != NULL) {
        at += size;
        if (names(at, end, stream)) {
            return true;
        }
    }
    return false;
}
