/* main.c - everfold-js: answers frames on a socket until it is closed.
 *
 * Started by the server (script/pool.c) with a socket on descriptor 3 and one shared page on 4:
 *
 *     everfold-js TIME_LIMIT_MS MEMORY_LIMIT_MB STATES_MAX */
#include "base/assert.h"
#include "base/slice.h"
#include "domain/script/frame.h"
#include "domain/script/worker/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)
#define ANSWER_BYTES_MAX                                                                           \
    (256u                                                                                          \
     << 10) /* held back at most, to answer many requests in one write                        \
                  */
#define ANSWER_NS_MAX INT64_C(2000000)

struct worker {
    struct engine *engine;
    struct frame_status_page *status;
    struct text in;
    struct text out;
    struct text answer;
    int64_t flushed_ns;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False when the server is gone. */
static bool flush(struct worker *worker)
{
    struct ever_slice rest = text_slice(&worker->out);
    while (rest.size > 0) {
        ssize_t written = write(WORKER_SOCKET_FD, rest.data, rest.size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            rest = slice_from(rest, (size_t)written);
        }
    }
    text_clear(&worker->out);
    worker->flushed_ns = monotonic_ns();
    return true;
}

static bool flush_when_due(struct worker *worker)
{
    bool due =
        worker->out.size > ANSWER_BYTES_MAX || monotonic_ns() - worker->flushed_ns > ANSWER_NS_MAX;
    return !due || flush(worker);
}

static enum engine_result run(struct worker *worker, const struct frame *frame)
{
    struct engine *engine = worker->engine;
    struct text *answer = &worker->answer;
    switch (frame->kind) {
    case FRAME_COMPILE:
        return engine_compile(engine, frame->payload.data, answer);
    case FRAME_LOAD:
        return engine_load(engine, frame->payload.data, answer);
    case FRAME_LIVE:
        return engine_live(engine, frame->payload.data, answer);
    case FRAME_FLOW:
        return engine_flow(engine, frame->payload.data, answer);
    case FRAME_STEP:
        return engine_step(engine, frame->payload.data, answer);
    default:
        text_add_text(answer, "unknown kind of request");
        return ENGINE_FAULT;
    }
}

static void write_answer(struct worker *worker, uint32_t id, enum engine_result result)
{
    static const enum frame_kind kinds[] = {
        [ENGINE_ANSWERED] = FRAME_ANSWER,
        [ENGINE_TIME_LIMIT] = FRAME_TIME_LIMIT,
        [ENGINE_MEMORY_LIMIT] = FRAME_MEMORY_LIMIT,
        [ENGINE_FAULT] = FRAME_FAULT,
    };
    if (result != ENGINE_WORN_OUT) { /* without an answer the server asks the next worker */
        script_frame_write(&worker->out, kinds[result], id, text_slice(&worker->answer));
    }
}

/* False when the process should end. */
static bool handle(struct worker *worker, const struct frame *frame)
{
    struct frame_status_page *status = worker->status;
    text_clear(&worker->answer);
    status->current_id = frame->id;
    enum engine_result result = run(worker, frame);
    if (worker->answer.size > FRAME_PAYLOAD_BYTES_MAX) {
        text_clear(&worker->answer);
        result = ENGINE_MEMORY_LIMIT;
    }
    write_answer(worker, frame->id, result);
    status->memory_bytes_max = engine_memory_bytes_max(worker->engine);
    status->current_id = 0;
    bool ends = result == ENGINE_MEMORY_LIMIT || result == ENGINE_WORN_OUT;
    if (ends || !engine_tidy(worker->engine)) {
        (void)flush(worker); /* it ends in any case */
        return false;
    }
    return flush_when_due(worker);
}

static bool read_more(struct worker *worker)
{
    char *end = text_reserve(&worker->in, READ_BYTES);
    ssize_t got;
    do {
        got = read(WORKER_SOCKET_FD, end, READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return false;
    }
    worker->in.size += (size_t)got;
    text_seal(&worker->in);
    return true;
}

static void drop_handled(struct text *in, struct ever_slice rest)
{
    memmove(in->data, rest.data, rest.size);
    in->size = rest.size;
    text_seal(in);
}

/* Handles every whole frame there is, then writes all answers at once. */
static bool handle_all(struct worker *worker)
{
    struct ever_slice rest = text_slice(&worker->in);
    struct frame frame;
    for (;;) {
        switch (script_frame_read(&rest, &frame)) {
        case FRAME_PARTIAL:
            drop_handled(&worker->in, rest);
            return flush(worker);
        case FRAME_BROKEN:
            return false;
        case FRAME_WHOLE:
            if (!handle(worker, &frame)) {
                return false;
            }
        }
    }
}

/* Before the first call into the engine, which reads these once. */
static void set_environment(const struct engine_options *options)
{
    setenv("TZ", "UTC", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    /* Without it compiled loops are stopped by a signal that some of them never see. */
    setenv("JSC_usePollingTraps", "1", 1);
    setenv("JSC_useTailCalls", "0", 1); /* a tail call takes its caller's line out of the stack */
    /* By what it takes for the machine's memory the engine decides when to collect garbage. */
    char bytes[32];
    (void)snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)options->memory_limit_mb << 21);
    setenv("JSC_forceRAMSize", bytes, 1); /* twice the limit: collects well below it */
}

/* The server decides when a worker ends: what a terminal or a service manager sends to all
 * processes of a group is for the server. Without it a worker is nothing, and dies even in an
 * endless loop. */
static void follow_server(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none); /* the engine reserves tens of GB of addresses */
}

static bool parse_options(int count, char **arguments, struct engine_options *out_options)
{
    uint64_t values[3];
    for (int i = 0; i < 3; i++) {
        if (count != 4 || !slice_parse_u64(slice_of_text(arguments[i + 1]), &values[i]) ||
            values[i] == 0 || values[i] > UINT32_MAX) {
            return false;
        }
    }
    *out_options = (struct engine_options){.time_limit_ms = (uint32_t)values[0],
                                           .memory_limit_mb = (uint32_t)values[1],
                                           .states_max = (uint32_t)values[2]};
    return true;
}

int main(int count, char **arguments)
{
    struct engine_options options;
    if (!parse_options(count, arguments, &options)) {
        fputs("everfold-js is a part of everfold, which starts it when there are deciders.\n",
              stderr);
        return 2;
    }
    void *page = mmap(NULL, sizeof(struct frame_status_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                      WORKER_STATUS_FD, 0);
    if (page == MAP_FAILED) {
        perror("everfold-js: status page");
        return 2;
    }
    follow_server();
    set_environment(&options);
    struct worker worker = {.engine = engine_create(&options), .status = page};
    while (read_more(&worker) && handle_all(&worker)) {
    }
    _exit(0); /* the engine's threads need no farewell */
}
