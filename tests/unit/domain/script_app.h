/* script_app.h - an APP made in memory, and where the worker program of this build is. */
#pragma once
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/app.h"
#include "domain/script/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_APP_FILES_MAX 16

/* everfold-js lies in bin/, this program in tests/ of the same build. */
static inline const char *script_worker_path(void)
{
    static char path[4200];
    size_t size = sizeof path - 64;
    ASSERT(uv_exepath(path, &size) == 0);
    path[size] = '\0';
    char *folder = strrchr(path, '/');
    (void)snprintf(folder, 64, "/../bin/everfold-js"); /* there is room for it */
    return path;
}

struct script_source {
    enum app_file_kind kind;
    const char *path;
    const char *source;
};

static inline char *script_app_name(const struct script_source *file)
{
    const char *slash = strrchr(file->path, '/');
    const char *name = slash == NULL ? file->path : slash + 1;
    size_t size = file->kind == APP_DECIDER || file->kind == APP_FLOW ? strlen(name) - strlen(".js")
                                                                      : strlen(name);
    return mem_copy_text(slice_of(name, size));
}

/* `files` must be sorted by path, as app_load() sorts them. The sources are lent. */
static inline struct app script_app(const struct script_source *files, size_t count)
{
    struct app app = {.files = mem_alloc_zero(count * sizeof *app.files), .file_count = count};
    for (size_t i = 0; i < count; i++) {
        app.files[i] = (struct app_file){.kind = files[i].kind,
                                         .path = mem_copy_text(slice_of_text(files[i].path)),
                                         .name = script_app_name(&files[i]),
                                         .content = slice_of_text(files[i].source)};
    }
    return app;
}

static inline void script_app_deinit(struct app *app)
{
    for (size_t i = 0; i < app->file_count; i++) {
        free(app->files[i].path);
        free(app->files[i].name);
    }
    free(app->files);
}
