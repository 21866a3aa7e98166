/* derive.c - how fast do events pass through a flow of native operators, and what does a key cost?
 *
 * Withdrawals of 200 bytes of JSON for 1,000 accounts pass from -> where -> keyBy -> aggregate ->
 * where
 * -> emit, which few of them reach; beside it a loop by hand in C: one strict look at the JSON, one
 * table, the same sums. In turn, ROUNDS rounds; both must find the same. Then 1,000,000 keys in a
 * keyBy fold, and the memory they take. Figures are million events a
 * second of processor time on one core. */
#include "domain/flow/engine/derive.h"
#include "base/assert.h"
#include "base/checksum.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 200000, ACCOUNTS = 1000, KEYS = 1000000, ROUNDS = 7 };

static const char graph[] =
    "{\"flows\":[{\"name\":\"large\",\"options\":{\"keys\":2000000},\"nodes\":["
    "{\"op\":\"from\",\"name\":\"from1\",\"category\":\"account\",\"types\":[\"Withdrawn\"]},"
    "{\"op\":\"where\",\"name\":\"where1\",\"in\":[0],"
    "\"where\":{\"path\":\"data.amount\",\"cmp\":\"gte\",\"value\":100}},"
    "{\"op\":\"keyBy\",\"name\":\"keyBy1\",\"in\":[1],\"paths\":[\"data.account\"]},"
    "{\"op\":\"aggregate\",\"name\":\"aggregate1\",\"in\":[2],\"folds\":[[\"n\",{\"fold\":"
    "\"count\"}],"
    "[\"total\",{\"fold\":\"sum\",\"path\":\"data.amount\"}]]},"
    "{\"op\":\"where\",\"name\":\"where2\",\"in\":[3],"
    "\"where\":{\"path\":\"n\",\"cmp\":\"in\",\"value\":[100,1000,10000]}},"
    "{\"op\":\"emit\",\"name\":\"emit1\",\"in\":[4],\"type\":\"Often\"}]}]}";

static double seconds(void) /* of this thread's own work: others may have the machine too */
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* it exists */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- The events ------------------------------------------------------------------------------- */

struct input {
    struct ever_event *events;
    char *bytes;
    size_t count;
};

static struct input make_input(size_t count, size_t accounts, size_t least)
{
    enum { ROOM = 280 };
    struct input input = {.events = mem_alloc_zero(count * sizeof input.events[0]),
                          .bytes = mem_alloc(count * ROOM),
                          .count = count};
    for (size_t i = 0; i < count; i++) {
        char *stream = input.bytes + i * ROOM;
        size_t account = i * 2654435761u % accounts;
        int stream_size = snprintf(stream, 32, "account-%07zu", account);
        char *data = stream + stream_size;
        int data_size = snprintf(
            data, ROOM - 32,
            "{\"account\":\"a-%07zu\",\"currency\":\"EUR\",\"amount\":%zu,\"at\":"
            "\"2026-11-27T10:00:00Z\",\"by\":{\"terminal\":%zu,\"city\":\"Utrecht\"},\"note\":"
            "\"some words that make it as long as such events often are, no more\"}",
            account, least + i * 7919 % 1000, i % 97);
        ASSERT(data_size > 190 && data_size < 215);
        input.events[i] = (struct ever_event){
            .position = i + 1,
            .time_ns = (int64_t)i * 1000000,
            .content = EVER_JSON,
            .stream = slice_of(stream, (size_t)stream_size),
            .type = SLICE_LITERAL("Withdrawn"),
            .data = slice_of(data, (size_t)data_size),
        };
    }
    return input;
}

static void free_input(struct input *input)
{
    free(input->events);
    free(input->bytes);
}

/* --- Both ways -------------------------------------------------------------------------------- */

struct found {
    uint64_t outputs;
    uint64_t totals; /* sum of the totals in the outputs */
};

static struct derive_program *make_program(void)
{
    struct text report = {0};
    struct derive_program *program;
    struct ever_err err = derive_program_create(slice_of_text(graph), &report, &program);
    if (err.code != EVER_OK) {
        fprintf(stderr, "%s", report.data);
        exit(1);
    }
    return program;
}

static struct found run_engine(struct derive_program *program, const struct input *input)
{
    struct found found = {0};
    for (size_t i = 0; i < input->count; i += DERIVE_BATCH_ROOTS) {
        size_t count =
            input->count - i < DERIVE_BATCH_ROOTS ? input->count - i : DERIVE_BATCH_ROOTS;
        struct derive_result result;
        derive_program_run(program, input->events + i, count, NULL, &result);
        for (size_t j = 0; j < result.count; j++) {
            struct json_value total;
            int64_t number = 0;
            struct json_value data = json_value_of(result.outputs[j].data);
            bool fine =
                json_member(data, SLICE_LITERAL("total"), &total) && json_integer(total, &number);
            ASSERT(fine);
            found.totals += (uint64_t)number;
        }
        found.outputs += result.count;
    }
    return found;
}

