/* append.c - how many events a second does an embedded store take, durable before the answer?
 *
 * 1, 16, 64 and 256 threads append events of 256 bytes, each to streams of its own, with the
 * expected revision and an id; the same in SQLite (bench/append_sqlite.c), once with a transaction
 * for each event and once with the best group commit that can be made of it. Then one thread
 * appends a thousand events at a time. The ways take turns in short rounds, each round beginning
 * with another way.
 *
 * Prints for each way the slowest, the median and the fastest round, the processor time an event
 * takes, and how many times faster Everfold is, as the median of the ratios of neighbours in a
 * round: on a shared machine these last two are the figures to trust. BENCH_DIR chooses the
 * disk, BENCH_ROUNDS how many rounds. */
#include "append.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/slice.h"

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { WRITERS_MAX = 256, STREAMS = 16, DATA_BYTES = 256, BATCH = 1000, ROUNDS_MAX = 101 };
enum { WARM_MS = 100, ROUND_MS = 300, FLIGHT = 8 };

static char folder[256];
static int rounds = 7;

void must(struct ever_err err)
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

static double cpu_seconds(void)
{
    struct rusage usage;
    ASSERT(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* --- Everfold --------------------------------------------------------------------------------- */

static void *open_everfold(const char *path)
{
    struct ever *store;
    must(ever_open(path, NULL, &store));
    return store;
}

static void append_everfold(void *store, const struct ever_write *write)
{
    struct ever_result result;
    must(ever_append(store, write, 1, &result, NULL));
    ASSERT(result.outcome == EVER_APPENDED);
}

static uint64_t count_everfold(void *store)
{
    return ever_last_position(store);
}

static void close_everfold(void *store)
{
    ever_close(store);
}

static const struct way way_everfold = {
    .name = "Everfold",
    .open = open_everfold,
    .append = append_everfold,
    .count = count_everfold,
    .close = close_everfold,
};

/* --- Events ----------------------------------------------------------------------------------- */

static char data[DATA_BYTES + 1];

static void fill_data(void)
{
    (void)snprintf(data, sizeof data, "{\"text\":\"%0*d\"}", DATA_BYTES - 11, 0);
    ASSERT(strlen(data) == DATA_BYTES);
}

/* Rising, as UUIDs of version 7 do, and unique. */
static struct ever_uuid next_id(void)
{
    static _Atomic uint64_t last;
    uint64_t number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    struct ever_uuid id = {.bytes = {[6] = 0x70, [8] = 0x80}};
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(number >> (40 - 8 * i));
    }
    return id;
}

/* One thread, and its streams. */
struct writer {
    pthread_t thread;
    const struct way *way;
    void *store;
    int number;
    uint32_t batch; /* events in one append */
    _Atomic bool *is_over;
    _Atomic uint64_t count;      /* of durable events */
    uint64_t revisions[STREAMS]; /* how many events each stream has */
} __attribute__((aligned(128)));

static struct ever_write next_write(struct writer *writer, uint64_t turn, char name[static 32],
                                    struct ever_new_event *events)
{
    uint64_t *revision = &writer->revisions[turn % STREAMS];
    (void)snprintf(name, 32, "account-%d-%u", writer->number, (unsigned)(turn % STREAMS));
    for (uint32_t i = 0; i < writer->batch; i++) {
        events[i] = (struct ever_new_event){.id = next_id(),
                                            .type = SLICE_LITERAL("Deposited"),
                                            .data = slice_of(data, DATA_BYTES)};
    }
    struct ever_write write = {
        .stream = slice_of_text(name),
        .expect = *revision == 0 ? EVER_NO_STREAM : EVER_EXACT,
        .revision = *revision - 1,
        .events = events,
        .event_count = writer->batch,
    };
    *revision += writer->batch;
    return write;
}

static void *run_writer(void *arg)
{
    struct writer *writer = arg;
    struct ever_new_event *events = calloc(writer->batch, sizeof *events);
    ASSERT(events != NULL);
    for (uint64_t turn = 0; !atomic_load_explicit(writer->is_over, memory_order_relaxed); turn++) {
        char name[32];
        struct ever_write write = next_write(writer, turn, name, events);
        writer->way->append(writer->store, &write);
        atomic_fetch_add_explicit(&writer->count, writer->batch, memory_order_relaxed);
    }
    free(events);
    return NULL;
}

/* One thread that does not wait for each answer: some appends are always on their way. */
struct flight {
    pthread_mutex_t lock;
    pthread_cond_t landed;
    uint32_t in_air;
};

static void landed(void *arg, struct ever_err err, const struct ever_result *result,
                   const int64_t *revisions)
{
    (void)revisions; /* the caller counts them itself */
    struct flight *flight = arg;
    must(err);
    ASSERT(result->outcome == EVER_APPENDED);
    pthread_mutex_lock(&flight->lock);
    flight->in_air--;
    pthread_cond_signal(&flight->landed);
    pthread_mutex_unlock(&flight->lock);
}

static void wait_until_in_air(struct flight *flight, uint32_t most)
{
    pthread_mutex_lock(&flight->lock);
    while (flight->in_air > most) {
        pthread_cond_wait(&flight->landed, &flight->lock);
    }
    pthread_mutex_unlock(&flight->lock);
}

static void *run_pipelined_writer(void *arg)
{
    struct writer *writer = arg;
    static struct ever_new_event events[FLIGHT][BATCH];
    static struct ever_write writes[FLIGHT];
    static char names[FLIGHT][32];
    struct flight flight = {.lock = PTHREAD_MUTEX_INITIALIZER, .landed = PTHREAD_COND_INITIALIZER};
    ASSERT(writer->batch <= BATCH);
    for (uint64_t turn = 0; !atomic_load_explicit(writer->is_over, memory_order_relaxed); turn++) {
        /* They land in the order they began, so the oldest place is free again. */
        wait_until_in_air(&flight, FLIGHT - 1);
        uint64_t place = turn % FLIGHT;
        writes[place] = next_write(writer, turn, names[place], events[place]);
        pthread_mutex_lock(&flight.lock);
        flight.in_air++;
        pthread_mutex_unlock(&flight.lock);
        must(ever_append_async(writer->store, &writes[place], 1, landed, &flight));
        if (turn >= FLIGHT) {
            atomic_fetch_add_explicit(&writer->count, writer->batch, memory_order_relaxed);
        }
    }
    wait_until_in_air(&flight, 0);
    /* The first ones were not counted yet when they had landed. */
    atomic_store(&writer->count, ever_last_position(writer->store));
    return NULL;
}

/* --- One round -------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    ASSERT(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static uint64_t sum(const struct writer *writers, int count)
{
    uint64_t events = 0;
    for (int i = 0; i < count; i++) {
        events += atomic_load_explicit(&writers[i].count, memory_order_relaxed);
    }
    return events;
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000};
    ASSERT(nanosleep(&time, NULL) == 0);
}

struct figures {
    double rate;   /* events per second */
    double cpu_us; /* processor time for one event, of all threads and the kernel for them */
};

