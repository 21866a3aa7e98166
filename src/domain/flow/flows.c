/* flows.c - all flows of an APP: opened, run on a thread, closed. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"
#include "domain/script/compile.h"

#include <stdlib.h>

#define RETRY_FIRST_MS 100u /* doubled each time, up to the last */
#define RETRY_LAST_MS 5000u

/* --- Options ---------------------------------------------------------------------------------- */

static struct flows_options complete(const struct flows_options *given)
{
    struct flows_options options = given == NULL ? (struct flows_options){0} : *given;
    options.time_limit_ms = options.time_limit_ms == 0 ? 1000 : options.time_limit_ms;
    options.memory_limit_mb = options.memory_limit_mb == 0 ? 256 : options.memory_limit_mb;
    if (options.batch_roots == 0 || options.batch_roots > DERIVE_BATCH_ROOTS) {
        options.batch_roots = DERIVE_BATCH_ROOTS;
    }
    options.snapshot_events = options.snapshot_events == 0 ? 500000 : options.snapshot_events;
    options.snapshot_bytes =
        options.snapshot_bytes == 0 ? UINT64_C(256) << 20 : options.snapshot_bytes;
    return options;
}

bool flows_wanted(const struct app *app)
{
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == APP_FLOW) {
            return true;
        }
    }
    return false;
}

/* --- The loop --------------------------------------------------------------------------------- */

static void on_wake(uv_async_t *wake)
{
    (void)wake; /* the loop has turned: that is all */
}

static void on_pause(uv_timer_t *timer)
{
    struct flows *flows = timer->data;
    flows->pause_is_over = true;
}

static void open_loop(struct flows *flows)
{
    ASSERT(uv_loop_init(&flows->loop) == 0);
    ASSERT(uv_async_init(&flows->loop, &flows->wake, on_wake) == 0);
    ASSERT(uv_timer_init(&flows->loop, &flows->pause) == 0);
    flows->pause.data = flows;
}

static void close_loop(struct flows *flows)
{
    uv_close((uv_handle_t *)&flows->wake, NULL);
    uv_close((uv_handle_t *)&flows->pause, NULL);
    (void)uv_run(&flows->loop, UV_RUN_DEFAULT); /* 0: no handle is left */
    int left = uv_loop_close(&flows->loop);
    ASSERT(left == 0);
}

