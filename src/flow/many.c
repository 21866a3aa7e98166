/* many.c - operators over a fixed set of inputs. */
#include "many.h"

struct many_stream *many_stream_new(struct flow_region *region, struct flow_stream *const *in,
                                    size_t count, const struct flow_type *out, flow_list_fn *fn,
                                    void *ud,
                                    void (*subscribe)(struct flow_stream *, struct node *))
{
    struct many_stream *stream =
        stream_new(region, sizeof *stream, fn == NULL ? &flow_list_type : out, subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->inputs = region_alloc(region, (count + 1) * sizeof(struct flow_stream *));
    stream->types = region_alloc(region, (count + 1) * sizeof(struct flow_type *));
    if (stream->inputs == NULL || stream->types == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (in[i] == NULL) {
            return NULL;
        }
        stream->inputs[i] = in[i];
        stream->types[i] = in[i]->type;
        if (in[i]->level > stream->base.level) {
            stream->base.level = in[i]->level;
        }
    }
    stream->count = count;
    stream->base.fn.list = fn;
    stream->base.ud = ud;
    return stream;
}

/* What the user's function makes of the values, or a list of them. */
void many_emit(const struct many_stream *stream, struct node *down, const flow_val *values)
{
    struct flow_loop *loop = down->loop;
    flow_val v = stream->base.fn.list != NULL
                     ? stream->base.fn.list(loop, stream->base.ud, values, stream->count)
                     : list_make(loop, NULL, stream->types, values, stream->count);
    if (UNLIKELY(loop->failed)) {
        struct flow_error error = loop->error;
        loop->failed = false;
        send_error(down, &error);
    } else {
        send_next(down, v);
    }
}