/* Of the running writers, after they have warmed up. */
static struct figures measure(const struct writer *writers, int count)
{
    pause_ms(WARM_MS);
    double begin = seconds();
    double cpu_begin = cpu_seconds();
    uint64_t before = sum(writers, count);
    pause_ms(ROUND_MS);
    double events = (double)(sum(writers, count) - before);
    return (struct figures){.rate = events / (seconds() - begin),
                            .cpu_us = (cpu_seconds() - cpu_begin) / events * 1e6};
}

struct question {
    const char *name;
    int writers;
    uint32_t batch;
    bool is_pipelined; /* Everfold's way only; SQLite has no other but to wait */
};

static struct figures one_round(const struct question *question, const struct way *way)
{
    static struct writer writers[WRITERS_MAX];
    static char path[300];
    (void)snprintf(path, sizeof path, "%s/round", folder);
    ASSERT(mkdir(path, 0755) == 0);
    (void)snprintf(path, sizeof path, "%s/round/store", folder);
    void *store = way->open(path);
    _Atomic bool is_over = false;
    bool pipelined = question->is_pipelined && way == &way_everfold;
    for (int i = 0; i < question->writers; i++) {
        writers[i] = (struct writer){
            .way = way, .store = store, .number = i, .batch = question->batch, .is_over = &is_over};
    }
    for (int i = 0; i < question->writers; i++) {
        ASSERT(pthread_create(&writers[i].thread, NULL,
                              pipelined ? run_pipelined_writer : run_writer, &writers[i]) == 0);
    }
    struct figures figures = measure(writers, question->writers);
    atomic_store(&is_over, true);
    for (int i = 0; i < question->writers; i++) {
        ASSERT(pthread_join(writers[i].thread, NULL) == 0);
    }
    ASSERT(way->count(store) == sum(writers, question->writers)); /* all of them, once */
    way->close(store);
    (void)snprintf(path, sizeof path, "%s/round", folder);
    remove_tree(path);
    return figures;
}

