/* Catches: an event that comes back from its record changed, a damaged record that is taken for an
 * event, and a newer version's record that is misread. */
#include "unit/unit.h"

#include "store/bytes.h"
#include "store/event.h"

#include <stdlib.h>

#define RECORD_BYTES 4096

static struct ever_slice tags[3] = {{"a:1", 3}, {"", 0}, {"\xc3\xa4", 2}};

static struct ever_event full_event(void)
{
    return (struct ever_event){
        .revision = 300,
        .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        .content = EVER_BYTES,
        .continues = true,
        .stream = SLICE_LITERAL("account-alice"),
        .type = SLICE_LITERAL("Deposited"),
        .data = slice_of("\0\1\2", 3),
        .metadata = SLICE_LITERAL("{\"by\":1}"),
        .tags = tags,
        .tag_count = 3,
    };
}

static struct ever_slice encode(const struct ever_event *event, char bytes[RECORD_BYTES])
{
    assert_true(event_bytes_max(event) <= RECORD_BYTES);
    return slice_of(bytes, (size_t)(event_encode(event, bytes) - bytes));
}

static void assert_same(const struct ever_event *a, const struct ever_event *b)
{
    assert_int_equal(a->revision, b->revision);
    assert_memory_equal(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
    assert_int_equal(a->content, b->content);
    assert_int_equal(a->continues, b->continues);
    assert_true(slice_equal(a->stream, b->stream));
    assert_true(slice_equal(a->type, b->type));
    assert_true(slice_equal(a->data, b->data));
    assert_true(slice_equal(a->metadata, b->metadata));
    assert_int_equal(a->tag_count, b->tag_count);
    for (uint32_t i = 0; i < a->tag_count; i++) {
        assert_true(slice_equal(a->tags[i], b->tags[i]));
    }
}

static void all_fields_come_back(void **state)
{
    (void)state; /* cmocka's, unused */
    char bytes[RECORD_BYTES];
    struct event_view view;
    struct ever_event event = full_event();
    assert_ok(event_decode(encode(&event, bytes), &view));
    assert_same(&event, &view.event);

    struct ever_event small = {.stream = SLICE_LITERAL("s"), .type = SLICE_LITERAL("t")};
    assert_ok(event_decode(encode(&small, bytes), &view));
    assert_same(&small, &view.event);
}

static void a_record_is_laid_out_as_documented(void **state)
{
    (void)state; /* cmocka's, unused */
    static const char want[] = "\x01\x0f"
                               "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
                               "\xac\x02"
                               "\x0d"
                               "account-alice"
                               "\x09"
                               "Deposited"
                               "\x03\x03"
                               "a:1\x00\x02\xc3\xa4"
                               "\x08"
                               "{\"by\":1}"
                               "\x00\x01\x02";
    char bytes[RECORD_BYTES];
    struct ever_event event = full_event();
    struct ever_slice record = encode(&event, bytes);
    assert_int_equal(record.size, sizeof want - 1);
    assert_memory_equal(record.data, want, record.size);
}

static void a_record_cut_short_is_not_an_event(void **state)
{
    (void)state; /* cmocka's, unused */
    char bytes[RECORD_BYTES];
    struct ever_event event = full_event();
    event.data = SLICE_NONE; /* data runs to the end, so only what stands before it can be short */
    struct ever_slice record = encode(&event, bytes);
    for (size_t size = 0; size < record.size; size++) {
        char *exact = malloc(size + 1); /* so that reading too far is seen */
        memcpy(exact, record.data, size);
        struct event_view view;
        assert_err(event_decode(slice_of(exact, size), &view), EVER_CORRUPT);
        free(exact);
    }
}

static void any_changed_byte_is_survived(void **state)
{
    (void)state; /* cmocka's, unused */
    char bytes[RECORD_BYTES];
    struct ever_event event = full_event();
    struct ever_slice record = encode(&event, bytes);
    for (size_t i = 0; i < record.size * 256; i++) {
        char *changed = malloc(record.size);
        memcpy(changed, record.data, record.size);
        changed[i / 256] = (char)(i % 256);
        struct event_view view;
        struct ever_err err = event_decode(slice_of(changed, record.size), &view);
        assert_true(err.code == EVER_OK || err.code == EVER_CORRUPT ||
                    err.code == EVER_UNSUPPORTED);
        free(changed);
    }
}

static void a_newer_version_is_skipped_or_refused_as_it_says(void **state)
{
    (void)state; /* cmocka's, unused */
    char bytes[RECORD_BYTES];
    struct event_view view;
    struct ever_event event = {.stream = SLICE_LITERAL("s"), .type = SLICE_LITERAL("t")};
    struct ever_slice record = encode(&event, bytes);
    char *end = put_bytes(bytes + record.size, SLICE_LITERAL("\x05"
                                                             "extra"
                                                             "data"));
    bytes[1] = 1 << 4; /* fields that a reader may skip */
    assert_ok(event_decode(slice_of(bytes, (size_t)(end - bytes)), &view));
    assert_slice(view.event.data, "data");

    bytes[1] = 1 << 5; /* values it cannot read */
    assert_err(event_decode(slice_of(bytes, (size_t)(end - bytes)), &view), EVER_UNSUPPORTED);
    bytes[1] = 0;
    bytes[0] = 2;
    assert_err(event_decode(slice_of(bytes, (size_t)(end - bytes)), &view), EVER_UNSUPPORTED);
}

static void the_category_ends_at_the_first_dash(void **state)
{
    (void)state; /* cmocka's, unused */
    assert_slice(stream_category(SLICE_LITERAL("account-alice-2")), "account");
    assert_slice(stream_category(SLICE_LITERAL("account")), "account");
    assert_slice(stream_category(SLICE_LITERAL("-x")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_come_back),
        cmocka_unit_test(a_record_is_laid_out_as_documented),
        cmocka_unit_test(a_record_cut_short_is_not_an_event),
        cmocka_unit_test(any_changed_byte_is_survived),
        cmocka_unit_test(a_newer_version_is_skipped_or_refused_as_it_says),
        cmocka_unit_test(the_category_ends_at_the_first_dash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
