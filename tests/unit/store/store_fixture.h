/* store_fixture.h - a store in a folder of its own, and short words for writing and reading it. */
#pragma once
#include "unit/unit.h"

#include "everfold.h"
#include "store/store.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    char root[64]; /* a temporary folder */
    char dir[96];  /* the data folder in it */
    struct store_options options;
    struct ever *store;
};

static inline void fixture_open(struct fixture *fixture)
{
    assert_ok(store_open(vfs_real(), env_real(), fixture->dir, &fixture->options, &fixture->store));
}

static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .root = "/tmp/everfold-store-XXXXXX",
        .options = {.segment_bytes = 64 << 10, .tail_bytes = 16 << 10},
    };
    assert_non_null(mkdtemp(fixture->root));
    (void)snprintf(fixture->dir, sizeof fixture->dir, "%s/data", fixture->root); /* it fits */
    fixture_open(fixture);
}

static inline void fixture_close(struct fixture *fixture)
{
    ever_close(fixture->store);
    fixture->store = NULL;
}

static inline void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

static inline int fixture_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *place)
{
    (void)status; /* nftw() gives more than remove() needs */
    (void)type;
    (void)place;
    return remove(path);
}

static inline void fixture_deinit(struct fixture *fixture)
{
    fixture_close(fixture);
    assert_int_equal(nftw(fixture->root, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct ever_new_event event_of(const char *type, const char *data)
{
    return (struct ever_new_event){.type = slice_of_text(type), .data = slice_of_text(data)};
}

static inline struct ever_uuid id_of(uint32_t number)
{
    struct ever_uuid id = {{0xee}};
    memcpy(id.bytes + 12, &number, sizeof number);
    return id;
}

static inline struct ever_write write_of(const char *stream, const struct ever_new_event *events,
                                         uint32_t count)
{
    return (struct ever_write){
        .stream = slice_of_text(stream), .events = events, .event_count = count};
}

/* One write; fails the test unless the store takes the call. */
static inline struct ever_result append_write(struct fixture *fixture, struct ever_write write)
{
    struct ever_result result = {0};
    assert_ok(ever_append(fixture->store, &write, 1, &result, NULL));
    return result;
}

/* One event without a condition; gives its position. */
static inline uint64_t append_one(struct fixture *fixture, const char *stream, const char *type,
                                  const char *data)
{
    struct ever_new_event event = event_of(type, data);
    struct ever_result result = append_write(fixture, write_of(stream, &event, 1));
    assert_int_equal(result.outcome, EVER_APPENDED);
    assert_int_equal(result.first_position, result.last_position);
    return result.last_position;
}

/* What a read gives to its end, as "stream/revision:data stream/revision:data". */
static inline char *read_all(struct fixture *fixture, struct ever_read read)
{
    static char text[1 << 18];
    size_t size = 0;
    text[0] = '\0';
    struct ever_cursor *cursor = NULL;
    assert_ok(ever_cursor_open(fixture->store, &read, &cursor));
    const struct ever_event *event;
    struct ever_err err = ever_next(cursor, &event);
    for (; err.code == EVER_OK; err = ever_next(cursor, &event)) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s/%llu:%.*s",
                                 size == 0 ? "" : " ", SLICE_PRINT(event->stream),
                                 (unsigned long long)event->revision, SLICE_PRINT(event->data));
        assert_true(size < sizeof text);
    }
    assert_err(err, EVER_END);
    ever_cursor_close(cursor);
    return text;
}

#define assert_read(fixture, read, want) assert_string_equal(read_all(fixture, read), want)
