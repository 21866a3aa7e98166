/* Catches: a slice, text, arena, UUID, time or checksum that gives a wrong byte at an edge; random
 * bytes that are given twice. */
#include "unit/unit.h"

#include "base/arena.h"
#include "base/checksum.h"
#include "base/mailbox.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "base/uuid.h"

#include <sys/wait.h>
#include <unistd.h>

static void slices_compare_trim_and_parse(void **state)
{
    (void)state; /* cmocka's signature */
    assert_true(slice_compare(SLICE_LITERAL("ab"), SLICE_LITERAL("abc")) < 0);
    assert_true(slice_compare(SLICE_LITERAL("b"), SLICE_LITERAL("abc")) > 0);
    assert_true(slice_equal(SLICE_NONE, SLICE_LITERAL("")));
    assert_true(
        slice_equal_ignoring_case(SLICE_LITERAL("Content-Type"), SLICE_LITERAL("content-tYPE")));
    assert_false(slice_equal_ignoring_case(SLICE_LITERAL("a"), SLICE_LITERAL("ab")));
    assert_slice(slice_trim(SLICE_LITERAL(" \ta b\t ")), "a b");
    assert_slice(slice_trim(SLICE_LITERAL("  ")), "");
    assert_int_equal(slice_find_byte(SLICE_LITERAL("abc"), 'c'), 2);
    assert_int_equal(slice_find_byte(SLICE_LITERAL("abc"), 'x'), 3);
}

