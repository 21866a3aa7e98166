#include "domain/script/worker/limits.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_SECONDS 0.005

/* Exported by the engine for a decade, but without an installed header. */
typedef bool should_terminate_fn(JSContextRef context, void *arg);
void JSContextGroupSetExecutionTimeLimit(JSContextGroupRef group, double seconds,
                                         should_terminate_fn *callback, void *arg);

static int64_t cpu_ns(void)
{
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void arm(struct limits *limits);

static bool on_tick(JSContextRef context, void *arg)
{
    (void)context; /* the limits are those of the whole process */
    struct limits *limits = arg;
    if (cpu_ns() - limits->started_ns > limits->time_ns_max) {
        limits->hit = LIMIT_TIME;
        return true;
    }
    if (limits_memory_bytes() > limits->memory_bytes_max) {
        limits->hit = LIMIT_MEMORY;
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
    *limits =
        (struct limits){.group = group, .memory_bytes_max = UINT64_MAX, .time_ns_max = INT64_MAX};
    arm(limits);
}

void limits_allow_memory(struct limits *limits, uint64_t bytes)
{
    limits->memory_bytes_max = limits_memory_bytes() + bytes;
}

void limits_begin(struct limits *limits, int64_t time_ns_max)
{
    limits->time_ns_max = time_ns_max;
    limits->started_ns = cpu_ns();
}

enum limit_hit limits_end(struct limits *limits)
{
    enum limit_hit hit = limits->hit;
    limits->time_ns_max = INT64_MAX; /* our own scripts are not limited */
    if (hit != LIMIT_NONE) {
        limits->hit = LIMIT_NONE;
        arm(limits); /* a terminated call has used up its tick */
    }
    return hit;
}

uint64_t limits_memory_bytes(void)
{
    static int file = -1;
    if (file < 0) {
        file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    }
    char text[128];
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    if (size <= 0) {
        return 0; /* no /proc: the server's own look and the system's limit remain */
    }
    text[size] = '\0';
    char *behind_total;
    (void)strtoull(text, &behind_total,
                   10); /* total address space, of which the engine takes tens of GB */
    uint64_t resident_pages = strtoull(behind_total, NULL, 10);
    return resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
