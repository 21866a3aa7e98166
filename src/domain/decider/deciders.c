/* deciders.c - opening and closing, and what is known of the deciders. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/decider/deciders_priv.h"
#include "domain/flow/flow_stream.h"
#include "domain/script/start.h"

#include <stdlib.h>
#include <string.h>

/* --- Options --------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value == 0 ? fallback : value;
}

struct decider_options decider_options_complete(const struct decider_options *given)
{
    return (struct decider_options){
        .worker_path = given->worker_path,
        .worker_count = or_default(given->worker_count, 1),
        .time_limit_ms = or_default(given->time_limit_ms, 100),
        .memory_limit_mb = or_default(given->memory_limit_mb, 256),
        .grace_ms = or_default(given->grace_ms, 1000),
        .states_max = or_default(given->states_max, 100000),
        .waiting_max = or_default(given->waiting_max, 10000),
    };
}

static struct script_process_options process_options(const struct decider_options *options)
{
    return (struct script_process_options){.worker_path = options->worker_path,
                                           .time_limit_ms = options->time_limit_ms,
                                           .memory_limit_mb = options->memory_limit_mb,
                                           .states_max = options->states_max};
}

/* Streams are named decider-id, and their category ends at the first dash. NULL: nothing is wrong.
 */
static const char *name_fault(const char *name)
{
    if (strchr(name, '-') != NULL) {
        return "a decider's name has no dash: the streams of account are named account-ID";
    }
    if (strcmp(name, FLOW_CATEGORY) == 0) {
        return "no decider is named " FLOW_CATEGORY ": the streams " FLOW_CATEGORY
               "-... are those that flows write; give it another name";
    }
    return NULL;
}

static struct ever_err check_names(const struct app *app, struct text *report)
{
    bool fine = true;
    for (size_t i = 0; i < app->file_count; i++) {
        const struct app_file *file = &app->files[i];
        const char *fault = file->kind == APP_DECIDER ? name_fault(file->name) : NULL;
        if (fault != NULL) {
            fine = false;
            text_printf(report, "%s:1: %s\n", file->path, fault);
        }
    }
    return fine ? ERR_OK : FAIL(EVER_INVALID, "check the names of deciders");
}

/* --- What the first worker says -------------------------------------------------------------- */

static const char *const *read_texts(struct arena *arena, struct json_value array,
                                     size_t *out_count)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        count++;
    }
    const char **texts = arena_alloc(arena, count * sizeof *texts);
    *out_count = 0;
    for (struct json_iter i = json_iter(array); json_next(&i);) {
        texts[(*out_count)++] = arena_copy(arena, json_string(i.value, arena)).data;
    }
    return texts;
}

static struct json_value member(struct json_value object, const char *name)
{
    struct json_value value;
    ASSERT(json_member(object, slice_of_text(name), &value)); /* runtime.js always gives it */
    return value;
}

static void read_info(struct deciders *deciders, const struct app *app, struct json_value value,
                      struct decider_info *out_info)
{
    struct arena *arena = &deciders->arena;
    struct ever_slice name = json_string(member(value, "name"), arena);
    out_info->name = arena_copy(arena, name).data;
    out_info->commands = read_texts(arena, member(value, "commands"), &out_info->command_count);
    out_info->event_types =
        read_texts(arena, member(value, "eventTypes"), &out_info->event_type_count);
    char *version = arena_alloc(arena, SCRIPT_VERSION_BYTES);
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == APP_DECIDER && slice_is(name, app->files[i].name)) {
            script_program_version(&deciders->program, app, app->files[i].path, version);
        }
    }
    out_info->version = version;
}

static void read_routes(struct deciders *deciders, const struct app *app, struct json_value data)
{
    for (size_t i = 0; i < app->file_count; i++) {
        struct json_value value;
        if (app->files[i].kind == APP_ROUTES &&
            json_member(data, slice_of_text(app->files[i].path), &value)) {
            deciders->routes = arena_copy(&deciders->arena, value.text);
        }
    }
}

static void read_loaded(struct deciders *deciders, const struct app *app, struct json_value root)
{
    struct json_value infos = member(root, "deciders");
    size_t count = 0;
    for (struct json_iter i = json_iter(infos); json_next(&i);) {
        count++;
    }
    deciders->infos = arena_alloc_zero(&deciders->arena, count * sizeof *deciders->infos);
    for (struct json_iter i = json_iter(infos); json_next(&i);) {
        read_info(deciders, app, i.value, &deciders->infos[deciders->info_count++]);
    }
    read_routes(deciders, app, member(root, "data"));
}

/* --- Opening --------------------------------------------------------------------------------- */

static struct ever_err load(struct deciders *deciders, const struct app *app, struct text *report)
{
    struct script_pool_options options = {.process = process_options(&deciders->options),
                                          .worker_count = deciders->options.worker_count,
                                          .grace_ms = deciders->options.grace_ms,
                                          .load = deciders->program.load};
    CLEANUP(text_deinit) struct text loaded = {0};
    TRY(script_start(deciders->loop, &options, report, &deciders->pool, &loaded));
    read_loaded(deciders, app, json_value_of(text_slice(&loaded)));
    return ERR_OK;
}

/* An APP without scripts needs no worker. */
static bool has_scripts(const struct app *app)
{
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == APP_DECIDER || app->files[i].kind == APP_ROUTES) {
            return true;
        }
    }
    return false;
}

