/* limits.h - how long a script may run and how much memory the process may hold.
 *
 * The engine calls back every few milliseconds while a script runs; there both are looked at, and
 * the script is ended in a way it cannot catch. Built-in functions are not interrupted midway: for
 * those there is the watchdog in the server (slot.c). */
#pragma once
#include <JavaScriptCore/JavaScript.h>
#include <stdint.h>

enum limit_hit {
    LIMIT_NONE,
    LIMIT_TIME,
    LIMIT_MEMORY,   /* this call took it */
    LIMIT_WORN_OUT, /* it was nearly all taken before this call: the process should make place */
};

struct limits {
    JSContextGroupRef group;
    uint64_t memory_bytes_max;  /* beyond: the call in hand is ended, or the process */
    uint64_t memory_bytes_high; /* beyond: make place; a quarter of what scripts may add is left */
    uint64_t memory_bytes;      /* as last seen */
    int64_t memory_seen_ns;
    uint64_t memory_bytes_at_start; /* of the call in hand */
    int64_t time_ns_max;            /* of it; CPU time, so that a busy machine is no crime */
    int64_t started_ns;
    uint8_t is_late; /* half of it is over: what can be answered in parts should be */
    enum limit_hit hit;
};

void limits_init(struct limits *limits, JSContextGroupRef group);
/* Scripts may add this much to what the process holds now: the engine itself is not counted, whose
 * size differs with version and build. */
void limits_allow_memory(struct limits *limits, uint64_t bytes);
void limits_begin(struct limits *limits, int64_t time_ns_max); /* right before a call */
enum limit_hit limits_end(struct limits *limits);              /* right behind it */
