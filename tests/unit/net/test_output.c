/* Catches: bytes of an answer lost, doubled, reordered or moved while they are sent piece by piece
 * and more are added. */
#include "unit/unit.h"

#include "base/text.h"
#include "net/output.h"

/* Adds, reserves, appends and drops in sizes that look random, against one flat buffer. */
static void matches_a_flat_buffer(void **state)
{
    (void)state; /* cmocka's signature */
    struct output_pool pool = {0};
    struct output output = {0};
    struct text flat = {0};
    size_t dropped = 0;
    uint32_t seed = 7;
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1664525u + 1013904223u;
        size_t size = (seed >> 8) % (step % 50 == 0 ? 20000 : 700);
        char bytes[20000];
        memset(bytes, 'a' + step % 26, size);
        switch (seed >> 30) {
        case 0:
            output_add(&output, &pool, slice_of(bytes, size));
            text_add(&flat, slice_of(bytes, size));
            break;
        case 1: {
            struct output other = {0};
            output_add(&other, &pool, slice_of(bytes, size));
            memcpy(output_reserve(&other, &pool, 10), "0123456789", 10);
            output_append(&output, &other);
            assert_int_equal(other.size, 0);
            text_add(&flat, slice_of(bytes, size));
            text_add(&flat, SLICE_LITERAL("0123456789"));
            break;
        }
        default: {
            size_t left = flat.size - dropped;
            size_t drop = size * 2 < left ? size * 2 : left;
            output_drop(&output, &pool, drop);
            dropped += drop;
            break;
        }
        }
        assert_int_equal(output.size, flat.size - dropped);
        uv_buf_t buffers[8];
        unsigned count = output_buffers(&output, buffers, 8);
        assert_true(count > 0 || output.size == 0);
        size_t at = dropped;
        for (unsigned i = 0; i < count; i++) {
            assert_true(buffers[i].len > 0);
            assert_memory_equal(buffers[i].base, flat.data + at, buffers[i].len);
            at += buffers[i].len;
        }
    }
    output_drop(&output, &pool, output.size);
    assert_null(output.first);
    assert_true(pool.free_count > 0);
    output_pool_deinit(&pool);
    text_deinit(&flat);
}

static void bytes_that_were_lent_do_not_move(void **state)
{
    (void)state; /* cmocka's signature */
    struct output_pool pool = {0};
    struct output output = {0};
    output_add(&output, &pool, SLICE_LITERAL("lent"));
    uv_buf_t buffer;
    assert_int_equal(output_buffers(&output, &buffer, 1), 1);
    for (int i = 0; i < 10000; i++) {
        output_add(&output, &pool, SLICE_LITERAL("more"));
    }
    assert_memory_equal(buffer.base, "lent", 4);
    assert_int_equal(buffer.len, 4);
    output_drop(&output, &pool, output.size);
    output_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_a_flat_buffer),
        cmocka_unit_test(bytes_that_were_lent_do_not_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
