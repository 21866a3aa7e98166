/* flows.c - how fast do durable flows run over the log, beside a loop by hand?
 *
 * A log of 1,000,000 events of some 100 bytes for 1,000 accounts. Each way reads all of it, derives
 * and appends what comes out to the log, durable. In turn, 3 rounds; each way's best and the
 * spread.
 *
 *     hand    ever_cursor, json_member() for the one member, a comparison, ever_append()
 *     where   the same as a flow of native operators: from, where, emit; 1 of 100 comes out
 *     hourly  keyBy and a sum for each hour of event time: 1,000 keys, 28 windows each
 *     script  the same as `where`, in JavaScript: map, filter, map, fused
 *
 * Then 1,000,000 keys: a running count for each of as many streams, of which nothing is emitted.
 * What the process holds more by that, for each key. */
#include "base/assert.h"
#include "base/env.h"
#include "base/json.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 1000000, ACCOUNTS = 1000, PER_APPEND = 1000, ROUNDS = 3 };

static char folder[64];

static void must(struct ever_err err)
{
    if (!IS_OK(err)) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
}

static double seconds(void)
{
    struct env *env = env_real();
    return (double)env->monotonic_ns(env) / 1e9;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

/* --- The log ---------------------------------------------------------------------------------- */

static void append_batch(struct ever *store, unsigned first, unsigned streams_count)
{
    static char streams[PER_APPEND][32];
    static char data[PER_APPEND][160];
    static struct ever_new_event events[PER_APPEND];
    static struct ever_write writes[PER_APPEND];
    for (unsigned i = 0; i < PER_APPEND; i++) {
        unsigned number = first + i;
        unsigned second = number / 10; /* ten events for each second of event time */
        unsigned mixed = (unsigned)(number * UINT64_C(7368787) % streams_count); /* a prime */
        (void)snprintf(streams[i], sizeof streams[i], "account-%u", mixed);
        (void)snprintf(
            data[i], sizeof data[i],
            "{\"currency\":\"EUR\",\"amount\":%u,\"at\":\"2026-01-%02uT%02u:%02u:%02uZ\","
            "\"note\":\"rent for the month\"}",
            number * 40503u % 1000, 1 + second / 86400, second / 3600 % 24, second / 60 % 60,
            second % 60);
        events[i] = (struct ever_new_event){.type = SLICE_LITERAL("Withdrawn"),
                                            .data = slice_of_text(data[i])};
        writes[i] = (struct ever_write){
            .stream = slice_of_text(streams[i]), .events = &events[i], .event_count = 1};
    }
    struct ever_result result;
    must(ever_append(store, writes, PER_APPEND, &result, NULL));
}

static struct ever *open_log(const char *name)
{
    char path[128];
    struct ever *store;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name); /* it fits */
    must(ever_open(path, NULL, &store));
    return store;
}

/* In a process of its own, so that its memory is not taken for the flows'. */
static struct ever *make_log(const char *name, unsigned streams_count)
{
    pid_t child = fork();
    if (child == 0) {
        struct ever *store = open_log(name);
        for (unsigned i = 0; i < EVENTS; i += PER_APPEND) {
            append_batch(store, i, streams_count);
        }
        ever_close(store);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        exit(1);
    }
    return open_log(name);
}

/* --- By hand ---------------------------------------------------------------------------------- */

static void append_hand(struct ever *store, const struct ever_new_event *events, uint32_t count,
                        int round)
{
    char stream[32];
    (void)snprintf(stream, sizeof stream, "hand-%d", round);
    struct ever_write write = {
        .stream = slice_of_text(stream), .events = events, .event_count = count};
    struct ever_result result;
    must(ever_append(store, &write, 1, &result, NULL));
}

