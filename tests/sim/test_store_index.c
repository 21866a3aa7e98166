/* Catches: an index file that is damaged or gone and is believed, or not made again. */
#include "unit/unit.h"

#include "base/slice.h"
#include "sim/store_world.h"

static void an_index_that_is_damaged_or_lost_is_made_again(void **state)
{
    (void)state; /* cmocka's signature */
    static const char path[] = STORE_DIR "/index/0000000001.idx";
    struct world world = {.disk = disk_create(512)};
    world_work(&world);
    size_t size = disk_peek(world.disk, path).size;
    assert_true(size > 0);
    for (uint64_t at = 0; at < size; at += 61) {
        struct world rotten = world_clone(&world);
        char bad = (char)~disk_peek(rotten.disk, path).data[at];
        disk_poke(rotten.disk, path, at, slice_of(&bad, 1));
        world_append_some(&rotten, 1);
        if (rotten.violation != NULL) {
            fail_msg("byte %llu: %s", (unsigned long long)at, rotten.violation);
        }
        disk_destroy(rotten.disk);
    }
    disk_lose(world.disk, path);
    world_append_some(&world, 1);
    assert_null(world.violation);
    assert_int_equal(disk_peek(world.disk, path).size, size);
    disk_destroy(world.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_that_is_damaged_or_lost_is_made_again),
    };
    return cmocka_run_group_tests_name("damage to the index", tests, history_make, NULL);
}
