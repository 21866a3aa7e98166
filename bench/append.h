/* append.h - the ways bench/append.c compares: each appends events to a store of its own kind.
 *
 * Threads: append() is called from many at once and returns when its events are on disk. */
#pragma once
#include "everfold.h"

struct way {
    const char *name;
    void *(*open)(const char *path);
    /* One write with its condition, one transaction. Any failure or conflict ends the program. */
    void (*append)(void *store, const struct ever_write *write);
    uint64_t (*count)(void *store); /* of all events, once nobody appends */
    void (*close)(void *store);
};

extern const struct way way_sqlite_each;  /* a transaction for each append */
extern const struct way way_sqlite_group; /* a transaction for all appends that wait */

void must(struct ever_err err);
