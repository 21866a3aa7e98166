/* Catches: a derived event that a crash, a power cut, a failing or full disk takes away, doubles or
 * changes; a snapshot that says more than the log has; a start that does not come up again.
 *
 * One fixed history of root events, run through three flows with snapshots in between, on a
 * simulated disk that is failed or filled up, and killed or powered off, at each of its I/O calls.
 * Then the history goes on to its end on a sound disk. The flows' streams must have the same bytes
 * as if nothing had happened. */
#include "unit/domain/flow_store.h"

#include "sim/disk.h"
#include "store/store.h"

#include <malloc.h>

#define DATA_DIR "disk/data"
#define FLOWS_DIR "disk/flows"
#define ROUNDS 4

#define OPTIONS "{\"time\":\"data.at\"}"
#define GRAPHS FLOWS_3(LARGE_WITH(OPTIONS, 100), TOTALS_WITH(OPTIONS), LARGE_COUNT)

static int64_t tick(struct env *env)
{
    static int64_t now = INT64_C(1767312000000000000); /* 2026-01-02 */
    (void)env;                                         /* one clock for all worlds */
    return now++;
}

static void same_bytes(struct env *env, void *bytes, size_t size)
{
    static uint8_t next = 1;
    (void)env; /* ids of events that have none; what a flow makes has its own */
    memset(bytes, 7, size);
    *(uint8_t *)bytes = next++;
}

static struct env env = {.wall_ns = tick, .monotonic_ns = tick, .random = same_bytes};

/* --- The history ------------------------------------------------------------------------------ */

/* Three withdrawals in one append; given ids, so that asking again adds nothing. */
static struct ever_err append_round(struct ever *store, unsigned round)
{
    static const char *const streams[] = {"account-a", "account-b", "account-c"};
    char data[3][80];
    struct ever_new_event events[3];
    struct ever_write writes[3];
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(data[i], sizeof data[i], "{\"amount\":%u,\"at\":\"2026-01-01T00:0%u:0%uZ\"}",
                       (round * 3 + i) * 17, round, i);
        events[i] = (struct ever_new_event){.type = SLICE_LITERAL("Withdrawn"),
                                            .data = slice_of_text(data[i])};
        events[i].id.bytes[0] = 1;
        events[i].id.bytes[1] = (uint8_t)(round * 3 + i);
        writes[i] = (struct ever_write){
            .stream = slice_of_text(streams[i]), .events = &events[i], .event_count = 1};
    }
    struct ever_result result;
    return ever_append(store, writes, 3, &result, NULL);
}

struct machine {
    struct disk *disk;
    struct ever *store;
    struct flows *flows;
};

static struct ever_err start(struct machine *machine)
{
    struct store_options options = {
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .no_threads = true};
    struct flows_options flows_options = {.batch_roots = 2, .snapshot_events = 4};
    struct text report = {0};
    struct vfs *vfs = disk_vfs(machine->disk);
    TRY(store_open(vfs, &env, DATA_DIR, &options, &machine->store));
    struct ever_err err = flows_open_graphs(vfs, machine->store, SLICE_LITERAL(GRAPHS), FLOWS_DIR,
                                            &flows_options, &report, &machine->flows);
    text_deinit(&report);
    return err;
}

static void stop(struct machine *machine)
{
    flows_close(machine->flows);
    ever_close(machine->store);
    machine->flows = NULL;
    machine->store = NULL;
}

/* From whatever is there to the end of the history, with a restart on the way, or to the first
 * failure. */
static struct ever_err live_on(struct machine *machine)
{
    TRY(start(machine));
    for (unsigned round = 0; round < ROUNDS; round++) {
        TRY(append_round(machine->store, round));
        TRY(flows_run_to_end(machine->flows));
        if (round == 1) {
            stop(machine);
            TRY(start(machine));
        }
    }
    return flows_run_to_end(machine->flows);
}

/* --- The faults ------------------------------------------------------------------------------- */

static char *expected;
static uint64_t call_count;

static int without_faults(void **state)
{
    (void)state; /* cmocka's signature */
    struct machine machine = {.disk = disk_create(0)};
    struct text derived = {0};
    /* Else each of the thousand stores zeroes memory that a store before it gave back. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20); /* sanitizers have an allocator of their own */
    assert_ok(live_on(&machine));
    flow_read_derived(machine.store, &derived);
    stop(&machine);
    expected = derived.data;
    call_count = disk_calls(machine.disk);
    disk_destroy(machine.disk);
    assert_non_null(expected);
    assert_true(call_count > 60);
    assert_non_null(strstr(expected, "flow-large-count"));
    return 0;
}

static int forget(void **state)
{
    (void)state; /* cmocka's signature */
    free(expected);
    return 0;
}

static void check_the_end(struct machine *machine, enum disk_fault fault, uint64_t call)
{
    struct text derived = {0};
    struct ever_err err = live_on(machine);
    if (!IS_OK(err)) {
        fail_msg("fault %d at call %llu: %s", (int)fault, (unsigned long long)call, err.what);
    }
    for (size_t i = 0; i < flows_count(machine->flows); i++) {
        struct flow_status status;
        flow_status(flows_at(machine->flows, i), &status);
        if (status.state != FLOW_LIVE) {
            fail_msg("fault %d at call %llu: %s", (int)fault, (unsigned long long)call,
                     status.failure);
        }
    }
    flow_read_derived(machine->store, &derived);
    if (strcmp(derived.data, expected) != 0) {
        fail_msg("fault %d at call %llu: got\n%sinstead of\n%s", (int)fault,
                 (unsigned long long)call, derived.data, expected);
    }
    text_deinit(&derived);
}

/* The fault befalls one call; then the machine is started again, after every second one powerless.
 */
static void try_fault(enum disk_fault fault, uint64_t call, bool power_off)
{
    struct disk_random random;
    struct machine machine = {.disk = disk_create(0)};
    disk_random_init(&random, call * 31 + (uint64_t)fault);
    disk_arm(machine.disk, fault, call, &random.choices);
    (void)live_on(&machine); /* how far it gets is the fault's business */
    stop(&machine);
    if (power_off) {
        disk_power_off(machine.disk, &random.choices);
    } else {
        disk_restart(machine.disk);
    }
    check_the_end(&machine, fault, call);
    stop(&machine);
    disk_destroy(machine.disk);
}

/* A store takes long to open under a sanitizer: there, every third call does. */
#ifdef __SANITIZE_ADDRESS__
enum { STRIDE = 3 };
#else
enum { STRIDE = 1 };
#endif

static void any_fault_is_mended_by_a_restart(void **state)
{
    (void)state; /* cmocka's signature */
    static const enum disk_fault faults[] = {DISK_FAIL, DISK_FULL, DISK_DIE, DISK_DIE_AFTER};
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        for (uint64_t call = f % STRIDE; call < call_count; call += STRIDE) {
            try_fault(faults[f], call, false);
            try_fault(faults[f], call, true);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_fault_is_mended_by_a_restart)};
    return cmocka_run_group_tests(tests, without_faults, forget);
}
