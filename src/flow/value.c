/* value.c - the types of the library, queues of kept values, lists. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

static bool f64_equal(flow_val a, flow_val b)
{
    return a.d == b.d;
}

static int f64_compare(flow_val a, flow_val b)
{
    return (a.d > b.d) - (a.d < b.d);
}

static uint64_t bytes_hash(const char *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

static uint64_t f64_hash(flow_val v)
{
    double d = v.d == 0 ? 0 : v.d; /* -0.0 equals 0.0 */
    return bytes_hash((const char *)&d, sizeof d);
}

static flow_val text_retain(flow_val v)
{
    return flow_ptr(v.p == NULL ? NULL : strdup(v.p));
}

static void text_release(flow_val v)
{
    free((void *)(uintptr_t)v.p);
}

static bool text_equal(flow_val a, flow_val b)
{
    return a.p == b.p || (a.p != NULL && b.p != NULL && strcmp(a.p, b.p) == 0);
}

static uint64_t text_hash(flow_val v)
{
    return v.p == NULL ? 0 : bytes_hash(v.p, strlen(v.p));
}

static int text_compare(flow_val a, flow_val b)
{
    return strcmp(a.p == NULL ? "" : a.p, b.p == NULL ? "" : b.p);
}

const struct flow_type flow_i64 = {.name = "i64"};
const struct flow_type flow_bool = {.name = "bool"};
const struct flow_type flow_f64 = {
    .name = "f64",
    .equal = f64_equal,
    .hash = f64_hash,
    .compare = f64_compare,
};
const struct flow_type flow_text = {
    .name = "text",
    .retain = text_retain,
    .release = text_release,
    .equal = text_equal,
    .hash = text_hash,
    .compare = text_compare,
};

bool value_equal(const struct flow_type *type, flow_val a, flow_val b)
{
    return type->equal == NULL ? a.u == b.u : type->equal(a, b);
}

uint64_t value_hash(const struct flow_type *type, flow_val v)
{
    return type->hash == NULL ? bytes_hash((const char *)&v, sizeof v) : type->hash(v);
}

/* ---- lists ---- */

static const struct flow_type *list_item_type(const struct flow_list *list, size_t index)
{
    return list->type != NULL ? list->type : list->types[index];
}

static flow_val list_retain(flow_val v)
{
    struct flow_list *list = (struct flow_list *)(uintptr_t)v.p;
    if (list->references > 0) {
        list->references++;
        return v;
    }
    size_t items = list->count * sizeof(flow_val);
    size_t types = list->types == NULL ? 0 : list->count * sizeof(struct flow_type *);
    struct flow_list *copy = malloc(sizeof *copy + items + types);
    if (copy == NULL) {
        abort(); /* a kept value cannot be refused; see docs/event-streams.md, "Memory" */
    }
    *copy = *list;
    copy->references = 1;
    if (types > 0) {
        copy->types = memcpy((char *)copy->items + items, list->types, types);
    }
    for (size_t i = 0; i < list->count; i++) {
        copy->items[i] = value_keep(list_item_type(list, i), list->items[i]);
    }
    return flow_ptr(copy);
}

static void list_release(flow_val v)
{
    struct flow_list *list = (struct flow_list *)(uintptr_t)v.p;
    FLOW_ASSERT(list->references > 0);
    if (--list->references > 0) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct flow_type *type = list_item_type(list, i);
        if (type->release != NULL) {
            type->release(list->items[i]);
        }
    }
    free(list);
}

static bool list_equal(flow_val a, flow_val b)
{
    const struct flow_list *x = a.p;
    const struct flow_list *y = b.p;
    if (x->count != y->count) {
        return false;
    }
    for (size_t i = 0; i < x->count; i++) {
        if (list_item_type(x, i) != list_item_type(y, i) ||
            !value_equal(list_item_type(x, i), x->items[i], y->items[i])) {
            return false;
        }
    }
    return true;
}

static uint64_t list_hash(flow_val v)
{
    const struct flow_list *list = v.p;
    uint64_t hash = list->count;
    for (size_t i = 0; i < list->count; i++) {
        hash = hash * 31 + value_hash(list_item_type(list, i), list->items[i]);
    }
    return hash;
}

const struct flow_type flow_list_type = {
    .name = "list",
    .retain = list_retain,
    .release = list_release,
    .equal = list_equal,
    .hash = list_hash,
};

flow_val list_make(struct flow_loop *loop, const struct flow_type *type,
                   const struct flow_type *const *types, const flow_val *items, size_t count)
{
    struct flow_list *list = flow_alloc(loop, sizeof *list + count * sizeof *items);
    if (list == NULL) {
        return flow_fail(loop, FLOW_ERROR_MEMORY, "no memory for a list");
    }
    list->references = 0;
    list->count = (uint32_t)count;
    list->type = type;
    list->types = types;
    if (count > 0 && items != NULL) {
        memcpy(list->items, items, count * sizeof *items);
    }
    return flow_ptr(list);
}

flow_val list_of_ring(struct flow_loop *loop, const struct flow_type *type, const struct ring *ring)
{
    flow_val v = list_make(loop, type, NULL, NULL, ring->count);
    struct flow_list *list = (struct flow_list *)(uintptr_t)v.p;
    for (size_t i = 0; list != NULL && i < ring->count; i++) {
        list->items[i] = ring_at(ring, i);
    }
    return v;
}

/* ---- rings ---- */

static bool ring_grow(struct ring *ring)
{
    size_t capacity = ring->capacity == 0 ? 8 : ring->capacity * 2;
    flow_val *items = malloc(capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < ring->count; i++) {
        items[i] = ring_at(ring, i);
    }
    free(ring->items);
    *ring = (struct ring){.items = items, .count = ring->count, .capacity = capacity};
    return true;
}

flow_val ring_at(const struct ring *ring, size_t index)
{
    return ring->items[(ring->first + index) & (ring->capacity - 1)];
}

flow_val ring_shift(struct ring *ring)
{
    FLOW_ASSERT(ring->count > 0);
    flow_val v = ring_at(ring, 0);
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    return v;
}

flow_val ring_take(struct ring *ring, struct flow_loop *loop, const struct flow_type *type)
{
    flow_val v = ring_shift(ring);
    value_drop(loop, type, v);
    return v;
}

bool ring_push(struct ring *ring, const struct flow_stream *owner, const struct flow_type *type,
               flow_val v, struct node *down)
{
    if (UNLIKELY(ring->count >= owner->bound.items)) {
        bound_met(down->loop);
        if (owner->bound.policy == FLOW_OVERFLOW_ERROR) {
            send_code(down, FLOW_ERROR_FULL, "too many values wait here");
            return false;
        }
        if (owner->bound.policy == FLOW_OVERFLOW_NEWEST) {
            return true;
        }
        ring_take(ring, down->loop, type);
    }
    if (ring->count == ring->capacity && !ring_grow(ring)) {
        send_code(down, FLOW_ERROR_MEMORY, "no memory to keep a value");
        return false;
    }
    ring->items[(ring->first + ring->count++) & (ring->capacity - 1)] = value_keep(type, v);
    return true;
}

void ring_clear(struct ring *ring, struct flow_loop *loop, const struct flow_type *type)
{
    while (ring->count > 0) {
        ring_take(ring, loop, type);
    }
}

void ring_free(struct ring *ring, struct flow_loop *loop, const struct flow_type *type)
{
    ring_clear(ring, loop, type);
    free(ring->items);
    *ring = (struct ring){0};
}
