/* view_store.h - what the tests of views share: a store and an APP in a temporary folder. */
#pragma once
#include "unit/unit.h"

#include "base/text.h"
#include "domain/view/view.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char dir[64];
    char data[96];  /* of the store */
    char views[96]; /* of the databases */
    struct ever *store;
    struct app app;
    struct app_file files[8];
    struct views *open;
};

static inline void world_open_store(struct world *world)
{
    struct ever_options options = {.segment_bytes = 1 << 20};
    assert_ok(ever_open(world->data, &options, &world->store));
}

static inline void world_init(struct world *world)
{
    *world = (struct world){0};
    strcpy(world->dir, "/tmp/everfold-view-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    (void)snprintf(world->data, sizeof world->data, "%s/data", world->dir); /* these fit */
    (void)snprintf(world->views, sizeof world->views, "%s/views", world->dir);
    world->app.files = world->files;
    world_open_store(world);
}

/* The text is lent. */
static inline void world_put_view(struct world *world, const char *name, const char *text)
{
    struct text path = {0};
    text_printf(&path, "views/%s.sql", name);
    size_t index = 0;
    while (index < world->app.file_count && strcmp(world->files[index].name, name) != 0) {
        index++;
    }
    struct app_file *file = &world->files[index];
    free(file->path);
    free(file->name);
    *file = (struct app_file){
        .kind = APP_VIEW,
        .path = path.data,
        .name = strdup(name),
        .content = slice_of_text(text),
    };
    world->app.file_count += index == world->app.file_count;
}

static inline void world_open_views(struct world *world, bool in_memory)
{
    struct text report = {0};
    struct ever_err err = views_open(world->store, &world->app, in_memory ? NULL : world->views,
                                     NULL, 0, &report, &world->open);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
}

static inline void world_close_views(struct world *world)
{
    views_close(world->open);
    world->open = NULL;
}

static inline int world_remove_one(const char *path, const struct stat *status, int flag,
                                   struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

static inline void world_deinit(struct world *world)
{
    world_close_views(world);
    ever_close(world->store);
    for (size_t i = 0; i < world->app.file_count; i++) {
        free(world->files[i].path);
        free(world->files[i].name);
    }
    assert_int_equal(nftw(world->dir, world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline uint64_t world_append(struct world *world, const char *stream, const char *type,
                                    const char *data)
{
    struct ever_new_event event = {.type = slice_of_text(type), .data = slice_of_text(data)};
    struct ever_write write = {.stream = slice_of_text(stream), .events = &event, .event_count = 1};
    struct ever_result result;
    assert_ok(ever_append(world->store, &write, 1, &result, NULL));
    assert_int_equal(result.outcome, EVER_APPENDED);
    return result.last_position;
}

static inline struct view *world_view(struct world *world, const char *name)
{
    struct view *view = views_find(world->open, slice_of_text(name));
    assert_non_null(view);
    return view;
}

/* The query's rows, freed by the caller; *out_position may be NULL. */
static inline char *world_query(struct world *world, const char *view_name, const char *query_name,
                                const struct view_argument *arguments, size_t argument_count,
                                uint64_t *out_position)
{
    struct view *view = world_view(world, view_name);
    const struct view_query_info *query = view_query_find(view, slice_of_text(query_name));
    assert_non_null(query);
    struct text rows = {0};
    struct text report = {0};
    struct view_limits limits = {0};
    uint64_t position = 0;
    struct ever_err err =
        view_query(view, query, arguments, argument_count, &limits, &rows, &position, &report);
    if (!IS_OK(err)) {
        fail_msg("%s: %s (%s)", query_name, ever_code_name(err.code),
                 report.data == NULL ? "" : report.data);
    }
    if (out_position != NULL) {
        *out_position = position;
    }
    return rows.data;
}

static inline void world_expect(struct world *world, const char *view, const char *query,
                                const char *want)
{
    char *rows = world_query(world, view, query, NULL, 0, NULL);
    assert_string_equal(rows, want);
    free(rows);
}

static const char balances[] =
    "-- view balances\n"
    "create table account (id text primary key, balance integer not null) strict;\n"
    "create table seen (position integer primary key, type text) strict;\n"
    "-- on Opened\ninsert into account values (@id, 0);\n"
    "insert into seen values (@position, @type);\n"
    "-- on Deposited\nupdate account set balance = balance + :amount where id = @id;\n"
    "insert into seen values (@position, @type);\n"
    "-- query total()\nselect sum(balance) as total, count(*) as accounts from account;\n"
    "-- query seen()\nselect count(*) as count, max(position) as last from seen;\n"
    "-- query everything()\n"
    "select * from (select * from account union all select position, type from seen) order by 1, 2;"
    "\n";

/* Three events for each account, in one append: opened, its own number deposited, and one that no
 * view handles. */
static inline void append_accounts(struct world *world, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char stream[32];
        char data[32];
        (void)snprintf(stream, sizeof stream, "account-%d", i); /* these fit */
        (void)snprintf(data, sizeof data, "{\"amount\":%d}", i);
        struct ever_new_event events[] = {
            {.type = SLICE_LITERAL("Opened"), .data = SLICE_LITERAL("{}")},
            {.type = SLICE_LITERAL("Deposited"), .data = slice_of_text(data)},
            {.type = SLICE_LITERAL("Noticed"), .data = SLICE_LITERAL("{}")},
        };
        struct ever_write write = {
            .stream = slice_of_text(stream), .events = events, .event_count = 3};
        struct ever_result result;
        assert_ok(ever_append(world->store, &write, 1, &result, NULL));
        assert_int_equal(result.outcome, EVER_APPENDED);
    }
}

static inline struct view_status status_of(struct world *world, const char *name)
{
    struct view_status status;
    view_status(world_view(world, name), &status);
    return status;
}

/* --- Waiting for a view's thread ---------------------------------------------------------------
 */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t count;
};

static inline void note_move(void *arg)
{
    struct waiter *waiter = arg;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->count++;
    (void)pthread_cond_broadcast(&waiter->moved);
    (void)pthread_mutex_unlock(&waiter->lock);
}

typedef bool condition_fn(struct world *world, uint64_t position);

static inline bool has_reached(struct world *world, uint64_t position)
{
    return view_position(views_at(world->open, 0)) >= position;
}

static inline bool serves_current(struct world *world, uint64_t position)
{
    struct view_status status;
    view_status(views_at(world->open, 0), &status);
    return strcmp(status.version, status.serving) == 0 && has_reached(world, position);
}

/* Starts the threads and waits until the condition holds; ends when it never does by the test's
 * own time limit. */
static inline void wait_until(struct world *world, struct waiter *waiter, condition_fn *condition,
                              uint64_t position)
{
    (void)pthread_mutex_lock(&waiter->lock);
    while (!condition(world, position)) {
        uint64_t seen = waiter->count;
        while (waiter->count == seen && !condition(world, position)) {
            (void)pthread_cond_wait(&waiter->moved, &waiter->lock);
        }
    }
    (void)pthread_mutex_unlock(&waiter->lock);
}

static inline size_t database_count(const struct world *world)
{
    DIR *folder = opendir(world->views);
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = strlen(entry->d_name);
        count += size > 3 && strcmp(entry->d_name + size - 3, ".db") == 0;
    }
    assert_int_equal(closedir(folder), 0);
    return count;
}

#define SEATS(policy)                                                                              \
    "-- view seats\n-- on error " policy "\n"                                                      \
    "create table seat (n integer primary key, guest text not null) strict;\n"                     \
    "create table log (n any) strict;\n"                                                           \
    "-- on Booked\ninsert into log values (:seat);\ninsert into seat values (:seat, :guest);\n"    \
    "-- query seats()\nselect n from seat order by n;\n"                                           \
    "-- query log()\nselect n from log order by rowid;\n"                                          \
    "-- query skipped()\nselect * from everfold_skipped order by position;\n"

static inline void book(struct world *world, const char *data)
{
    (void)world_append(world, "show-1", "Booked", data);
}
