/* name.h - names that stand in a URL, and the path they stand in.
 *
 * A path is cut at its slashes first and each segment percent-decoded once, so "%252F" is the name
 * "%2F" and "%2F" would be a name with a slash: refused, like everything that two programs could
 * read in two ways. No I/O. */
#pragma once
#include "base/arena.h"
#include "base/text.h"
#include "everfold.h"

/* What is wrong with a name, to be put behind it: "is empty". NULL: nothing. */
const char *name_fault(struct ever_slice name);

/* The same for an event type or a tag, which never stands in a path: slashes and dots are fine. */
const char *label_fault(struct ever_slice label, size_t bytes_max);

#define PATH_SEGMENTS_MAX 16

struct path {
    struct ever_slice segments[PATH_SEGMENTS_MAX]; /* decoded */
    size_t count;                                  /* PATH_SEGMENTS_MAX + 1: there are more */
};

/* Cuts and decodes "/a/b%20c"; memory from `arena`. Gives NULL, or what is wrong with the segment
 * `out_culprit`, to be put behind it. Empty segments pass: whether a name may be empty is for who knows its place. */
const char *path_split(struct ever_slice raw, struct arena *arena, struct path *out_path,
                       struct ever_slice *out_culprit);

/* Appends `name` as one segment of a path or one value of a query. */
void name_write_encoded(struct text *out, struct ever_slice name);
