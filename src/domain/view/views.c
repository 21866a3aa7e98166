/* views.c - all views of an APP, a thread for each. */
#include "domain/view/check_priv.h"
#include "domain/view/life_priv.h"
#include "domain/view/origin_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define REST_NS INT64_C(10000000) /* from the beginning of one batch to that of the next */
#define RETRY_FIRST_MS 100        /* doubled each time, up to the last */
#define RETRY_LAST_MS 5000

struct worker {
    struct views *views;
    struct view *view;
    pthread_t thread;
    bool started;
};

struct views {
    struct ever *store;
    char *dir;              /* NULL: databases in memory */
    struct worker *workers; /* sorted by the view's name */
    size_t count;
    const struct view_origin *origins; /* while opening */
    size_t origin_count;
    struct view_news news;
    struct ever_watch *log_watch; /* while the threads run */
    pthread_mutex_t watch_lock;   /* held over the call, so that who unwatches is called no more */
    views_watch_fn *watch;
    void *watch_arg;
};

/* --- Opening ---------------------------------------------------------------------------------- */

/* The file's text, and what names the flows it takes events of. */
static struct ever_err parse(const struct views *views, const struct app_file *file,
                             struct text *report, struct view_source **out_source)
{
    struct view_source *source;
    struct text text = {0};
    TRY(view_source_parse(file->path, file->name, file->content, report, &source));
    if (!view_origin_complete(source, views->origins, views->origin_count, &text)) {
        text_deinit(&text);
        *out_source = source;
        return ERR_OK;
    }
    view_source_free(source);
    struct ever_err err =
        view_source_parse(file->path, file->name, text_slice(&text), report, out_source);
    text_deinit(&text);
    return err;
}

static struct ever_err open_view(struct views *views, const struct app_file *file,
                                 struct text *report, struct view **out_view)
{
    struct view_source *source;
    TRY(parse(views, file, report, &source));
    struct ever_err err =
        view_life_open(views->store, views->dir, &views->news, source, report, out_view);
    if (!IS_OK(err)) {
        text_printf(report, "%s: its database cannot be opened: %s\n", file->path,
                    err.sys_errno != 0 ? strerror(err.sys_errno) : ever_code_name(err.code));
    }
    return err;
}

/* The first fault of all files, each of which is looked at. */
static struct ever_err check_files(const struct app *app, struct text *report)
{
    struct ever_err first = ERR_OK;
    for (size_t i = 0; i < app->file_count; i++) {
        const struct app_file *file = &app->files[i];
        struct view_source *source;
        if (file->kind != APP_VIEW) {
            continue;
        }
        struct ever_err err =
            view_source_parse(file->path, file->name, file->content, report, &source);
        if (IS_OK(err)) {
            err = view_check(source, report);
            view_source_free(source);
        }
        first = IS_OK(first) ? err : first;
    }
    return first;
}

static int compare_workers(const void *a, const void *b)
{
    return strcmp(view_name(((const struct worker *)a)->view),
                  view_name(((const struct worker *)b)->view));
}

static struct ever_err open_all(struct views *views, const struct app *app, struct text *report)
{
    if (views->dir != NULL && mkdir(views->dir, 0777) != 0 && errno != EEXIST) {
        int number = errno;
        text_printf(report, "%s: %s\n", views->dir, strerror(number));
        enum ever_code code = err_code_of_errno(number);
        return FAIL_ERRNO(code, number, "make views folder");
    }
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == APP_VIEW) {
            struct view *view;
            TRY(open_view(views, &app->files[i], report, &view));
            views->workers[views->count++] = (struct worker){.views = views, .view = view};
        }
    }
    if (views->count > 0) {
        qsort(views->workers, views->count, sizeof views->workers[0], compare_workers);
    }
    return ERR_OK;
}

