#include "gateway/links.h"

#include "base/slice.h"

/* Everything the client asked for but where to begin and which way. */
static void write_kept_parameters(struct text *out, const struct call *call)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const struct query_pair *pair = &call->query.pairs[i];
        if (slice_is(pair->name, "from") || slice_is(pair->name, "after") ||
            slice_is(pair->name, "direction")) {
            continue;
        }
        text_add_byte(out, '&');
        text_add(out, pair->name);
        text_add_byte(out, '=');
        name_write_encoded(out, pair->value);
    }
}

/* "/events?direction=backward&from=7&limit=2"; without `from` the beginning. */
static struct ever_slice url(const struct call *call, bool backward, const uint64_t *from)
{
    struct text text = {0};
    text_add_text(&text, backward ? "&direction=backward" : "");
    if (from != NULL) {
        text_add_text(&text, "&from=");
        text_add_u64(&text, *from);
    }
    write_kept_parameters(&text, call);
    struct ever_slice parameters = text_slice(&text);
    struct ever_slice result = arena_printf(
        call->arena, "%.*s%s%.*s", SLICE_PRINT(call->request->path),
        parameters.size == 0 ? "" : "?", (int)(parameters.size == 0 ? 0 : parameters.size - 1),
        parameters.size == 0 ? "" : parameters.data + 1);
    text_deinit(&text);
    return result;
}

static struct ever_slice next_url(const struct call *call, const struct reading *reading,
                                  const struct page_bounds *bounds)
{
    uint64_t lowest = reading->of_stream ? 0 : 1;
    bool backward = reading->read.backward;
    if (bounds->empty || !bounds->cut ||
        (backward ? bounds->last <= lowest : bounds->last >= reading->last)) {
        return SLICE_NONE;
    }
    uint64_t from = backward ? bounds->last - 1 : bounds->last + 1;
    return url(call, backward, &from);
}

/* The way back is the other direction, from just before the first one shown. */
static struct ever_slice previous_url(const struct call *call, const struct reading *reading,
                                      const struct page_bounds *bounds)
{
    uint64_t lowest = reading->of_stream ? 0 : 1;
    bool backward = reading->read.backward;
    if (bounds->empty || (backward ? bounds->first >= reading->last : bounds->first <= lowest)) {
        return SLICE_NONE;
    }
    uint64_t from = backward ? bounds->first + 1 : bounds->first - 1;
    return url(call, !backward, &from);
}

struct ever_slice links_add(struct call *call, const struct reading *reading,
                            const struct page_bounds *bounds)
{
    struct ever_slice next = next_url(call, reading, bounds);
    struct ever_slice previous = previous_url(call, reading, bounds);
    struct ever_slice first = url(call, reading->read.backward, NULL);
    struct text links = {0};
    text_printf(&links, "<%.*s>; rel=\"first\"", SLICE_PRINT(first));
    if (next.size > 0) {
        text_printf(&links, ", <%.*s>; rel=\"next\"", SLICE_PRINT(next));
    }
    if (previous.size > 0) {
        text_printf(&links, ", <%.*s>; rel=\"prev\"", SLICE_PRINT(previous));
    }
    call_header(call, SLICE_LITERAL("Link"), arena_copy(call->arena, text_slice(&links)));
    text_deinit(&links);
    return next;
}
