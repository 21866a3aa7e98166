/* drag.c - mouse events to drag events.
 *
 *     down  --d---------------d------
 *     move  -m--m--m----m--------m---     each press starts a stream of moves,
 *     up    ---------u-------------u-     which ends with the release
 *     out   ----1--2-------------3---
 *
 * Run it: it plays a small recording and prints each step of each drag. */
#include <stdio.h>

#include "flow.h"

struct point {
    int x, y;
};

static flow_val packed(int x, int y)
{
    return flow_int((int64_t)((uint64_t)(uint32_t)x << 32 | (uint32_t)y));
}

static struct point point_of(flow_val v)
{
    return (struct point){.x = (int)(v.i >> 32), .y = (int)(int32_t)v.i};
}

struct mouse {
    struct flow_stream *move, *up;
};

/* How far the pointer is from where the button went down. */
static flow_val distance(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    struct point now = point_of(v[0]);
    struct point from = point_of(v[1]);
    (void)loop; /* nothing to make */
    (void)ud;
    (void)count;
    return packed(now.x - from.x, now.y - from.y);
}

/* One press of the button: the moves until it is released, relative to where it began. What is
 * built here belongs to flow_here() and goes away with the drag. */
static struct flow_stream *drag(struct flow_loop *loop, void *ud, flow_val start)
{
    const struct mouse *mouse = ud;
    struct flow_stream *from = flow_of(flow_here(loop), &flow_i64, start);
    struct flow_stream *moves = flow_merge(flow_here(loop), 0, &mouse->move, 1);
    moves = flow_with_latest_from(moves, &from, 1, &flow_i64, distance, NULL);
    return flow_take_until(moves, mouse->up);
}

static void show(struct flow_loop *loop, void *ud, flow_val v)
{
    struct point moved = point_of(v);
    (void)ud; /* none */
    printf("%3d ms: moved by %d, %d\n", (int)(flow_now(loop) / 1000), moved.x, moved.y);
}

struct recorded {
    int at_ms;
    char what; /* d, m or u */
    int x, y;
};

static const struct recorded recording[] = {
    {5, 'm', 1, 1},    {10, 'd', 10, 10}, {15, 'm', 12, 11}, {20, 'm', 18, 14}, {25, 'u', 18, 14},
    {30, 'm', 40, 40}, {35, 'd', 50, 50}, {40, 'm', 45, 52}, {45, 'u', 45, 52}, {50, 'm', 0, 0},
};

int main(void)
{
    struct flow_loop *loop = flow_loop_new();
    struct flow_region *region = flow_region_new(loop);
    struct flow_subject *down = flow_subject_new(region, &flow_i64, NULL);
    struct flow_subject *move = flow_subject_new(region, &flow_i64, NULL);
    struct flow_subject *up = flow_subject_new(region, &flow_i64, NULL);
    struct mouse mouse = {.move = flow_subject_stream(move), .up = flow_subject_stream(up)};

    struct flow_stream *drags = flow_switch_map(flow_subject_stream(down), &flow_i64, drag, &mouse);
    flow_subscribe(drags, &(struct flow_observer){.next = show});

    for (size_t i = 0; i < sizeof recording / sizeof *recording; i++) {
        const struct recorded *event = &recording[i];
        flow_advance(loop, FLOW_MS(event->at_ms));
        struct flow_subject *to = event->what == 'd' ? down : event->what == 'm' ? move : up;
        flow_next(to, packed(event->x, event->y));
    }
    int failed = flow_region_error(region);
    flow_loop_free(loop);
    return failed;
}
