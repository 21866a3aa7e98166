/* flow.c - what does an event cost in the operator library?
 *
 * The chain is map(x*3+1) -> filter(even) -> scan(sum) -> checksum over the numbers 0 to 4095,
 * again and again; the diamond is combine_latest(map(a), map(b)). Prints one line for each form:
 * its name, million root events a second, and the checksum, which must be the same for all forms of
 * a shape. bench/flow.mjs runs it in turn with RxJS and Bacon.js. */
#include "flow_functions.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { WINDOW = 4096 };
static flow_val numbers[WINDOW];

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    *(uint64_t *)ud += v.u;
}

static void check_block(struct flow_loop *loop, void *ud, const flow_val *v, size_t count)
{
    uint64_t sum_of = *(uint64_t *)ud;
    (void)loop; /* nothing to make */
    for (size_t i = 0; i < count; i++) {
        sum_of += v[i].u;
    }
    *(uint64_t *)ud = sum_of;
}

/* ---- the forms ---- */

static void push_each(struct flow_subject *subject)
{
    for (size_t i = 0; i < WINDOW; i++) {
        flow_next(subject, numbers[i]);
    }
}

static void push_blocks(struct flow_subject *subject)
{
    flow_next_block(subject, numbers, WINDOW);
}

static struct flow_stream *chain(struct flow_region *region, struct flow_stream *s)
{
    (void)region; /* the source has it */
    s = flow_map(s, &flow_i64, triple_plus_one, NULL);
    s = flow_filter(s, is_even, NULL);
    return flow_scan(s, &flow_i64, &(flow_val){.i = 0}, sum, NULL);
}

static struct flow_stream *block_chain(struct flow_region *region, struct flow_stream *s)
{
    (void)region; /* the source has it */
    s = flow_map_block(s, &flow_i64, triple_plus_one_block, NULL);
    s = flow_map_block(s, &flow_i64, keep_even_block, NULL);
    return flow_scan_block(s, &flow_i64, flow_int(0), sum_block, NULL);
}

static struct flow_stream *diamond(struct flow_region *region, struct flow_stream *s)
{
    struct flow_stream *both[2] = {
        flow_map(s, &flow_i64, triple_plus_one, NULL),
        flow_map(s, &flow_i64, triple_plus_one, NULL),
    };
    return flow_combine_latest(region, both, 2, &flow_i64, add_both, NULL);
}

static double by_hand(int rounds, uint64_t *out_check)
{
    int64_t total = 0;
    uint64_t sum_of = 0;
    double begin = seconds();
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < WINDOW; i++) {
            int64_t x = numbers[i].i * 3 + 1;
            if ((x & 1) == 0) {
                total += x;
                sum_of += (uint64_t)total;
            }
        }
        __asm__ volatile("" : : "r"(total), "r"(sum_of) : "memory");
    }
    *out_check = sum_of;
    return seconds() - begin;
}

struct form {
    const char *name;
    struct flow_stream *(*build)(struct flow_region *region, struct flow_stream *s);
    void (*push)(struct flow_subject *subject);
    bool blocks; /* the observer takes blocks */
    int rounds;
};

static double by_library(const struct form *form, uint64_t *out_check)
{
    struct flow_loop *loop = flow_loop_new();
    struct flow_region *region = flow_region_new(loop);
    struct flow_subject *subject = flow_subject_new(region, &flow_i64, NULL);
    struct flow_observer observer = {
        .next = check,
        .next_block = form->blocks ? check_block : NULL,
        .ud = out_check,
    };
    *out_check = 0;
    flow_subscribe(form->build(region, flow_subject_stream(subject)), &observer);
    double begin = seconds();
    for (int round = 0; round < form->rounds; round++) {
        form->push(subject);
    }
    double took = seconds() - begin;
    flow_loop_free(loop);
    return took;
}

static const struct form forms[] = {
    {"everfold: flow_next for each event", chain, push_each, false, 8000},
    {"everfold: blocks of 256, ordinary functions", chain, push_blocks, true, 8000},
    {"everfold: blocks of 256, block functions", block_chain, push_blocks, true, 30000},
    {"everfold: diamond", diamond, push_each, false, 4000},
    {"everfold: diamond, given in blocks", diamond, push_blocks, false, 4000},
};

static void print(const char *name, int rounds, double took, uint64_t check_sum)
{
    printf("%s\t%.1f\t%016" PRIx64 "\n", name, (double)rounds * WINDOW / took / 1e6, check_sum);
}

int main(void)
{
    uint64_t check_sum;
    for (size_t i = 0; i < WINDOW; i++) {
        numbers[i] = flow_int((int64_t)i);
    }
    double took = by_hand(30000, &check_sum);
    print("C: one loop by hand", 30000, took, check_sum);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        took = by_library(&forms[i], &check_sum);
        print(forms[i].name, forms[i].rounds, took, check_sum);
    }
    return 0;
}
