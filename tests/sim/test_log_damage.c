/* Catches: damage that goes unnoticed or is served as data; damage that takes more with it than it
 * must; a damaged log that is written on; a torn tail taken for damage.
 *
 * A log of several segments on a simulated disk, of which one thing is changed: a bit, a block, a
 * file. Everything that was appended must then be read as it was, or be refused. */
#include "sim/log_blocks.h"

/* Every record by its address. */
static void read_one_by_one(const struct world *world, struct log *log)
{
    struct log_buffer buffer = {0};
    for (uint64_t position = 1; position <= log_committed(log); position++) {
        struct log_record record;
        struct ever_err err = log_read(log, world->addresses[position], position, &buffer, &record);
        if (IS_OK(err)) {
            check_record(&record, position);
        } else {
            assert_true(err.code == EVER_CORRUPT || err.code == EVER_NOT_FOUND);
        }
    }
    log_buffer_deinit(&buffer);
}

/* By cursors that begin here and there. */
static void read_from_anywhere(struct log *log)
{
    for (uint64_t position = 1; position <= log_committed(log); position += 23) {
        struct log_record record;
        struct log_cursor *cursor;
        assert_ok(log_cursor_open(log, position, &cursor));
        struct ever_err err = log_cursor_next(cursor, &record);
        if (IS_OK(err)) {
            check_record(&record, position);
        } else {
            assert_err(err, EVER_CORRUPT);
        }
        log_cursor_close(cursor);
    }
}

static struct finding examine(const struct world *world, struct disk *disk)
{
    struct finding finding = {0};
    struct log *log = NULL;
    struct ever_err err = open_log(disk, &log);
    finding.opened = (enum ever_code)err.code;
    assert_non_null(log);
    finding.committed = log_committed(log);
    assert_true(finding.committed <= world->last_position);
    struct log_damage damage;
    assert_int_equal(log_damage(log, &damage), err.code == EVER_CORRUPT);
    read_in_order(log, &finding);
    read_one_by_one(world, log);
    read_from_anywhere(log);
    try_to_append(log, IS_OK(err));
    log_close(log);
    return finding;
}

static bool is_in_last_segment(const struct world *world, const struct place *block)
{
    return block->segment == world->blocks[BLOCKS - 1].segment;
}

/* --- Tests ----------------------------------------------------------------------------------- */

/* One block is not what it was. At most it is lost; when it is the last one of a log that nobody
 * closed, it looks as if it had never been acknowledged: the declared limit of one copy. */
static void check_block_loss(const struct world *world, struct disk *disk, uint32_t number,
                             enum ending ending)
{
    const struct place *block = &world->blocks[number];
    struct finding finding = examine(world, disk);
    if (number == BLOCKS - 1 && ending == KILLED) {
        assert_int_equal(finding.opened, EVER_OK);
        bool is_lost = finding.committed == block->first_position - 1;
        assert_true(is_lost || finding.committed == world->last_position);
        return;
    }
    assert_int_equal(finding.committed, world->last_position);
    if (finding.lost_first != 0) {
        assert_true(finding.lost_first >= block->first_position);
        assert_true(finding.lost_last <= block->last_position);
        bool must_notice = is_in_last_segment(world, block);
        assert_true(finding.opened == EVER_CORRUPT || !must_notice);
    }
}

static void flip_a_bit_of_each_block(enum ending ending)
{
    struct world world;
    world_init(&world, ending);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        uint32_t step = 13 + number % 7;
        for (uint32_t at = 0; at < block->size; at += at < 150 ? step : 20 * step) {
            struct disk *disk = disk_clone(world.disk);
            flip(disk, block->segment, block->offset + at);
            check_block_loss(&world, disk, number, ending);
            disk_destroy(disk);
        }
    }
    disk_destroy(world.disk);
}

static void a_flipped_bit_costs_one_block_at_most(void **state)
{
    (void)state; /* cmocka's signature */
    flip_a_bit_of_each_block(CLOSED);
}

static void so_it_does_when_the_process_was_killed(void **state)
{
    (void)state; /* cmocka's signature */
    flip_a_bit_of_each_block(KILLED);
}

