/* group_priv.h - the steps of group_apply(), for group*.c. */
#pragma once
#include "store/group.h"

/* What will be stored of a new event; tags that repeat are left out. Position, revision and time
 * are not set. `tags` is the room for its tags. */
struct ever_event group_event_of(const struct ever_write *write, const struct ever_new_event *event,
                                 struct ever_uuid id,
                                 struct ever_slice tags[static EVER_TAGS_PER_EVENT_MAX]);

/* The stream as the log and the group so far have it. */
struct ever_err group_find_stream(struct group *group, struct ever_slice name,
                                  struct pending_stream **out_stream);

/* Fills in the revisions of the answer from the streams' `answer`, which the caller has set. */
struct ever_err group_answer_revisions(struct group *group, struct request *request);

/* group_repeat.c: looks for the request's given ids. Answers it when it is a repeat or reuses ids;
 * else *out_is_new, and its ids are pending. */
struct ever_err group_check_ids(struct group *group, struct request *request, bool *out_is_new);
/* The position of the event with this id, in the log or the group; 0: there is none. */
struct ever_err group_find_id(struct group *group, struct ever_uuid id, uint64_t *out_position);
/* The event at a position of the log, or one that this group has taken, into group->reader.view.
 * EVER_NOT_FOUND: it is behind them. */
struct ever_err group_fetch(struct group *group, uint64_t position);
/* But for position, revision and time. */
bool group_same_event(const struct ever_event *a, const struct ever_event *b);

/* group_known.c: the same for a request that passes known events: takes their ids out of it.
 * *out_is_new: some are left. */
struct ever_err group_pass_known(struct group *group, struct request *request, bool *out_is_new);
