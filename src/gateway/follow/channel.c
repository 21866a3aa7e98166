#include "gateway/follow/channel.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>

/* Where the encoding of one event begins in what is about to be written. */
struct mark {
    uint64_t position;
    size_t offset;
};

struct channel {
    struct turn turn;
    struct channel *next;
    struct feeds *feeds;
    struct text key; /* the filter, as text */
    struct ever_cursor *cursor;
    bool of_stream;
    uint64_t from;     /* as in struct feed */
    uint64_t position; /* every event up to it was written to all members */
    struct feed *members;
    struct mark marks[TURN_EVENTS_MAX];
    size_t mark_count;
};

/* --- Reading and writing --------------------------------------------------------------------- */

static void add_event(struct channel *channel, struct text *out, const struct ever_event *event)
{
    channel->marks[channel->mark_count++] =
        (struct mark){.position = event->position, .offset = out->size};
    feed_encode(out, MEDIA_SSE, event);
    channel->position = event->position;
    channel->from = (channel->of_stream ? event->revision : event->position) + 1;
}

/* EVER_OK: there may be more to read. EVER_END: all is read. */
static struct ever_err read_slice(struct channel *channel, struct text *out)
{
    uint64_t last_position = ever_last_position(channel->feeds->gateway->parts.store);
    channel->mark_count = 0;
    ever_cursor_allow(channel->cursor, TURN_LOOKS_MAX, TURN_LOOK_BYTES_MAX);
    while (channel->mark_count < TURN_EVENTS_MAX && out->size < TURN_BYTES_MAX) {
        const struct ever_event *event;
        struct ever_err err = ever_next(channel->cursor, &event);
        if (err.code == EVER_END && last_position > channel->position) {
            channel->position = last_position;
        }
        if (err.code == EVER_AGAIN) {
            return ERR_OK;
        }
        TRY(err);
        add_event(channel, out, event);
    }
    return ERR_OK;
}

/* What of the slice the member has not seen. */
static struct ever_slice unseen(const struct channel *channel, const struct feed *member,
                                struct ever_slice all)
{
    size_t low = 0;
    size_t high = channel->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (channel->marks[middle].position > member->position) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low == channel->mark_count ? SLICE_NONE : slice_from(all, channel->marks[low].offset);
}

static void write_to(struct channel *channel, struct feed *member, struct ever_slice all)
{
    struct ever_slice bytes = unseen(channel, member, all);
    feed_reached(member, channel->position);
    if (channel->from > member->from) {
        member->from = channel->from;
    }
    if (bytes.size > 0) {
        member->told_position = channel->marks[channel->mark_count - 1].position;
        feed_write(member, bytes);
    }
}

static void write_to_all(struct channel *channel, struct ever_slice all)
{
    struct feed **at = &channel->members;
    while (*at != NULL) {
        struct feed *member = *at;
        write_to(channel, member, all);
        if (member->state == FEED_FOLLOWING) {
            at = &member->channel_next;
        } else { /* full: it reads on by itself when there is room */
            *at = member->channel_next;
            member->channel = NULL;
        }
    }
}

static void channel_close(struct channel *channel)
{
    struct feeds *feeds = channel->feeds;
    struct channel **at = &feeds->channels;
    while (*at != channel) {
        at = &(*at)->next;
    }
    *at = channel->next;
    feeds->channel_count--;
    turns_remove(&feeds->gateway->turns, &channel->turn);
    ever_cursor_close(channel->cursor);
    text_deinit(&channel->key);
    free(channel);
}

/* Whatever is wrong, each member meets it by itself and says so to its client. */
static void dissolve(struct channel *channel)
{
    while (channel->members != NULL) {
        struct feed *member = channel->members;
        channel->members = member->channel_next;
        member->channel = NULL;
        feed_read_on(member);
    }
}

static void pump(struct channel *channel)
{
    struct text *out = &channel->feeds->gateway->scratch;
    text_clear(out);
    struct ever_err err = read_slice(channel, out);
    write_to_all(channel, text_slice(out));
    if (!IS_OK(err) && err.code != EVER_END) {
        dissolve(channel);
    }
    if (channel->members == NULL) {
        channel_close(channel);
    } else if (IS_OK(err)) {
        turns_add(&channel->feeds->gateway->turns, &channel->turn);
    }
}

static void run(struct turn *turn)
{
    pump((struct channel *)((char *)turn - offsetof(struct channel, turn)));
}

void channels_log_moved(struct feeds *feeds)
{
    for (struct channel *channel = feeds->channels; channel != NULL;) {
        struct channel *next = channel->next; /* pumping one may close it, and no other */
        if (!channel->turn.waiting) {
            pump(channel);
        }
        channel = next;
    }
}

/* --- Members --------------------------------------------------------------------------------- */

static void add_part(struct text *key, char kind, struct ever_slice part)
{
    if (part.size > 0) {
        text_add_byte(key, kind);
        text_add(key, part);
        text_add_byte(key, '\0'); /* stands in no name */
    }
}

static struct text key_of(const struct ever_read *read)
{
    struct text key = {0};
    text_add_text(&key, "");
    add_part(&key, 's', read->stream);
    add_part(&key, 'c', read->category);
    add_part(&key, 'p', read->prefix);
    for (uint32_t i = 0; i < read->type_count; i++) {
        add_part(&key, 't', read->types[i]);
    }
    for (uint32_t i = 0; i < read->tag_count; i++) {
        add_part(&key, 'g', read->tags[i]);
    }
    return key;
}

static struct channel *find(struct feeds *feeds, const struct text *key)
{
    struct channel *channel = feeds->channels;
    while (channel != NULL && !slice_equal(text_slice(&channel->key), text_slice(key))) {
        channel = channel->next;
    }
    return channel;
}

/* A new channel goes on with its first member's cursor, from where that one stands. */
static struct channel *channel_open(struct feed *feed, struct text key)
{
    struct feeds *feeds = feed->feeds;
    struct channel *channel = mem_alloc_zero(sizeof *channel);
    channel->turn.run = run;
    channel->feeds = feeds;
    channel->key = key;
    channel->cursor = TAKE(feed->cursor);
    channel->of_stream = feed->reading.of_stream;
    channel->from = feed->from;
    channel->position = feed->position;
    channel->next = feeds->channels;
    feeds->channels = channel;
    feeds->channel_count++;
    return channel;
}

void channel_join(struct feed *feed)
{
    ASSERT(feed->state == FEED_READING);
    struct text key = key_of(&feed->reading.read);
    struct channel *channel = find(feed->feeds, &key);
    if (channel == NULL) {
        channel = channel_open(feed, key);
    } else {
        text_deinit(&key);
        ever_cursor_close(TAKE(feed->cursor));
    }
    /* The feed has read to the end just now, the channel some time before. */
    ASSERT(channel->position <= feed->position);
    feed->state = FEED_FOLLOWING;
    feed->channel = channel;
    feed->channel_next = channel->members;
    channel->members = feed;
}

void channel_leave(struct feed *feed)
{
    struct channel *channel = feed->channel;
    struct feed **at = &channel->members;
    while (*at != feed) {
        at = &(*at)->channel_next;
    }
    *at = feed->channel_next;
    feed->channel = NULL;
    if (channel->members == NULL) {
        channel_close(channel);
    }
}
