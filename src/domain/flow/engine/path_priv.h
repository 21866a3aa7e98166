/* path_priv.h - where in an item a value stands: data.amount, metadata.x, @id, or a member of what
 * an earlier operator made. */
#pragma once
#include "domain/flow/engine/scan_priv.h"

#define PATH_STEPS_MAX 32u
#define PATH_NO_COLUMN UINT32_MAX

enum path_place {
    PATH_VALUE, /* in the item's value */
    PATH_ID,    /* the others: of the root event */
    PATH_STREAM,
    PATH_TYPE, /* of the event that is read, also when a flow derived it */
    PATH_POSITION,
    PATH_REVISION,
    PATH_TIME, /* when it was committed */
};

struct derive_path {
    struct ever_slice text;
    enum path_place place;
    const struct ever_slice *steps; /* none: the value itself */
    uint32_t step_count;
    uint32_t column; /* of data.* paths that are looked up ahead */
};

/* NULL when it is a path, else what is wrong, static text. Copies into the arena. */
const char *path_parse(struct ever_slice text, struct arena *arena, struct derive_path *out_path);

struct derive_plan { /* which columns an event has, by the sources that read it */
    uint32_t *slot_of_column;
    uint32_t slot_count;
    struct scan_trie data;
};

struct derive_value path_get(const struct derive_path *path, const struct derive_item *item,
                             struct arena *arena);

/* account-alice -> alice; a stream without a category is all id. */
struct ever_slice path_stream_id(struct ever_slice stream);