static void run_hand(struct ever *store, int round)
{
    static struct ever_new_event events[5000];
    static const struct ever_slice types[] = {SLICE_LITERAL("Withdrawn")};
    struct ever_read read = {.category = SLICE_LITERAL("account"), .types = types, .type_count = 1};
    struct ever_cursor *cursor;
    const struct ever_event *event;
    struct arena arena;
    uint32_t count = 0;
    arena_init(&arena);
    must(ever_cursor_open(store, &read, &cursor));
    while (IS_OK(ever_next(cursor, &event))) {
        struct json_value amount;
        int64_t number;
        if (!json_member(json_value_of(event->data), SLICE_LITERAL("amount"), &amount) ||
            !json_integer(amount, &number) || number < 990) {
            continue;
        }
        events[count++] = (struct ever_new_event){
            .type = SLICE_LITERAL("Large"),
            .data = arena_printf(&arena, "{\"account\":\"%.*s\",\"amount\":%lld}",
                                 SLICE_PRINT(slice_from(event->stream, 8)), (long long)number)};
        if (count == 5000) {
            append_hand(store, events, count, round);
            count = 0;
            arena_reset(&arena);
        }
    }
    ever_cursor_close(cursor);
    if (count > 0) {
        append_hand(store, events, count, round);
    }
    arena_deinit(&arena);
}

/* --- Flows ------------------------------------------------------------------------------------ */

#define FLOW(name, options, nodes)                                                                 \
    "{\"flows\":[{\"name\":\"" name "\",\"file\":\"flows/f.js\",\"line\":1,\"version\":%d,"        \
    "\"options\":" options ",\"nodes\":["                                                          \
    "{\"op\":\"from\",\"name\":\"from1\",\"category\":\"account\",\"types\":[\"Withdrawn\"]}"      \
    "," nodes "]}]}"

static const char where_flow[] =
    FLOW("where", "{}",
         "{\"op\":\"where\",\"name\":\"where1\",\"in\":[0],\"where\":"
         "{\"path\":\"data.amount\",\"cmp\":\"gte\",\"value\":990}},"
         "{\"op\":\"emit\",\"name\":\"emit1\",\"in\":[1],\"type\":\"Large\",\"select\":"
         "[[\"account\",{\"path\":\"@id\"}],[\"amount\",{\"path\":\"data.amount\"}]]}");

static const char hourly_flow[] =
    FLOW("hourly", "{\"time\":\"data.at\",\"ahead\":3155760000000}",
         "{\"op\":\"keyBy\",\"name\":\"keyBy1\",\"in\":[0],\"paths\":[\"@id\"]},"
         "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[1],\"window\":"
         "{\"kind\":\"tumbling\",\"size\":3600000,\"offset\":0},\"mode\":\"final\",\"folds\":"
         "[[\"total\",{\"fold\":\"sum\",\"path\":\"data.amount\"}]]},"
         "{\"op\":\"emit\",\"name\":\"emit1\",\"in\":[2],\"type\":\"Hourly\"}");

static const char keys_flow[] =
    FLOW("keys", "{\"keys\":2000000,\"bytes\":1073741824}",
         "{\"op\":\"keyBy\",\"name\":\"keyBy1\",\"in\":[0],\"paths\":[\"@id\"]},"
         "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[1],\"folds\":"
         "[[\"n\",{\"fold\":\"count\"}]]},"
         "{\"op\":\"where\",\"name\":\"where1\",\"in\":[2],\"where\":"
         "{\"path\":\"n\",\"cmp\":\"gt\",\"value\":1000000}},"
         "{\"op\":\"emit\",\"name\":\"emit1\",\"in\":[3],\"type\":\"Never\"}");

static const char script_file[] =
    "import { flow, from } from 'everfold/flow';\n"
    "flow('script', { version: %d }, () => from('account').ofType('Withdrawn')"
    ".map((e) => ({ account: e.id, amount: e.data.amount }))"
    ".filter((v) => v.amount >= 990).map((v) => v).emit('Large'));\n";

static struct flow_status finish(struct flows *flows)
{
    struct flow_status status;
    must(flows_run_to_end(flows));
    flow_status(flows_at(flows, 0), &status);
    if (status.state != FLOW_LIVE) {
        fprintf(stderr, "%s\n", status.failure);
        exit(1);
    }
    return status;
}

static void fail_with(const struct text *report)
{
    fprintf(stderr, "%s\n", report->data);
    exit(1);
}

