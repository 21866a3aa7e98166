/* Catches: a name two programs could read in two ways that is let through; a path cut or decoded
 * wrongly; an encoded name that does not decode to itself. */
#include "unit/unit.h"

#include "gateway/wire/name.h"

#include <stdlib.h>

static struct arena arena;

static int open_arena(void **state)
{
    (void)state; /* cmocka's signature */
    arena_init(&arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state; /* cmocka's signature */
    arena_deinit(&arena);
    return 0;
}

static void good_names_pass(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const good[] = {
        "account-alice", "a",           "...", ".hidden", "$command-1",
        "a b",           "caf\xc3\xa9", "%2F", "-",       "{x}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (name_fault(slice_of_text(good[i])) != NULL) {
            fail_msg("%s: %s", good[i], name_fault(slice_of_text(good[i])));
        }
    }
}

static void bad_names_are_refused_with_the_rule(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        struct ever_slice name;
        const char *word;
    } bad[] = {
        {SLICE_LITERAL(""), "empty"},         {SLICE_LITERAL("."), "."},
        {SLICE_LITERAL(".."), ".."},          {SLICE_LITERAL("a/b"), "slash"},
        {SLICE_LITERAL("a\nb"), "control"},   {SLICE_LITERAL("a\x7f"), "control"},
        {SLICE_LITERAL("a\0b"), "control"},   {SLICE_LITERAL("\xff"), "UTF-8"},
        {SLICE_LITERAL("\xc0\xaf"), "UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *fault = name_fault(bad[i].name);
        assert_non_null(fault);
        assert_non_null(strstr(fault, bad[i].word));
    }
}

static void names_have_512_bytes_at_most(void **state)
{
    (void)state; /* cmocka's signature */
    char name[513];
    memset(name, 'x', sizeof name);
    assert_null(name_fault(slice_of(name, 512)));
    assert_non_null(name_fault(slice_of(name, 513)));
    assert_null(label_fault(slice_of(name, 256), EVER_TAG_BYTES_MAX));
    assert_non_null(label_fault(slice_of(name, 257), EVER_TAG_BYTES_MAX));
}

static void labels_may_hold_slashes_and_dots(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(label_fault(SLICE_LITERAL("a/b"), EVER_TAG_BYTES_MAX));
    assert_null(label_fault(SLICE_LITERAL(".."), EVER_TAG_BYTES_MAX));
}

/* The segments with "|" between them, or the fault. */
static const char *split(const char *raw)
{
    struct path path;
    struct ever_slice culprit;
    const char *fault = path_split(slice_of_text(raw), &arena, &path, &culprit);
    if (fault != NULL) {
        return fault;
    }
    struct ever_slice all = SLICE_LITERAL("");
    for (size_t i = 0; i < path.count; i++) {
        all = arena_printf(&arena, "%.*s%s%.*s", SLICE_PRINT(all), i == 0 ? "" : "|",
                           SLICE_PRINT(path.segments[i]));
    }
    return all.data;
}

static void paths_are_cut_first_and_decoded_once(void **state)
{
    (void)state; /* cmocka's signature */
    assert_string_equal(split("/"), "");
    assert_string_equal(split("/streams/a-1"), "streams|a-1");
    assert_string_equal(split("/streams/a%20b%C3%A9"), "streams|a b\xc3\xa9");
    assert_string_equal(split("/streams/%252F"), "streams|%2F");
    assert_string_equal(split("/streams/a+b"), "streams|a+b");
    assert_string_equal(split("/streams/"), "streams|");
    assert_string_equal(split("/streams//0"), "streams||0");
}

static void paths_that_could_be_misread_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {"",      "streams",    "/a%2fb", "/a%2Fb",  "/..",
                                      "/%2e.", "/a/%2E%2E/", "/a%zz",  "/a%2",    "/a%",
                                      "/a%00", "/a/.",       "/%ff",   "/%c0%af", "/a/../b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct path path;
        struct ever_slice culprit;
        if (path_split(slice_of_text(bad[i]), &arena, &path, &culprit) == NULL) {
            fail_msg("%s was let through", bad[i]);
        }
    }
}

static void too_many_segments_are_counted_and_not_stored(void **state)
{
    (void)state; /* cmocka's signature */
    struct text raw = {0};
    for (size_t i = 0; i < PATH_SEGMENTS_MAX + 20; i++) {
        text_add_text(&raw, "/x");
    }
    struct path path;
    struct ever_slice culprit;
    assert_null(path_split(text_slice(&raw), &arena, &path, &culprit));
    assert_int_equal(path.count, PATH_SEGMENTS_MAX + 1);
    text_deinit(&raw);
}

static void an_encoded_name_decodes_to_itself(void **state)
{
    (void)state; /* cmocka's signature */
    struct ever_slice name = SLICE_LITERAL("a b%/?#\xc3\xa9&=+~");
    struct text encoded = {0};
    name_write_encoded(&encoded, name);
    assert_slice(text_slice(&encoded), "a%20b%25%2F%3F%23%C3%A9%26%3D%2B~");
    text_deinit(&encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names_pass),
        cmocka_unit_test(bad_names_are_refused_with_the_rule),
        cmocka_unit_test(names_have_512_bytes_at_most),
        cmocka_unit_test(labels_may_hold_slashes_and_dots),
        cmocka_unit_test(paths_are_cut_first_and_decoded_once),
        cmocka_unit_test(paths_that_could_be_misread_are_refused),
        cmocka_unit_test(too_many_segments_are_counted_and_not_stored),
        cmocka_unit_test(an_encoded_name_decodes_to_itself),
    };
    return cmocka_run_group_tests_name("gateway names", tests, open_arena, close_arena);
}
