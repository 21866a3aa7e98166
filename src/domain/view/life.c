#include "domain/view/life_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "domain/view/files_priv.h"

#include <stdlib.h>
#include <string.h>

/* --- References ------------------------------------------------------------------------------- */

struct view_version *view_life_acquire(struct view *view)
{
    (void)pthread_mutex_lock(&view->lock);
    struct view_version *version = view->serving;
    if (version != NULL) {
        version->references++;
    }
    (void)pthread_mutex_unlock(&view->lock);
    return version;
}

void view_life_release(struct view *view, struct view_version *version)
{
    (void)pthread_mutex_lock(&view->lock);
    ASSERT(version->references > 0);
    bool last = --version->references == 0;
    (void)pthread_cond_broadcast(&view->released);
    (void)pthread_mutex_unlock(&view->lock);
    if (last) {
        view_version_close(version);
    }
}

/* Closes a version that nobody can acquire any more, after the queries on it. */
static void close_when_unused(struct view *view, struct view_version *version)
{
    (void)pthread_mutex_lock(&view->lock);
    while (version->references > 1) {
        (void)pthread_cond_wait(&view->released, &view->lock);
    }
    (void)pthread_mutex_unlock(&view->lock);
    view_life_release(view, version);
}

static void set_serving(struct view *view, struct view_version *version)
{
    (void)pthread_mutex_lock(&view->lock);
    view->serving = version;
    (void)pthread_mutex_unlock(&view->lock);
}

/* --- Opening versions ------------------------------------------------------------------------- */

static bool is_current(const struct view *view, const struct view_version *version)
{
    return version != NULL && strcmp(version->source->version, view->source->version) == 0;
}

static struct ever_err open_current(struct view *view, struct text *report,
                                    struct view_version **out_version)
{
    struct view_source *copy; /* a version goes its own way, and may outlive others */
    TRY(view_source_parse(view->source->path, view->source->name, view->source->text, report,
                          &copy));
    struct text path = {0};
    if (view->dir != NULL) {
        view_files_path(&path, view->dir, view->source->name, view->source->version);
    }
    struct ever_err err =
        view_version_open(view->store, path.data, copy, &view->news->stop, report, out_version);
    text_deinit(&path);
    return err;
}

/* Opens the current version when no version is it. It serves when there is no other. */
static struct ever_err ensure_current(struct view *view)
{
    if (is_current(view, view->serving) || view->building != NULL) {
        return ERR_OK;
    }
    struct text report = {0};
    struct view_version *version;
    struct ever_err err = open_current(view, &report, &version);
    text_deinit(&report); /* the file was checked at start: what fails here is the disk */
    TRY(err);
    if (view->serving == NULL) {
        set_serving(view, version);
    } else {
        view->building = version;
    }
    return ERR_OK;
}

struct search {
    struct view *view;
    struct view_version *best;
};

/* Keeps the earlier version that got furthest; whatever cannot answer goes. */
static struct ever_err consider_old(void *arg, const char *path)
{
    struct search *search = arg;
    struct view_version *found;
    struct ever_err err = view_version_open_old(
        search->view->store, path, search->view->source->name, &search->view->news->stop, &found);
    if (err.code == EVER_IO || err.code == EVER_NO_SPACE || err.code == EVER_BUSY) {
        return ERR_OK; /* it may be whole: left for another start */
    }
    if (!IS_OK(err)) {
        return view_database_remove(path);
    }
    struct view_version *worse = found;
    if (search->best == NULL || found->reached.position > search->best->reached.position) {
        worse = search->best;
        search->best = found;
    }
    if (worse != NULL) {
        worse->superseded = true;
    }
    view_version_close(worse);
    return ERR_OK;
}

static struct ever_err remove_old(void *arg, const char *path)
{
    (void)arg; /* the caller's signature */
    return view_database_remove(path);
}

static struct ever_err open_versions(struct view *view, struct text *report)
{
    const char *name = view->source->name;
    const char *version = view->source->version;
    TRY(open_current(view, report, &view->serving));
    if (view->dir == NULL) {
        return ERR_OK;
    }
    if (view->serving->database.checkpoint.complete) {
        return view_files_others(view->dir, name, version, remove_old, NULL);
    }
    struct search search = {.view = view};
    struct ever_err err = view_files_others(view->dir, name, version, consider_old, &search);
    if (search.best != NULL) {
        view->building = view->serving;
        view->serving = search.best;
    }
    return err;
}

/* --- Status ----------------------------------------------------------------------------------- */

static enum view_state state_of(const struct view *view, const struct view_version *version)
{
    if (version->stopped) {
        return VIEW_STOPPED;
    }
    return version->live && version == view->serving ? VIEW_LIVE : VIEW_CATCHING_UP;
}

/* What the thread knows, for the others. True when position or state is another one. */
static bool publish(struct view *view)
{
    const struct view_version *serving = view->serving;
    const struct view_version *current = view->building != NULL ? view->building : serving;
    struct view_status status = {.applied = view->applied_before};
    memcpy(status.version, view->source->version, sizeof status.version);
    if (serving != NULL) {
        memcpy(status.serving, serving->source->version, sizeof status.serving);
        status.state = state_of(view, current);
        status.position = serving->reached.position;
        status.build_position = current->reached.position;
        status.applied += serving->applied + (current == serving ? 0 : current->applied);
        status.skipped = current->database.skipped;
        const struct view_version *failed = current->failure[0] != '\0' ? current : serving;
        status.failed_position = failed->stopped ? failed->failed_position : 0;
        memcpy(status.failure, failed->failure, sizeof status.failure);
    }
    (void)pthread_mutex_lock(&view->lock);
    bool moved = status.position != view->status.position ||
                 status.build_position != view->status.build_position ||
                 status.state != view->status.state ||
                 strcmp(status.failure, view->status.failure) != 0;
    view->status = status;
    (void)pthread_mutex_unlock(&view->lock);
    atomic_store(&view->position, status.position);
    return moved;
}

