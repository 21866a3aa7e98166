/* request.h - one append on its way: what is asked, made self-contained, and the answer.
 *
 * Checked and given its ids by the calling thread, before it stands in any queue. The writes stay
 * the caller's, who keeps them until the answer. */
#pragma once
#include "base/env.h"
#include "everfold.h"

#include <stdatomic.h>

struct request {
    struct request *next; /* in the queue or the batch */
    const struct ever_write *writes;
    uint32_t count;
    uint32_t event_count;
    size_t bytes_max;      /* of its records */
    bool has_given_ids;    /* some ids came from the caller, so it may be a repeat */
    bool pass_known;       /* events that are there already are passed over */
    struct ever_uuid *ids; /* of all events in order; zero: passed over */
    /* The answer. */
    struct ever_err err;
    struct ever_result result;
    int64_t *revisions; /* one for each write */
    /* Who wants it: a callback, or a caller that sleeps. */
    ever_append_fn *done; /* NULL: a caller sleeps */
    void *arg;
    uint32_t bell;            /* commit's: on which of its bells */
    _Atomic bool is_finished; /* commit's: the caller may go, and the request with it */
};

/* EVER_INVALID, EVER_LIMIT, EVER_NO_MEMORY: see everfold.h. */
struct ever_err request_create(struct env *env, const struct ever_write *writes, uint32_t count,
                               struct request **out_request);
void request_destroy(struct request *request);

/* The caller gave this id itself: the same id again means the same event. */
bool request_id_is_given(const struct ever_new_event *event);

/* Names of streams and types, and tags (which may be empty as well). */
struct ever_err request_check_name(struct ever_slice name, size_t bytes_max);