static void a_lost_write_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    static const char zeroes[16384];
    struct world world;
    world_init(&world, CLOSED);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        bool ends_segment =
            number + 1 < BLOCKS && world.blocks[number + 1].segment != block->segment;
        char path[32];
        path_of(block->segment, path);
        struct disk *disk = disk_clone(world.disk);
        disk_poke(disk, path, block->offset, slice_of(zeroes, block->size));
        check_block_loss(&world, disk, number, CLOSED);
        disk_destroy(disk);
        /* At once, where its successor is looked at: in the last segment, and at the very end of
         * the one before it. */
        bool is_looked_at = is_in_last_segment(&world, block) ||
                            (ends_segment && is_in_last_segment(&world, &world.blocks[number + 1]));
        disk = disk_clone(world.disk);
        disk_poke(disk, path, block->offset, slice_of(zeroes, block->size));
        struct log *log = NULL;
        struct ever_err err = open_log(disk, &log);
        assert_int_equal(err.code, is_looked_at ? EVER_CORRUPT : EVER_OK);
        if (is_looked_at) {
            struct log_damage damage;
            assert_true(log_damage(log, &damage));
            assert_int_equal(damage.segment, block->segment);
            assert_int_equal(damage.from_offset, block->offset);
            assert_int_equal(damage.from_position, block->first_position);
            assert_int_equal(damage.to_position, block->last_position);
        }
        log_close(log);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

static void a_block_in_the_wrong_place_is_no_block(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *victim = &world.blocks[number];
        const struct place *stray = &world.blocks[(number * 7 + 5) % BLOCKS];
        if (stray->size > victim->size || stray == victim) {
            continue;
        }
        char path[32];
        struct disk *disk = disk_clone(world.disk);
        path_of(stray->segment, path);
        struct ever_slice bytes = slice_from(disk_peek(disk, path), stray->offset);
        char copy[16384];
        memcpy(copy, bytes.data, stray->size);
        path_of(victim->segment, path);
        disk_poke(disk, path, victim->offset, slice_of(copy, stray->size));
        struct finding finding = examine(&world, disk);
        assert_true(finding.lost_first >= victim->first_position);
        assert_true(finding.lost_last <= victim->last_position);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

/* A block whose successor knows another one in its place: an older copy was put back. It is whole,
 * stands where it may stand and has the right position; only its hash tells. */
static void a_block_of_another_past_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice pasts[2] = {SLICE_LITERAL("one"), SLICE_LITERAL("two")};
    struct ever_slice next = SLICE_LITERAL("next");
    struct log_address address;
    struct disk *disks[2];
    struct world world;
    struct log *log;
    world_init(&world, CLOSED);
    for (size_t i = 0; i < 2; i++) {
        disks[i] = disk_clone(world.disk);
        assert_ok(open_log(disks[i], &log));
        assert_ok(log_append(log, &pasts[i], 1, BLOCKS + 1, &address));
        struct log_address behind;
        assert_ok(log_append(log, &next, 1, BLOCKS + 1, &behind));
        log_close(log);
    }
    char path[32];
    char block[DISK_SECTOR_BYTES];
    uint32_t offset = address.offset - BLOCK_HEADER_BYTES;
    path_of(address.segment, path);
    memcpy(block, disk_peek(disks[1], path).data + offset, sizeof block);
    disk_poke(disks[0], path, offset, slice_of(block, sizeof block));
    assert_err(open_log(disks[0], &log), EVER_CORRUPT);
    try_to_append(log, false);
    log_close(log);
    disk_destroy(disks[0]);
    disk_destroy(disks[1]);
    disk_destroy(world.disk);
}

static void a_damaged_segment_header_costs_no_record(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    uint32_t count = world.blocks[BLOCKS - 1].segment;
    for (uint32_t segment = 1; segment <= count; segment++) {
        for (uint32_t at = 0; at < SEGMENT_HEADER_BYTES; at += 5) {
            struct disk *disk = disk_clone(world.disk);
            flip(disk, segment, at);
            struct finding finding = examine(&world, disk);
            assert_int_equal(finding.opened, EVER_CORRUPT);
            assert_int_equal(finding.committed, world.last_position);
            assert_int_equal(finding.lost_first, 0);
            disk_destroy(disk);
        }
    }
    disk_destroy(world.disk);
}

