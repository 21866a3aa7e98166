#include "gateway/wire/media.h"

#include "base/assert.h"
#include "base/slice.h"
#include "net/http.h"

/* The first name is the one we send; others are understood. */
static const struct {
    const char *name;
    const char *alias;
} media_names[MEDIA_COUNT] = {
    [MEDIA_JSON] = {"application/json", NULL},
    [MEDIA_NDJSON] = {"application/x-ndjson", "application/jsonl"},
    [MEDIA_SSE] = {"text/event-stream", NULL},
    [MEDIA_HTML] = {"text/html; charset=utf-8", "text/html"},
    [MEDIA_METRICS] = {"text/plain; version=0.0.4; charset=utf-8", "text/plain"},
    [MEDIA_PROBLEM] = {"application/problem+json", NULL},
    [MEDIA_TEXT] = {"text/plain; charset=utf-8", "text/plain"},
    [MEDIA_SVG] = {"image/svg+xml", NULL},
    [MEDIA_JAVASCRIPT] = {"text/javascript; charset=utf-8", "text/javascript"},
};

const char *media_name(enum media media)
{
    ASSERT(media < MEDIA_COUNT);
    return media_names[media].name;
}

static unsigned quality_of(enum media media, struct ever_slice accept)
{
    bool has_parameters = strchr(media_names[media].name, ';') != NULL;
    unsigned by_name = has_parameters ? 0 : http_accept_quality(accept, media_names[media].name);
    unsigned by_alias = media_names[media].alias == NULL
                            ? 0
                            : http_accept_quality(accept, media_names[media].alias);
    return by_name > by_alias ? by_name : by_alias;
}

bool media_choose(media_set offered, struct ever_slice accept, enum media *out_media)
{
    ASSERT(offered != 0);
    if (accept.size == 0 || slice_is(accept, "*/*")) {
        *out_media = (enum media)__builtin_ctz(offered);
        return true;
    }
    unsigned best = 0;
    for (unsigned i = 0; i < MEDIA_COUNT; i++) {
        unsigned quality = (offered & MEDIA_BIT(i)) != 0 ? quality_of((enum media)i, accept) : 0;
        if (quality > best) {
            best = quality;
            *out_media = (enum media)i;
        }
    }
    return best > 0;
}

static bool charset_is_utf8(struct ever_slice parameters)
{
    while (parameters.size > 0) {
        size_t size = slice_find_byte(parameters, ';');
        struct ever_slice one = slice_trim(slice_first(parameters, size));
        size_t equals = slice_find_byte(one, '=');
        if (equals < one.size &&
            slice_equal_ignoring_case(slice_first(one, equals), SLICE_LITERAL("charset"))) {
            struct ever_slice value = slice_from(one, equals + 1);
            return slice_equal_ignoring_case(value, SLICE_LITERAL("utf-8")) ||
                   slice_equal_ignoring_case(value, SLICE_LITERAL("\"utf-8\""));
        }
        parameters = slice_from(parameters, size == parameters.size ? size : size + 1);
    }
    return true;
}

bool media_of_content_type(media_set taken, struct ever_slice content_type, enum media *out_media)
{
    size_t size = slice_find_byte(content_type, ';');
    struct ever_slice name = slice_trim(slice_first(content_type, size));
    struct ever_slice parameters =
        slice_from(content_type, size == content_type.size ? size : size + 1);
    for (unsigned i = 0; i < MEDIA_COUNT; i++) {
        bool is_it = (taken & MEDIA_BIT(i)) != 0 &&
                     (slice_equal_ignoring_case(name, slice_of_text(media_names[i].name)) ||
                      (media_names[i].alias != NULL &&
                       slice_equal_ignoring_case(name, slice_of_text(media_names[i].alias))));
        if (is_it && charset_is_utf8(parameters)) {
            *out_media = (enum media)i;
            return true;
        }
    }
    return false;
}

void media_write_list(struct text *out, media_set set)
{
    const char *separator = "";
    for (unsigned i = 0; i < MEDIA_COUNT; i++) {
        if ((set & MEDIA_BIT(i)) != 0) {
            text_add_text(out, separator);
            text_add_text(out, media_names[i].name);
            separator = ", ";
        }
    }
}
