/* Catches: damage to the last records that passes for an append that never finished, though the log
 * was closed; a closing that takes records away, that writes where nothing may be written, or each
 * time again; a reader that stumbles over a block without records. */
#include "sim/log_blocks.h"

#define SEGMENT_BYTES (64u << 10)
#define ALIGNMENT 512u

static uint32_t end_of(const struct place *block)
{
    return (uint32_t)round_up(block->offset + block->size, ALIGNMENT);
}

/* A copy of a segment's bytes, to see whether they stay. */
struct copy {
    char *bytes;
    size_t size;
};

static struct copy copy_segment(const struct disk *disk, uint32_t segment)
{
    char path[32];
    path_of(segment, path);
    struct ever_slice bytes = disk_peek(disk, path);
    struct copy copy = {.bytes = malloc(bytes.size), .size = bytes.size};
    assert_non_null(copy.bytes);
    memcpy(copy.bytes, bytes.data, bytes.size);
    return copy;
}

/* Nothing was written to the segment, and none was begun behind it. */
static void expect_unchanged(const struct disk *disk, uint32_t segment, struct copy copy)
{
    char path[32];
    path_of(segment, path);
    assert_true(slice_equal(disk_peek(disk, path), slice_of(copy.bytes, copy.size)));
    path_of(segment + 1, path);
    assert_null(disk_peek(disk, path).data);
    free(copy.bytes);
}

static void expect_whole(const struct world *world, struct disk *disk)
{
    struct finding finding = {0};
    struct log *log;
    assert_ok(open_log(disk, &log));
    assert_int_equal(log_committed(log), world->last_position);
    read_in_order(log, &finding);
    assert_int_equal(finding.lost_first, 0);
    log_close(log);
}

/* --- Damage ---------------------------------------------------------------------------------- */

/* The log says just this block is damaged, serves the rest, and is left as it is. */
static void expect_damaged(const struct world *world, struct disk *disk, const struct place *block)
{
    struct copy before = copy_segment(disk, world->blocks[BLOCKS - 1].segment);
    struct finding finding = {0};
    struct log_damage damage;
    struct log *log = NULL;
    assert_err(open_log(disk, &log), EVER_CORRUPT);
    assert_true(log_damage(log, &damage));
    assert_int_equal(damage.segment, block->segment);
    assert_int_equal(damage.from_offset, block->offset);
    assert_int_equal(damage.to_offset, end_of(block));
    assert_int_equal(damage.from_position, block->first_position);
    assert_int_equal(damage.to_position, block->last_position);
    assert_int_equal(log_committed(log), world->last_position);
    read_in_order(log, &finding);
    assert_in_range(finding.lost_first, block->first_position, block->last_position);
    assert_in_range(finding.lost_last, block->first_position, block->last_position);
    try_to_append(log, false);
    log_close(log);
    expect_unchanged(disk, world->blocks[BLOCKS - 1].segment, before);
}

