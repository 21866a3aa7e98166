/* Catches: a store that opens what is not its own, that two processes write, that forgets who it
 * is, whose readers are not woken, or that needs its index to be whole. */
#include "store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/stat.h>

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_init(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_deinit(&fixture);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", fixture.dir, name); /* it fits */
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* --- Opening --------------------------------------------------------------------------------- */

static void a_store_keeps_its_id(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_uuid id = ever_store_id(fixture.store);
    fixture_reopen(&fixture);
    struct ever_uuid again = ever_store_id(fixture.store);
    assert_memory_equal(id.bytes, again.bytes, sizeof id.bytes);
    assert_int_equal(id.bytes[6] >> 4, 4);
}

static void only_one_writes(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever *second = NULL;
    assert_err(ever_open(fixture.dir, NULL, &second), EVER_BUSY);
    assert_null(second);
    append_one(&fixture, "a-1", "T", "1");
    struct ever_options options = {.read_only = true};
    assert_ok(ever_open(fixture.dir, &options, &second));
    assert_int_equal(ever_last_position(second), 1);
    struct ever_new_event event = event_of("T", "2");
    struct ever_write write = write_of("a-1", &event, 1);
    struct ever_result result;
    assert_err(ever_append(second, &write, 1, &result, NULL), EVER_INVALID);
    int64_t revision;
    assert_ok(ever_last_revision(second, SLICE_LITERAL("a-1"), &revision));
    assert_int_equal(revision, 0);
    ever_close(second);
}

static void read_only_makes_nothing(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_options options = {.read_only = true};
    struct ever *store = NULL;
    char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/none", fixture.root); /* it fits */
    assert_err(ever_open(dir, &options, &store), EVER_NOT_FOUND);
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_err(ever_open(dir, &options, &store), EVER_NOT_FOUND);
    assert_int_equal(rmdir(dir), 0); /* so it is still empty */
}

static void a_foreign_folder_is_left_alone(void **state)
{
    (void)state; /* cmocka's, unused */
    char dir[256];
    char letter[300];
    (void)snprintf(dir, sizeof dir, "%s/foreign", fixture.root); /* these fit */
    (void)snprintf(letter, sizeof letter, "%s/letter.txt", dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    write_file(letter, "dear reader");
    struct ever *store = NULL;
    assert_err(ever_open(dir, NULL, &store), EVER_FOREIGN);
    assert_null(store);
    assert_int_equal(unlink(letter), 0);
    assert_int_equal(rmdir(dir), 0); /* so nothing was put beside it */
    write_file(dir, "a file");
    assert_err(ever_open(dir, NULL, &store), EVER_FOREIGN);
}

static void the_file_store_says_what_it_is(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_close(&fixture);
    struct ever *store = NULL;
    write_file(path_of("store"), "a shop\n");
    assert_err(ever_open(fixture.dir, NULL, &store), EVER_FOREIGN);
    write_file(path_of("store"), "everfold store\nformat 2\n");
    assert_err(ever_open(fixture.dir, NULL, &store), EVER_UNSUPPORTED);
    write_file(path_of("store"), "everfold store\nformat 1\nid 123\n");
    assert_err(ever_open(fixture.dir, NULL, &store), EVER_CORRUPT);
    assert_null(store);
    /* Another store's id: the log is not its log. */
    write_file(path_of("store"),
               "everfold store\nformat 1\nid 11111111-1111-4111-8111-111111111111\n");
    assert_err(ever_open(fixture.dir, NULL, &store), EVER_FOREIGN);
}

static void an_interrupted_creation_is_done_again(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_close(&fixture);
    assert_int_equal(nftw(fixture.dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(mkdir(fixture.dir, 0755), 0);
    write_file(path_of("lock"), "");
    write_file(path_of("store.new"), "everf");
    fixture_open(&fixture);
    assert_int_equal(append_one(&fixture, "a-1", "T", "1"), 1);
}

/* As a power cut leaves it between two steps of the creation. */
static void a_creation_without_its_log_is_done_again(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_close(&fixture);
    assert_int_equal(remove(path_of("log/0000000001.seg")), 0);
    write_file(path_of("store"), "everfold store\nformat 1\n"
                                 "id 0b5a9c0e-52a5-4a55-9d3c-6f0f3a0e6a11\n");
    fixture_open(&fixture);
    append_one(&fixture, "a-1", "T", "1");
    fixture_reopen(&fixture);
    assert_int_equal(ever_last_position(fixture.store), 1);
}

static void expect_no_log(bool read_only)
{
    struct ever_options options = {.read_only = read_only};
    struct ever *store = NULL;
    assert_err(ever_open(fixture.dir, &options, &store), EVER_NOT_FOUND);
    assert_null(store);
}

static void a_log_that_is_gone_is_missed(void **state)
{
    (void)state; /* cmocka's, unused */
    fixture_close(&fixture);
    char aside[256];
    (void)snprintf(aside, sizeof aside, "%s/aside", fixture.root); /* it fits */
    assert_int_equal(rename(path_of("log/0000000001.seg"), aside), 0);
    expect_no_log(false);
    expect_no_log(true);
    assert_int_equal(rename(aside, path_of("log/0000000001.seg")), 0);
    assert_int_equal(rename(path_of("log"), aside), 0);
    expect_no_log(false);
    expect_no_log(true);
    assert_int_equal(access(path_of("log"), F_OK), -1);
    assert_int_equal(rename(aside, path_of("log")), 0);
    fixture_open(&fixture);
}

static void closing_nothing_is_no_fault(void **state)
{
    (void)state; /* cmocka's, unused */
    ever_close(NULL);
    ever_cursor_close(NULL);
    ever_unwatch(NULL);
}

/* --- Index files ----------------------------------------------------------------------------- */

static void append_segments(uint32_t count)
{
    struct ever_stats stats;
    uint32_t number = 0;
    do {
        struct ever_new_event events[20];
        for (int i = 0; i < 20; i++) {
            events[i] = event_of(i % 3 == 0 ? "Fizz" : "T", "bytes that fill up a segment");
            events[i].id = id_of(number++);
        }
        char stream[32];
        (void)snprintf(stream, sizeof stream, "a-%u", number % 7); /* it fits */
        append_write(&fixture, write_of(stream, events, 20));
        ever_stats(fixture.store, &stats);
    } while (stats.segments < count);
}

static int count_index_files(void)
{
    int count = 0;
    DIR *dir = opendir(path_of("index"));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        count += end != NULL && strcmp(end, ".idx") == 0;
    }
    closedir(dir);
    return count;
}

static char *everything(void)
{
    static char text[1 << 20];
    static const char *const streams[] = {"a-0", "a-3", "a-6", "none"};
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < 4; i++) {
        struct ever_read read = {.stream = slice_of_text(streams[i]), .from = i};
        size += (size_t)snprintf(text + size, sizeof text - size, "%s|", read_all(&fixture, read));
    }
    struct ever_read read = {.types = &(struct ever_slice){"Fizz", 4},
                             .type_count = 1,
                             .from = UINT64_MAX,
                             .backward = true};
    size += (size_t)snprintf(text + size, sizeof text - size, "%s|", read_all(&fixture, read));
    for (uint32_t i = 0; i < 800; i += 91) {
        uint64_t position = 0;
        struct ever_err err = ever_find(fixture.store, id_of(i), &position);
        size += (size_t)snprintf(text + size, sizeof text - size, "%d:%d ", (int)err.code,
                                 (int)position);
    }
    assert_true(size < sizeof text);
    return text;
}

static void a_missing_index_is_made_again(void **state)
{
    (void)state; /* cmocka's, unused */
    append_segments(4);
    char *want = strdup(everything());
    fixture_reopen(&fixture);
    assert_int_equal(count_index_files(), 3);
    assert_string_equal(everything(), want);
    fixture_close(&fixture);
    assert_int_equal(unlink(path_of("index/0000000002.idx")), 0);
    fixture_open(&fixture);
    assert_int_equal(count_index_files(), 3);
    assert_string_equal(everything(), want);
    fixture_close(&fixture);
    assert_int_equal(nftw(path_of("index"), fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    fixture_open(&fixture);
    assert_int_equal(count_index_files(), 3);
    assert_string_equal(everything(), want);
    free(want);
}

static void flip(const char *path, off_t offset)
{
    assert_int_equal(chmod(path, 0644), 0);
    int fd = open(path, O_RDWR);
    unsigned char byte;
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void a_damaged_index_changes_no_answer(void **state)
{
    (void)state; /* cmocka's, unused */
    append_segments(3);
    char *want = strdup(everything());
    fixture_reopen(&fixture);
    struct stat status;
    assert_int_equal(stat(path_of("index/0000000001.idx"), &status), 0);
    for (off_t offset = 0; offset < status.st_size; offset += 509) {
        fixture_close(&fixture);
        flip(path_of("index/0000000001.idx"), offset);
        fixture_open(&fixture);
        assert_string_equal(everything(), want);
    }
    fixture_close(&fixture);
    assert_int_equal(truncate(path_of("index/0000000002.idx"), 100), 0);
    fixture_open(&fixture);
    assert_string_equal(everything(), want);
    free(want);
}

static void another_segments_index_is_not_believed(void **state)
{
    (void)state; /* cmocka's, unused */
    append_segments(4);
    char *want = strdup(everything());
    fixture_close(&fixture);
    char other[256];
    strcpy(other, path_of("index/0000000001.idx"));
    assert_int_equal(rename(path_of("index/0000000002.idx"), other), 0);
    fixture_open(&fixture);
    assert_string_equal(everything(), want);
    free(want);
}

/* --- A damaged log --------------------------------------------------------------------------- */

static void a_damaged_log_is_read_but_not_written(void **state)
{
    (void)state; /* cmocka's, unused */
    append_segments(3);
    uint64_t last = ever_last_position(fixture.store);
    fixture_close(&fixture);
    flip(path_of("log/0000000001.seg"), 9000);
    assert_int_equal(nftw(path_of("index"), fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    struct ever_err opened =
        store_open(vfs_real(), env_real(), fixture.dir, &fixture.options, &fixture.store);
    assert_true(opened.code == EVER_OK || opened.code == EVER_CORRUPT);
    assert_non_null(fixture.store);

    /* The whole log but a short range, which is named. */
    struct ever_cursor *cursor;
    const struct ever_event *event;
    uint64_t given = 0;
    uint64_t lost = 0;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){0}, &cursor));
    struct ever_err err;
    while ((err = ever_next(cursor, &event)).code != EVER_END) {
        assert_true(err.code == EVER_OK || err.code == EVER_CORRUPT);
        given += err.code == EVER_OK;
        if (err.code == EVER_CORRUPT) {
            uint64_t from;
            uint64_t to;
            assert_true(ever_cursor_damage(cursor, &from, &to));
            assert_int_equal(from, given + lost + 1);
            lost += to - from + 1;
        }
    }
    assert_int_equal(ever_cursor_position(cursor), last);
    ever_cursor_close(cursor);
    assert_int_equal(given + lost, last);
    assert_in_range(lost, 1, 40);

    /* Nobody can say whether an unknown stream or id is in the hole, so nothing is built on it. */
    struct ever_new_event new_event = event_of("T", "1");
    struct ever_write write = write_of("brand-new", &new_event, 1);
    struct ever_result result;
    assert_err(ever_append(fixture.store, &write, 1, &result, NULL), EVER_CORRUPT);
    int64_t revision;
    assert_err(ever_last_revision(fixture.store, SLICE_LITERAL("brand-new"), &revision),
               EVER_CORRUPT);
    assert_int_equal(ever_last_position(fixture.store), last);
}

/* --- Time ------------------------------------------------------------------------------------ */

struct test_env {
    struct env env;
    int64_t wall_ns;
    uint8_t next_byte;
};

static int64_t test_wall_ns(struct env *env)
{
    return ((struct test_env *)env)->wall_ns;
}

static void test_random(struct env *env, void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = ((struct test_env *)env)->next_byte++;
    }
}

static void time_never_goes_back(void **state)
{
    (void)state; /* cmocka's, unused */
    struct test_env env = {
        .env = {.wall_ns = test_wall_ns, .monotonic_ns = test_wall_ns, .random = test_random}};
    static const int64_t clock_ns[] = {1000, 500, 2000, 0, 2001};
    static const int64_t want_ns[] = {1000, 1000, 2000, 2000, 2001};
    for (int i = 0; i < 5; i++) {
        fixture_close(&fixture);
        env.wall_ns = clock_ns[i];
        assert_ok(store_open(vfs_real(), &env.env, fixture.dir, &fixture.options, &fixture.store));
        uint64_t position = append_one(&fixture, "a-1", "T", "1");
        struct ever_cursor *cursor;
        const struct ever_event *event;
        assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){.from = position}, &cursor));
        assert_ok(ever_next(cursor, &event));
        assert_int_equal(event->time_ns, want_ns[i]);
        ever_cursor_close(cursor);
    }
}

