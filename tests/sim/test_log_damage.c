/* Catches: damage that goes unnoticed or is served as data; damage that takes more with it than it
 * must; a damaged log that is written on; a torn tail taken for damage.
 *
 * A log of several segments on a simulated disk, of which one thing is changed: a bit, a block, a
 * file. Everything that was appended must then be read as it was, or be refused. */
#include "unit/unit.h"

#include "log/format_priv.h"
#include "sim/disk.h"

#include <stdlib.h>

#define DIR_NAME "log"
#define BLOCKS 100u
#define RECORDS_MAX 512u

struct place { /* of one block */
    uint32_t segment;
    uint32_t offset;
    uint32_t size; /* header and payload */
    uint64_t first_position;
    uint64_t last_position;
};

struct world {
    struct disk *disk;
    uint64_t last_position;
    struct place blocks[BLOCKS];
    struct log_address addresses[RECORDS_MAX]; /* by position */
};

static struct log_options options(void)
{
    return (struct log_options){
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .store_id = {{7, 7, 7}}};
}

static struct ever_err open_log(struct disk *disk, struct log **out_log)
{
    struct log_options wanted = options();
    return log_open(disk_vfs(disk), DIR_NAME, &wanted, out_log);
}

static uint32_t record_bytes(uint64_t position, char out[4096])
{
    uint32_t size = position % 5 == 0 ? 3000 : 50 + (uint32_t)position;
    memset(out, (int)('a' + position % 26), size);
    return size;
}

static void append_block(struct world *world, struct log *log, uint32_t number)
{
    static char bytes[4][4096];
    struct ever_slice records[4];
    struct log_address addresses[4];
    uint32_t count = 1 + number % 4;
    size_t size = BLOCK_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t position = world->last_position + 1 + i;
        records[i] = slice_of(bytes[i], record_bytes(position, bytes[i]));
        size += RECORD_HEADER_BYTES + records[i].size;
    }
    assert_ok(log_append(log, records, count, number + 1, addresses));
    world->blocks[number] = (struct place){
        .segment = addresses[0].segment,
        .offset = addresses[0].offset - BLOCK_HEADER_BYTES,
        .size = (uint32_t)size,
        .first_position = world->last_position + 1,
        .last_position = world->last_position + count,
    };
    for (uint32_t i = 0; i < count; i++) {
        world->addresses[++world->last_position] = addresses[i];
    }
}

static void world_init(struct world *world)
{
    *world = (struct world){.disk = disk_create(512)};
    struct log *log;
    assert_ok(open_log(world->disk, &log));
    for (uint32_t i = 0; i < BLOCKS; i++) {
        append_block(world, log, i);
    }
    assert_true(log_segment_count(log) >= 3);
    log_close(log);
}

static void path_of(uint32_t segment, char out_path[32])
{
    snprintf(out_path, 32, DIR_NAME "/%010u.seg", segment);
}

/* --- What is left ---------------------------------------------------------------------------- */

struct finding {
    enum ever_code opened;
    uint64_t committed;
    uint64_t lost_first; /* positions a cursor steps over; 0: none */
    uint64_t lost_last;
};

static void check_record(const struct log_record *record, uint64_t position)
{
    char bytes[4096];
    uint32_t size = record_bytes(position, bytes);
    assert_int_equal(record->position, position);
    assert_true(slice_equal(record->bytes, slice_of(bytes, size)));
}

static void note_loss(struct finding *finding, uint64_t first, uint64_t last)
{
    finding->lost_first = finding->lost_first == 0 ? first : finding->lost_first;
    finding->lost_last = last;
}

static void read_in_order(struct log *log, struct finding *finding)
{
    struct log_cursor *cursor;
    struct log_record record;
    struct ever_err err;
    uint64_t next = 1;
    assert_ok(log_cursor_open(log, 1, &cursor));
    while ((err = log_cursor_next(cursor, &record)).code != EVER_END) {
        if (err.code == EVER_CORRUPT) {
            assert_true(record.position >= next);
            note_loss(finding, next, record.position);
        } else {
            assert_ok(err);
            check_record(&record, next);
        }
        next = record.position + 1;
    }
    assert_int_equal(next, log_committed(log) + 1);
    log_cursor_close(cursor);
}

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

static void try_to_append(struct log *log, bool may)
{
    struct ever_slice record = SLICE_LITERAL("more");
    struct log_address address;
    assert_err(log_append(log, &record, 1, BLOCKS + 1, &address), may ? EVER_OK : EVER_CLOSED);
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

/* One block is not what it was. At most it is lost; when it is the last one of the log, it looks
 * as if it had never been acknowledged, and that is the declared limit of one copy. */
static void check_block_loss(const struct world *world, struct disk *disk, uint32_t number)
{
    const struct place *block = &world->blocks[number];
    struct finding finding = examine(world, disk);
    if (number == BLOCKS - 1) {
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

static void a_flipped_bit_costs_one_block_at_most(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        uint32_t step = 13 + number % 7;
        for (uint32_t at = 0; at < block->size; at += at < 150 ? step : 20 * step) {
            char path[32];
            path_of(block->segment, path);
            struct disk *disk = disk_clone(world.disk);
            char byte = disk_peek(disk, path).data[block->offset + at];
            byte = (char)(byte ^ (1 << (at % 8)));
            disk_poke(disk, path, block->offset + at, slice_of(&byte, 1));
            check_block_loss(&world, disk, number);
            disk_destroy(disk);
        }
    }
    disk_destroy(world.disk);
}

static void a_lost_write_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    static const char zeroes[16384];
    struct world world;
    world_init(&world);
    for (uint32_t number = 0; number < BLOCKS; number++) {
        const struct place *block = &world.blocks[number];
        bool ends_segment =
            number + 1 < BLOCKS && world.blocks[number + 1].segment != block->segment;
        char path[32];
        path_of(block->segment, path);
        struct disk *disk = disk_clone(world.disk);
        disk_poke(disk, path, block->offset, slice_of(zeroes, block->size));
        check_block_loss(&world, disk, number);
        disk_destroy(disk);
        if (number == BLOCKS - 1) {
            continue;
        }
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
    world_init(&world);
    for (uint32_t number = 0; number + 1 < BLOCKS; number++) {
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

static void a_damaged_segment_header_costs_no_record(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
    uint32_t count = world.blocks[BLOCKS - 1].segment;
    for (uint32_t segment = 1; segment <= count; segment++) {
        for (uint32_t at = 0; at < SEGMENT_HEADER_BYTES; at += 5) {
            char path[32];
            path_of(segment, path);
            struct disk *disk = disk_clone(world.disk);
            char byte = disk_peek(disk, path).data[at];
            byte = (char)(byte ^ 0x10);
            disk_poke(disk, path, at, slice_of(&byte, 1));
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
    world_init(&world);
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

/* What an append leaves that never finished is no damage, whatever of it there is. */
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
    world_init(&world);
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

static void a_torn_tail_is_left_and_named(void **state)
{
    (void)state; /* cmocka's signature */
    struct world world;
    world_init(&world);
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
        cmocka_unit_test(a_lost_write_is_noticed),
        cmocka_unit_test(a_block_in_the_wrong_place_is_no_block),
        cmocka_unit_test(a_damaged_segment_header_costs_no_record),
        cmocka_unit_test(a_lost_file_costs_its_records),
        cmocka_unit_test(an_unreadable_sector_costs_one_block_at_most),
        cmocka_unit_test(a_torn_tail_is_left_and_named),
    };
    return cmocka_run_group_tests_name("damage to the log", tests, NULL, NULL);
}