static void a_flipped_bit_in_the_last_block_is_damage(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    const struct place *last = &world.blocks[BLOCKS - 1];
    for (uint32_t at = BLOCK_HEADER_BYTES; at < last->size; at += 37) {
        struct disk *disk = disk_clone(world.disk);
        flip(disk, last->segment, last->offset + at);
        expect_damaged(&world, disk, last);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

/* What attests is no record: without it the log is as it would be after a crash. */
static void damage_to_what_attests_takes_nothing_away(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    const struct place *last = &world.blocks[BLOCKS - 1];
    for (uint32_t at = 0; at < BLOCK_HEADER_BYTES; at++) {
        struct disk *disk = disk_clone(world.disk);
        struct log *log;
        flip(disk, last->segment, end_of(last) + at);
        expect_whole(&world, disk); /* which closes it again: a new segment attests */
        assert_ok(open_log(disk, &log));
        assert_int_equal(log_segment_count(log), last->segment + 1);
        try_to_append(log, true);
        log_close(log);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

/* A log that is closed and opened before each block. */
static void world_init_closing(struct world *world)
{
    *world = (struct world){.disk = disk_create(ALIGNMENT)};
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct log *log;
        assert_ok(open_log(world->disk, &log));
        append_block(world, log, i);
        log_close(log);
    }
}

static void readers_pass_what_attests(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct log *log;
    world_init_closing(&world);
    expect_whole(&world, world.disk);
    assert_ok(open_log(world.disk, &log));
    for (uint64_t from = 1; from <= world.last_position; from++) {
        struct log_cursor *cursor;
        struct log_record record;
        assert_ok(log_cursor_open(log, from, &cursor));
        assert_ok(log_cursor_next(cursor, &record));
        check_record(&record, from);
        log_cursor_close(cursor);
    }
    log_close(log);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        if (block->segment == world.blocks[BLOCKS - 1].segment) {
            struct disk *disk = disk_clone(world.disk);
            flip(disk, block->segment, block->offset + 5);
            expect_damaged(&world, disk, block);
            disk_destroy(disk);
        }
    }
    disk_destroy(world.disk);
}

/* --- What is written ------------------------------------------------------------------------- */

static void closing_again_writes_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct log *log;
    world_init(&world, CLOSED);
    uint32_t segment = world.blocks[BLOCKS - 1].segment;
    struct copy before = copy_segment(world.disk, segment);
    for (int i = 0; i < 3; i++) {
        assert_ok(open_log(world.disk, &log));
        log_close(log);
    }
    expect_unchanged(world.disk, segment, before);
    disk_destroy(world.disk);
}

/* What lies behind an attested end may be left there: it makes no new segment at every start. */
static void a_torn_tail_behind_it_changes_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    const struct place *last = &world.blocks[BLOCKS - 1];
    char path[32];
    path_of(last->segment, path);
    disk_poke(world.disk, path, end_of(last) + ALIGNMENT, SLICE_LITERAL("EVBK and no more"));
    struct copy before = copy_segment(world.disk, last->segment);
    expect_whole(&world, world.disk);
    expect_unchanged(world.disk, last->segment, before);
    disk_destroy(world.disk);
}

static void an_empty_log_has_nothing_to_attest(void **state)
{
    (void)state; /* cmocka's signature */
    struct disk *disk = disk_create(ALIGNMENT);
    struct log *log;
    assert_ok(open_log(disk, &log));
    struct copy before = copy_segment(disk, 1);
    log_close(log);
    expect_unchanged(disk, 1, before);
    disk_destroy(disk);
}

static void who_only_reads_attests_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct log *log;
    struct log_options wanted = options();
    world_init(&world, KILLED);
    uint32_t segment = world.blocks[BLOCKS - 1].segment;
    struct copy before = copy_segment(world.disk, segment);
    wanted.read_only = true;
    assert_ok(log_open(disk_vfs(world.disk), DIR_NAME, &wanted, &log));
    log_close(log);
    expect_unchanged(world.disk, segment, before);
    disk_destroy(world.disk);
}

/* Nobody knows what the disk has there. */
static void nothing_is_written_after_a_write_failed(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    struct log *log;
    struct disk_random random;
    struct ever_slice record = SLICE_LITERAL("more");
    struct log_address address;
    world_init(&world, KILLED);
    assert_ok(open_log(world.disk, &log));
    disk_random_init(&random, 1);
    disk_arm(world.disk, DISK_FAIL, disk_calls(world.disk), &random.choices);
    assert_err(log_append(log, &record, 1, BLOCKS + 1, &address), EVER_IO);
    disk_disarm(world.disk);
    uint32_t segment = log_segment_count(log);
    struct copy before = copy_segment(world.disk, segment);
    log_close(log);
    expect_unchanged(world.disk, segment, before);
    disk_destroy(world.disk);
}

