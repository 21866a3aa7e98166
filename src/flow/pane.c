/* pane.c - buffers and windows. */
#include "pane.h"

static void pane_destroy(struct node *node)
{
    struct pane *pane = (struct pane *)node;
    ring_free(&pane->ring, node->loop, pane->panes->hub.stream->in->type);
    multicast_unref(pane->window);
}

static const struct node_ops pane_ops = {.destroy = pane_destroy};
static const struct node_ops panes_ops = {0};

struct panes *panes_new(struct flow_stream *stream, struct node *down)
{
    return hub_new(stream, down, &panes_ops, sizeof(struct panes));
}

struct pane *pane_open(struct panes *panes)
{
    struct node *hub = &panes->hub.txn.node;
    const struct flow_stream *stream = panes->hub.stream;
    struct pane *pane = node_new(hub, hub->down, &pane_ops, sizeof *pane);
    if (pane == NULL) {
        return NULL;
    }
    pane->panes = panes;
    if (stream->m == 1) {
        pane->window = multicast_new(hub->loop, stream->in->type, NULL);
        if (pane->window == NULL) {
            send_code(hub->down, FLOW_ERROR_MEMORY, "no memory for a window");
            return NULL;
        }
        pane->window->home = stream->region;
    }
    if (panes->first == NULL) {
        panes->first = pane;
    } else {
        panes->last->after = pane;
    }
    panes->last = pane;
    return pane;
}

void pane_announce(struct pane *pane)
{
    if (pane->window != NULL) {
        source_next(pane->node.down, flow_ptr(&pane->window->stream));
    }
}

void pane_add(struct pane *pane, flow_val v)
{
    const struct flow_stream *stream = pane->panes->hub.stream;
    pane->seen++;
    if (pane->window != NULL) {
        multicast_next(pane->window, v);
    } else {
        ring_push(&pane->ring, stream, stream->in->type, v, pane->node.down);
    }
}

static void pane_unlink(struct pane *pane)
{
    struct panes *panes = pane->panes;
    struct pane *before = NULL;
    for (struct pane *at = panes->first; at != NULL && at != pane; at = at->after) {
        before = at;
    }
    if (before == NULL) {
        panes->first = pane->after;
    } else {
        before->after = pane->after;
    }
    if (panes->last == pane) {
        panes->last = before;
    }
}

void pane_finish(struct pane *pane)
{
    struct node *down = pane->node.down;
    pane_unlink(pane);
    if (pane->window != NULL) {
        multicast_complete(pane->window);
        node_close(&pane->node);
        return;
    }
    node_close(&pane->node); /* its values stay until no callback runs */
    flow_val list = list_of_ring(down->loop, pane->panes->hub.stream->in->type, &pane->ring);
    if (down->loop->failed) {
        struct flow_error error = down->loop->error;
        down->loop->failed = false;
        send_error(down, &error);
    } else if (!down->closed) {
        send_next(down, list);
    }
}

void panes_add(struct panes *panes, flow_val v)
{
    struct pane *last = panes->last;
    for (struct pane *pane = panes->first; pane != NULL; pane = pane->after) {
        if (!pane->node.closed) {
            pane_add(pane, v);
        }
        if (pane == last) {
            break;
        }
    }
}

void panes_finish(struct panes *panes)
{
    struct node *down = panes->hub.txn.node.down;
    while (panes->first != NULL && !down->closed) {
        pane_finish(panes->first);
    }
    send_complete(down);
}

void panes_fail(struct panes *panes, const struct flow_error *error)
{
    while (panes->first != NULL) {
        struct pane *pane = panes->first;
        pane_unlink(pane);
        if (pane->window != NULL) {
            multicast_error(pane->window, error);
        }
        node_close(&pane->node);
    }
    send_error(panes->hub.txn.node.down, error);
}

void panes_source_complete(struct node *node)
{
    panes_finish(panes_of(node));
}

void panes_source_error(struct node *node, const struct flow_error *error)
{
    panes_fail(panes_of(node), error);
}
