/* Catches: records that come back other than they were appended, in another order, under another
 * position, address or time; a log that forgets or repeats something when it is opened again;
 * limits and refusals that do not hold. */
#include "log_fixture.h"

#include <sys/stat.h>

static void gives_back_what_was_appended(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    assert_int_equal(log_committed(fixture.log), 0);
    check_from(fixture.log, 1);
    for (uint32_t i = 0; i < 300; i++) {
        fixture_append(&fixture, 1 + i % 7);
    }
    assert_true(log_segment_count(fixture.log) > 3);
    check_from(fixture.log, 1);
    fixture_reopen(&fixture);
    check_from(fixture.log, 1);
    fixture_append(&fixture, 5);
    for (uint64_t from = 1; from <= log_committed(fixture.log) + 1; from += 13) {
        check_from(fixture.log, from);
    }
    fixture_deinit(&fixture);
}

/* Random groups, readers and restarts; the model is the position itself. */
static void agrees_with_the_model(void **state)
{
    (void)state; /* cmocka's signature */
    unsigned seed = 1;
    for (int round = 0; round < 4; round++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct log_cursor *cursor;
        assert_ok(log_cursor_open(fixture.log, 1, &cursor));
        uint64_t seen = 0;
        for (int step = 0; step < 200; step++) {
            int choice = rand_r(&seed) % 40;
            struct log_record record;
            if (choice == 0) {
                log_cursor_close(cursor);
                fixture_reopen(&fixture);
                assert_ok(log_cursor_open(fixture.log, seen + 1, &cursor));
            } else if (choice < 20) {
                fixture_append(&fixture, 1 + (uint32_t)rand_r(&seed) % (choice == 1 ? 500 : 9));
            } else {
                for (int i = 0; i < 60 && IS_OK(log_cursor_next(cursor, &record)); i++) {
                    check_record(&record, ++seen);
                }
            }
        }
        log_cursor_close(cursor);
        check_from(fixture.log, 1);
        fixture_deinit(&fixture);
    }
}

static void segments_say_what_they_hold(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    for (uint32_t i = 0; i < 200; i++) {
        fixture_append(&fixture, 3);
    }
    for (int again = 0; again < 2; again++) {
        uint64_t next = 1;
        uint32_t count = log_segment_count(fixture.log);
        for (uint32_t i = 0; i < count; i++) {
            struct log_segment segment;
            log_segment_at(fixture.log, i, &segment);
            assert_int_equal(segment.number, i + 1);
            assert_int_equal(segment.first_position, next);
            assert_int_equal(segment.first_time_ns, (next + 2) / 3);
            assert_true(segment.end_offset <= fixture.options.segment_bytes);
            assert_int_equal(log_segment_of(fixture.log, next), i);
            next = segment.end_position;
            assert_int_equal(log_segment_of(fixture.log, next - 1), i);

            char path[100];
            struct stat status;
            snprintf(path, sizeof path, "%s/%010u.seg", fixture.dir, segment.number);
            assert_int_equal(stat(path, &status), 0);
            assert_int_equal((status.st_mode & 0222) == 0, i + 1 < count);
        }
        assert_int_equal(next, log_committed(fixture.log) + 1);
        assert_int_equal(log_last_time_ns(fixture.log), 200);
        fixture_reopen(&fixture);
    }
    fixture_deinit(&fixture);
}

static uint64_t end_offset(const struct fixture *fixture)
{
    struct log_segment segment;
    log_segment_at(fixture->log, log_segment_count(fixture->log) - 1, &segment);
    return segment.end_offset;
}

/* One block for each time something was appended, however often the log is closed. */
static void closing_attests_the_end_once(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    for (uint32_t i = 0; i < 3; i++) {
        fixture_append(&fixture, 2);
        uint64_t before = end_offset(&fixture);
        fixture_reopen(&fixture);
        uint64_t attested = end_offset(&fixture);
        assert_true(attested > before);
        fixture_reopen(&fixture);
        assert_int_equal(end_offset(&fixture), attested);
        check_from(fixture.log, 1);
    }
    fixture_deinit(&fixture);
}

