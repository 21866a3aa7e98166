/* Catches: an acknowledged event that a crash, a power cut, a failing or full disk takes away; half
 * an append; a revision or position twice or left out; an index that lost what the log has; an
 * append that is written twice when it is sent again.
 *
 * The history (store_history.h) is written on a simulated disk. At each of its I/O calls in turn
 * something befalls it: the call fails, having done all, some or none of its work; the disk is
 * full; the process dies before, in or behind the call, or some calls later. What that leaves is
 * recovered as it is; after power was lost, in every combination of what was not synced or, where
 * those are many, in some; and with recovery itself befallen at its calls.
 *
 * What a store holds then is all that was acknowledged, and the one append after it whose outcome
 * nobody heard, or not. */
#include "unit/unit.h"

#include "sim/store_world.h"

/* --- States that can be left ----------------------------------------------------------------- */

struct tally {
    uint64_t states;
    uint64_t violations;
    const char *first;
    uint64_t call; /* where the first one was */
};

/* Ends a world; what it found counts. */
static void settle(struct world *world, struct tally *tally)
{
    tally->states++;
    tally->violations += world->violation != NULL;
    if (tally->first == NULL) {
        tally->first = world->violation;
    }
    disk_destroy(world->disk);
}

/* Recovers, goes on, loses power once more and looks again. Takes the world. */
static void recover(struct world world, uint64_t seed, struct tally *tally)
{
    struct disk_random random;
    disk_random_init(&random, seed);
    world.expects_fault = false;
    world.looked_closely = seed % 2 == 0;
    world_append_some(&world, 1);
    disk_power_off(world.disk, &random.choices);
    world_append_some(&world, 0);
    settle(&world, tally);
}

/* Recovery and the append behind it are befallen themselves, at this call. Then power is lost. */
static void befall_recovery(const struct world *left, uint64_t call, enum disk_fault fault,
                            uint64_t seed, struct tally *tally, bool *out_befell)
{
    struct disk_random random;
    struct world world = world_clone(left);
    disk_random_init(&random, seed);
    disk_restart(world.disk);
    world.expects_fault = true;
    disk_arm(world.disk, fault, call, &random.choices);
    world_append_some(&world, 1);
    *out_befell = disk_calls(world.disk) > call;
    disk_power_off(world.disk, &random.choices);
    recover(world, seed, tally);
}

/* At every `stride`th of its calls, by each kind of fault in turn. */
static void befall_recoveries(const struct world *left, uint64_t stride, uint64_t seed,
                              struct tally *tally)
{
    static const enum disk_fault faults[] = {DISK_DIE, DISK_DIE_AFTER, DISK_FAIL, DISK_FULL};
    bool befell = true;
    for (uint64_t call = seed % stride; befell; call += stride) {
        enum disk_fault fault = faults[(seed + call / stride) % 4];
        befall_recovery(left, call, fault, seed + call, tally, &befell);
    }
}

#define SPAN_MAX 32u /* so many combinations of what was not synced are all tried, */
#define SAMPLES 4u   /* of more, so many */

static void power_off_all(const struct world *left, struct tally *tally)
{
    struct disk_tape tape;
    disk_tape_init(&tape);
    do {
        struct world off = world_clone(left);
        disk_power_off(off.disk, &tape.choices);
        recover(off, tally->states, tally);
    } while (disk_tape_next(&tape));
}

static void power_off_some(const struct world *left, struct tally *tally)
{
    for (uint64_t i = 0; i < SAMPLES; i++) {
        struct disk_random random;
        struct world off = world_clone(left);
        disk_random_init(&random, tally->states);
        disk_power_off(off.disk, &random.choices);
        recover(off, tally->states, tally);
    }
}

/* The process is gone, in the middle of something. It was killed alone, or power was lost. */
static void try_aftermaths(const struct world *left, uint64_t stride, uint64_t seed,
                           struct tally *tally)
{
    struct world killed = world_clone(left);
    disk_restart(killed.disk);
    recover(killed, seed, tally);
    befall_recoveries(left, stride, seed, tally);
    if (disk_power_off_span(left->disk) <= SPAN_MAX) {
        power_off_all(left, tally);
    } else {
        power_off_some(left, tally);
    }
}

#define RECOVERY_CALLS 60u /* recovery and one append, about */

/* The process survived the fault and came to its end: what it leaves is much the same each time. */
static void try_some_aftermaths(const struct world *left, uint64_t seed, struct tally *tally)
{
    struct disk_random random;
    struct world off = world_clone(left);
    bool befell;
    disk_random_init(&random, seed);
    disk_power_off(off.disk, &random.choices);
    recover(off, seed, tally);
    befall_recovery(left, seed % RECOVERY_CALLS, DISK_DIE, seed, tally, &befell);
}

/* --- Faults ---------------------------------------------------------------------------------- */

/* What is done of a write or sync that a fault befalls. */
enum half { HALF_ANY, HALF_NOTHING, HALF_ALL, HALF_BEGINNING };

