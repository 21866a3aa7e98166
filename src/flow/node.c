/* node.c - the life of nodes, and the messages that are rare. */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void flow_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, what);
    abort();
}

static void node_attach(struct node *node, struct node *parent)
{
    node->parent = parent;
    node->sibling_before = parent->child_last;
    node->sibling_after = NULL;
    if (parent->child_last == NULL) {
        parent->child_first = node;
    } else {
        parent->child_last->sibling_after = node;
    }
    parent->child_last = node;
}

static void node_detach(struct node *node)
{
    struct node *parent = node->parent;
    if (parent == NULL) {
        return;
    }
    if (node->sibling_before == NULL) {
        parent->child_first = node->sibling_after;
    } else {
        node->sibling_before->sibling_after = node->sibling_after;
    }
    if (node->sibling_after == NULL) {
        parent->child_last = node->sibling_before;
    } else {
        node->sibling_after->sibling_before = node->sibling_before;
    }
    node->parent = NULL;
}

static void pass_next(struct node *node, flow_val v)
{
    node->down->next(node->down, v);
}

void *node_root(struct flow_loop *loop, const struct node_ops *ops, size_t size)
{
    struct node *node = calloc(1, size);
    if (node != NULL) {
        node->next = ops->next != NULL ? ops->next : pass_next;
        node->ops = ops;
        node->loop = loop;
    }
    return node;
}

void *node_new(struct node *parent, struct node *down, const struct node_ops *ops, size_t size)
{
    struct node *node = node_root(parent->loop, ops, size);
    if (node == NULL) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to subscribe");
        return NULL;
    }
    node->down = down;
    if (parent->closed) {
        node->stopped = node->closed = true;
        node->sibling_after = node->loop->dead;
        node->loop->dead = node;
        node->loop->unsettled = true;
    } else {
        node_attach(node, parent);
    }
    return node;
}

void node_adopt(struct node *node, struct node *parent)
{
    FLOW_ASSERT(!node->closed && node->parent == NULL);
    if (parent->closed) {
        node_close(node);
    } else {
        node_attach(node, parent);
    }
}

void node_close(struct node *node)
{
    if (node == NULL || node->closed) {
        return;
    }
    node->stopped = node->closed = true;
    node_detach(node);
    while (node->child_first != NULL) {
        node_close(node->child_first);
    }
    if (node->ops->closed != NULL) {
        node->ops->closed(node);
    }
    if (node->sub != 0) {
        sub_forget(node->loop, node);
    }
    FLOW_ASSERT(node->loop->depth > 0);
    node->sibling_after = node->loop->dead;
    node->loop->dead = node;
    node->loop->unsettled = true;
}

void send_error(struct node *node, const struct flow_error *error)
{
    if (node->stopped) {
        return;
    }
    node->stopped = true;
    if (node->ops->error != NULL) {
        node->ops->error(node, error);
    } else {
        send_error(node->down, error);
    }
    node_close(node);
}

void send_complete(struct node *node)
{
    if (node->stopped) {
        return;
    }
    node->stopped = true;
    if (node->ops->complete != NULL) {
        node->ops->complete(node);
    } else {
        send_complete(node->down);
    }
    node_close(node);
}

void send_fault(struct node *node, const struct flow_error *error)
{
    while (!node->stopped && node->ops->fault == NULL) {
        node = node->down;
    }
    if (!node->stopped) {
        node->ops->fault(node, error);
    }
}

void send_block(struct node *node, flow_val *v, size_t count)
{
    if (node->ops->block != NULL) {
        node->ops->block(node, v, count);
        return;
    }
    for (size_t i = 0; i < count && !node->closed; i++) {
        node->next(node, v[i]);
    }
}

void send_code(struct node *node, int code, const char *what)
{
    struct flow_error error = {.code = code};
    snprintf(error.text, sizeof error.text, "%s", what);
    send_error(node, &error);
}

void node_fail(struct node *node)
{
    struct flow_error error = node->loop->error;
    FLOW_ASSERT(node->loop->failed);
    node->loop->failed = false;
    send_error(node->down, &error);
}

/* ---- operators with one input ---- */

void op_subscribe(struct flow_stream *stream, struct node *down)
{
    struct op *op = node_new(down, down, stream->ops, sizeof *op);
    if (op == NULL) {
        return;
    }
    op->fn = stream->fn;
    op->ud = stream->ud;
    op->stream = stream;
    if (stream->has_arg) {
        op_hold(op, stream->arg);
    }
    stream_subscribe(stream->in, &op->node);
}

void op_hold(struct op *op, flow_val v)
{
    flow_val kept = value_keep(op->stream->kept, v);
    op_let_go(op);
    op->held = kept;
    op->has = true;
}

void op_let_go(struct op *op)
{
    if (op->has) {
        op->has = false;
        value_drop(op->node.loop, op->stream->kept, op->held);
    }
}

flow_val op_take(struct op *op)
{
    flow_val v = op->held;
    op_let_go(op);
    return v;
}

void op_destroy(struct node *node)
{
    op_let_go(op_of(node));
}
