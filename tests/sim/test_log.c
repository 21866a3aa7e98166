/* Catches: an acknowledged record that a crash, a power cut, a failing or full disk takes away; a
 * record that was refused and appears; half an append; a log that does not go on afterwards; a sync
 * that is left out.
 *
 * A short workload is failed, filled up, killed and powered off at each of its I/O calls. Each
 * state that can be left is recovered, compared with a model, written on, powered off and recovered
 * again; recovery is cut at each of its own calls as well. */
#include "unit/unit.h"

#include "log/log.h"
#include "sim/disk.h"

#include <stdlib.h>

#define DIR_NAME "log"
#define POSITIONS_MAX 64u
#define RECORD_BYTES_MAX 24000u

/* --- The model ------------------------------------------------------------------------------- */

struct model {
    uint64_t acked;                     /* last position that must be there */
    uint32_t attempt_of[POSITIONS_MAX]; /* which append gave the position its record */
    uint32_t attempts;                  /* so far */
    uint32_t pending;                   /* append whose outcome is unknown; 0: none */
    uint64_t pending_last;              /* its last position */
};

struct world {
    struct disk *disk;
    struct model model;
    unsigned lies_in_open;   /* syncs that do nothing while the log is opened */
    unsigned lies_in_append; /* ... appended to */
    bool expects_fault;      /* appends may fail: otherwise that is a violation */
    const char *violation;   /* the first promise that was broken */
};

static void blame(struct world *world, const char *violation)
{
    if (world->violation == NULL) {
        world->violation = violation;
    }
}

static struct world world_clone(const struct world *world)
{
    struct world clone = *world;
    clone.disk = disk_clone(world->disk);
    return clone;
}

/* --- Records: every append writes other bytes, also under the same position ------------------- */

static uint32_t record_bytes(uint32_t attempt, uint64_t position, char out[RECORD_BYTES_MAX])
{
    uint32_t size = attempt % 4 == 3 ? 20000 + attempt : 30 + 400 * (attempt % 3);
    memset(out, (int)('a' + (attempt * 5 + position) % 26), size);
    memcpy(out, &attempt, sizeof attempt);
    memcpy(out + sizeof attempt, &position, sizeof position);
    return size;
}

static struct log_options options(void)
{
    return (struct log_options){
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .store_id = {{7, 7, 7}}};
}

static struct ever_err world_open(struct world *world, struct log **out_log)
{
    struct log_options wanted = options();
    disk_lie(world->disk, world->lies_in_open);
    struct ever_err err = log_open(disk_vfs(world->disk), DIR_NAME, &wanted, out_log);
    disk_lie(world->disk, 0);
    return err;
}

#define COUNT_MAX 4u

static struct ever_err append(struct world *world, struct log *log, uint32_t count)
{
    static char bytes[COUNT_MAX][RECORD_BYTES_MAX];
    struct ever_slice records[COUNT_MAX];
    struct log_address addresses[COUNT_MAX];
    struct model *model = &world->model;
    uint32_t attempt = ++model->attempts;
    for (uint32_t i = 0; i < count; i++) {
        records[i] = slice_of(bytes[i], record_bytes(attempt, model->acked + 1 + i, bytes[i]));
    }
    disk_lie(world->disk, world->lies_in_append);
    struct ever_err err = log_append(log, records, count, attempt, addresses);
    disk_lie(world->disk, 0);
    if (IS_OK(err) || err.code == EVER_IO) {
        for (uint32_t i = 0; i < count; i++) {
            model->attempt_of[model->acked + 1 + i] = attempt;
        }
        model->pending = IS_OK(err) ? 0 : attempt;
        model->pending_last = model->acked + count;
        model->acked += IS_OK(err) ? count : 0;
    }
    return err;
}

/* --- Comparing with the model ---------------------------------------------------------------- */

static void compare_record(struct world *world, const struct log_record *record, uint64_t position)
{
    char bytes[RECORD_BYTES_MAX];
    uint32_t attempt = world->model.attempt_of[position];
    uint32_t size = record_bytes(attempt, position, bytes);
    if (record->position != position || record->time_ns != attempt ||
        !slice_equal(record->bytes, slice_of(bytes, size))) {
        blame(world, "a record is not what was appended");
    }
}

/* A reader that was befallen by the armed fault may try again. */
static bool is_excused(const struct world *world, struct ever_err err)
{
    return world->expects_fault && err.code == EVER_IO;
}

static struct ever_err next_or_again(struct world *world, struct log_cursor *cursor,
                                     struct log_record *out_record)
{
    struct ever_err err = log_cursor_next(cursor, out_record);
    return is_excused(world, err) ? log_cursor_next(cursor, out_record) : err;
}

static struct ever_err read_or_again(struct world *world, struct log *log,
                                     const struct log_record *record, struct log_buffer *buffer,
                                     struct log_record *out_record)
{
    struct ever_err err = log_read(log, record->address, record->position, buffer, out_record);
    return is_excused(world, err)
               ? log_read(log, record->address, record->position, buffer, out_record)
               : err;
}