/* There is no room for a block behind the last one: a new segment's header attests it. */
static void a_full_segment_is_attested_by_the_next(void **state)
{
    (void)state; /* cmocka's signature */
    static char bytes[SEGMENT_BYTES - ALIGNMENT - BLOCK_HEADER_BYTES - RECORD_HEADER_BYTES];
    struct ever_slice record = slice_of(bytes, sizeof bytes);
    struct log_address address;
    struct log_damage damage;
    struct disk *disk = disk_create(ALIGNMENT);
    struct log *log;
    assert_ok(open_log(disk, &log));
    assert_ok(log_append(log, &record, 1, 1, &address));
    log_close(log);
    assert_ok(open_log(disk, &log));
    assert_int_equal(log_committed(log), 1);
    assert_int_equal(log_segment_count(log), 2);
    struct copy before = copy_segment(disk, 2);
    log_close(log);
    expect_unchanged(disk, 2, before);

    flip(disk, 1, SEGMENT_BYTES - 1);
    assert_err(open_log(disk, &log), EVER_CORRUPT);
    assert_true(log_damage(log, &damage));
    assert_int_equal(damage.from_position, 1);
    assert_int_equal(damage.to_position, 1);
    log_close(log);
    disk_destroy(disk);
}

/* --- Faults ---------------------------------------------------------------------------------- */

#define SAMPLES 16u

/* Closes, with this fault at that call of it, then loses power in some ways. False: it has no such
 * call. */
static bool befall_closing(const struct world *world, enum disk_fault fault, uint64_t call)
{
    struct disk *disk = disk_clone(world->disk);
    struct disk_random random;
    struct log *log;
    struct world grown = *world;
    grown.disk = disk;
    grown.last_position = world->blocks[BLOCKS - 1].first_position - 1;
    assert_ok(open_log(disk, &log));
    append_block(&grown, log, BLOCKS - 1);
    disk_random_init(&random, call);
    uint64_t at = disk_calls(disk) + call;
    disk_arm(disk, fault, at, &random.choices);
    log_close(log);
    bool befell = disk_calls(disk) > at;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct disk *off = disk_clone(disk);
        disk_random_init(&random, i);
        disk_power_off(off, &random.choices);
        expect_whole(&grown, off);
        expect_whole(&grown, off);
        disk_destroy(off);
    }
    disk_restart(disk);
    expect_whole(&grown, disk); /* and when it was only killed */
    disk_destroy(disk);
    return befell;
}

static void every_record_survives_whatever_befalls_the_closing(void **state)
{
    (void)state; /* cmocka's signature */
    static const enum disk_fault faults[] = {DISK_DIE, DISK_DIE_AFTER, DISK_FAIL, DISK_FULL};
    struct world world = {.disk = disk_create(ALIGNMENT)};
    struct log *log;
    assert_ok(open_log(world.disk, &log));
    for (uint32_t i = 0; i + 1 < BLOCKS; i++) {
        append_block(&world, log, i);
    }
    world.blocks[BLOCKS - 1].first_position = world.last_position + 1;
    log_close(log);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint64_t call = 0;
        while (befall_closing(&world, faults[i], call)) {
            call++;
        }
        assert_true(call > 0);
    }
    disk_destroy(world.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_in_the_last_block_is_damage),
        cmocka_unit_test(damage_to_what_attests_takes_nothing_away),
        cmocka_unit_test(readers_pass_what_attests),
        cmocka_unit_test(closing_again_writes_nothing),
        cmocka_unit_test(a_torn_tail_behind_it_changes_nothing),
        cmocka_unit_test(an_empty_log_has_nothing_to_attest),
        cmocka_unit_test(who_only_reads_attests_nothing),
        cmocka_unit_test(nothing_is_written_after_a_write_failed),
        cmocka_unit_test(a_full_segment_is_attested_by_the_next),
        cmocka_unit_test(every_record_survives_whatever_befalls_the_closing),
    };
    return cmocka_run_group_tests_name("closing of the log", tests, NULL, NULL);
}
