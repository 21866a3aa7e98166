/* region.c - who owns what: streams, subjects, subscriptions and the user's data. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_SIZE = 4000,
    CHUNK_ALIGN = 16,
};

struct region_chunk {
    struct region_chunk *before;
    size_t size;
    _Alignas(16) char bytes[];
};

struct owned {
    struct owned *before;
    void *data;
    void (*free_fn)(void *data);
};

static const struct node_ops region_ops = {0};

struct flow_region *flow_region_new(struct flow_loop *loop)
{
    if (loop == NULL) {
        return NULL;
    }
    struct flow_region *region = calloc(1, sizeof *region);
    if (region == NULL) {
        return NULL;
    }
    region->loop = loop;
    region->root = (struct node){.ops = &region_ops, .loop = loop};
    region->bound = (struct bound){.items = FLOW_BOUND_DEFAULT};
    region->sibling_after = loop->regions;
    if (loop->regions != NULL) {
        loop->regions->sibling_before = region;
    }
    loop->regions = region;
    return region;
}

static void region_unlink(struct flow_region *region)
{
    if (region->sibling_before == NULL) {
        region->loop->regions = region->sibling_after;
    } else {
        region->sibling_before->sibling_after = region->sibling_after;
    }
    if (region->sibling_after != NULL) {
        region->sibling_after->sibling_before = region->sibling_before;
    }
}

void flow_region_free(struct flow_region *region)
{
    if (region == NULL || region->freed) {
        return;
    }
    struct flow_loop *loop = region->loop;
    loop_enter(loop);
    region->freed = true;
    region->root.closed = true;
    while (region->root.child_last != NULL) {
        node_close(region->root.child_last);
    }
    region_unlink(region);
    region->sibling_after = loop->dead_regions;
    loop->dead_regions = region;
    loop->unsettled = true;
    loop_leave(loop);
}

void region_destroy(struct flow_region *region)
{
    while (region->owned != NULL) {
        struct owned *owned = region->owned;
        region->owned = owned->before;
        owned->free_fn(owned->data);
    }
    while (region->chunks != NULL) {
        struct region_chunk *chunk = region->chunks;
        region->chunks = chunk->before;
        free(chunk);
    }
    free(region);
}

void region_fail(struct flow_region *region, int code)
{
    if (region != NULL && region->error == 0) {
        region->error = code;
    }
}

void *region_alloc(struct flow_region *region, size_t size)
{
    size = (size + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1);
    struct region_chunk *chunk = region->chunks;
    if (chunk == NULL || chunk->size - region->chunk_used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = malloc(sizeof *chunk + room);
        if (chunk == NULL) {
            region_fail(region, FLOW_ERROR_MEMORY);
            return NULL;
        }
        chunk->before = region->chunks;
        chunk->size = room;
        region->chunks = chunk;
        region->chunk_used = 0;
    }
    void *p = chunk->bytes + region->chunk_used;
    region->chunk_used += size;
    return memset(p, 0, size);
}

void flow_own(struct flow_region *region, void *data, void (*free_fn)(void *data))
{
    struct owned *owned = region == NULL ? NULL : region_alloc(region, sizeof *owned);
    if (owned == NULL) {
        free_fn(data);
        return;
    }
    *owned = (struct owned){.before = region->owned, .data = data, .free_fn = free_fn};
    region->owned = owned;
}

int flow_region_error(const struct flow_region *region)
{
    return region == NULL ? FLOW_ERROR_MEMORY : region->error;
}

struct flow_loop *flow_region_loop(const struct flow_region *region)
{
    return region->loop;
}

void flow_region_bound(struct flow_region *region, size_t items, enum flow_overflow policy)
{
    region->bound = (struct bound){.items = items, .policy = policy};
}

struct flow_stream *flow_bound(struct flow_stream *stream, size_t items, enum flow_overflow policy)
{
    if (stream == NULL) {
        return NULL;
    }
    if (items == 0) {
        region_fail(stream->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    stream->bound = (struct bound){.items = items, .policy = policy};
    return stream;
}

/* ---- regions made by a function that gives a stream ---- */

struct holder {
    struct node node;
    struct flow_region *region;
};

static void holder_destroy(struct node *node)
{
    flow_region_free(((struct holder *)node)->region);
}

static const struct node_ops holder_ops = {.destroy = holder_destroy};

struct flow_stream *inner_end(struct node *down, struct flow_stream *made,
                              struct flow_region **inout_region)
{
    struct flow_loop *loop = down->loop;
    struct flow_region *outer = *inout_region;
    *inout_region = loop->inner;
    loop->inner = outer;
    loop->inner_calls--;
    if (made != NULL && !loop->failed) {
        return made;
    }
    flow_region_free(*inout_region);
    *inout_region = NULL;
    struct flow_error error = {.code = FLOW_ERROR_INVALID, .text = "a function gave no stream"};
    if (loop->failed) {
        error = loop->error;
        loop->failed = false;
    }
    send_error(down, &error);
    return NULL;
}

void inner_subscribe(struct flow_stream *made, struct node *node, struct flow_region *region)
{
    if (region != NULL) {
        struct holder *holder = node_new(node, node, &holder_ops, sizeof *holder);
        if (holder == NULL) {
            flow_region_free(region);
            return;
        }
        holder->region = region;
    }
    if (made->level > 0) {
        txn_raise(node, made->level);
    }
    stream_subscribe(made, node);
}