static void compare_records(struct world *world, struct log *log)
{
    struct log_cursor *cursor;
    struct log_buffer buffer = {0};
    assert_ok(log_cursor_open(log, 1, &cursor));
    for (uint64_t position = 1; position <= world->model.acked; position++) {
        struct log_record record;
        struct ever_err err = next_or_again(world, cursor, &record);
        if (IS_OK(err)) {
            compare_record(world, &record, position);
            err = read_or_again(world, log, &record, &buffer, &record);
        }
        if (disk_is_dead(world->disk)) {
            break;
        }
        if (!IS_OK(err)) {
            blame(world, "a record cannot be read");
            break;
        }
        compare_record(world, &record, position);
    }
    log_buffer_deinit(&buffer);
    log_cursor_close(cursor);
}

/* What the log has now must be what was acknowledged, and may be what is pending, all of it. From
 * now on it counts as acknowledged: somebody has seen it. */
static void compare(struct world *world, struct log *log)
{
    struct model *model = &world->model;
    uint64_t committed = log_committed(log);
    if (committed < model->acked) {
        blame(world, "an acknowledged record is lost");
        return;
    }
    if (committed > model->acked) {
        if (model->pending == 0 || committed != model->pending_last) {
            blame(world, "a record appeared, or half an append");
            return;
        }
        model->acked = committed;
    }
    model->pending = 0;
    compare_records(world, log);
}

/* --- The workload ---------------------------------------------------------------------------- */

/* Opens and compares; tries again where the armed fault befell it. NULL: the process is dead. */
static struct log *open_and_compare(struct world *world)
{
    struct log *log = NULL;
    struct ever_err err = world_open(world, &log);
    for (int tries = 0; !IS_OK(err) && world->expects_fault && tries < 2; tries++) {
        if (log != NULL) {
            log_close(log);
            log = NULL;
            break; /* damage: no second look will help */
        }
        if (disk_is_dead(world->disk)) {
            return NULL;
        }
        if (err.code == EVER_NO_SPACE) {
            disk_disarm(world->disk);
        }
        err = world_open(world, &log);
    }
    if (!IS_OK(err)) {
        blame(world, "the log cannot be opened");
        log_close(log);
        return NULL;
    }
    if (!disk_is_dead(world->disk)) {
        compare(world, log);
    }
    return log;
}

/* Appends, whatever it takes: space comes back, a failed disk means to open again. */
static struct log *append_surely(struct world *world, struct log *log, uint32_t count)
{
    for (int tries = 0; log != NULL && tries < 3; tries++) {
        struct ever_err err = append(world, log, count);
        if (IS_OK(err)) {
            return log;
        }
        if (disk_is_dead(world->disk)) {
            break;
        }
        if (!world->expects_fault) {
            blame(world, "an append fails without cause");
            break;
        }
        if (err.code == EVER_NO_SPACE) {
            disk_disarm(world->disk);
        } else {
            log_close(log);
            log = open_and_compare(world);
        }
    }
    if (log != NULL && !disk_is_dead(world->disk)) {
        blame(world, "an append never succeeds");
    }
    log_close(log);
    return NULL;
}

/* Some appends, small and large, over the end of a segment; a restart; some more. */
static void workload(struct world *world)
{
    static const uint32_t counts[2][5] = {{1, 3, 2, 1, 2}, {1, 2, 1, 0, 0}};
    for (size_t round = 0; round < 2; round++) {
        struct log *log = open_and_compare(world);
        for (size_t i = 0; log != NULL && counts[round][i] > 0; i++) {
            log = append_surely(world, log, counts[round][i]);
            if (i == 4) {
                break;
            }
        }
        log_close(log);
    }
}

/* The log goes on: it opens, holds what it must, takes appends. */
static void go_on(struct world *world)
{
    struct log *log = open_and_compare(world);
    log = append_surely(world, log, 1);
    log = append_surely(world, log, 2);
    log_close(log);
}

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
    go_on(&world);
    disk_power_off(world.disk, &random.choices);
    log_close(open_and_compare(&world));
    settle(&world, tally);
}

/* Cuts recovery itself, and what follows, at each of its calls. */
static void cut_recovery(const struct world *world, uint64_t seed, struct tally *tally)
{
    struct disk_random random;
    disk_random_init(&random, seed);
    for (uint64_t call = 0;; call++) {
        struct world cut = world_clone(world);
        cut.expects_fault = true;
        disk_arm(cut.disk, seed % 2 == 0 ? DISK_DIE : DISK_DIE_AFTER, call, &random.choices);
        go_on(&cut);
        bool was_cut = disk_is_dead(cut.disk);
        disk_power_off(cut.disk, &random.choices);
        recover(cut, seed + call, tally);
        if (!was_cut) {
            return;
        }
    }
}

