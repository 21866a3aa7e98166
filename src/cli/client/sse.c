#include "cli/client/sse.h"

#include "base/slice.h"

static void set(struct text *field, struct ever_slice value)
{
    text_clear(field);
    text_add(field, value);
}

bool sse_line(struct sse *sse, struct ever_slice line, struct sse_message *out_message)
{
    if (line.size == 0) {
        out_message->event =
            sse->event.size > 0 ? text_slice(&sse->event) : SLICE_LITERAL("message");
        out_message->data = text_slice(&sse->data);
        bool complete = sse->has_data && !sse->ended;
        sse->ended = true;
        return complete;
    }
    if (sse->ended) { /* only now: what was handed out was lent until here */
        text_clear(&sse->event);
        text_clear(&sse->data);
        sse->has_data = false;
        sse->ended = false;
    }
    size_t colon = slice_find_byte(line, ':');
    struct ever_slice name = slice_first(line, colon);
    struct ever_slice value = colon < line.size ? slice_from(line, colon + 1) : SLICE_NONE;
    if (value.size > 0 && value.data[0] == ' ') {
        value = slice_from(value, 1);
    }
    if (slice_is(name, "id")) {
        set(&sse->id, value);
    } else if (slice_is(name, "event")) {
        set(&sse->event, value);
    } else if (slice_is(name, "data") && !sse->has_data) {
        set(&sse->data, value);
        sse->has_data = true;
    } else if (slice_is(name, "data")) {
        text_add_byte(&sse->data, '\n');
        text_add(&sse->data, value);
    }
    return false; /* comments, "retry" and what we do not know are passed over */
}

void sse_deinit(struct sse *sse)
{
    text_deinit(&sse->event);
    text_deinit(&sse->data);
    text_deinit(&sse->id);
}