/* --- Steps ------------------------------------------------------------------------------------ */

/* A version that has caught up for the first time may answer from then on. */
static enum view_step step_version(struct view *view, struct view_version *version)
{
    if (atomic_load(&version->damaged)) {
        return VIEW_STEP_DAMAGED;
    }
    enum view_step step = view_apply_batch(version, view->store);
    bool complete = step == VIEW_STEP_IDLE && !version->stopped;
    if (!complete || version->reached.complete) {
        return step;
    }
    struct ever_err err = view_apply_save(version, complete);
    return IS_OK(err) ? step : VIEW_STEP_RETRY;
}

static void take_over(struct view *view)
{
    struct view_version *old = view->serving;
    ASSERT(view->building->reached.position >= old->reached.position);
    old->superseded = true;
    view->applied_before += old->applied;
    set_serving(view, view->building);
    view->building = NULL;
    view_life_release(view, old); /* the last query on it removes its files */
}

/* Its files go too. A current version is opened anew by the next step; its queries must have ended
 * before, because the new files have the same names. */
static void drop_damaged(struct view *view, struct view_version *version)
{
    if (version == view->building) {
        view->building = NULL;
    } else {
        set_serving(view, view->building);
        view->building = NULL;
    }
    version->superseded = true;
    view->applied_before += version->applied;
    close_when_unused(view, version);
}

static enum view_step more_urgent(enum view_step a, enum view_step b)
{
    static const int urgency[] = {
        [VIEW_STEP_IDLE] = 0,    [VIEW_STEP_RETRY] = 1,  [VIEW_STEP_MORE] = 2,
        [VIEW_STEP_DAMAGED] = 3, [VIEW_STEP_CLOSED] = 4,
    };
    return urgency[a] >= urgency[b] ? a : b;
}

static enum view_step step_both(struct view *view)
{
    enum view_step step = step_version(view, view->serving);
    if (step == VIEW_STEP_DAMAGED) {
        drop_damaged(view, view->serving);
        return VIEW_STEP_MORE;
    }
    struct view_version *building = view->building;
    if (building == NULL) {
        return step;
    }
    enum view_step built = step_version(view, building);
    if (built == VIEW_STEP_DAMAGED) {
        drop_damaged(view, building);
        return VIEW_STEP_MORE;
    }
    if (building->reached.complete &&
        building->reached.position >= view->serving->reached.position) {
        take_over(view);
    }
    return more_urgent(step, built);
}

enum view_step view_life_step(struct view *view, bool *out_moved)
{
    struct ever_err err = ensure_current(view);
    enum view_step step = IS_OK(err) ? VIEW_STEP_IDLE : VIEW_STEP_RETRY;
    if (view->serving != NULL) { /* an earlier version follows though the new one cannot be made */
        step = more_urgent(step, step_both(view));
    }
    *out_moved = publish(view);
    return step;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static void collect_queries(struct view *view)
{
    const struct view_source *source = view->source;
    view->queries = mem_alloc(source->part_count * sizeof view->queries[0]);
    for (size_t i = 0; i < source->part_count; i++) {
        const struct view_part *part = &source->parts[i];
        if (part->kind == VIEW_PART_QUERY) {
            view->queries[view->query_count++] =
                (struct view_query_info){.name = part->query_name,
                                         .arguments = part->arguments,
                                         .argument_count = part->argument_count};
        }
    }
}

struct ever_err view_life_open(struct ever *store, const char *dir, struct view_news *news,
                               struct view_source *source, struct text *report,
                               struct view **out_view)
{
    struct view *view = mem_alloc_zero(sizeof *view);
    view->store = store;
    view->dir = dir;
    view->news = news;
    view->source = source;
    (void)pthread_mutex_init(&view->lock, NULL); /* cannot fail on Linux */
    (void)pthread_cond_init(&view->released, NULL);
    collect_queries(view);
    struct ever_err err = open_versions(view, report);
    if (!IS_OK(err)) {
        view_life_close(view);
        return err;
    }
    (void)publish(view); /* nobody watches yet */
    *out_view = view;
    return ERR_OK;
}

/* What was reached without a write is kept, so that the next start need not look at it again. */
static void close_version(struct view *view, struct view_version *version)
{
    if (version == NULL) {
        return;
    }
    ASSERT(version->references == 1);
    bool ahead = version->reached.position > version->database.checkpoint.position;
    if (ahead && view->dir != NULL && !atomic_load(&version->damaged)) {
        (void)view_apply_save(version, false); /* else it is looked at again */
    }
    view_version_close(version);
}

void view_life_close(struct view *view)
{
    if (view == NULL) {
        return;
    }
    close_version(view, view->serving);
    close_version(view, view->building);
    (void)pthread_cond_destroy(&view->released);
    (void)pthread_mutex_destroy(&view->lock);
    view_source_free(view->source);
    free(view->queries);
    free(view);
}
