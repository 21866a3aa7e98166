/* life_priv.h - a view from its opening to its end: which versions it has, and which one answers.
 *
 *                        file unchanged           file changed, an earlier version can answer
 *     open               serving = current        serving = earlier, building = current
 *     building caught up                          serving = current; the earlier one and its files
 * go current damaged    made anew: from 1        made anew, while the earlier one answers earlier
 * damaged                             serving = current, though far behind
 *
 * Threads:  one thread at a time calls view_life_step(); it alone changes `serving` and `building`.
 *           Others reach a version by view_life_acquire().
 * Lock:     `lock` guards serving, references and status; held for a few instructions, and while
 *           waiting for the queries on a damaged database to end. */
#pragma once
#include "domain/view/apply_priv.h"
#include "domain/view/news_priv.h"
#include "domain/view/view.h"

struct view {
    struct ever *store;
    const char *dir;            /* NULL: databases in memory */
    struct view_news *news;     /* told when a query found damage; its stop ends statements */
    struct view_source *source; /* the file as it is now: the view's face */
    struct view_query_info *queries;
    size_t query_count;

    pthread_mutex_t lock;
    pthread_cond_t released;
    struct view_version *serving;  /* NULL while a damaged one is replaced */
    struct view_version *building; /* NULL when the current version serves */
    struct view_status status;
    uint64_t applied_before; /* by versions that are gone */
    _Atomic uint64_t position;
};

/* Takes `source`, on failure too. */
struct ever_err view_life_open(struct ever *store, const char *dir, struct view_news *news,
                               struct view_source *source, struct text *report,
                               struct view **out_view);
void view_life_close(struct view *view); /* NULL-safe. No query may run. */

/* Applies a batch to each version and settles what follows from it. *out_moved: position or state
 * is another one. */
enum view_step view_life_step(struct view *view, bool *out_moved);

/* The version that answers, kept until released; NULL when there is none just now. */
struct view_version *view_life_acquire(struct view *view);
void view_life_release(struct view *view, struct view_version *version);
