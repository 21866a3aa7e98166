/* hub.c - operators with several inputs. */
#include "core.h"

void *hub_new(struct flow_stream *stream, struct node *down, const struct node_ops *ops,
              size_t size)
{
    struct hub *hub = node_new(down, down, ops, size);
    if (hub != NULL) {
        hub->stream = stream;
        hub->txn.level = stream->level;
    }
    return hub;
}

struct input *input_new(struct hub *hub, const struct node_ops *ops, size_t index)
{
    struct node *node = &hub->txn.node;
    struct input *input = node_new(node, node->down, ops, sizeof *input);
    if (input != NULL) {
        input->hub = hub;
        input->index = index;
    }
    return input;
}

void input_keep(struct input *input, const struct flow_type *type, flow_val v)
{
    input->kept = value_keep(type, v);
    input->kept_type = type;
}

void input_destroy(struct node *node)
{
    struct input *input = (struct input *)node;
    if (input->kept_type != NULL) {
        value_drop(node->loop, input->kept_type, input->kept);
    }
}

struct input *input_project(struct hub *hub, const struct node_ops *ops, flow_val v,
                            struct input **out_input)
{
    struct node *node = &hub->txn.node;
    struct flow_region *region = inner_begin(node->loop);
    struct flow_stream *made = hub->stream->fn.project(node->loop, hub->stream->ud, v);
    made = inner_end(node->down, made, &region);
    struct input *input = made == NULL ? NULL : input_new(hub, ops, 0);
    if (input != NULL) {
        if (out_input != NULL) {
            *out_input = input;
        }
        inner_subscribe(made, &input->node, region);
    }
    return input;
}

void complete_ignore(struct node *node)
{
    (void)node; /* only its values matter */
}
