/* many.h - what operators over a fixed set of inputs share. */
#pragma once
#include "core.h"

struct many_stream {
    struct flow_stream base; /* fn: list, may be NULL */
    struct flow_stream **inputs;
    const struct flow_type **types;
    size_t count;
};

/* Of lists when `fn` is NULL. NULL: an input is NULL, or there is no memory. */
struct many_stream *many_stream_new(struct flow_region *region, struct flow_stream *const *in,
                                    size_t count, const struct flow_type *out, flow_list_fn *fn,
                                    void *ud,
                                    void (*subscribe)(struct flow_stream *, struct node *));
/* What the user's function makes of the values, or a list of them, goes to `down`. */
void many_emit(const struct many_stream *stream, struct node *down, const flow_val *values);
