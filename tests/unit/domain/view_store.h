/* view_store.h - what the tests of views share: a store and an APP in a temporary folder. */
#pragma once
#include "unit/unit.h"

#include "base/text.h"
#include "domain/view/view.h"

#include <ftw.h>
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
                                     &report, &world->open);
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
