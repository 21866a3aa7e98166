#include "domain/script/worker/limits.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_SECONDS 0.005
#define MEMORY_LOOK_NS 1000000 /* looking costs as much as a small call */

/* Exported by the engine for a decade, but without an installed header. */
typedef bool should_terminate_fn(JSContextRef context, void *arg);
void JSContextGroupSetExecutionTimeLimit(JSContextGroupRef group, double seconds,
                                         should_terminate_fn *callback, void *arg);

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    ASSERT(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
    static int file = -1;
    if (file < 0) {
        file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    }
    char text[128];
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    if (size <= 0) {
        return 0; /* no /proc: the system's own limit remains */
    }
    text[size] = '\0';
    char *behind_total; /* the address space, of which the engine takes tens of GB */
    (void)strtoull(text, &behind_total, 10);
    return strtoull(behind_total, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void look_at_memory(struct limits *limits)
{
    limits->memory_bytes = resident_bytes();
    limits->memory_seen_ns = clock_ns(CLOCK_MONOTONIC);
}

void limits_allow_memory(struct limits *limits, uint64_t bytes)
{
    look_at_memory(limits);
    limits->memory_bytes_max = limits->memory_bytes + bytes;
    limits->memory_bytes_high = limits->memory_bytes_max - bytes / 4;
}

static enum limit_hit blame_for_memory(const struct limits *limits)
{
    return limits->memory_bytes_at_start < limits->memory_bytes_high ? LIMIT_MEMORY
                                                                     : LIMIT_WORN_OUT;
}

/* --- Ticks ----------------------------------------------------------------------------------- */

static void arm(struct limits *limits);

static bool on_tick(JSContextRef context, void *arg)
{
    (void)context; /* the limits are those of the whole process */
    struct limits *limits = arg;
    look_at_memory(limits);
    int64_t used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - limits->started_ns;
    limits->is_late = used_ns > limits->time_ns_max / 2;
    if (used_ns > limits->time_ns_max) {
        limits->hit = LIMIT_TIME;
        return true;
    }
    if (limits->memory_bytes > limits->memory_bytes_max) {
        limits->hit = blame_for_memory(limits);
        return true;
    }
    arm(limits);
    return false;
}

/* The engine calls back once only: each tick asks for the next. */
static void arm(struct limits *limits)
{
    JSContextGroupSetExecutionTimeLimit(limits->group, TICK_SECONDS, on_tick, limits);
}

void limits_init(struct limits *limits, JSContextGroupRef group)
{
    *limits = (struct limits){.group = group,
                              .memory_bytes_max = UINT64_MAX,
                              .memory_bytes_high = UINT64_MAX,
                              .time_ns_max = INT64_MAX};
    arm(limits);
}

void limits_begin(struct limits *limits, int64_t time_ns_max)
{
    if (clock_ns(CLOCK_MONOTONIC) - limits->memory_seen_ns > MEMORY_LOOK_NS) {
        look_at_memory(limits);
    }
    limits->memory_bytes_at_start = limits->memory_bytes;
    limits->time_ns_max = time_ns_max;
    limits->started_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    limits->is_late = 0;
}

enum limit_hit limits_end(struct limits *limits)
{
    enum limit_hit hit = limits->hit;
    limits->hit = LIMIT_NONE;
    limits->time_ns_max = INT64_MAX; /* our own scripts are not limited */
    return hit;
}
