/* pending.h - what one group has taken so far and the log does not have yet: the newest revision of
 * each stream it touches, and the ids its callers gave.
 *
 * Sized for the group before it begins, so that nothing fails midway. One thread at a time. */
#pragma once
#include "store/room.h"

struct pending_stream {
    struct ever_slice name; /* lent from a request */
    uint64_t hash;
    int64_t revision; /* the last one, of log and group together */
    int64_t answer;   /* the last one that the request being answered gave it */
    bool is_changed;  /* the group has events for it */
};

struct pending_id {
    struct ever_uuid id;
    uint32_t record; /* of the group, from 0 */
    uint32_t slot;
};

struct pending {              /* all zero is empty and valid */
    struct room streams;      /* struct pending_stream */
    struct room ids;          /* struct pending_id */
    struct room stream_slots; /* hash tables of index + 1; 0 is free */
    struct room id_slots;
    uint32_t stream_count;
    uint32_t id_count;
    uint32_t stream_mask;
    uint32_t id_mask;
};

/* Empties it and makes room for so many. */
struct ever_err pending_begin(struct pending *pending, uint32_t streams_max, uint32_t ids_max);
void pending_end(struct pending *pending); /* gives back what a large group needed */
void pending_deinit(struct pending *pending);

struct pending_stream *pending_stream_at(const struct pending *pending, uint32_t index);
/* NULL: not there yet. Lent until pending_begin(). */
struct pending_stream *pending_find_stream(const struct pending *pending, struct ever_slice name,
                                           uint64_t hash);
struct pending_stream *pending_add_stream(struct pending *pending, struct ever_slice name,
                                          uint64_t hash);

bool pending_find_id(const struct pending *pending, struct ever_uuid id, uint32_t *out_record);
void pending_add_id(struct pending *pending, struct ever_uuid id, uint32_t record);
/* Takes back the newest, until `count` are left. */
void pending_drop_ids(struct pending *pending, uint32_t count);
