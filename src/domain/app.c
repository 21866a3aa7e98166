/* app.c - a walk through the APP folder: what a file is follows from its path alone. */
#include "domain/app.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_DEPTH_MAX 16

struct walk {
    struct app *app;
    size_t capacity;
    struct text *report;
    struct ever_err first_fault; /* the walk goes on, so that the report has them all */
};

static void refuse(struct walk *walk, struct ever_err err, const char *path, const char *why)
{
    text_printf(walk->report, "%s: %s\n", path, why);
    if (IS_OK(walk->first_fault)) {
        walk->first_fault = err;
    }
}

static void refuse_errno(struct walk *walk, const char *path)
{
    int number = errno;
    refuse(walk, FAIL_ERRNO(err_code_of_errno(number), number, "read app folder"), path,
           strerror(number));
}

/* --- What a path says ------------------------------------------------------------------------ */

struct place { /* where files of a kind are, and which part of the path is their name */
    enum app_file_kind kind;
    const char *folder;
    const char *ending;
};

static const struct place places[] = {
    {APP_DECIDER, "deciders/", ".js"}, {APP_DECIDER, "deciders/", ".ts"},
    {APP_VIEW, "views/", ".sql"},      {APP_FLOW, "flows/", ".js"},
    {APP_FLOW, "flows/", ".ts"},       {APP_TEST, "tests/", ".test.js"},
    {APP_TEST, "tests/", ".test.ts"},
};

static bool ends_with(struct ever_slice text, const char *ending)
{
    struct ever_slice end = slice_of_text(ending);
    return text.size >= end.size && slice_equal(slice_from(text, text.size - end.size), end);
}

/* Sets kind and name; false for a file that is none of ours. */
static bool classify(struct ever_slice path, enum app_file_kind *out_kind,
                     struct ever_slice *out_name)
{
    bool is_script = ends_with(path, ".js") || ends_with(path, ".ts");
    if (ends_with(path, ".d.ts")) {
        return false; /* types only: for editors */
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct ever_slice folder = slice_of_text(places[i].folder);
        if (!slice_starts_with(path, folder) || !ends_with(path, places[i].ending)) {
            continue;
        }
        struct ever_slice name = slice_from(path, folder.size);
        name.size -= strlen(places[i].ending);
        if (slice_find_byte(name, '/') == name.size) { /* deeper ones are modules */
            *out_kind = places[i].kind;
            *out_name = name;
            return true;
        }
    }
    bool is_routes = slice_is(path, "routes.js") || slice_is(path, "routes.ts");
    *out_kind = is_routes ? APP_ROUTES : APP_MODULE;
    *out_name = path;
    return is_script;
}

static bool is_plain_name(struct ever_slice name)
{
    if (name.size == 0 || name.size > APP_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

/* --- Reading --------------------------------------------------------------------------------- */

/* Reads `size` bytes and a NUL behind them; NULL with errno when that fails. */
static char *read_bytes(int file, size_t size)
{
    char *content = mem_alloc(size + 1);
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, content + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got == 0 ? EIO : errno; /* it shrank while we read */
            free(content);
            return NULL;
        }
        done += (size_t)got;
    }
    content[size] = '\0';
    return content;
}

static struct app_file *add_file(struct walk *walk)
{
    struct app *app = walk->app;
    if (app->file_count == walk->capacity) {
        walk->capacity = walk->capacity == 0 ? 16 : walk->capacity * 2;
        app->files = mem_grow(app->files, walk->capacity * sizeof app->files[0]);
    }
    return &app->files[app->file_count++];
}

static void read_file(struct walk *walk, int file, const char *path, enum app_file_kind kind,
                      struct ever_slice name)
{
    struct stat status;
    if (fstat(file, &status) != 0) {
        refuse_errno(walk, path);
        return;
    }
    if (!S_ISREG(status.st_mode)) {
        refuse(walk, FAIL(EVER_INVALID, "app file"), path, "is not a regular file");
        return;
    }
    if (status.st_size > (off_t)APP_FILE_BYTES_MAX) {
        refuse(walk, FAIL(EVER_LIMIT, "app file"), path, "is larger than 1 MiB");
        return;
    }
    char *content = read_bytes(file, (size_t)status.st_size);
    if (content == NULL) {
        refuse_errno(walk, path);
        return;
    }
    *add_file(walk) = (struct app_file){
        .kind = kind,
        .path = mem_copy_text(slice_of_text(path)),
        .name = mem_copy_text(name),
        .content = slice_of(content, (size_t)status.st_size),
    };
}

/* True when the link's end lies inside the folder. */
static bool link_stays_inside(struct walk *walk, const char *full, const char *path)
{
    char end[PATH_MAX];
    if (realpath(full, end) == NULL) {
        refuse_errno(walk, path);
        return false;
    }
    struct ever_slice root = slice_of_text(walk->app->dir);
    struct ever_slice target = slice_of_text(end);
    bool inside = slice_starts_with(target, root) &&
                  (root.size == 1 || target.size == root.size || target.data[root.size] == '/');
    if (!inside) {
        refuse(walk, FAIL(EVER_INVALID, "app link"), path,
               "is a link that leads out of the folder");
    }
    return inside;
}