static void whole_numbers_have_one_form(void **state)
{
    (void)state; /* cmocka's signature */
    uint64_t value = 7;
    assert_true(slice_parse_u64(SLICE_LITERAL("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_true(slice_parse_u64(SLICE_LITERAL("0"), &value));
    static const char *const bad[] = {"",   "-1", "+1", "01", "1.0", " 1", "18446744073709551616",
                                      "1e3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(slice_parse_u64(slice_of_text(bad[i]), &value));
    }
}

static void text_grows_and_stays_terminated(void **state)
{
    (void)state; /* cmocka's signature */
    struct text text = {0};
    struct text want = {0};
    for (unsigned i = 0; i < 1000; i++) {
        text_add_u64(&text, i);
        text_printf(&want, "%u", i);
        assert_int_equal(text.data[text.size], '\0');
    }
    assert_string_equal(text.data, want.data);
    text_clear(&text);
    text_add_u64(&text, UINT64_MAX);
    assert_slice(text_slice(&text), "18446744073709551615");
    text_deinit(&text);
    text_deinit(&want);
}

static void arena_memory_is_aligned_and_separate(void **state)
{
    (void)state; /* cmocka's signature */
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        char *previous = NULL;
        for (size_t size = 1; size < 5000; size += 37) {
            char *memory = arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
            assert_ptr_not_equal(memory, previous);
            memset(memory, (int)size, size);
            previous = memory;
        }
        char *huge = arena_alloc(&arena, 1 << 20);
        memset(huge, 1, 1 << 20);
        assert_slice(arena_printf(&arena, "%s-%d", "a", 12), "a-12");
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void uuids_go_to_text_and_back(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_uuid four = uuid_v4(env_real());
    struct ever_uuid seven = uuid_v7(env_real());
    assert_int_equal(four.bytes[6] >> 4, 4);
    assert_int_equal(seven.bytes[6] >> 4, 7);
    assert_int_equal(seven.bytes[8] >> 6, 2);
    char text[UUID_TEXT_BYTES];
    uuid_format(seven, text);
    struct ever_uuid back;
    assert_true(uuid_parse(slice_of(text, sizeof text), &back));
    assert_true(uuid_equal(seven, back));
    assert_true(uuid_parse(SLICE_LITERAL("0190A5F0-0000-7000-8000-00000000000F"), &back));
    assert_int_equal(back.bytes[15], 15);
    assert_false(uuid_parse(SLICE_LITERAL("0190a5f0-0000-7000-8000-00000000000"), &back));
    assert_false(uuid_parse(SLICE_LITERAL("0190a5f0x0000-7000-8000-00000000000f"), &back));
    assert_false(uuid_parse(SLICE_LITERAL("0190a5f0-0000-7000-8000-00000000000g"), &back));
}

static void times_go_to_text_and_back(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *text;
        const char *canonical;
    } good[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
        {"2026-11-23T23:31:00.123456789+01:30", "2026-11-23T22:01:00.123456Z"},
        {"2024-02-29t12:00:00.5z", "2024-02-29T12:00:00.500000Z"},
        {"1969-12-31T23:59:59.999999-00:00", "1969-12-31T23:59:59.999999Z"},
        {"1678-01-01T00:00:00Z", "1678-01-01T00:00:00.000000Z"},
        {"1900-02-28T23:59:59Z", "1900-02-28T23:59:59.000000Z"},
        {"1900-03-01T00:00:00Z", "1900-03-01T00:00:00.000000Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
        {"2000-12-31T23:59:59Z", "2000-12-31T23:59:59.000000Z"},
        {"2261-12-31T23:59:59Z", "2261-12-31T23:59:59.000000Z"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t time_ns;
        char text[TIMESTAMP_TEXT_BYTES];
        assert_true(timestamp_parse(slice_of_text(good[i].text), &time_ns));
        timestamp_format(time_ns, text);
        assert_slice(slice_of(text, sizeof text), good[i].canonical);
    }
    static const char *const bad[] = {"",
                                      "2026-11-23",
                                      "2026-11-23T23:31:00",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-11-23T24:00:00Z",
                                      "2026-11-23T23:31:00.Z",
                                      "2026-11-23T23:31:00Zx",
                                      "2300-01-01T00:00:00Z",
                                      "2026-11-23T23:31:00+24:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t time_ns;
        if (timestamp_parse(slice_of_text(bad[i]), &time_ns)) {
            fail_msg("accepted %s", bad[i]);
        }
    }
}

static void checksums_match_published_values(void **state)
{
    (void)state; /* cmocka's signature */
    assert_int_equal(crc32c(0, SLICE_LITERAL("123456789")), 0xe3069283);
    char zeros[32] = {0};
    assert_int_equal(crc32c(0, slice_of(zeros, sizeof zeros)), 0x8a9136aa); /* RFC 3720 B.4 */
    uint32_t in_parts = crc32c(crc32c(0, SLICE_LITERAL("1234")), SLICE_LITERAL("56789"));
    assert_int_equal(in_parts, 0xe3069283);
    assert_true(hash64(SLICE_NONE, 0) == UINT64_C(0x2d06800538d394c2)); /* XXH3's own test vector */
}

static void utf8_knows_the_edges(void **state)
{
    (void)state; /* cmocka's signature */
    static const uint32_t points[] = {0,      0x7f,   0x80,   0x7ff,   0x800,
                                      0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        char bytes[4];
        size_t size = utf8_encode(points[i], bytes);
        assert_int_equal(utf8_sequence(bytes, bytes + size), size);
        assert_int_equal(size > 1 ? utf8_sequence(bytes, bytes + size - 1) : 0, 0);
    }
    assert_false(utf8_check(SLICE_LITERAL("\xf4\x90\x80\x80")));
    assert_false(utf8_check(SLICE_LITERAL("\xe0\x9f\xbf")));
    assert_false(utf8_check(SLICE_LITERAL("a\x80")));
}

static void count_wake(void *arg)
{
    ++*(int *)arg;
}

static void mail_arrives_in_order_with_one_wake(void **state)
{
    (void)state; /* cmocka's signature */
    int wakes = 0;
    struct mailbox box;
    struct mail mails[3];
    mailbox_init(&box, count_wake, &wakes);
    for (size_t i = 0; i < 3; i++) {
        mailbox_send(&box, &mails[i]);
    }
    assert_int_equal(wakes, 1);
    struct mail *mail = mailbox_take_all(&box);
    for (size_t i = 0; i < 3; i++, mail = mail->next) {
        assert_ptr_equal(mail, &mails[i]);
    }
    assert_null(mail);
    assert_null(mailbox_take_all(&box));
    mailbox_deinit(&box);
}

/* --- Random numbers --------------------------------------------------------------------------- */

static struct ever_uuid draw(void)
{
    struct env *env = env_real();
    struct ever_uuid drawn;
    env->random(env, drawn.bytes, sizeof drawn.bytes);
    return drawn;
}

static void random_bytes_are_given_once(void **state)
{
    (void)state; /* cmocka's, unused */
    enum { COUNT = 200 };
    struct ever_uuid drawn[COUNT];
    for (int i = 0; i < COUNT; i++) {
        drawn[i] = draw();
        for (int k = 0; k < i; k++) {
            assert_false(uuid_equal(drawn[i], drawn[k]));
        }
    }
    unsigned char large[1000] = {0};
    struct env *env = env_real();
    env->random(env, large, sizeof large);
    assert_memory_not_equal(large, large + 500, 500);
}

static void a_child_process_draws_other_bytes_than_its_parent(void **state)
{
    (void)state;  /* cmocka's, unused */
    (void)draw(); /* so that there may be some in stock */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct ever_uuid drawn = draw();
        _exit(write(ends[1], drawn.bytes, sizeof drawn.bytes) == sizeof drawn.bytes ? 0 : 1);
    }
    assert_true(child > 0);
    struct ever_uuid own = draw();
    struct ever_uuid theirs;
    assert_int_equal(read(ends[0], theirs.bytes, sizeof theirs.bytes), sizeof theirs.bytes);
    assert_false(uuid_equal(own, theirs));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_trim_and_parse),
        cmocka_unit_test(whole_numbers_have_one_form),
        cmocka_unit_test(text_grows_and_stays_terminated),
        cmocka_unit_test(arena_memory_is_aligned_and_separate),
        cmocka_unit_test(uuids_go_to_text_and_back),
        cmocka_unit_test(times_go_to_text_and_back),
        cmocka_unit_test(checksums_match_published_values),
        cmocka_unit_test(utf8_knows_the_edges),
        cmocka_unit_test(mail_arrives_in_order_with_one_wake),
        cmocka_unit_test(random_bytes_are_given_once),
        cmocka_unit_test(a_child_process_draws_other_bytes_than_its_parent),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