/* --- In turn ---------------------------------------------------------------------------------- */

static const struct way *const ways[] = {&way_everfold, &way_sqlite_group, &way_sqlite_each};
enum { WAYS = sizeof ways / sizeof ways[0] };

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void sort(double *values)
{
    qsort(values, (size_t)rounds, sizeof values[0], compare);
}

static void print_way(const struct way *way, const struct figures *own, const struct figures *first)
{
    double rates[ROUNDS_MAX];
    double cpu_us[ROUNDS_MAX];
    double ratios[ROUNDS_MAX];
    for (int round = 0; round < rounds; round++) {
        rates[round] = own[round].rate;
        cpu_us[round] = own[round].cpu_us;
        ratios[round] = first[round].rate / own[round].rate;
    }
    sort(rates);
    sort(cpu_us);
    sort(ratios);
    printf("%-20s%10.0f%10.0f%10.0f%10.1f", way->name, rates[0], rates[rounds / 2],
           rates[rounds - 1], cpu_us[rounds / 2]);
    if (own != first) {
        printf("   x %.1f", ratios[rounds / 2]);
    }
    printf("\n");
}

static void ask(const struct question *question)
{
    static struct figures figures[WAYS][ROUNDS_MAX];
    int count = getenv("ONLY")         ? 1
                : question->batch == 1 ? WAYS
                                       : 2; /* a large append is a group already */
    for (int round = 0; round < rounds; round++) {
        for (int turn = 0; turn < count; turn++) {
            int i = (round + turn) % count;
            figures[i][round] = one_round(question, ways[i]);
        }
    }
    printf("\n%s\n", question->name);
    for (int i = 0; i < count; i++) {
        print_way(ways[i], figures[i], figures[0]);
    }
    fflush(stdout);
}

static const struct question questions[] = {
    {.name = "1 writer", .writers = 1, .batch = 1},
    {.name = "16 writers", .writers = 16, .batch = 1},
    {.name = "64 writers", .writers = 64, .batch = 1},
    {.name = "256 writers", .writers = 256, .batch = 1},
    {.name = "1000 at a time", .writers = 1, .batch = BATCH},
    {.name = "1000, pipelined", .writers = 1, .batch = BATCH, .is_pipelined = true},
};

int main(int argc, char **argv)
{
    const char *dir = getenv("BENCH_DIR");
    const char *wanted = getenv("BENCH_ROUNDS");
    rounds = wanted == NULL ? rounds : (int)strtol(wanted, NULL, 10);
    ASSERT(rounds >= 1 && rounds <= ROUNDS_MAX);
    (void)snprintf(folder, sizeof folder, "%s/everfold-bench-XXXXXX", dir == NULL ? "/tmp" : dir);
    ASSERT(mkdtemp(folder) != NULL);
    fill_data();
    printf("256 B events, durable: events per second and CPU time for one, Everfold's gain\n");
    printf("%-20s%10s%10s%10s%10s\n", "", "slowest", "median", "fastest", "CPU us");
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        if (argc < 2 || strncmp(questions[i].name, argv[1], strlen(argv[1])) == 0) {
            ask(&questions[i]);
        }
    }
    remove_tree(folder);
    return 0;
}