struct account {
    struct ever_slice name;
    int64_t count;
    int64_t total;
};

static struct account *find_account(struct account *accounts, size_t mask, struct ever_slice name)
{
    size_t at = hash64(name, 0) & mask;
    while (accounts[at].name.size > 0 && !slice_equal(accounts[at].name, name)) {
        at = (at + 1) & mask;
    }
    accounts[at].name = name;
    return &accounts[at];
}

static void take_by_hand(const struct ever_event *event, struct account *accounts, size_t mask,
                         struct found *found)
{
    struct json_value name;
    struct json_value amount;
    int64_t number;
    struct json_value data = json_value_of(event->data);
    bool mine = slice_starts_with(event->stream, SLICE_LITERAL("account-")) &&
                slice_is(event->type, "Withdrawn");
    if (!mine || !json_member(data, SLICE_LITERAL("amount"), &amount) ||
        !json_integer(amount, &number) || number < 100 ||
        !json_member(data, SLICE_LITERAL("account"), &name)) {
        return;
    }
    struct account *account = find_account(accounts, mask, name.text);
    account->total += number;
    account->count++;
    if (account->count == 100 || account->count == 1000 || account->count == 10000) {
        found->outputs++;
        found->totals += (uint64_t)account->total;
    }
}

static struct found run_by_hand(const struct input *input)
{
    enum { SLOTS = 4096 };
    struct found found = {0};
    struct account *accounts = mem_alloc_zero(SLOTS * sizeof accounts[0]);
    for (size_t i = 0; i < input->count; i++) {
        take_by_hand(&input->events[i], accounts, SLOTS - 1, &found);
    }
    free(accounts);
    return found;
}

/* --- Figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_rates(const char *name, double rates[static ROUNDS])
{
    qsort(rates, ROUNDS, sizeof rates[0], compare);
    printf("%-44s%8.2f%8.2f%8.2f\n", name, rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
}

static void bench_rate(void)
{
    struct input input = make_input(EVENTS, ACCOUNTS, 0);
    double engine[ROUNDS];
    double hand[ROUNDS];
    double ratio[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        struct derive_program *program = make_program();
        double start = seconds();
        struct found derived = run_engine(program, &input);
        double middle = seconds();
        struct found wanted = run_by_hand(&input);
        double end = seconds();
        ASSERT(derived.outputs == wanted.outputs && derived.outputs > 0);
        ASSERT(derived.totals == wanted.totals);
        engine[round] = EVENTS / (middle - start) / 1e6;
        hand[round] = EVENTS / (end - middle) / 1e6;
        ratio[round] = engine[round] / hand[round];
        derive_program_destroy(program);
    }
    printf("%-44s%8s%8s%8s\n", "million events a second, 200 bytes each", "min", "median", "max");
    print_rates("from, where, keyBy, aggregate, where, emit", engine);
    print_rates("a loop by hand over base/json.h", hand);
    print_rates("ratio in the same round", ratio);
    free_input(&input);
}

static double resident_mb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages[2] = {0, 0};
    if (file == NULL || fscanf(file, "%lu %lu", &pages[0], &pages[1]) != 2) {
        fprintf(stderr, "cannot read /proc/self/statm\n");
        exit(1);
    }
    fclose(file);
    return (double)pages[1] * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void bench_keys(void)
{
    struct input input = make_input(KEYS, KEYS, 100);
    for (size_t i = 0; i < KEYS; i += 4096) { /* so that reading them does not count */
        ASSERT(input.events[i].data.data[0] == '{');
    }
    double before_mb = resident_mb();
    struct derive_program *program = make_program();
    double start = seconds();
    (void)run_engine(program, &input); /* few of them are found often */
    double took = seconds() - start;
    struct derive_flow_status status;
    derive_flow_status(program, 0, &status);
    printf("%llu keys in a keyBy fold: %.1f MB, %.2f million events a second\n",
           (unsigned long long)status.keys, resident_mb() - before_mb, KEYS / took / 1e6);
    struct text saved = {0};
    start = seconds();
    derive_flow_save(program, 0, &saved);
    double save_took = seconds() - start;
    struct derive_program *other = make_program();
    start = seconds();
    struct ever_err err = derive_flow_load(other, 0, text_slice(&saved));
    ASSERT(err.code == EVER_OK);
    printf("their state: %.1f MB, saved in %.2f s, loaded in %.2f s\n", (double)saved.size / 1e6,
           save_took, seconds() - start);
    text_deinit(&saved);
    derive_program_destroy(other);
    derive_program_destroy(program);
    free_input(&input);
}

int main(void)
{
    bench_rate();
    bench_keys();
    return 0;
}