/* Every round is another version of the flow, so that it is built from position 0. */
static struct flows *open_native(struct ever *store, const char *graph, int round)
{
    struct text graphs = {0};
    struct text report = {0};
    struct flows *flows;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    text_printf(&graphs, graph, round);
#pragma GCC diagnostic pop
    struct ever_err err =
        flows_open_graphs(vfs_real(), store, text_slice(&graphs), NULL, NULL, &report, &flows);
    if (!IS_OK(err)) {
        fail_with(&report);
    }
    text_deinit(&graphs);
    return flows;
}

static void run_native(struct ever *store, const char *graph, int round)
{
    struct flows *flows = open_native(store, graph, round);
    (void)finish(flows); /* it is live, that is enough */
    flows_close(flows);
}

static void run_where(struct ever *store, int round)
{
    run_native(store, where_flow, round);
}

static void run_hourly(struct ever *store, int round)
{
    run_native(store, hourly_flow, round);
}

/* Compiling and starting the worker are not part of the question. */
static double script_begun_at;

static void run_script(struct ever *store, int round)
{
    struct text source = {0};
    struct text report = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    text_printf(&source, script_file, round);
#pragma GCC diagnostic pop
    struct app_file file = {
        .kind = APP_FLOW, .path = "flows/f.js", .name = "f", .content = text_slice(&source)};
    struct app app = {.files = &file, .file_count = 1};
    struct flows_options options = {.worker_path = "build/release/bin/everfold-js"};
    struct flows *flows;
    if (!IS_OK(flows_open(store, &app, NULL, &options, &report, &flows))) {
        fail_with(&report);
    }
    script_begun_at = seconds();
    (void)finish(flows); /* it is live, that is enough */
    flows_close(flows);
    text_deinit(&source);
}

/* --- The questions ---------------------------------------------------------------------------- */

static const struct way {
    const char *name;
    void (*run)(struct ever *store, int round);
} ways[] = {
    {"hand", run_hand}, {"where", run_where}, {"hourly", run_hourly}, {"script", run_script}};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void compare_speed(void)
{
    static double rates[WAYS][ROUNDS];
    struct ever *store = make_log("speed", ACCOUNTS);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t w = 0; w < WAYS; w++) {
            double begun_at = seconds();
            script_begun_at = begun_at;
            ways[w].run(store, round + 1);
            rates[w][round] = EVENTS / (seconds() - script_begun_at);
        }
    }
    ever_close(store);
    printf("%d events, %d rounds; M events/s: best (worst)\n", EVENTS, ROUNDS);
    for (size_t w = 0; w < WAYS; w++) {
        double best = rates[w][0];
        double worst = rates[w][0];
        for (int i = 1; i < ROUNDS; i++) {
            best = rates[w][i] > best ? rates[w][i] : best;
            worst = rates[w][i] < worst ? rates[w][i] : worst;
        }
        printf("  %-8s %6.2f (%.2f)\n", ways[w].name, best / 1e6, worst / 1e6);
    }
}

/* Without the files of the log, which are mapped too. */
static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    unsigned long of_files = 0;
    if (file == NULL || fscanf(file, "%*u %lu %lu", &pages, &of_files) != 2) {
        exit(1);
    }
    (void)fclose(file); /* was read only */
    return (pages - of_files) * (size_t)sysconf(_SC_PAGESIZE);
}

static void measure_keys(void)
{
    struct ever *store = make_log("keys", EVENTS);
    size_t before = resident_bytes();
    struct flows *flows = open_native(store, keys_flow, 1);
    double begun_at = seconds();
    struct flow_status status = finish(flows);
    double took = seconds() - begun_at;
    size_t after = resident_bytes();
    printf("%llu keys: %.1f MB more in the process, %.1f MB by the flow's own count; %.2f M "
           "events/s\n",
           (unsigned long long)status.keys, (double)(after - before) / 1e6,
           (double)status.bytes / 1e6, EVENTS / took / 1e6);
    flows_close(flows);
    ever_close(store);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/everfold-bench-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    measure_keys(); /* first: what others gave back would hide what it takes */
    compare_speed();
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