struct ever_err views_open(struct ever *store, const struct app *app, const char *dir,
                           const struct view_origin *origins, size_t origin_count,
                           struct text *report, struct views **out_views)
{
    TRY(check_files(app, report));
    struct views *views = mem_alloc_zero(sizeof *views);
    views->store = store;
    views->dir = dir == NULL ? NULL : mem_copy_text(slice_of_text(dir));
    views->workers = mem_alloc(app->file_count * sizeof views->workers[0]);
    view_news_init(&views->news);
    (void)pthread_mutex_init(&views->watch_lock, NULL); /* cannot fail on Linux */
    views->origins = origins;
    views->origin_count = origin_count;
    struct ever_err err = open_all(views, app, report);
    views->origins = NULL; /* borrowed for the call */
    views->origin_count = 0;
    if (!IS_OK(err)) {
        views_close(views);
        return err;
    }
    *out_views = views;
    return ERR_OK;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void call_watch(struct views *views)
{
    (void)pthread_mutex_lock(&views->watch_lock);
    if (views->watch != NULL) {
        views->watch(views->watch_arg);
    }
    (void)pthread_mutex_unlock(&views->watch_lock);
}

void views_watch(struct views *views, views_watch_fn *fn, void *arg)
{
    (void)pthread_mutex_lock(&views->watch_lock);
    views->watch = fn;
    views->watch_arg = arg;
    (void)pthread_mutex_unlock(&views->watch_lock);
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;
    struct view_news *news = &worker->views->news;
    struct env *env = env_real();
    int64_t retry_ms = RETRY_FIRST_MS;
    while (!atomic_load(&news->stop)) {
        int64_t begin_ns = env->monotonic_ns(env);
        uint64_t seen = view_news_count(news);
        bool moved;
        enum view_step step = view_life_step(worker->view, &moved);
        if (moved) {
            call_watch(worker->views);
        }
        if (step == VIEW_STEP_CLOSED) {
            break;
        }
        if (step == VIEW_STEP_RETRY || step == VIEW_STEP_DAMAGED) {
            view_news_pause(news, retry_ms);
            retry_ms = retry_ms * 2 < RETRY_LAST_MS ? retry_ms * 2 : RETRY_LAST_MS;
            continue;
        }
        retry_ms = RETRY_FIRST_MS;
        if (step == VIEW_STEP_IDLE) {
            view_news_wait(news, seen);
            view_news_rest(news, begin_ns + REST_NS);
        }
    }
    return NULL;
}

void views_hurry(struct views *views, bool waits)
{
    view_news_hurry(&views->news, waits);
}

static void log_grew(void *arg, uint64_t last_position)
{
    (void)last_position; /* each view asks for itself */
    view_news_tell(arg);
}

struct ever_err views_start(struct views *views)
{
    ASSERT(views->log_watch == NULL);
    TRY(ever_watch(views->store, log_grew, &views->news, &views->log_watch));
    for (size_t i = 0; i < views->count; i++) {
        struct worker *worker = &views->workers[i];
        int number = pthread_create(&worker->thread, NULL, run_worker, worker);
        if (number != 0) {
            return FAIL_ERRNO(EVER_NO_MEMORY, number, "start a view's thread");
        }
        worker->started = true;
    }
    return ERR_OK;
}

static void stop_threads(struct views *views)
{
    view_news_stop(&views->news);
    for (size_t i = 0; i < views->count; i++) {
        if (views->workers[i].started) {
            (void)pthread_join(views->workers[i].thread, NULL); /* ours, and joined once */
        }
    }
    ever_unwatch(views->log_watch);
}

void views_close(struct views *views)
{
    if (views == NULL) {
        return;
    }
    stop_threads(views);
    for (size_t i = 0; i < views->count; i++) {
        view_life_close(views->workers[i].view);
    }
    (void)pthread_mutex_destroy(&views->watch_lock);
    view_news_deinit(&views->news);
    free(views->workers);
    free(views->dir);
    free(views);
}

/* --- Without threads -------------------------------------------------------------------------- */

static struct ever_err run_to_end(struct views *views, struct view *view)
{
    for (;;) {
        bool moved;
        enum view_step step = view_life_step(view, &moved);
        if (moved) {
            call_watch(views);
        }
        switch (step) {
        case VIEW_STEP_IDLE:
            return ERR_OK;
        case VIEW_STEP_RETRY:
            return FAIL(EVER_IO, "apply the log to a view");
        case VIEW_STEP_CLOSED:
            return FAIL(EVER_CLOSED, "apply the log to a view");
        case VIEW_STEP_MORE:
        case VIEW_STEP_DAMAGED:
            break;
        }
    }
}

struct ever_err views_run_to_end(struct views *views)
{
    ASSERT(views->log_watch == NULL);
    for (size_t i = 0; i < views->count; i++) {
        TRY(run_to_end(views, views->workers[i].view));
    }
    return ERR_OK;
}

/* --- Finding ---------------------------------------------------------------------------------- */

size_t views_count(const struct views *views)
{
    return views->count;
}

struct view *views_at(struct views *views, size_t index)
{
    return index < views->count ? views->workers[index].view : NULL;
}

struct view *views_find(struct views *views, struct ever_slice name)
{
    for (size_t i = 0; i < views->count; i++) {
        if (slice_is(name, view_name(views->workers[i].view))) {
            return views->workers[i].view;
        }
    }
    return NULL;
}