static void visit_file(struct walk *walk, const char *full, const char *path)
{
    enum app_file_kind kind;
    struct ever_slice name;
    if (!classify(slice_of_text(path), &kind, &name)) {
        return;
    }
    bool is_named = kind == APP_DECIDER || kind == APP_VIEW || kind == APP_FLOW;
    if (is_named && !is_plain_name(name)) {
        refuse(walk, FAIL(EVER_INVALID, "app file name"), path,
               "the name may have a-z, 0-9, _ and - only, at most 100 of them");
        return;
    }
    if (walk->app->file_count == APP_FILES_MAX) {
        refuse(walk, FAIL(EVER_LIMIT, "app files"), path, "is one file too many: at most 1000");
        return;
    }
    int file = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
    if (file < 0) {
        refuse_errno(walk, path);
        return;
    }
    read_file(walk, file, path, kind, name);
    (void)close(file); /* it was only read */
}

static void visit_folder(struct walk *walk, const char *path, unsigned depth);

static void visit(struct walk *walk, const char *path, unsigned depth)
{
    struct text full = {0};
    text_printf(&full, "%s/%s", walk->app->dir, path);
    struct stat status;
    if (lstat(full.data, &status) != 0) {
        refuse_errno(walk, path);
    } else if (S_ISLNK(status.st_mode)) {
        if (link_stays_inside(walk, full.data, path)) {
            visit_file(walk, full.data, path); /* a link to a folder is no file: passed over */
        }
    } else if (S_ISDIR(status.st_mode)) {
        visit_folder(walk, path, depth + 1);
    } else {
        visit_file(walk, full.data, path);
    }
    text_deinit(&full);
}

static bool is_passed_over(const char *name)
{
    return name[0] == '.' || strcmp(name, "node_modules") == 0;
}

static void visit_folder(struct walk *walk, const char *path, unsigned depth)
{
    if (depth > FOLDER_DEPTH_MAX) {
        refuse(walk, FAIL(EVER_LIMIT, "app folder depth"), path, "is nested too deeply");
        return;
    }
    struct text below = {0};
    text_printf(&below, "%s/%s", walk->app->dir, path);
    DIR *folder = opendir(below.data);
    if (folder == NULL) {
        refuse_errno(walk, path);
        text_deinit(&below);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (is_passed_over(entry->d_name)) {
            continue;
        }
        text_clear(&below);
        text_printf(&below, "%s%s%s", path, path[0] == '\0' ? "" : "/", entry->d_name);
        visit(walk, below.data, depth);
    }
    (void)closedir(folder); /* it was only read */
    text_deinit(&below);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct app_file *)a)->path, ((const struct app_file *)b)->path);
}

/* Two files may not be the same thing: in JavaScript and in TypeScript. */
static void refuse_twice(struct walk *walk)
{
    const struct app *app = walk->app;
    for (size_t i = 1; i < app->file_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct app_file *a = &app->files[k];
            const struct app_file *b = &app->files[i];
            bool is_same = a->kind == b->kind && a->kind != APP_MODULE &&
                           (a->kind == APP_ROUTES || strcmp(a->name, b->name) == 0);
            if (is_same) {
                refuse(walk, FAIL(EVER_INVALID, "app file"), b->path,
                       "stands there as .js too: remove one of the two");
            }
        }
    }
}

struct ever_err app_load(const char *dir, struct text *report, struct app **out_app)
{
    char *root = realpath(dir, NULL);
    struct stat status;
    if (root == NULL || stat(root, &status) != 0 || !S_ISDIR(status.st_mode)) {
        int number = root == NULL ? errno : ENOTDIR;
        free(root);
        text_printf(report, "%s: %s\n", dir, strerror(number));
        bool missing = number == ENOENT || number == ENOTDIR;
        enum ever_code code = missing ? EVER_NOT_FOUND : err_code_of_errno(number);
        return FAIL_ERRNO(code, number, "open app folder");
    }
    struct app *app = mem_alloc_zero(sizeof *app);
    app->dir = root;
    struct walk walk = {.app = app, .report = report, .first_fault = ERR_OK};
    visit_folder(&walk, "", 0);
    if (app->file_count > 0) {
        qsort(app->files, app->file_count, sizeof app->files[0], compare_paths);
    }
    refuse_twice(&walk);
    if (!IS_OK(walk.first_fault)) {
        app_free(app);
        return walk.first_fault;
    }
    *out_app = app;
    return ERR_OK;
}

void app_free(struct app *app)
{
    if (app == NULL) {
        return;
    }
    for (size_t i = 0; i < app->file_count; i++) {
        free(app->files[i].path);
        free(app->files[i].name);
        free((char *)app->files[i].content.data); /* ours: made by read_bytes() */
    }
    free(app->files);
    free(app->dir);
    free(app);
}
