#include "domain/script/start.h"

#include "base/json.h"
#include "base/slice.h"

struct starting {
    bool done;
    enum script_outcome outcome;
    struct text *text;
};

static void on_loaded(void *arg, const struct script_reply *reply)
{
    struct starting *starting = arg;
    starting->done = true;
    starting->outcome = reply->outcome;
    text_add(starting->text, reply->text);
}

static const char *reason(enum script_outcome outcome)
{
    switch (outcome) {
    case SCRIPT_TIME_LIMIT:
        return "loading takes too long: what stands outside of functions runs at every start";
    case SCRIPT_MEMORY_LIMIT:
        return "loading takes more memory than a worker may have";
    default:
        return "loading failed";
    }
}

/* Of a limit that was broken the text names the file. */
static struct ever_err report_failure(const struct starting *starting, struct text *report)
{
    struct text *text = starting->text;
    bool names_file =
        starting->outcome == SCRIPT_TIME_LIMIT || starting->outcome == SCRIPT_MEMORY_LIMIT;
    text_printf(report, "%s: %s\n", names_file && text->size > 0 ? text->data : "scripts",
                names_file || text->size == 0 ? reason(starting->outcome) : text->data);
    return FAIL(starting->outcome == SCRIPT_UNAVAILABLE ? EVER_UNKNOWN : EVER_INVALID,
                "load scripts");
}

static struct ever_err report_faults(struct json_value faults, struct text *report)
{
    struct arena arena;
    arena_init(&arena);
    for (struct json_iter i = json_iter(faults); json_next(&i);) {
        text_add(report, json_string(i.value, &arena));
        text_add_byte(report, '\n');
    }
    arena_deinit(&arena);
    return FAIL(EVER_INVALID, "load scripts");
}

static struct ever_err check(const struct starting *starting, struct text *report)
{
    struct json_fault fault;
    struct json_value faults;
    if (starting->outcome != SCRIPT_ANSWERED) {
        return report_failure(starting, report);
    }
    if (!json_check(text_slice(starting->text), &fault)) {
        text_printf(report, "scripts: what the files export cannot be kept as JSON: %s\n",
                    fault.reason);
        return FAIL(EVER_INVALID, "load scripts");
    }
    struct json_value root = json_value_of(text_slice(starting->text));
    return json_member(root, SLICE_LITERAL("faults"), &faults) ? report_faults(faults, report)
                                                               : ERR_OK;
}

struct ever_err script_start(uv_loop_t *loop, const struct script_pool_options *options,
                             struct text *report, struct script_pool **out_pool,
                             struct text *out_loaded)
{
    struct starting starting = {.text = out_loaded};
    struct script_pool *pool;
    script_pool_open(loop, options, on_loaded, &starting, &pool);
    while (!starting.done) {
        uv_run(loop, UV_RUN_ONCE);
    }
    struct ever_err err = check(&starting, report);
    if (!IS_OK(err)) {
        script_stop(loop, pool);
        return err;
    }
    *out_pool = pool;
    return ERR_OK;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

void script_stop(uv_loop_t *loop, struct script_pool *pool)
{
    bool closed = false;
    script_pool_close(pool, note_closed, &closed);
    while (!closed) {
        uv_run(loop, UV_RUN_ONCE);
    }
}
