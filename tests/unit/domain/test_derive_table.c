/* Catches: an entry that is lost, doubled or has another one's bytes after others came, went, grew
 * or shrank; an undo that does not lead back; a bound that is passed. Compares with an array of all
 * keys. */
#include "unit/unit.h"

#include "domain/flow/engine/table_priv.h"

#include <stdlib.h>

#define KEYS 3000
#define SIZE_MOST 5000

struct model {
    uint32_t size[KEYS]; /* of the state, plus 1; 0: not there */
    unsigned char fill[KEYS];
    uint64_t count;
};

static uint64_t seed = 1;

static unsigned pick(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static struct ever_slice key_of(unsigned number, char out[static 32])
{
    int size = snprintf(out, 32, "%u%s", number, number % 3 == 0 ? "-a-longer-key" : "");
    return slice_of(out, (size_t)size);
}

static void check_one(const struct table *table, const struct model *model, unsigned number)
{
    char bytes[32];
    struct ever_slice key = key_of(number, bytes);
    struct table_place place = table_find(table, key, table_hash(key));
    assert_int_equal(place.entry != NULL, model->size[number] > 0);
    if (place.entry == NULL) {
        return;
    }
    struct ever_slice state = table_state(place.entry);
    assert_true(slice_equal(table_key(place.entry), key));
    assert_int_equal(state.size, model->size[number] - 1);
    for (size_t i = 0; i < state.size; i++) {
        assert_int_equal((unsigned char)state.data[i], model->fill[number]);
    }
}

static void check_all(const struct table *table, const struct model *model)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        char key[32];
        check_one(table, model, i);
        bytes += model->size[i] == 0 ? 0 : model->size[i] - 1 + key_of(i, key).size;
    }
    assert_int_equal(table->count, model->count);
    assert_int_equal(table->bytes, bytes);
}

static void change(struct table *table, struct model *model, unsigned most)
{
    static char state[SIZE_MOST];
    char bytes[32];
    unsigned number = pick(KEYS);
    struct ever_slice key = key_of(number, bytes);
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(table, key, hash);
    if (place.entry != NULL && pick(3) == 0) {
        table_remove(table, place, hash);
        model->size[number] = 0;
        model->count--;
        return;
    }
    unsigned size = pick(20) == 0 ? pick(most) : pick(60);
    unsigned char fill = (unsigned char)pick(256);
    memset(state, fill, size);
    assert_true(table_set(table, place, key, hash, slice_of(state, size)));
    model->count += model->size[number] == 0;
    model->size[number] = size + 1;
    model->fill[number] = fill;
}

static void holds_what_was_set(void **state)
{
    (void)state; /* cmocka's signature */
    struct table table;
    struct model *model = calloc(1, sizeof *model);
    struct model *marked = calloc(1, sizeof *marked);
    assert_non_null(model);
    assert_non_null(marked);
    table_init(&table, KEYS, UINT64_C(1) << 30);
    for (unsigned round = 0; round < 120; round++) {
        *marked = *model;
        table_begin(&table);
        unsigned changes = pick(600);
        for (unsigned i = 0; i < changes; i++) {
            change(&table, model, round % 2 == 0 ? 200 : SIZE_MOST);
        }
        check_all(&table, model);
        if (pick(3) == 0) {
            table_undo(&table);
            *model = *marked;
            check_all(&table, model);
        }
    }
    const struct table_entry **sorted = table_sorted(&table);
    for (uint64_t i = 1; i < table.count; i++) {
        assert_true(slice_compare(table_key(sorted[i - 1]), table_key(sorted[i])) < 0);
    }
    free((void *)sorted);
    table_deinit(&table);
    free(model);
    free(marked);
}

static void keeps_its_bounds(void **state)
{
    (void)state; /* cmocka's signature */
    struct table table;
    struct ever_slice a = SLICE_LITERAL("a");
    struct ever_slice b = SLICE_LITERAL("b");
    table_init(&table, 1, 10);
    assert_true(table_set(&table, table_find(&table, a, table_hash(a)), a, table_hash(a),
                          SLICE_LITERAL("123456789")));
    assert_false(
        table_set(&table, table_find(&table, b, table_hash(b)), b, table_hash(b), SLICE_NONE));
    assert_false(table_set(&table, table_find(&table, a, table_hash(a)), a, table_hash(a),
                           SLICE_LITERAL("1234567890")));
    struct table_place place = table_find(&table, a, table_hash(a));
    assert_slice(table_state(place.entry), "123456789");
    assert_int_equal(table.bytes, 10);
    table_remove(&table, place, table_hash(a));
    assert_true(
        table_set(&table, table_find(&table, b, table_hash(b)), b, table_hash(b), SLICE_NONE));
    table_deinit(&table);
}

/* There are 65,536 places for large entries at a time, and as many as one likes one after the other. */
static void large_entries_come_and_go(void **state)
{
    (void)state; /* cmocka's signature */
    static char large[2000];
    struct table table;
    struct ever_slice key = SLICE_LITERAL("a");
    uint64_t hash = table_hash(key);
    table_init(&table, 10, 10000);
    for (int i = 0; i < 70000; i++) {
        table_begin(&table);
        struct table_place place = table_find(&table, key, hash);
        assert_true(table_set(&table, place, key, hash, slice_of(large, sizeof large)));
        table_remove(&table, table_find(&table, key, hash), hash);
    }
    assert_int_equal(table.count, 0);
    table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_set),
        cmocka_unit_test(keeps_its_bounds),
        cmocka_unit_test(large_entries_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
