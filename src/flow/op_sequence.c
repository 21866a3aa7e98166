/* op_sequence.c - do two streams say the same? */
#include "core.h"

/* ---- sequence_equal ---- */

struct sequence {
    struct hub hub; /* stream in: the first; fn: equal */
    struct ring rings[2];
    bool completed[2];
};

struct sequence_stream {
    struct flow_stream base;
    struct flow_stream *other;
};

static void sequence_answer(struct node *node, bool equal)
{
    send_next(node->down, flow_int(equal));
    send_complete(node->down);
}

static void sequence_next(struct node *node, flow_val v)
{
    struct sequence *sequence = (struct sequence *)hub_of(node);
    const struct flow_stream *stream = sequence->hub.stream;
    size_t self = ((struct input *)node)->index;
    struct ring *other = &sequence->rings[1 - self];
    if (other->count == 0) {
        if (sequence->completed[1 - self]) {
            sequence_answer(node, false);
        } else {
            ring_push(&sequence->rings[self], stream, stream->in->type, v, node->down);
        }
        return;
    }
    flow_val pair = ring_take(other, node->loop, stream->in->type);
    bool equal = stream->fn.equal == NULL ? value_equal(stream->in->type, v, pair)
                                          : stream->fn.equal(node->loop, stream->ud, v, pair);
    if (node->loop->failed) {
        node_fail(node);
    } else if (!equal) {
        sequence_answer(node, false);
    }
}

static void sequence_complete(struct node *node)
{
    struct sequence *sequence = (struct sequence *)hub_of(node);
    size_t self = ((struct input *)node)->index;
    sequence->completed[self] = true;
    if (sequence->completed[1 - self]) {
        sequence_answer(node, sequence->rings[1 - self].count == 0);
    }
}

static void sequence_destroy(struct node *node)
{
    struct sequence *sequence = (struct sequence *)node;
    for (size_t i = 0; i < 2; i++) {
        ring_free(&sequence->rings[i], node->loop, sequence->hub.stream->in->type);
    }
}

static const struct node_ops sequence_ops = {.destroy = sequence_destroy};
static const struct node_ops sequence_input_ops = {
    .next = sequence_next,
    .complete = sequence_complete,
};

static void sequence_subscribe(struct flow_stream *stream, struct node *down)
{
    struct sequence *sequence = hub_new(stream, down, &sequence_ops, sizeof *sequence);
    for (size_t i = 0; sequence != NULL && i < 2; i++) {
        struct input *input = input_new(&sequence->hub, &sequence_input_ops, i);
        if (input != NULL) {
            stream_subscribe(i == 0 ? stream->in : ((struct sequence_stream *)stream)->other,
                             &input->node);
        }
    }
}

struct flow_stream *flow_sequence_equal(struct flow_stream *a, struct flow_stream *b,
                                        flow_equal_fn *equal, void *ud)
{
    struct sequence_stream *stream =
        a == NULL || b == NULL ? NULL
                               : stream_on(a, sizeof *stream, &flow_bool, sequence_subscribe);
    if (stream == NULL) {
        return NULL;
    }
    stream->other = b;
    stream->base.fn.equal = equal;
    stream->base.ud = ud;
    return &stream->base;
}
