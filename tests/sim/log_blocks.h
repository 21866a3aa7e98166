/* log_blocks.h - a log of a hundred blocks on a simulated disk, each with its place known, to be
 * damaged, and what is left of it then. */
#pragma once
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

static inline struct log_options options(void)
{
    return (struct log_options){
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .store_id = {{7, 7, 7}}};
}

static inline struct ever_err open_log(struct disk *disk, struct log **out_log)
{
    struct log_options wanted = options();
    return log_open(disk_vfs(disk), DIR_NAME, &wanted, out_log);
}

static inline uint32_t record_bytes(uint64_t position, char out[4096])
{
    uint32_t size = position % 5 == 0 ? 3000 : 50 + (uint32_t)position;
    memset(out, (int)('a' + position % 26), size);
    return size;
}

static inline void append_block(struct world *world, struct log *log, uint32_t number)
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

/* The process dies before it can close the log. */
static inline void kill_log(struct disk *disk, struct log *log)
{
    disk_arm_death(disk, disk_calls(disk));
    log_close(log);
    disk_restart(disk);
}

enum ending { CLOSED, KILLED };

static inline void world_init(struct world *world, enum ending ending)
{
    *world = (struct world){.disk = disk_create(512)};
    struct log *log;
    assert_ok(open_log(world->disk, &log));
    for (uint32_t i = 0; i < BLOCKS; i++) {
        append_block(world, log, i);
    }
    assert_true(log_segment_count(log) >= 3);
    if (ending == CLOSED) {
        log_close(log);
    } else {
        kill_log(world->disk, log);
    }
}

static inline void path_of(uint32_t segment, char out_path[32])
{
    snprintf(out_path, 32, DIR_NAME "/%010u.seg", segment);
}

/* Flips one bit of the byte `at` of the segment. */
static inline void flip(struct disk *disk, uint32_t segment, uint32_t at)
{
    char path[32];
    path_of(segment, path);
    char byte = (char)(disk_peek(disk, path).data[at] ^ (1 << at % 8));
    disk_poke(disk, path, at, slice_of(&byte, 1));
}

/* --- What is left ---------------------------------------------------------------------------- */

struct finding {
    enum ever_code opened;
    uint64_t committed;
    uint64_t lost_first; /* positions a cursor steps over; 0: none */
    uint64_t lost_last;
};

static inline void check_record(const struct log_record *record, uint64_t position)
{
    char bytes[4096];
    uint32_t size = record_bytes(position, bytes);
    assert_int_equal(record->position, position);
    assert_true(slice_equal(record->bytes, slice_of(bytes, size)));
}

static inline void note_loss(struct finding *finding, uint64_t first, uint64_t last)
{
    finding->lost_first = finding->lost_first == 0 ? first : finding->lost_first;
    finding->lost_last = last;
}

static inline void read_in_order(struct log *log, struct finding *finding)
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

static inline void try_to_append(struct log *log, bool may)
{
    struct ever_slice record = SLICE_LITERAL("more");
    struct log_address address;
    assert_err(log_append(log, &record, 1, BLOCKS + 1, &address), may ? EVER_OK : EVER_CLOSED);
}