static void a_lost_file_costs_its_records(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    uint32_t count = world.blocks[BLOCKS - 1].segment;
    for (uint32_t segment = 1; segment < count; segment++) {
        char path[32];
        path_of(segment, path);
        struct disk *disk = disk_clone(world.disk);
        disk_lose(disk, path);
        struct log *log = NULL;
        assert_err(open_log(disk, &log), EVER_CORRUPT);
        struct log_damage damage;
        assert_true(log_damage(log, &damage));
        struct log_segment gone;
        log_segment_at(log, segment - 1, &gone);
        log_close(log);
        struct finding finding = examine(&world, disk);
        assert_int_equal(finding.committed, world.last_position);
        assert_int_equal(damage.segment, segment);
        assert_int_equal(damage.from_position, finding.lost_first);
        assert_int_equal(damage.to_position, finding.lost_last);
        assert_int_equal(gone.first_position, finding.lost_first);
        assert_int_equal(gone.end_position, finding.lost_last + 1);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

/* What a cursor cannot read lies in the block with the bad sector. */
static void read_around(const struct world *world, struct log *log, const struct place *block)
{
    struct finding finding = {0};
    read_in_order(log, &finding);
    assert_in_range(finding.lost_first, block->first_position, block->last_position);
    assert_in_range(finding.lost_last, block->first_position, block->last_position);
    struct log_buffer buffer = {0};
    struct log_record record;
    for (uint64_t position = 1; position <= world->last_position; position++) {
        struct ever_err err = log_read(log, world->addresses[position], position, &buffer, &record);
        bool may_be_lost = position >= block->first_position && position <= block->last_position;
        assert_true(IS_OK(err) || (may_be_lost && err.code == EVER_CORRUPT));
        if (IS_OK(err)) {
            check_record(&record, position);
        }
    }
    log_buffer_deinit(&buffer);
}

/* Of a segment that is mapped, and of the last one, which is not but where the tail has it. */
static void an_unreadable_sector_costs_one_block_at_most(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, CLOSED);
    struct log *log;
    assert_ok(open_log(world.disk, &log));
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        char path[32];
        path_of(block->segment, path);
        for (uint32_t at = 0; at < block->size; at += 3 * DISK_SECTOR_BYTES) {
            disk_spoil(world.disk, path, block->offset + at, 1);
            read_around(&world, log, block);
        }
        disk_spoil(world.disk, path, 0, 0);
    }
    struct finding finding = {0};
    read_in_order(log, &finding);
    assert_int_equal(finding.lost_first, 0);
    try_to_append(log, true);
    log_close(log);
    disk_destroy(world.disk);
}

/* What an append leaves that never finished is no damage, whatever of it there is. */
static void a_torn_tail_is_left_and_named(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world, KILLED);
    const struct place *last = &world.blocks[BLOCKS - 1];
    char path[32];
    path_of(last->segment, path);
    for (uint32_t keep = 0; keep < last->size; keep += DISK_SECTOR_BYTES) {
        static const char zeroes[16384];
        struct disk *disk = disk_clone(world.disk);
        disk_poke(disk, path, last->offset,
                  slice_of(zeroes, keep)); /* its first sectors are lost */
        if (keep == 0) {
            disk_poke(disk, path, last->offset + last->size - 1, SLICE_LITERAL("?"));
        }
        struct log *log;
        assert_ok(open_log(disk, &log));
        assert_int_equal(log_committed(log), last->first_position - 1);
        try_to_append(log, true);
        assert_int_equal(log_segment_count(log), last->segment + 1);
        struct log_segment left;
        log_segment_at(log, last->segment - 1, &left);
        assert_int_equal(left.end_offset, last->offset);
        log_close(log);
        assert_ok(open_log(disk, &log));
        assert_int_equal(log_committed(log), last->first_position);
        log_close(log);
        disk_destroy(disk);
    }
    disk_destroy(world.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_costs_one_block_at_most),
        cmocka_unit_test(so_it_does_when_the_process_was_killed),
        cmocka_unit_test(a_lost_write_is_noticed),
        cmocka_unit_test(a_block_in_the_wrong_place_is_no_block),
        cmocka_unit_test(a_block_of_another_past_is_noticed),
        cmocka_unit_test(a_damaged_segment_header_costs_no_record),
        cmocka_unit_test(a_lost_file_costs_its_records),
        cmocka_unit_test(an_unreadable_sector_costs_one_block_at_most),
        cmocka_unit_test(a_torn_tail_is_left_and_named),
    };
    return cmocka_run_group_tests_name("damage to the log", tests, NULL, NULL);
}
