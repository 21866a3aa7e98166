/* files_priv.h - the databases of a view's versions in the views' folder: NAME-VERSION.db. */
#pragma once
#include "base/err.h"
#include "base/text.h"

/* Appends the path of a version's database. */
void view_files_path(struct text *out, const char *dir, const char *name, const char *version);

/* Calls `each` for every database of view `name` but that of `version`; ends at its first error. */
typedef struct ever_err view_files_fn(void *arg, const char *path);
struct ever_err view_files_others(const char *dir, const char *name, const char *version,
                                  view_files_fn *each, void *arg);
