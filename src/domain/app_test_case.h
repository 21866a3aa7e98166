/* app_test_case.h - one given/when/then test. */
#pragma once
#include "base/json.h"
#include "domain/app_test.h"
#include "domain/script/pool.h"

/* What all tests of a run share. */
struct app_test_bench {
    uv_loop_t *loop;
    const struct app *app;
    const struct decider_options *options;
    struct script_pool *pool;
    struct ever_slice loaded;   /* what runtime.js said of the APP */
    struct json_value deciders; /* of it: [{name, commands, eventTypes}] */
};

/* Adds to `message` what is not as the test says; nothing when all is. */
void app_test_case_run(const struct app_test_bench *bench, struct json_value test,
                       struct text *message);

/* The part about views: the rows they hold after these events, each {stream, type, data}. */
void app_test_views_run(const struct app_test_bench *bench, struct json_value views,
                        struct ever_slice events, struct arena *arena, struct text *message);

/* The same value: members in any order, numbers by value. */
bool app_test_equal(struct json_value a, struct json_value b);