/* --- Following ------------------------------------------------------------------------------- */

static void *append_after_a_sign(void *arg)
{
    sem_t *sign = arg;
    sem_wait(sign);
    append_one(&fixture, "a-1", "T", "1");
    return NULL;
}

static void waiting_ends_when_the_log_grows(void **state)
{
    (void)state; /* cmocka's, unused */
    struct ever_cursor *cursor;
    const struct ever_event *event;
    assert_ok(ever_cursor_open(fixture.store, &(struct ever_read){0}, &cursor));
    assert_err(ever_wait(cursor, 0), EVER_TIMEOUT);
    assert_err(ever_wait(cursor, 1), EVER_TIMEOUT);
    sem_t sign;
    pthread_t thread;
    sem_init(&sign, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, append_after_a_sign, &sign), 0);
    sem_post(&sign);
    assert_ok(ever_wait(cursor, 60000));
    assert_ok(ever_next(cursor, &event));
    assert_err(ever_wait(cursor, 0), EVER_TIMEOUT);
    pthread_join(thread, NULL);
    sem_destroy(&sign);
    ever_cursor_close(cursor);
}

static void note_position(void *arg, uint64_t last_position)
{
    *(uint64_t *)arg = last_position;
}

static void watchers_are_called_until_they_leave(void **state)
{
    (void)state; /* cmocka's, unused */
    uint64_t seen[3] = {0};
    struct ever_watch *watches[3];
    for (int i = 0; i < 3; i++) {
        assert_ok(ever_watch(fixture.store, note_position, &seen[i], &watches[i]));
    }
    append_one(&fixture, "a-1", "T", "1");
    ever_unwatch(watches[1]);
    append_one(&fixture, "a-1", "T", "2");
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 1);
    assert_int_equal(seen[2], 2);
    ever_unwatch(watches[0]);
    ever_unwatch(watches[2]);
    append_one(&fixture, "a-1", "T", "3");
    assert_int_equal(seen[0], 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_keeps_its_id),
        TEST(only_one_writes),
        TEST(read_only_makes_nothing),
        TEST(a_foreign_folder_is_left_alone),
        TEST(the_file_store_says_what_it_is),
        TEST(an_interrupted_creation_is_done_again),
        TEST(a_creation_without_its_log_is_done_again),
        TEST(a_log_that_is_gone_is_missed),
        TEST(closing_nothing_is_no_fault),
        TEST(a_missing_index_is_made_again),
        TEST(a_damaged_index_changes_no_answer),
        TEST(another_segments_index_is_not_believed),
        TEST(a_damaged_log_is_read_but_not_written),
        TEST(time_never_goes_back),
        TEST(waiting_ends_when_the_log_grows),
        TEST(watchers_are_called_until_they_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
