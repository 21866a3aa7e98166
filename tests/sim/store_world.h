/* store_world.h - a store on a simulated disk that lives through the history (store_history.h), what
 * it acknowledged so far, and whether it kept that promise. */
#pragma once
#include "sim/disk.h"
#include "sim/store_history.h"

#define STORE_DIR "disk/data" /* the test's own folder, "disk", is always there */

struct world {
    struct disk *disk;
    uint32_t acked;        /* appends that must be there */
    bool is_pending;       /* the outcome of the next one is unknown */
    bool expects_fault;    /* calls may fail: otherwise that is a violation */
    bool looked_closely;   /* at what the index says, the last time it was opened */
    const char *violation; /* the first promise that was broken */
};

struct world world_clone(const struct world *world); /* its store is closed */
struct ever_err world_open(struct world *world, struct ever **out_store);

/* Opens the store and compares all it has, appends the next `count` of the history, whatever it
 * takes, and closes it. */
void world_append_some(struct world *world, uint32_t count);
/* Three segments, so two index files, and a restart. */
void world_work(struct world *world);

/* The cursor gives just the events that are `wanted`, and nothing behind them. */
void world_compare_reading(struct world *world, struct ever *store, const struct ever_read *read,
                           bool (*wanted)(uint32_t index, uint32_t arg), uint32_t arg);
