/* feed_priv.h - what feeds and channels know of each other. */
#pragma once
#include "gateway/follow/damage.h"
#include "gateway/follow/feed.h"
#include "gateway/gateway_priv.h"

enum feed_state { FEED_BLOCKED, FEED_READING, FEED_FOLLOWING };

struct channel;

struct feed { /* in the arena of its exchange */
    struct turn turn;
    struct feeds *feeds;
    struct feed *next; /* of all feeds */
    struct feed **previous;
    struct http_exchange *exchange;
    enum media media;
    enum feed_state state;
    const struct feed_limit *limit; /* NULL: none */
    struct reading reading;
    struct ever_cursor *cursor; /* while READING or blocked from reading */
    uint64_t given;             /* events */
    uint64_t from;              /* where a new cursor begins: a revision or position */
    uint64_t position;          /* every event of the feed up to it was given */
    uint64_t told_position;     /* the last id the client has seen */
    uint64_t wrote_ms;          /* uv_now() of the last write */
    bool begun;
    bool caught_up_told;
    bool is_incomplete;      /* something could not be read; */
    struct damage damage;    /* what has yet to be told of it */
    struct channel *channel; /* while FOLLOWING */
    struct feed *channel_next;
};

struct feeds {
    struct gateway *gateway;
    struct feed *first;
    struct channel *channels;
    uint32_t feed_count;
    uint32_t channel_count;
    uv_timer_t tick;
    void (*closed)(struct gateway *gateway);
};

/* Writes; when the connection is full the feed is BLOCKED afterwards. */
void feed_write(struct feed *feed, struct ever_slice bytes);

/* Every event up to the position was given, or is none of the feed's: it need not look there again.
 */
void feed_reached(struct feed *feed, uint64_t position);

/* Appends one event as the feed's medium has it. */
void feed_encode(struct text *out, enum media media, const struct ever_event *event);

/* FOLLOWING -> READING: in its next turn it reads on by itself. */
void feed_read_on(struct feed *feed);
