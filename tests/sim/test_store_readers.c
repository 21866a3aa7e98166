/* Catches: a reader that loses its place when the disk fails once. */
#include "unit/unit.h"

#include "base/slice.h"
#include "sim/store_world.h"

/* Each read call of a reader fails once, in turn; for each way there is to read. */
static void a_reader_goes_on_behind_a_failed_call(void **state)
{
    (void)state; /* cmocka's signature */
    struct slices {
        struct ever_read read;
        bool (*wanted)(uint32_t index, uint32_t arg);
    };
    struct ever_slice tag = slice_of_text("red");
    const struct slices ways[] = {
        {{.from = 1}, history_wants_all},
        {{.from = UINT64_MAX, .backward = true}, history_wants_all},
        {{.stream = history_stream(0)}, history_wants_stream},
        {{.stream = history_stream(0), .from = UINT64_MAX, .backward = true}, history_wants_stream},
        {{.tags = &tag, .tag_count = 1, .from = UINT64_MAX, .backward = true},
         history_wants_tagged},
    };
    struct world world = {.disk = disk_create(512)};
    world_work(&world);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        bool befell = true;
        for (uint64_t call = 0; befell && world.violation == NULL; call++) {
            struct disk_random random;
            struct ever *store;
            disk_restart(world.disk);
            world.expects_fault = false;
            assert_ok(world_open(&world, &store));
            disk_random_init(&random, call);
            world.expects_fault = true;
            uint64_t at = disk_calls(world.disk) + call;
            disk_arm(world.disk, DISK_FAIL, at, &random.choices);
            world_compare_reading(&world, store, &ways[i].read, ways[i].wanted, 0);
            befell = disk_calls(world.disk) > at;
            disk_disarm(world.disk);
            ever_close(store);
        }
        if (world.violation != NULL) {
            fail_msg("way %zu: %s", i, world.violation);
        }
    }
    disk_destroy(world.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_goes_on_behind_a_failed_call),
    };
    return cmocka_run_group_tests_name("readers on a failing disk", tests, history_make, NULL);
}
