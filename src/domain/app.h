/* app.h - the files of an APP folder, read once at start.
 *
 *     deciders/NAME.js    views/NAME.sql    flows/NAME.js    routes.js    tests/NAME.test.js
 *     other *.js: imported
 *
 * Each .js may be a .ts (TypeScript, whose types are taken out), but not both under one name.
 *
 * A file that cannot be read, a link that leads out of the folder, a name outside [a-z0-9_-] for a
 * decider, view or file of flows: refused, by name. Passed over: hidden files and folders (so
 * .everfold too), node_modules, links to folders, and what has another ending. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#define APP_FILE_BYTES_MAX (1u << 20)
#define APP_FILES_MAX 1000
#define APP_NAME_BYTES_MAX 100 /* of a decider or view: data files are named by them */

enum app_file_kind { APP_DECIDER, APP_VIEW, APP_FLOW, APP_ROUTES, APP_TEST, APP_MODULE };

struct app_file {
    enum app_file_kind kind;
    char *path; /* below the folder, with slashes: "views/balances.sql" */
    char *name; /* decider, view, flow, test: without folder and ending; else the path */
    struct ever_slice content;
};

struct app {
    char *dir;
    struct app_file *files; /* sorted by path */
    size_t file_count;
};

/* Reads the folder. On EVER_INVALID, EVER_LIMIT, EVER_NOT_FOUND, EVER_IO `report` says which file
 * and why, one line each. */
struct ever_err app_load(const char *dir, struct text *report, struct app **out_app);
void app_free(struct app *app); /* NULL-safe. */
