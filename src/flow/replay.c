/* replay.c - what subjects keep for observers who come late. */
#include "core.h"

#include <stdlib.h>

struct replay {
    enum flow_subject_kind kind;
    size_t count;        /* at most so many */
    bool drops_silently; /* false: meeting the bound is an error */
    flow_time window;    /* 0: no limit of age */
    uint64_t shifted;    /* values that have left, so that indexes stay true while they do */
    struct ring values;
    struct ring expiries; /* of the values, with a window */
};

struct replay *replay_new(const struct flow_type *type, const struct flow_subject_opts *opts)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return NULL;
    }
    replay->kind = opts->kind;
    replay->count = opts->kind != FLOW_SUBJECT_REPLAY ? 1 : opts->count;
    if (replay->count == 0) {
        replay->count = FLOW_BOUND_DEFAULT;
    }
    replay->window = opts->window;
    if (opts->kind == FLOW_SUBJECT_BEHAVIOR) {
        replay->values.items = malloc(sizeof(flow_val));
        if (replay->values.items == NULL) {
            free(replay);
            return NULL;
        }
        replay->values.items[0] = value_keep(type, opts->initial);
        replay->values.count = replay->values.capacity = 1;
    }
    return replay;
}

void replay_free(struct replay *replay, struct multicast *cast)
{
    ring_free(&replay->values, cast->stream.loop, cast->stream.type);
    ring_free(&replay->expiries, cast->stream.loop, &flow_i64);
    free(replay);
}

bool replay_swallows(const struct multicast *cast)
{
    return cast->replay->kind == FLOW_SUBJECT_ASYNC;
}

bool replay_last(const struct multicast *cast, flow_val *out_v)
{
    const struct ring *values = &cast->replay->values;
    if (values->count == 0) {
        return false;
    }
    *out_v = ring_at(values, values->count - 1);
    return true;
}

static void replay_shift(struct multicast *cast)
{
    struct replay *replay = cast->replay;
    ring_take(&replay->values, cast->stream.loop, cast->stream.type);
    if (replay->window > 0) {
        ring_shift(&replay->expiries);
    }
    replay->shifted++;
}

static void replay_trim(struct multicast *cast)
{
    struct replay *replay = cast->replay;
    while (replay->values.count > replay->count) {
        replay_shift(cast);
    }
    while (replay->window > 0 && replay->values.count > 0 &&
           ring_at(&replay->expiries, 0).i <= cast->stream.loop->now) {
        replay_shift(cast);
    }
}

void replay_store(struct multicast *cast, flow_val v)
{
    struct replay *replay = cast->replay;
    struct flow_stream room = {.bound = {.items = replay->count, .policy = FLOW_OVERFLOW_OLDEST}};
    struct node *nobody = NULL;
    if (replay->values.count == replay->count) {
        replay_shift(cast);
    }
    ring_push(&replay->values, &room, cast->stream.type, v, nobody);
    if (replay->window > 0) {
        flow_val expiry = flow_int(time_after(cast->stream.loop->now, replay->window));
        ring_push(&replay->expiries, &room, &flow_i64, expiry, nobody);
    }
    replay_trim(cast);
}

static void replay_values(struct multicast *cast, struct node *down)
{
    struct replay *replay = cast->replay;
    uint64_t end = replay->shifted + replay->values.count;
    for (uint64_t at = replay->shifted; at < end && !down->closed; at++) {
        if (at >= replay->shifted) {
            source_next(down, ring_at(&replay->values, at - replay->shifted));
        }
    }
}

static void replay_end(struct multicast *cast, struct node *down)
{
    if (cast->failed) {
        source_error(down, cast->error);
    } else if (cast->stopped) {
        source_complete(down);
    }
}

void replay_subscribe(struct multicast *cast, struct node *down)
{
    enum flow_subject_kind kind = cast->replay->kind;
    multicast_ref(cast);
    if (kind == FLOW_SUBJECT_REPLAY) {
        replay_trim(cast);
    }
    if (!cast->stopped) {
        multicast_add(cast, down);
    }
    bool tells = kind == FLOW_SUBJECT_REPLAY || (kind == FLOW_SUBJECT_BEHAVIOR && !cast->stopped) ||
                 (kind == FLOW_SUBJECT_ASYNC && cast->stopped && !cast->failed);
    if (tells) {
        replay_values(cast, down);
    }
    replay_end(cast, down);
    multicast_unref(cast);
}