static void one_append_may_exceed_a_segment(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    char *bytes = calloc(1, LOG_RECORD_BYTES_MAX + 1);
    struct ever_slice most = slice_of(bytes, LOG_RECORD_BYTES_MAX);
    struct ever_slice more = slice_of(bytes, LOG_RECORD_BYTES_MAX + 1);
    struct ever_slice four[4] = {most, most, most, most};
    struct log_address addresses[4];
    assert_err(log_append(fixture.log, &more, 1, 1, addresses), EVER_LIMIT);
    assert_err(log_append(fixture.log, four, 4, 1, addresses), EVER_LIMIT);
    four[3].size -= 4 * LOG_RECORD_HEAD_BYTES;
    assert_ok(log_append(fixture.log, four, 4, 1, addresses));
    assert_ok(log_append(fixture.log, &most, 1, 1, addresses));
    fixture_reopen(&fixture);
    assert_int_equal(log_committed(fixture.log), 5);
    struct log_buffer buffer = {0};
    struct log_record record;
    assert_ok(log_read(fixture.log, addresses[0], 5, &buffer, &record));
    assert_true(slice_equal(record.bytes, most));
    log_buffer_deinit(&buffer);
    free(bytes);
    fixture_deinit(&fixture);
}

static void refuses_a_wrong_address(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    struct ever_slice records[2] = {SLICE_LITERAL("one"), SLICE_LITERAL("two")};
    struct log_address addresses[2];
    assert_ok(log_append(fixture.log, records, 2, 7, addresses));
    struct log_buffer buffer = {0};
    struct log_record record;
    for (int again = 0; again < 2; again++) {
        struct log_address beside = {.segment = 1, .offset = addresses[0].offset + 1};
        struct log_address behind = {.segment = 1, .offset = 1 << 30};
        struct log_address nowhere = {.segment = 2, .offset = 0};
        assert_ok(log_read(fixture.log, addresses[1], 2, &buffer, &record));
        assert_slice(record.bytes, "two");
        assert_int_equal(record.time_ns, 7);
        assert_err(log_read(fixture.log, addresses[1], 1, &buffer, &record), EVER_CORRUPT);
        assert_err(log_read(fixture.log, beside, 1, &buffer, &record), EVER_CORRUPT);
        assert_err(log_read(fixture.log, behind, 1, &buffer, &record), EVER_CORRUPT);
        assert_err(log_read(fixture.log, nowhere, 1, &buffer, &record), EVER_NOT_FOUND);
        assert_err(log_read(fixture.log, addresses[1], 3, &buffer, &record), EVER_NOT_FOUND);
        fixture_reopen(&fixture); /* now from the file */
    }
    log_buffer_deinit(&buffer);
    fixture_deinit(&fixture);
}

static void one_writer_any_number_of_readers(void **state)
{
    (void)state; /* cmocka's signature */
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_append(&fixture, 10);
    struct log *other;
    struct log_options options = fixture.options;
    assert_err(log_open(vfs_real(), fixture.dir, &options, &other), EVER_BUSY);
    options.read_only = true;
    assert_ok(log_open(vfs_real(), fixture.dir, &options, &other));
    fixture_append(&fixture, 10);
    assert_int_equal(log_committed(other), 10);
    check_from(other, 1);
    struct ever_slice record = SLICE_LITERAL("x");
    struct log_address address;
    assert_err(log_append(other, &record, 1, 1, &address), EVER_CLOSED);
    log_close(other);
    options.store_id.bytes[0] ^= 1;
    assert_err(log_open(vfs_real(), fixture.dir, &options, &other), EVER_FOREIGN);
    options.segment_bytes = 100000;
    assert_err(log_open(vfs_real(), fixture.dir, &options, &other), EVER_INVALID);
    fixture_deinit(&fixture);
}

static void read_only_finds_an_empty_folder_empty(void **state)
{
    (void)state; /* cmocka's signature */
    char dir[] = "/tmp/everfold-log-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct log_options options = {.segment_bytes = 64 << 10, .read_only = true};
    struct log *log;
    assert_ok(log_open(vfs_real(), dir, &options, &log));
    assert_int_equal(log_committed(log), 0);
    assert_int_equal(log_segment_count(log), 0);
    log_close(log);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_appended),
        cmocka_unit_test(agrees_with_the_model),
        cmocka_unit_test(segments_say_what_they_hold),
        cmocka_unit_test(closing_attests_the_end_once),
        cmocka_unit_test(one_append_may_exceed_a_segment),
        cmocka_unit_test(refuses_a_wrong_address),
        cmocka_unit_test(one_writer_any_number_of_readers),
        cmocka_unit_test(read_only_finds_an_empty_folder_empty),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