static struct ever_err compile_and_load(struct deciders *deciders, const struct app *app,
                                        struct text *report)
{
    deciders->routes = SLICE_LITERAL("{}");
    if (!has_scripts(app)) {
        return ERR_OK;
    }
    struct script_process_options process = process_options(&deciders->options);
    TRY(script_compile(deciders->loop, &process, app, SCRIPT_COMMANDS, report, &deciders->program));
    return load(deciders, app, report);
}

static void on_wake(uv_async_t *wake)
{
    struct deciders *deciders = wake->data;
    struct mail *mail = mailbox_take_all(&deciders->appended);
    while (mail != NULL) {
        struct mail *next = mail->next;
        struct job *job = (struct job *)((char *)mail - offsetof(struct job, appending.mail));
        job_on_appended(job);
        mail = next;
    }
}

static void wake_loop(void *arg)
{
    struct deciders *deciders = arg;
    uv_async_send(&deciders->wake);
}

static uint32_t bucket_count_for(uint32_t waiting_max)
{
    uint32_t count = 16;
    while (count < waiting_max && count < (1u << 20)) {
        count *= 2;
    }
    return count;
}

static struct deciders *create(uv_loop_t *loop, struct ever *store,
                               const struct decider_options *options)
{
    struct deciders *deciders = mem_alloc_zero(sizeof *deciders);
    deciders->loop = loop;
    deciders->store = store;
    deciders->options = decider_options_complete(options);
    arena_init(&deciders->arena);
    deciders->bucket_count = bucket_count_for(deciders->options.waiting_max);
    deciders->buckets = mem_alloc_zero(deciders->bucket_count * sizeof *deciders->buckets);
    mailbox_init(&deciders->appended, wake_loop, deciders);
    ASSERT(uv_async_init(loop, &deciders->wake, on_wake) == 0);
    ASSERT(uv_idle_init(loop, &deciders->turn) == 0);
    ASSERT(uv_timer_init(loop, &deciders->stall) == 0);
    deciders->wake.data = deciders;
    deciders->turn.data = deciders;
    deciders->stall.data = deciders;
    return deciders;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

struct ever_err deciders_open(uv_loop_t *loop, struct ever *store, const struct app *app,
                              const struct decider_options *options, struct text *report,
                              struct deciders **out_deciders)
{
    TRY(check_names(app, report));
    struct deciders *deciders = create(loop, store, options);
    struct ever_err err = compile_and_load(deciders, app, report);
    if (!IS_OK(err)) {
        bool closed = false;
        deciders_close(deciders, note_closed, &closed);
        while (!closed) {
            uv_run(loop, UV_RUN_ONCE);
        }
        return err;
    }
    *out_deciders = deciders;
    return ERR_OK;
}

/* --- Closing --------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct deciders *deciders = handle->data;
    if (--deciders->open_handles > 0) {
        return;
    }
    void (*closed)(void *arg) = deciders->closed;
    void *arg = deciders->closed_arg;
    mailbox_deinit(&deciders->appended);
    script_program_deinit(&deciders->program);
    arena_deinit(&deciders->arena);
    free(deciders->buckets);
    free(deciders);
    closed(arg);
}

void deciders_finish_close(struct deciders *deciders)
{
    if (!deciders->pool_closed || deciders->job_count > 0 || deciders->open_handles > 0) {
        return;
    }
    deciders->open_handles = 3;
    uv_close((uv_handle_t *)&deciders->wake, on_handle_closed);
    uv_close((uv_handle_t *)&deciders->turn, on_handle_closed);
    uv_close((uv_handle_t *)&deciders->stall, on_handle_closed);
}

static void on_pool_closed(void *arg)
{
    struct deciders *deciders = arg;
    deciders->pool_closed = true;
    deciders_finish_close(deciders);
}

static void on_nothing_to_close(uv_timer_t *timer)
{
    on_pool_closed(timer->data);
}

void deciders_close(struct deciders *deciders, void (*closed)(void *arg), void *arg)
{
    ASSERT(!deciders->closing);
    deciders->closing = true;
    deciders->closed = closed;
    deciders->closed_arg = arg;
    if (deciders->pool == NULL) {
        uv_timer_start(&deciders->stall, on_nothing_to_close, 0, 0);
    } else {
        script_pool_close(deciders->pool, on_pool_closed, deciders);
    }
}

/* --- What is known --------------------------------------------------------------------------- */

size_t deciders_count(const struct deciders *deciders)
{
    return deciders->info_count;
}

const struct decider_info *deciders_at(const struct deciders *deciders, size_t index)
{
    ASSERT(index < deciders->info_count);
    return &deciders->infos[index];
}

const struct decider_info *deciders_find(const struct deciders *deciders, struct ever_slice name)
{
    for (size_t i = 0; i < deciders->info_count; i++) {
        if (slice_is(name, deciders->infos[i].name)) {
            return &deciders->infos[i];
        }
    }
    return NULL;
}

struct ever_slice deciders_routes(const struct deciders *deciders)
{
    return deciders->routes;
}

void deciders_stats(const struct deciders *deciders, struct decider_stats *out_stats)
{
    struct script_pool_stats pool = {0};
    if (deciders->pool != NULL) {
        script_pool_stats(deciders->pool, &pool);
    }
    *out_stats = deciders->stats;
    out_stats->workers = pool.ready;
    out_stats->workers_replaced = pool.replaced;
    out_stats->waiting = deciders->job_count;
}
