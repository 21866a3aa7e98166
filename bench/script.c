/* script.c - how many events a second pass through a flow's JavaScript in its worker?
 *
 * map -> filter -> scan, fused, over events of some 150 bytes with 1,000 keys: requests as the
 * engine writes them, one at a time, answers read. Batches of 256, 1,024 and 4,096 in turn, 5
 * rounds; prints min / median / max, by the clock and by the CPU time of the worker, which another
 * program's work does not change. The bound in the same worker: the same three functions on numbers
 * alone, without an event to parse. */
#include "base/assert.h"
#include "base/slice.h"
#include "domain/script/compile.h"
#include "domain/script/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 200 * 1024, ROUNDS = 5, KEYS = 1000 };

static const char flows[] =
    "import { flow, from } from 'everfold/flow';\n"
    "const account = from('account');\n"
    "flow('events', () => account.map(e => e.data.amount * 3 + 1).filter(n => n % 2 === 0)\n"
    "  .scan((sum, n) => sum + n, 0).emit('Sum'));\n"
    "flow('numbers', () => account.map(n => n * 3 + 1).filter(n => n % 2 === 0)\n"
    "  .scan((sum, n) => sum + n, 0).emit('Sum'));\n";

struct call {
    struct script_request request; /* first: the pool gives it back */
    bool done;
    struct text answer;
};

static void on_done(struct script_request *request, const struct script_reply *reply)
{
    struct call *call = (struct call *)request;
    ASSERT(reply->outcome == SCRIPT_ANSWERED);
    ASSERT(slice_starts_with(reply->text, SLICE_LITERAL("{\"done\"")));
    text_clear(&call->answer);
    text_add(&call->answer, reply->text);
    call->done = true;
}

static void add_item(struct text *request, uint32_t n, bool is_event)
{
    text_printf(request, "%s[%u,0,\"[\\\"%u\\\"]\",%u,0,", n == 0 ? "" : ",", n + 1, n % KEYS,
                1700000000u + n);
    if (is_event) {
        text_printf(request,
                    "\"Deposited\",{\"amount\":%u,\"note\":\"cash at the counter\",\"currency\":"
                    "\"EUR\"},null,\"account-%u\",%u,[\"branch:7\"]]",
                    n % 977, n % KEYS, n / KEYS);
    } else {
        text_printf(request, "%u]", n % 977);
    }
}

static double seconds(void)
{
    return (double)uv_hrtime() / 1e9;
}

static double cpu_seconds(int pid)
{
    clockid_t clock;
    struct timespec used;
    ASSERT(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

struct rate { /* events a second */
    double by_clock;
    double by_cpu;
};

static struct rate run(uv_loop_t *loop, struct script_pool *pool, bool is_event, uint32_t batch,
                       uint32_t *generation)
{
    struct text items = {0};
    for (uint32_t n = 0; n < batch; n++) {
        add_item(&items, n, is_event);
    }
    struct call call = {.request = {.kind = FRAME_FLOW, .done = on_done}};
    int worker = script_pool_pid(pool, 0);
    double began = seconds();
    double began_cpu = cpu_seconds(worker);
    for (uint32_t at = 0; at < EVENTS; at += batch) {
        struct text request = {0};
        text_printf(&request, "{\"segment\":\"%s/1\",\"generation\":%u%s,\"items\":[",
                    is_event ? "events" : "numbers", *generation,
                    *generation == 0 ? ",\"fresh\":true" : "");
        text_add(&request, text_slice(&items));
        text_add_text(&request, "]}");
        call.request.body = text_slice(&request);
        call.done = false;
        script_pool_send(pool, &call.request);
        while (!call.done) {
            uv_run(loop, UV_RUN_ONCE);
        }
        ++*generation;
        text_deinit(&request);
    }
    text_deinit(&items);
    text_deinit(&call.answer);
    return (struct rate){.by_clock = EVENTS / (seconds() - began),
                         .by_cpu = EVENTS / (cpu_seconds(worker) - began_cpu)};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double rates[ROUNDS])
{
    qsort(rates, ROUNDS, sizeof rates[0], compare);
    printf("  %s %5.0fk / %5.0fk / %5.0fk", what, rates[0] / 1e3, rates[ROUNDS / 2] / 1e3,
           rates[ROUNDS - 1] / 1e3);
}

static void measure(uv_loop_t *loop, struct script_pool *pool)
{
    static const uint32_t batches[] = {256, 1024, 4096};
    double by_clock[2][3][ROUNDS], by_cpu[2][3][ROUNDS];
    uint32_t generations[2] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int b = 0; b < 3; b++) {
            for (int is_event = 0; is_event < 2; is_event++) {
                struct rate rate = run(loop, pool, is_event, batches[b], &generations[is_event]);
                by_clock[is_event][b][round] = rate.by_clock;
                by_cpu[is_event][b][round] = rate.by_cpu;
            }
        }
    }
    for (int is_event = 1; is_event >= 0; is_event--) {
        for (int b = 0; b < 3; b++) {
            printf("%-8s batches of %4u", is_event ? "events" : "numbers", batches[b]);
            print("clock", by_clock[is_event][b]);
            print("CPU", by_cpu[is_event][b]);
            printf(" events/s\n");
        }
    }
}

int main(void)
{
    uv_loop_t loop;
    ASSERT(uv_loop_init(&loop) == 0);
    char path[] = "flows/bench.js", name[] = "bench";
    struct app_file file = {
        .kind = APP_FLOW, .path = path, .name = name, .content = SLICE_LITERAL(flows)};
    struct app app = {.files = &file, .file_count = 1};
    struct script_pool_options options = {
        .process = {.worker_path = "build/release/bin/everfold-js",
                    .time_limit_ms = 2000,
                    .memory_limit_mb = 256,
                    .states_max = 1000000},
        .worker_count = 1,
        .grace_ms = 1000};
    struct script_program program;
    struct script_pool *pool;
    struct text report = {0}, loaded = {0};
    struct ever_err err =
        script_compile(&loop, &options.process, &app, SCRIPT_FLOWS, &report, &program);
    options.load = program.load;
    if (!IS_OK(err) || !IS_OK(script_start(&loop, &options, &report, &pool, &loaded))) {
        fprintf(stderr, "%s", report.data);
        return 1;
    }
    measure(&loop, pool);
    script_stop(&loop, pool);
    script_program_deinit(&program);
    text_deinit(&report);
    text_deinit(&loaded);
    return 0;
}