struct choice { /* always the same, or the first `first_count` times the first */
    struct disk_choices choices;
    enum half half;
    uint32_t first_count;
};

static uint32_t choose(struct disk_choices *choices, uint32_t count)
{
    struct choice *choice = (struct choice *)choices;
    if (choice->half == HALF_BEGINNING && choice->first_count > 0) {
        choice->first_count--;
        return 0;
    }
    return choice->half == HALF_ALL ? 0 : count - 1;
}

struct way {
    const char *name;
    enum disk_fault fault;
    enum half half;
    uint32_t stride; /* when it dies: of the calls of recovery that are befallen in turn */
    bool then_dies;  /* the process dies some calls later */
};

static const struct way all_ways[] = {
    {"dies in the middle of a call", DISK_DIE, HALF_ANY, 3, false},
    {"dies before a call", DISK_DIE, HALF_NOTHING, 41, false},
    {"dies when a write is done, but not synced", DISK_DIE, HALF_ALL, 41, false},
    {"dies behind a call", DISK_DIE_AFTER, HALF_ANY, 41, false},
    {"a call fails, and did any part of its work", DISK_FAIL, HALF_ANY, 0, false},
    {"a call fails, and did nothing", DISK_FAIL, HALF_NOTHING, 0, false},
    {"a call fails, though all of it was done", DISK_FAIL, HALF_ALL, 0, false},
    {"a write is cut short", DISK_FAIL, HALF_BEGINNING, 0, false},
    {"the disk is full from a call on", DISK_FULL, HALF_ANY, 0, false},
    {"the disk is full, and takes no sector more", DISK_FULL, HALF_NOTHING, 0, false},
    {"a call fails, and the process dies later", DISK_FAIL, HALF_ANY, 41, true},
    {"the disk is full, and the process dies later", DISK_FULL, HALF_ANY, 41, true},
};

/* The world_work, befallen at this call. False: it has no such call. */
static bool befall_workload(const struct way *way, uint64_t call, struct world *world)
{
    struct disk_random random;
    struct choice choice = {
        .choices = {.choose = choose}, .half = way->half, .first_count = 1 + call % 4};
    disk_random_init(&random, call);
    disk_arm(world->disk, way->fault, call,
             way->half == HALF_ANY ? &random.choices : &choice.choices);
    if (way->then_dies) {
        disk_arm_death(world->disk, call + 1 + call % 5);
    }
    world_work(world);
    bool befell = disk_calls(world->disk) > call;
    disk_disarm(world->disk);
    return befell;
}

/* At each call in turn; with lies until one is found out. */
static struct tally enumerate(const struct way *way, unsigned lies)
{
    struct tally tally = {0};
    bool befell = true;
    for (uint64_t call = 0; befell && (lies == 0 || tally.violations == 0); call++) {
        uint32_t alignment = call % 2 == 0 ? 512 : 4096;
        struct world world = {.disk = disk_create(alignment), .expects_fault = true};
        disk_lie(world.disk, lies);
        befell = befall_workload(way, call, &world);
        if (tally.first == NULL) {
            tally.call = call;
        }
        if (disk_is_dead(world.disk)) {
            try_aftermaths(&world, way->stride, call, &tally);
        } else {
            try_some_aftermaths(&world, call, &tally);
        }
        settle(&world, &tally);
    }
    return tally;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void nothing_is_lost_whatever_befalls_a_call(void **state)
{
    const struct way *way = *state;
    struct tally tally = enumerate(way, 0);
    print_message("%llu states\n", (unsigned long long)tally.states);
    if (tally.violations > 0) {
        fail_msg("%s: %llu of %llu states, the first at call %llu: %s", way->name,
                 (unsigned long long)tally.violations, (unsigned long long)tally.states,
                 (unsigned long long)tally.call, tally.first);
    }
}

static void a_sync_left_out_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    static const unsigned lies[] = {DISK_LIE_WRITE, DISK_LIE_SYNC, DISK_LIE_DIR};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct tally tally = enumerate(&all_ways[0], lies[i]);
        print_message("liar %zu: found out at call %llu: %s\n", i, (unsigned long long)tally.call,
                      tally.first == NULL ? "never" : tally.first);
        assert_true(tally.violations > 0);
    }
}

#define WAYS (sizeof all_ways / sizeof all_ways[0])

int main(void)
{
    struct CMUnitTest tests[WAYS + 1] = {
        cmocka_unit_test(a_sync_left_out_is_noticed),
    };
    for (size_t i = 0; i < WAYS; i++) {
        tests[1 + i] = (struct CMUnitTest){.name = all_ways[i].name,
                                           .test_func = nothing_is_lost_whatever_befalls_a_call,
                                           .initial_state = (void *)(uintptr_t)&all_ways[i]};
    }
    return cmocka_run_group_tests_name("crashes of the store", tests, history_make, NULL);
}
