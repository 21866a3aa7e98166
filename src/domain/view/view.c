/* view.c - what others may ask a view, from any thread. */
#include "domain/view/view.h"

#include "base/slice.h"
#include "domain/view/call_priv.h"
#include "domain/view/life_priv.h"

const char *view_name(const struct view *view)
{
    return view->source->name;
}

bool view_handles(const struct view *view, struct ever_slice event_type)
{
    const struct view_source *source = view->source;
    for (size_t i = 0; i < source->part_count; i++) {
        const struct view_part *part = &source->parts[i];
        for (size_t j = 0; j < part->type_count; j++) {
            if (slice_equal(part->types[j], event_type)) {
                return true;
            }
        }
    }
    return false;
}

size_t view_query_count(const struct view *view)
{
    return view->query_count;
}

const struct view_query_info *view_query_at(const struct view *view, size_t index)
{
    return index < view->query_count ? &view->queries[index] : NULL;
}

const struct view_query_info *view_query_find(const struct view *view, struct ever_slice name)
{
    for (size_t i = 0; i < view->query_count; i++) {
        if (slice_is(name, view->queries[i].name)) {
            return &view->queries[i];
        }
    }
    return NULL;
}

void view_status(const struct view *view, struct view_status *out_status)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&view->lock; /* looking changes nothing else */
    (void)pthread_mutex_lock(lock);
    *out_status = view->status;
    (void)pthread_mutex_unlock(lock);
}

uint64_t view_position(const struct view *view)
{
    return atomic_load(&view->position);
}

/* An earlier version may answer: by its own text, if it knows the query. */
static struct ever_err run_on_version(struct view *view, struct view_version *version,
                                      struct view_call *call, const char *query_name,
                                      struct view_answer *answer)
{
    call->query = view_source_query(version->source, slice_of_text(query_name));
    if (call->query == NULL) {
        text_printf(answer->report,
                    "the query \"%s\" is new: it answers when the changed view has caught up",
                    query_name);
        return FAIL(EVER_BUSY, "view query of a version being built");
    }
    struct ever_err err = view_call_run(&version->readers, call, answer);
    if (err.code == EVER_CORRUPT) {
        atomic_store(&version->damaged, true);
        view_news_tell(view->news); /* the view's thread builds it again */
        text_add_text(answer->report, "the view's database is damaged and will be built again");
    }
    return err;
}

struct ever_err view_query(struct view *view, const struct view_query_info *query,
                           const struct view_argument *arguments, size_t argument_count,
                           const struct view_limits *limits, struct text *out_rows,
                           uint64_t *out_position, struct text *report)
{
    struct view_version *version = view_life_acquire(view);
    if (version == NULL) {
        text_add_text(report, "the view's database was damaged and is being built again");
        return FAIL(EVER_BUSY, "view query");
    }
    struct view_call call = {
        .arguments = arguments, .argument_count = argument_count, .limits = limits};
    struct view_answer answer = {.rows = out_rows, .report = report};
    struct ever_err err = run_on_version(view, version, &call, query->name, &answer);
    view_life_release(view, version);
    if (IS_OK(err)) {
        *out_position = answer.position;
    }
    return err;
}
