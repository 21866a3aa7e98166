/* subject.c - streams fed by hand. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A subject is its multicast; the stream in a region of its own only names the owner. */
struct flow_subject {
    struct flow_stream stream;
    struct multicast *cast;
};

static void subject_subscribe(struct flow_stream *stream, struct node *down)
{
    multicast_subscribe(&((struct flow_subject *)stream)->cast->stream, down);
}

static void subject_free(void *data)
{
    multicast_unref(data);
}

struct flow_subject *flow_subject_new(struct flow_region *region, const struct flow_type *type,
                                      const struct flow_subject_opts *opts)
{
    struct flow_subject *subject = stream_new(region, sizeof *subject, type, subject_subscribe);
    if (subject == NULL) {
        return NULL;
    }
    subject->cast = multicast_new(region->loop, type, opts);
    if (subject->cast == NULL) {
        region_fail(region, FLOW_ERROR_MEMORY);
        return NULL;
    }
    flow_own(region, subject->cast, subject_free);
    return subject;
}

struct flow_stream *flow_subject_stream(struct flow_subject *subject)
{
    return subject == NULL ? NULL : &subject->stream;
}

struct multicast *subject_cast(struct flow_subject *subject)
{
    return subject->cast;
}

/* Something happened that the event's end must look at. */
static enum flow_status next_end(struct multicast *cast, struct event event)
{
    struct flow_loop *loop = cast->stream.loop;
    multicast_settle(cast);
    event_end(loop, event);
    enum flow_status status = loop_status(cast);
    loop->full = false;
    loop_leave(loop);
    return status;
}

/* What each event pays, so it is spelt out: loop_next() and multicast_next() in one, for when
 * nothing is running and nothing is remembered. All that a delivery leaves behind (nodes that
 * closed, values let go, memory of the event, queued events, bounds that were met) sets
 * loop->unsettled. */
enum flow_status flow_next(struct flow_subject *subject, flow_val v)
{
    if (UNLIKELY(subject == NULL)) {
        return FLOW_CLOSED;
    }
    struct multicast *cast = subject->cast;
    struct flow_loop *loop = subject->stream.loop;
    if (UNLIKELY(loop->emitting > 0 || cast->stopped || cast->replay != NULL || cast->live == 0)) {
        return loop_next(cast, v);
    }
    uint32_t depth = loop->depth;
    loop->depth = depth + 1;
    struct event event = event_begin(loop);
    loop->event_id++;
    if (LIKELY(cast->count == 1)) {
        cast->emitting = 1;
        cast->slots[0].target->next(cast->slots[0].target, v);
        cast->emitting = 0;
    } else {
        multicast_deliver_all(cast, v);
    }
    if (UNLIKELY(loop->unsettled)) {
        return next_end(cast, event);
    }
    loop->emitting = 0;
    loop->depth = depth;
    return FLOW_OK;
}

/* Blocks from inside a callback wait value by value, behind the running event. */
enum flow_status flow_next_block(struct flow_subject *subject, const flow_val *v, size_t count)
{
    if (subject == NULL) {
        return FLOW_CLOSED;
    }
    enum flow_status status = FLOW_OK;
    struct flow_loop *loop = subject->stream.loop;
    while (count > 0 && loop->emitting > 0) {
        status = loop_next(subject->cast, *v++);
        count = status == FLOW_OK ? count - 1 : 0;
    }
    while (count > 0 && status != FLOW_CLOSED) {
        size_t part = count < FLOW_BLOCK_MAX ? count : FLOW_BLOCK_MAX;
        status = loop_block(subject->cast, v, part);
        v += part;
        count -= part;
    }
    return status;
}

void flow_error(struct flow_subject *subject, int code, const char *format, ...)
{
    struct flow_error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof error.text, format, args);
    va_end(args);
    if (subject != NULL) {
        loop_error(subject->cast, &error);
    }
}

void flow_fault(struct flow_subject *subject, int code, const char *format, ...)
{
    struct flow_error error = {.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof error.text, format, args);
    va_end(args);
    if (subject != NULL) {
        loop_fault(subject->cast, &error);
    }
}

void flow_complete(struct flow_subject *subject)
{
    if (subject != NULL) {
        loop_complete(subject->cast);
    }
}

bool flow_subject_value(const struct flow_subject *subject, flow_val *out_v)
{
    struct multicast *cast = subject == NULL ? NULL : subject->cast;
    return cast != NULL && cast->replay != NULL && !cast->failed && !replay_swallows(cast) &&
           replay_last(cast, out_v);
}

/* ---- plug ---- */

static void plug_next(struct node *node, flow_val v)
{
    multicast_next(((struct spreader *)node)->cast, v);
}

static void plug_fault(struct node *node, const struct flow_error *error)
{
    multicast_fault(((struct spreader *)node)->cast, error);
}

static void plug_complete(struct node *node)
{
    (void)node; /* the subject goes on */
}

static void plug_destroy(struct node *node)
{
    multicast_unref(((struct spreader *)node)->cast);
}

static const struct node_ops plug_ops = {
    .next = plug_next,
    .error = plug_fault,
    .fault = plug_fault,
    .complete = plug_complete,
    .destroy = plug_destroy,
    .spreads = true,
};

struct flow_sub flow_plug(struct flow_subject *subject, struct flow_stream *stream)
{
    struct flow_sub sub = {0};
    if (subject == NULL || stream == NULL) {
        return sub;
    }
    struct flow_loop *loop = subject->stream.loop;
    loop_enter(loop);
    struct spreader *plug = node_root(loop, &plug_ops, sizeof *plug);
    if (plug == NULL) {
        region_fail(subject->stream.region, FLOW_ERROR_MEMORY);
    } else {
        plug->cast = subject->cast;
        multicast_ref(plug->cast);
        sub = sub_make(subject->stream.region, &plug->node);
        stream_subscribe(stream, &plug->node);
    }
    loop_leave(loop);
    return sub;
}
