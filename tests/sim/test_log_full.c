/* Catches: an append that was refused because the disk was full, and is there after a crash. */
#include "unit/unit.h"

#include "log/log.h"
#include "sim/disk.h"

#define DIR_NAME "log"
#define FIRST_BYTES (900u << 10) /* leaves less than REFUSED_BYTES of what is filled ahead */
#define REFUSED_BYTES (300u << 10)

static struct ever_err open_log(struct disk *disk, struct log **out_log)
{
    struct log_options options = {
        .segment_bytes = 4 << 20, .tail_bytes = 8 << 10, .store_id = {{7, 7, 7}}};
    return log_open(disk_vfs(disk), DIR_NAME, &options, out_log);
}

static struct ever_err append(struct log *log, char letter, size_t size)
{
    static char bytes[FIRST_BYTES];
    struct ever_slice record = slice_of(bytes, size);
    struct log_address address;
    memset(bytes, letter, size);
    return log_append(log, &record, 1, 1, &address);
}

/* Of a write one sector, on a full disk; nothing in a process that dies. */
static uint32_t choose_one(struct disk_choices *choices, uint32_t count)
{
    (void)choices; /* always the same */
    (void)count;   /* at least 2 */
    return 1;
}

/* All but its first sector is zeroes, and zeroes are what the next append writes ahead. Then the
 * process dies, before that append's own block is there. */
static void what_was_refused_stays_away(void **state)
{
    (void)state; /* cmocka's signature */
    struct disk *disk = disk_create(512);
    struct disk_choices choices = {.choose = choose_one};
    struct log *log;
    assert_ok(open_log(disk, &log));
    assert_ok(append(log, 'a', FIRST_BYTES));
    disk_arm(disk, DISK_FULL, disk_calls(disk), &choices);
    assert_err(append(log, 0, REFUSED_BYTES), EVER_NO_SPACE);
    disk_disarm(disk);
    disk_arm(disk, DISK_DIE, disk_calls(disk) + 1, &choices);
    assert_err(append(log, 'b', REFUSED_BYTES), EVER_IO);
    log_close(log);
    disk_restart(disk);
    assert_ok(open_log(disk, &log));
    assert_int_equal(log_committed(log), 1);
    log_close(log);
    disk_destroy(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_refused_stays_away),
    };
    return cmocka_run_group_tests_name("a full disk under the log", tests, NULL, NULL);
}
