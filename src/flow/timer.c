/* timer.c - timers in the order RxJS' virtual time gives them.
 *
 * Two orders rule the moment when several timers are due together. Each has a slot in the queue,
 * taken when it is set, and a periodic timer takes its next slot before it runs. But when a slot
 * comes up, the timer that runs is the one that was *first set* among those due, and a periodic
 * timer keeps that rank. So there are two heaps: slots by (due, slot), timers by (due, order). When
 * the slot of one timer comes up for another, the two swap slots. */
#include "core.h"

#include <stdlib.h>

static bool slot_before(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->turn.slot < b->turn.slot;
}

static bool order_before(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->turn.order < b->turn.order;
}

/* A binary heap whose items know their places; `by_slot` chooses order and member. */
static void heap_put(struct heap *heap, bool by_slot, size_t place, struct timer *timer)
{
    heap->items[place] = timer;
    *(by_slot ? &timer->at_slot : &timer->at_order) = place + 1;
}

static bool heap_less(bool by_slot, const struct timer *a, const struct timer *b)
{
    return by_slot ? slot_before(a, b) : order_before(a, b);
}

static void heap_up(struct heap *heap, bool by_slot, size_t place)
{
    struct timer *timer = heap->items[place];
    while (place > 0 && heap_less(by_slot, timer, heap->items[(place - 1) / 2])) {
        heap_put(heap, by_slot, place, heap->items[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    heap_put(heap, by_slot, place, timer);
}

static void heap_down(struct heap *heap, bool by_slot, size_t place)
{
    struct timer *timer = heap->items[place];
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count &&
            heap_less(by_slot, heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!heap_less(by_slot, heap->items[child], timer)) {
            break;
        }
        heap_put(heap, by_slot, place, heap->items[child]);
        place = child;
    }
    heap_put(heap, by_slot, place, timer);
}

static bool heap_room(struct heap *heap)
{
    if (heap->count < heap->capacity) {
        return true;
    }
    size_t capacity = heap->capacity == 0 ? 16 : heap->capacity * 2;
    struct timer **items = realloc(heap->items, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    heap->items = items;
    heap->capacity = capacity;
    return true;
}

static void heap_add(struct heap *heap, bool by_slot, struct timer *timer)
{
    heap_put(heap, by_slot, heap->count++, timer);
    heap_up(heap, by_slot, heap->count - 1);
}

static void heap_remove(struct heap *heap, bool by_slot, struct timer *timer)
{
    size_t *at = by_slot ? &timer->at_slot : &timer->at_order;
    size_t place = *at - 1;
    *at = 0;
    struct timer *last = heap->items[--heap->count];
    if (last != timer) {
        heap_put(heap, by_slot, place, last);
        heap_up(heap, by_slot, place);
        heap_down(heap, by_slot, (by_slot ? last->at_slot : last->at_order) - 1);
    }
}

struct turn turn_take(struct flow_loop *loop)
{
    return (struct turn){.order = ++loop->order, .slot = ++loop->slot};
}

void timer_set_turn(struct timer *timer, flow_time due, struct turn turn)
{
    struct flow_loop *loop = timer->node.loop;
    timer_stop(timer);
    if (due == FLOW_NEVER || timer->node.closed) {
        return;
    }
    if (!heap_room(&loop->by_slot) || !heap_room(&loop->by_order)) {
        send_code(timer->node.down, FLOW_ERROR_MEMORY, "no memory for a timer");
        return;
    }
    timer->due = due;
    timer->turn = turn;
    heap_add(&loop->by_slot, true, timer);
    heap_add(&loop->by_order, false, timer);
}

void timer_set(struct timer *timer, flow_time delay)
{
    struct flow_loop *loop = timer->node.loop;
    timer->again.slot = 0;
    timer->period = delay < 0 ? 0 : delay;
    timer_set_turn(timer, time_after(loop->now, delay), turn_take(loop));
}

void timer_again(struct timer *timer, flow_time delay)
{
    struct flow_loop *loop = timer->node.loop;
    delay = delay < 0 ? 0 : delay;
    if (timer->again.slot == 0 || delay != timer->period) {
        timer_set(timer, delay);
        return;
    }
    timer_set_turn(timer, time_after(loop->now, delay), timer->again);
    timer->again.slot = 0;
}

void timer_set_slot(struct timer *timer, flow_time due)
{
    struct flow_loop *loop = timer->node.loop;
    timer_stop(timer);
    if (!heap_room(&loop->by_slot)) {
        send_code(timer->node.down, FLOW_ERROR_MEMORY, "no memory for a timer");
        return;
    }
    timer->due = due;
    timer->turn.slot = ++loop->slot;
    heap_add(&loop->by_slot, true, timer);
}

void timer_stop(struct timer *timer)
{
    if (timer->at_slot != 0) {
        heap_remove(&timer->node.loop->by_slot, true, timer);
    }
    if (timer->at_order != 0) {
        heap_remove(&timer->node.loop->by_order, false, timer);
    }
}

static void timer_closed(struct node *node)
{
    timer_stop((struct timer *)node);
}

static const struct node_ops timer_ops = {.closed = timer_closed};

struct timer *timer_new(struct node *parent, void (*run)(struct timer *), void *owner)
{
    return timer_new_sized(parent, run, owner, sizeof(struct timer));
}

void *timer_new_sized(struct node *parent, void (*run)(struct timer *), void *owner, size_t size)
{
    struct node *down = parent->down == NULL ? parent : parent->down;
    struct timer *timer = node_new(parent, down, &timer_ops, size);
    if (timer != NULL) {
        timer->run = run;
        timer->owner = owner;
    }
    return timer;
}

/* The next one due: takes the first slot, and gives it to the first in order. */
static struct timer *timer_next(struct flow_loop *loop)
{
    struct timer *holder = loop->by_slot.items[0];
    if (holder->at_order == 0) {
        heap_remove(&loop->by_slot, true, holder);
        return holder;
    }
    struct timer *timer = loop->by_order.items[0];
    FLOW_ASSERT(holder->due == timer->due);
    heap_remove(&loop->by_slot, true, holder);
    if (holder != timer) {
        heap_remove(&loop->by_slot, true, timer);
        holder->turn.slot = timer->turn.slot;
        heap_add(&loop->by_slot, true, holder);
    }
    heap_remove(&loop->by_order, false, timer);
    return timer;
}

static void timer_run(struct flow_loop *loop)
{
    struct timer *timer = timer_next(loop);
    loop->now = timer->due;
    timer->again = (struct turn){.order = timer->turn.order, .slot = ++loop->slot};
    loop->event_id++;
    struct event event = event_begin(loop);
    timer->run(timer);
    event_end(loop, event);
    timer->again.slot = 0; /* still readable: the dead are freed after this */
}

flow_time flow_next_due(const struct flow_loop *loop)
{
    return loop->by_slot.count == 0 ? FLOW_NEVER : loop->by_slot.items[0]->due;
}

void timers_run_until(struct flow_loop *loop, flow_time to)
{
    while (flow_next_due(loop) <= to && loop->by_slot.count > 0) {
        loop_enter(loop);
        timer_run(loop);
        loop_leave(loop);
    }
    loop->now = to > loop->now ? to : loop->now;
}
