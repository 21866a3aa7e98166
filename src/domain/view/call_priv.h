/* call_priv.h - one run of a query on one version of a view. */
#pragma once
#include "domain/view/reader_priv.h"
#include "domain/view/view.h"

struct view_call {
    const struct view_part *query; /* of the readers' source */
    const struct view_argument *arguments;
    size_t argument_count;
    const struct view_limits *limits;
};

struct view_answer {
    struct text *rows;   /* the JSON array is appended; as before when the call failed */
    struct text *report; /* what was wrong, for people */
    uint64_t position;   /* untouched when the call failed */
};

/* As view_query(); and EVER_CORRUPT: the database is damaged. */
struct ever_err view_call_run(struct view_readers *readers, const struct view_call *call,
                              struct view_answer *answer);
