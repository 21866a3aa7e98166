/* store_history.h - one fixed history, of appends to several streams at once, for a store to live
 * through.
 *
 * A store may only ever hold the beginning of it: what was appended so far, and nothing else. */
#pragma once
#include "store/store.h"

#define STREAMS 4u
#define APPENDS 16u
#define WRITES_MAX 3u
#define EVENTS_PER_WRITE_MAX 2u
#define EVENTS_MAX (APPENDS * WRITES_MAX * EVENTS_PER_WRITE_MAX)
#define LARGE_BYTES 32000u

struct happened {
    struct ever_new_event event;
    uint32_t stream;
    uint64_t revision;
    bool continues;
};

struct history {
    struct happened events[EVENTS_MAX]; /* at its position - 1 */
    uint32_t event_count;
    struct ever_write writes[APPENDS][WRITES_MAX];
    int64_t revisions[APPENDS][WRITES_MAX]; /* what the append answers */
    uint32_t write_count[APPENDS];
    uint32_t end[APPENDS + 1]; /* last position after so many appends */
    struct ever_new_event new_events[EVENTS_MAX];
    char noise[EVENTS_MAX + LARGE_BYTES]; /* data of event i begins at i, so all differ */
};
extern struct history history;

/* Fills `history`; a group's setup. */
int history_make(void **state);
struct ever_slice history_stream(uint32_t stream);

/* Which events a reader wants: all, those with the tag, those of the stream `arg`. */
bool history_wants_all(uint32_t index, uint32_t arg);
bool history_wants_tagged(uint32_t index, uint32_t arg);
bool history_wants_stream(uint32_t index, uint32_t arg);
