#include "gateway/router.h"
#include "gateway/routes.h"

#include "base/assert.h"
#include "base/slice.h"

static bool add_literal(struct template *template, struct ever_slice text)
{
    if (text.size == 0) {
        return true;
    }
    if (template->count == TEMPLATE_PARTS_MAX) {
        return false;
    }
    template->parts[template->count++].literal = text;
    return true;
}

static bool add_variable(struct template *template, struct ever_slice pattern,
                         struct ever_slice name, uint32_t *used)
{
    int index = pattern_variable(pattern, name);
    if (index < 0 || template->count == TEMPLATE_PARTS_MAX) {
        return false;
    }
    template->parts[template->count].literal = SLICE_NONE;
    template->parts[template->count++].variable = (size_t)index;
    *used |= 1u << index;
    return true;
}

bool template_parse(struct ever_slice text, struct ever_slice pattern,
                    struct template *out_template, uint32_t *used, struct ever_slice *out_unknown)
{
    struct template template = {.count = 0};
    struct ever_slice rest = text;
    while (rest.size > 0) {
        size_t open = slice_find_byte(rest, '{');
        *out_unknown = text;
        if (!add_literal(&template, slice_first(rest, open))) {
            return false;
        }
        if (open == rest.size) {
            break;
        }
        rest = slice_from(rest, open + 1);
        size_t close = slice_find_byte(rest, '}');
        if (close == rest.size) {
            return false;
        }
        *out_unknown = slice_first(rest, close);
        if (!add_variable(&template, pattern, *out_unknown, used)) {
            return false;
        }
        rest = slice_from(rest, close + 1);
    }
    *out_template = template;
    return true;
}

static struct ever_slice part_of(const struct template *template, size_t index,
                                 const struct call *call)
{
    if (template->parts[index].literal.data != NULL) {
        return template->parts[index].literal;
    }
    ASSERT(template->parts[index].variable < call->variable_count);
    return call->variables[template->parts[index].variable];
}

struct ever_slice template_fill(const struct template *template, struct call *call)
{
    if (template->count == 1) {
        return part_of(template, 0, call);
    }
    size_t size = 0;
    for (size_t i = 0; i < template->count; i++) {
        size += part_of(template, i, call).size;
    }
    char *text = arena_alloc(call->arena, size + 1);
    size_t used = 0;
    for (size_t i = 0; i < template->count; i++) {
        struct ever_slice part = part_of(template, i, call);
        memcpy(text + used, part.data, part.size);
        used += part.size;
    }
    return slice_of(text, size);
}
