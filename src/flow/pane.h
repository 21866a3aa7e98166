/* pane.h - a buffer or a window: the two share when they open and close.
 *
 *              opens            value            closes          the source errs
 *     buffer   -                kept             list emitted    -
 *     window   stream emitted   sent to it       completes       errs */
#pragma once
#include "core.h"

struct pane {
    struct node node; /* child of the hub; its timer and closing stream are its children */
    struct panes *panes;
    struct pane *after; /* stays readable in one that has closed: loops go on from it */
    struct ring ring;
    struct multicast *window; /* NULL: a buffer */
    size_t seen;
};

struct panes {
    struct hub hub; /* stream m: 1 for windows */
    struct pane *first, *last;
    struct node *closing; /* of the _when operators */
    uint64_t count;
    bool restart; /* of the _time operators: a new one follows at once */
};

static inline struct panes *panes_of(struct node *input)
{
    return (struct panes *)hub_of(input);
}

struct panes *panes_new(struct flow_stream *stream, struct node *down);
/* NULL: no memory, or the hub has closed. */
struct pane *pane_open(struct panes *panes);
/* A window is announced apart from being opened, since RxJS does other things in between. */
void pane_announce(struct pane *pane);
void pane_add(struct pane *pane, flow_val v);
/* Takes it off, emits or completes it. */
void pane_finish(struct pane *pane);
void panes_add(struct panes *panes, flow_val v); /* to all */
void panes_finish(struct panes *panes);          /* all, then the end */
void panes_fail(struct panes *panes, const struct flow_error *error);

/* For inputs: the source ends. */
void panes_source_complete(struct node *node);
void panes_source_error(struct node *node, const struct flow_error *error);
