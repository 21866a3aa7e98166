#include "gateway/wire/precondition.h"

#include "base/slice.h"

/* RFC 9110: %x21 / %x23-7E / obs-text. */
static bool is_tag_byte(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

static const char *const not_quoted =
    "An entity tag stands in double quotes, as in \"3\"; or give * alone.";

/* Takes one tag off the front of *rest. */
static const char *take_tag(struct ever_slice *rest, struct entity_tag *out_tag)
{
    out_tag->weak = slice_starts_with(*rest, SLICE_LITERAL("W/"));
    struct ever_slice text = slice_from(*rest, out_tag->weak ? 2 : 0);
    if (text.size == 0 || text.data[0] != '"') {
        return not_quoted;
    }
    size_t end = 1;
    while (end < text.size && is_tag_byte(text.data[end])) {
        end++;
    }
    if (end == text.size || text.data[end] != '"') {
        return "An entity tag's closing quote is missing.";
    }
    out_tag->text = slice_of(text.data + 1, end - 1);
    *rest = slice_trim(slice_from(text, end + 1));
    return NULL;
}

static const char *take_comma(struct ever_slice *rest)
{
    if (rest->size == 0) {
        return NULL;
    }
    if (rest->data[0] != ',') {
        return "Entity tags are separated by commas.";
    }
    while (rest->size > 0 && rest->data[0] == ',') {
        *rest = slice_trim(slice_from(*rest, 1));
    }
    return NULL;
}

static const char *parse_tags(struct ever_slice rest, struct tag_list *list)
{
    while (rest.size > 0) {
        if (list->count == PRECONDITION_TAGS_MAX) {
            return "More than 32 entity tags.";
        }
        const char *fault = take_tag(&rest, &list->tags[list->count]);
        if (fault == NULL) {
            fault = take_comma(&rest);
        }
        if (fault != NULL) {
            return fault;
        }
        list->count++;
    }
    return NULL;
}

const char *tag_list_parse(struct ever_slice value, struct arena *arena, struct tag_list *out_list)
{
    *out_list = (struct tag_list){.given = value.data != NULL};
    if (!out_list->given) {
        return NULL;
    }
    struct ever_slice trimmed = slice_trim(value);
    if (trimmed.size == 0) {
        return not_quoted;
    }
    out_list->any = slice_is(trimmed, "*");
    if (out_list->any) {
        return NULL;
    }
    out_list->tags = arena_alloc(arena, PRECONDITION_TAGS_MAX * sizeof *out_list->tags);
    return parse_tags(trimmed, out_list);
}

bool tag_list_matches(const struct tag_list *list, struct ever_slice tag,
                      enum tag_comparison comparison)
{
    if (list->any) {
        return true;
    }
    for (size_t i = 0; i < list->count; i++) {
        bool counts = comparison == TAGS_WEAK || !list->tags[i].weak;
        if (counts && slice_equal(list->tags[i].text, tag)) {
            return true;
        }
    }
    return false;
}

bool tag_list_revision(const struct tag_list *list, uint64_t *out_revision)
{
    uint64_t revision;
    if (list->count != 1 || list->tags[0].weak || !slice_parse_u64(list->tags[0].text, &revision) ||
        revision > INT64_MAX) {
        return false;
    }
    *out_revision = revision;
    return true;
}
