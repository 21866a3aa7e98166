/* log_fixture.h - a log in a folder of its own, and records whose bytes follow from their position.
 */
#pragma once
#include "unit/unit.h"

#include "log/log.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct log_options options;
    struct log *log;
    int64_t time_ns;
};

static inline void fixture_open(struct fixture *fixture)
{
    assert_ok(log_open(vfs_real(), fixture->dir, &fixture->options, &fixture->log));
}

static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .dir = "/tmp/everfold-log-XXXXXX",
        .options = {.segment_bytes = 64 << 10,
                    .tail_bytes = 16 << 10,
                    .store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}},
    };
    assert_non_null(mkdtemp(fixture->dir));
    fixture_open(fixture);
}

static inline void fixture_close(struct fixture *fixture)
{
    log_close(fixture->log);
    fixture->log = NULL;
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

static inline void fixture_deinit(struct fixture *fixture)
{
    fixture_close(fixture);
    DIR *dir = opendir(fixture->dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", fixture->dir, entry->d_name);
        unlink(path); /* not the dots */
    }
    closedir(dir);
    assert_int_equal(rmdir(fixture->dir), 0);
}

/* Record sizes from nothing to some KiB, most of them small. */
static inline size_t record_size(uint64_t position)
{
    uint64_t mixed = position * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) % ((mixed & 15) == 0 ? 9000 : 400);
}

static inline void record_fill(uint64_t position, char *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)((position * 31 + i * 7) & 0xff);
    }
}

/* Appends `count` records in one block; fails the test where that fails. */
static inline void fixture_append(struct fixture *fixture, uint32_t count)
{
    struct ever_slice *records = calloc(count, sizeof *records);
    struct log_address *addresses = calloc(count, sizeof *addresses);
    uint64_t first = log_committed(fixture->log) + 1;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = record_size(first + i);
        char *bytes = malloc(size + 1);
        record_fill(first + i, bytes, size);
        records[i] = slice_of(bytes, size);
    }
    assert_ok(log_append(fixture->log, records, count, ++fixture->time_ns, addresses));
    assert_int_equal(log_committed(fixture->log), first + count - 1);
    for (uint32_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)records[i].data);
    }
    free(records);
    free(addresses);
}

static inline void check_record(const struct log_record *record, uint64_t position)
{
    char bytes[9000];
    size_t size = record_size(position);
    record_fill(position, bytes, size);
    assert_int_equal(record->position, position);
    assert_true(slice_equal(record->bytes, slice_of(bytes, size)));
}

/* Reads from `from` to the end with a cursor, each record again by its address. */
static inline void check_from(struct log *log, uint64_t from)
{
    struct log_cursor *cursor;
    struct log_buffer buffer = {0};
    struct log_record record;
    assert_ok(log_cursor_open(log, from, &cursor));
    for (uint64_t position = from; position <= log_committed(log); position++) {
        struct log_record again;
        assert_ok(log_cursor_next(cursor, &record));
        check_record(&record, position);
        assert_ok(log_read(log, record.address, position, &buffer, &again));
        check_record(&again, position);
        assert_int_equal(record.time_ns, again.time_ns);
    }
    assert_err(log_cursor_next(cursor, &record), EVER_END);
    log_cursor_close(cursor);
    log_buffer_deinit(&buffer);
}