void flows_pause(struct flows *flows, uint64_t time_ms)
{
    flows->pause_is_over = false;
    uv_timer_start(&flows->pause, on_pause, time_ms, 0);
    while (!flows->pause_is_over && !atomic_load(&flows->stop)) {
        (void)uv_run(&flows->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&flows->pause);
}

/* Until something wakes the loop, or the time passes (0: never). */
static void wait(struct flows *flows, uint64_t time_ms)
{
    if (time_ms > 0) {
        uv_timer_start(&flows->pause, on_pause, time_ms, 0);
    }
    (void)uv_run(&flows->loop, UV_RUN_ONCE);
    uv_timer_stop(&flows->pause);
}

/* --- Opening ---------------------------------------------------------------------------------- */

static struct flows *create(struct vfs *vfs, struct ever *store, const char *dir,
                            const struct flows_options *options)
{
    struct flows *flows = mem_alloc_zero(sizeof *flows);
    flows->vfs = vfs;
    flows->store = store;
    flows->dir = dir == NULL ? NULL : mem_copy_text(slice_of_text(dir));
    flows->options = complete(options);
    arena_init(&flows->arena);
    open_loop(flows);
    (void)pthread_mutex_init(&flows->lock, NULL); /* these cannot fail on Linux */
    (void)pthread_mutex_init(&flows->watch_lock, NULL);
    (void)pthread_mutex_init(&flows->tap_lock, NULL);
    return flows;
}

static struct ever_err open_dir(struct flows *flows, struct text *report)
{
    struct ever_err err =
        flows->dir == NULL ? ERR_OK : flows->vfs->make_dir(flows->vfs, flows->dir);
    if (!IS_OK(err)) {
        text_printf(report, "%s: the folder of the flows' snapshots cannot be made: %s\n",
                    flows->dir, err.sys_errno != 0 ? strerror(err.sys_errno) : err.what);
    }
    return err;
}

static void no_files(void *arg, const char *path, char out_version[static SCRIPT_VERSION_BYTES])
{
    (void)arg; /* graphs without an APP have no file to hash */
    (void)path;
    out_version[0] = '\0';
}

static struct ever_err open_graphs(struct flows *flows, struct ever_slice graphs,
                                   struct text *report)
{
    TRY(flow_graphs_read(flows, graphs, no_files, NULL, report));
    TRY(open_dir(flows, report));
    return flow_resume(flows);
}

struct ever_err flows_open_graphs(struct vfs *vfs, struct ever *store, struct ever_slice graphs,
                                  const char *dir, const struct flows_options *options,
                                  struct text *report, struct flows **out_flows)
{
    struct flows *flows = create(vfs, store, dir, options);
    struct ever_err err = open_graphs(flows, graphs, report);
    if (!IS_OK(err)) {
        flows_close(flows);
        return err;
    }
    *out_flows = flows;
    return ERR_OK;
}

struct files { /* to hash */
    const struct flows *flows;
    const struct app *app;
};

static void hash_file(void *arg, const char *path, char out_version[static SCRIPT_VERSION_BYTES])
{
    const struct files *files = arg;
    script_program_version(files->flows->program, files->app, path, out_version);
}

/* Functions need the worker; without any it has done its work by now. */
static bool has_functions(const struct flows *flows)
{
    for (size_t i = 0; i < flows->count; i++) {
        if (flow_graph_has_functions(flows->list[i].info.graph)) {
            return true;
        }
    }
    return false;
}

struct ever_err flows_declare(struct ever *store, const struct app *app, const char *dir,
                              const struct flows_options *options, struct text *report,
                              struct flows **out_flows)
{
    struct flows *flows = create(vfs_real(), store, dir, options);
    CLEANUP(text_deinit) struct text graphs = {0};
    struct files files = {.flows = flows, .app = app};
    struct ever_err err = flow_script_open(flows, app, report, &graphs);
    if (IS_OK(err)) {
        err = flow_graphs_read(flows, text_slice(&graphs), hash_file, &files, report);
    }
    if (!IS_OK(err)) {
        flows_close(flows);
        return err;
    }
    if (!has_functions(flows)) {
        flow_script_close(flows);
    }
    *out_flows = flows;
    return ERR_OK;
}

struct ever_err flows_open(struct ever *store, const struct app *app, const char *dir,
                           const struct flows_options *options, struct text *report,
                           struct flows **out_flows)
{
    struct flows *flows;
    TRY(flows_declare(store, app, dir, options, report, &flows));
    struct ever_err err = open_dir(flows, report);
    if (IS_OK(err)) {
        err = flow_resume(flows);
    }
    if (!IS_OK(err)) {
        flows_close(flows);
        return err;
    }
    *out_flows = flows;
    return ERR_OK;
}

/* --- The thread ------------------------------------------------------------------------------- */

static void rest(struct flows *flows)
{
    uint64_t wait_ms;
    struct ever_err err = flow_tick(flows, &wait_ms);
    if (!IS_OK(err)) {
        wait_ms = RETRY_LAST_MS; /* what keeps a tick from the log keeps the flows' events too */
    }
    if (!atomic_load(&flows->stop)) {
        wait(flows, wait_ms);
    }
}

static void *run_thread(void *arg)
{
    struct flows *flows = arg;
    uint64_t retry_ms = RETRY_FIRST_MS;
    while (!atomic_load(&flows->stop)) {
        enum flow_step step = flow_life_step(flows);
        if (step == FLOW_STEP_CLOSED) {
            break;
        }
        if (step == FLOW_STEP_RETRY) {
            flows_pause(flows, retry_ms);
            retry_ms = retry_ms * 2 < RETRY_LAST_MS ? retry_ms * 2 : RETRY_LAST_MS;
            continue;
        }
        retry_ms = RETRY_FIRST_MS;
        if (step == FLOW_STEP_IDLE) {
            rest(flows);
        } else {
            (void)uv_run(&flows->loop, UV_RUN_NOWAIT); /* a worker may have died */
        }
    }
    return NULL;
}

static void log_grew(void *arg, uint64_t last_position)
{
    (void)last_position; /* the thread asks for itself */
    struct flows *flows = arg;
    (void)uv_async_send(&flows->wake); /* fails only on a closing handle */
}

struct ever_err flows_start(struct flows *flows)
{
    ASSERT(!flows->is_started);
    TRY(ever_watch(flows->store, log_grew, flows, &flows->log_watch));
    int number = pthread_create(&flows->thread, NULL, run_thread, flows);
    if (number != 0) {
        return FAIL_ERRNO(EVER_NO_MEMORY, number, "start the flows' thread");
    }
    flows->is_started = true;
    return ERR_OK;
}

struct ever_err flows_run_to_end(struct flows *flows)
{
    ASSERT(!flows->is_started);
    for (;;) {
        switch (flow_life_step(flows)) {
        case FLOW_STEP_IDLE:
            return ERR_OK;
        case FLOW_STEP_RETRY:
            return FAIL(EVER_IO, "run flows over the log");
        case FLOW_STEP_CLOSED:
            return FAIL(EVER_CLOSED, "run flows over the log");
        case FLOW_STEP_MORE:
            break;
        }
    }
}

/* --- Closing ---------------------------------------------------------------------------------- */

static void stop_thread(struct flows *flows)
{
    atomic_store(&flows->stop, true);
    (void)uv_async_send(&flows->wake);
    if (flows->is_started) {
        (void)pthread_join(flows->thread, NULL); /* ours, and joined once */
    }
    ever_unwatch(flows->log_watch);
}

void flows_close(struct flows *flows)
{
    if (flows == NULL) {
        return;
    }
    stop_thread(flows);
    flow_life_save(flows);
    flow_life_close(flows);
    flow_script_close(flows);
    close_loop(flows);
    (void)pthread_mutex_destroy(&flows->lock);
    (void)pthread_mutex_destroy(&flows->watch_lock);
    (void)pthread_mutex_destroy(&flows->tap_lock);
    arena_deinit(&flows->arena);
    free(flows->list);
    free(flows->dir);
    free(flows);
}

/* --- Finding ---------------------------------------------------------------------------------- */

size_t flows_count(const struct flows *flows)
{
    return flows->count;
}

struct flow *flows_at(struct flows *flows, size_t index)
{
    return index < flows->count ? &flows->list[index] : NULL;
}

struct flow *flows_find(struct flows *flows, struct ever_slice name)
{
    for (size_t i = 0; i < flows->count; i++) {
        if (slice_is(name, flows->list[i].info.name)) {
            return &flows->list[i];
        }
    }
    return NULL;
}