#define SPAN_MAX 64u   /* up to so many states are all tried */
#define SAMPLES 24u    /* of more, so many */
#define CUT_SAMPLES 2u /* and of so many recovery is cut */

static void power_off_all(const struct world *world, struct tally *tally)
{
    struct disk_tape tape;
    disk_tape_init(&tape);
    do {
        struct world off = world_clone(world);
        disk_power_off(off.disk, &tape.choices);
        recover(off, tally->states, tally);
    } while (disk_tape_next(&tape));
}

static void power_off_some(const struct world *world, struct tally *tally)
{
    for (uint64_t i = 0; i < SAMPLES; i++) {
        struct disk_random random;
        struct world off = world_clone(world);
        disk_random_init(&random, tally->states);
        disk_power_off(off.disk, &random.choices);
        if (i < CUT_SAMPLES) {
            cut_recovery(&off, tally->states, tally);
        }
        recover(off, tally->states, tally);
    }
}

/* The process is gone. It may have been killed alone, or power was lost. */
static void try_aftermaths(const struct world *world, struct tally *tally)
{
    struct world killed = world_clone(world);
    disk_restart(killed.disk);
    cut_recovery(&killed, tally->states, tally);
    recover(killed, tally->states, tally);
    if (disk_power_off_span(world->disk) <= SPAN_MAX) {
        power_off_all(world, tally);
    } else {
        power_off_some(world, tally);
    }
}

/* The workload, with this fault at each call in turn; with lies until one is found out. `is_whole`:
 * a write that the fault befalls is done, but not synced; otherwise any part of it. */
static struct tally enumerate(enum disk_fault fault, bool is_whole, struct world world)
{
    struct tally tally = {0};
    bool is_liar = (world.lies_in_open | world.lies_in_append) != 0;
    for (uint64_t call = 0;; call++) {
        struct disk_random random;
        struct disk_tape first; /* always the first choice */
        struct world faulty = world;
        faulty.disk = disk_create(512);
        faulty.expects_fault = true;
        disk_random_init(&random, call);
        disk_tape_init(&first);
        disk_arm(faulty.disk, fault, call, is_whole ? &first.choices : &random.choices);
        workload(&faulty);
        bool befell = disk_calls(faulty.disk) > call;
        disk_disarm(faulty.disk);
        if (tally.first == NULL) {
            tally.call = call;
        }
        try_aftermaths(&faulty, &tally);
        settle(&faulty, &tally);
        if (!befell || (is_liar && tally.violations > 0)) {
            return tally;
        }
    }
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void expect_no_violation(enum disk_fault fault, bool is_whole)
{
    struct world world = {0};
    struct tally tally = enumerate(fault, is_whole, world);
    print_message("fault %d: %llu states\n", (int)fault, (unsigned long long)tally.states);
    if (tally.violations > 0) {
        fail_msg("%llu of %llu states, the first at call %llu: %s",
                 (unsigned long long)tally.violations, (unsigned long long)tally.states,
                 (unsigned long long)tally.call, tally.first);
    }
}

static void survives_death_at_each_call(void **state)
{
    (void)state; /* cmocka's signature */
    expect_no_violation(DISK_DIE, false);
}

static void survives_death_before_each_write_is_synced(void **state)
{
    (void)state; /* cmocka's signature */
    expect_no_violation(DISK_DIE, true);
}

static void survives_death_after_each_call(void **state)
{
    (void)state; /* cmocka's signature */
    expect_no_violation(DISK_DIE_AFTER, false);
}

static void survives_a_failure_of_each_call(void **state)
{
    (void)state; /* cmocka's signature */
    expect_no_violation(DISK_FAIL, false);
}

static void survives_a_full_disk_from_each_call_on(void **state)
{
    (void)state; /* cmocka's signature */
    expect_no_violation(DISK_FULL, false);
}

static void a_sync_left_out_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct world liars[] = {
        {.lies_in_append = DISK_LIE_WRITE}, {.lies_in_append = DISK_LIE_DIR},
        {.lies_in_open = DISK_LIE_WRITE},   {.lies_in_open = DISK_LIE_DIR},
        {.lies_in_open = DISK_LIE_SYNC},
    };
    for (size_t i = 0; i < sizeof liars / sizeof liars[0]; i++) {
        struct tally tally = enumerate(DISK_DIE, true, liars[i]);
        print_message("liar %zu: found out at call %llu: %s\n", i, (unsigned long long)tally.call,
                      tally.first == NULL ? "never" : tally.first);
        assert_true(tally.violations > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_death_at_each_call),
        cmocka_unit_test(survives_death_before_each_write_is_synced),
        cmocka_unit_test(survives_death_after_each_call),
        cmocka_unit_test(survives_a_failure_of_each_call),
        cmocka_unit_test(survives_a_full_disk_from_each_call_on),
        cmocka_unit_test(a_sync_left_out_is_noticed),
    };
    return cmocka_run_group_tests_name("crashes of the log", tests, NULL, NULL);
}
