#include "gateway/follow/feed_priv.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "gateway/follow/channel.h"
#include "gateway/wire/event_json.h"

#include <stdlib.h>

/* --- Writing --------------------------------------------------------------------------------- */

void feed_encode(struct text *out, enum media media, const struct ever_event *event)
{
    if (media == MEDIA_NDJSON) {
        event_write(out, event, EVENT_ON_A_LINE);
        text_add_byte(out, '\n');
        return;
    }
    text_add(out, SLICE_LITERAL("id: "));
    text_add_u64(out, event->position);
    text_add(out, SLICE_LITERAL("\nevent: "));
    text_add(out, event->type);
    text_add(out, SLICE_LITERAL("\ndata: "));
    event_write(out, event, EVENT_ON_A_LINE);
    text_add(out, SLICE_LITERAL("\n\n"));
}

void feed_write(struct feed *feed, struct ever_slice bytes)
{
    feed->wrote_ms = uv_now(feed->feeds->gateway->parts.loop);
    if (!http_stream_write(feed->exchange, bytes)) {
        feed->state = FEED_BLOCKED;
    }
}

static struct text *scratch(struct feed *feed)
{
    text_clear(&feed->feeds->gateway->scratch);
    return &feed->feeds->gateway->scratch;
}

/* caught-up, checkpoint, evicted: where the feed stands is all they say. */
static void write_control(struct feed *feed, const char *name)
{
    struct text *out = scratch(feed);
    text_printf(out, "id: %llu\nevent: %s\ndata: {\"position\":%llu}\n\n",
                (unsigned long long)feed->position, name, (unsigned long long)feed->position);
    feed->told_position = feed->position;
    feed_write(feed, text_slice(out));
}

/* --- The end --------------------------------------------------------------------------------- */

/* Takes the feed out of everything that knows it; its exchange goes by itself. */
static void feed_remove(struct feed *feed)
{
    if (feed->channel != NULL) {
        channel_leave(feed);
    }
    turns_remove(&feed->feeds->gateway->turns, &feed->turn);
    ever_cursor_close(feed->cursor);
    *feed->previous = feed->next;
    if (feed->next != NULL) {
        feed->next->previous = feed->previous;
    }
    feed->feeds->feed_count--;
}

static void on_gone(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the feed knows it */
    feed_remove(arg);
}

/* Nothing touches the feed behind this: its memory goes with the exchange. */
static void feed_end(struct feed *feed)
{
    struct http_exchange *exchange = feed->exchange;
    feed_remove(feed);
    http_stream_end(exchange);
}

/* An answer that has begun cannot change its status: the problem is the last thing in it. */
static void feed_fail(struct feed *feed, struct text *out, struct ever_err err)
{
    const struct problem_info *info =
        problem_info(err.code == EVER_CORRUPT ? PROBLEM_DATA_DAMAGED : PROBLEM_INTERNAL);
    bool is_sse = feed->media == MEDIA_SSE;
    text_add_text(out, is_sse ? "event: error\ndata: " : "{\"error\":");
    if (feed->damage.from != 0) {
        damage_write_problem(out, feed->damage);
    } else {
        problem_write(out, info, info->status, slice_of_text(err.what), SLICE_NONE, SLICE_NONE);
    }
    text_add_text(out, is_sse ? "\n\n" : "}\n");
    feed_write(feed, text_slice(out));
    feed_end(feed);
}

static void evict(struct feed *feed)
{
    write_control(feed, "evicted");
    feed_end(feed);
}

/* --- Reading --------------------------------------------------------------------------------- */

enum slice_end { SLICE_GOES_ON, SLICE_AT_END, SLICE_FAILED };

static void note_given(struct feed *feed, const struct ever_event *event)
{
    feed->given++;
    feed->position = event->position;
    feed->told_position = event->position;
    feed->from = (feed->reading.of_stream ? event->revision : event->position) + 1;
}

void feed_reached(struct feed *feed, uint64_t position)
{
    if (position > feed->position) {
        feed->position = position;
        feed->from = feed->reading.of_stream ? feed->from : position + 1;
    }
}

static bool is_beyond(const struct feed *feed, const struct ever_event *event)
{
    uint64_t number = feed->reading.of_stream ? event->revision : event->position;
    return !feed->reading.read.backward && number > feed->reading.last;
}

/* A line of its own, before the next event's. */
static void tell_damage(struct feed *feed, struct text *out)
{
    if (feed->damage.from != 0) {
        text_add_byte(out, '{');
        damage_write(out, feed->damage);
        text_add_text(out, "}\n");
        feed->damage = (struct damage){0};
    }
}

/* Lines go on behind damage: who reads them wants all there is, and is told what is not. A follower
 * builds on what it was given, and must not miss events in passing. */
static bool steps_over(struct feed *feed, struct text *out)
{
    struct damage damage;
    if (!damage_find(feed->cursor, &feed->reading, &damage)) {
        return false;
    }
    if (damage.from != 0 && !damage_join(&feed->damage, damage)) {
        tell_damage(feed, out);
        feed->damage = damage;
    }
    feed->is_incomplete |= damage.from != 0;
    return feed->media == MEDIA_NDJSON;
}

static enum slice_end read_slice(struct feed *feed, struct text *out, struct ever_err *out_err)
{
    ever_cursor_allow(feed->cursor, TURN_LOOKS_MAX, TURN_LOOK_BYTES_MAX);
    for (unsigned i = 0; i < TURN_EVENTS_MAX && out->size < TURN_BYTES_MAX; i++) {
        const struct ever_event *event;
        struct ever_err err = ever_next(feed->cursor, &event);
        if (err.code == EVER_END) {
            return SLICE_AT_END;
        }
        if (err.code == EVER_AGAIN) {
            return reading_is_over(&feed->reading, feed->cursor) ? SLICE_AT_END : SLICE_GOES_ON;
        }
        if (err.code == EVER_CORRUPT && steps_over(feed, out)) {
            continue;
        }
        if (!IS_OK(err)) {
            *out_err = err;
            return SLICE_FAILED;
        }
        if (is_beyond(feed, event)) {
            return SLICE_AT_END;
        }
        tell_damage(feed, out);
        feed_encode(out, feed->media, event);
        note_given(feed, event);
        if (feed->given == feed->reading.limit) {
            return SLICE_AT_END;
        }
    }
    return SLICE_GOES_ON;
}

/* The line that shows that nothing was cut off. Who asked for a limited number, forward, may go on
 * behind the last one given, everybody else behind the last position looked at. */
static void finish_lines(struct feed *feed, struct text *out)
{
    bool limited = !feed->reading.read.backward && feed->given == feed->reading.limit;
    tell_damage(feed, out);
    text_add(out, SLICE_LITERAL("{\"end\":true,\"position\":"));
    text_add_u64(out, limited ? feed->position : feed->reading.position);
    text_add_text(out, feed->is_incomplete ? ",\"incomplete\":true}\n" : "}\n");
    feed_write(feed, text_slice(out));
    feed_end(feed);
}

static void follow(struct feed *feed)
{
    if (!feed->caught_up_told) {
        feed->caught_up_told = true;
        write_control(feed, "caught-up");
    }
    if (feed->state == FEED_READING) {
        channel_join(feed);
    }
}

static void after_slice(struct feed *feed, struct text *out, enum slice_end end)
{
    if (end == SLICE_AT_END && feed->media == MEDIA_NDJSON) {
        finish_lines(feed, out);
        return;
    }
    if (out->size > 0) {
        feed_write(feed, text_slice(out));
    }
    if (feed->state == FEED_BLOCKED) {
        return;
    }
    if (end == SLICE_AT_END) {
        follow(feed);
    } else {
        turns_add(&feed->feeds->gateway->turns, &feed->turn);
    }
}

static struct ever_err open_cursor(struct feed *feed)
{
    if (feed->cursor != NULL) {
        return ERR_OK;
    }
    struct ever_read read = feed->reading.read;
    read.from = feed->from;
    return ever_cursor_open(feed->feeds->gateway->parts.store, &read, &feed->cursor);
}

static void run(struct turn *turn)
{
    struct feed *feed = (struct feed *)((char *)turn - offsetof(struct feed, turn));
    if (feed->state != FEED_READING) {
        return; /* it was blocked meanwhile: `ready` comes */
    }
    struct text *out = scratch(feed);
    uint64_t last_position = ever_last_position(feed->feeds->gateway->parts.store);
    struct ever_err err = open_cursor(feed);
    enum slice_end end = IS_OK(err) ? read_slice(feed, out, &err) : SLICE_FAILED;
    if (end == SLICE_FAILED) {
        feed_fail(feed, out, err);
        return;
    }
    bool at_end_of_log = end == SLICE_AT_END && feed->media == MEDIA_SSE;
    if (at_end_of_log) {
        feed_reached(feed, last_position);
    }
    after_slice(feed, out, end);
}

/* The first bytes leave at once, so that a client knows it is connected. */
static void greet(struct feed *feed)
{
    struct text *out = scratch(feed);
    text_printf(out, "retry: %d\n\n", FEED_RETRY_MS);
    feed->begun = true;
    feed_write(feed, text_slice(out));
}

/* Called once at first, and whenever a full connection has room again. */
static void on_ready(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the feed knows it */
    struct feed *feed = arg;
    if (feed->state != FEED_BLOCKED) {
        return;
    }
    feed->state = FEED_READING;
    if (feed->media == MEDIA_SSE && !feed->begun) {
        greet(feed);
    }
    run(&feed->turn);
}

void feed_read_on(struct feed *feed)
{
    ASSERT(feed->channel == NULL);
    feed->state = FEED_READING;
    turns_add(&feed->feeds->gateway->turns, &feed->turn);
}

/* --- Start ----------------------------------------------------------------------------------- */

static void feed_insert(struct feed *feed)
{
    struct feeds *feeds = feed->feeds;
    feed->next = feeds->first;
    feed->previous = &feeds->first;
    if (feed->next != NULL) {
        feed->next->previous = &feed->next;
    }
    feeds->first = feed;
    feeds->feed_count++;
}

void feed_start(struct call *call, const struct reading *reading)
{
    feed_start_limited(call, reading, NULL);
}

void feed_start_limited(struct call *call, const struct reading *reading,
                        const struct feed_limit *limit)
{
    struct gateway *gateway = call->gateway;
    struct feed *feed = arena_alloc_zero(call->arena, sizeof *feed);
    feed->turn.run = run;
    feed->feeds = gateway->feeds;
    feed->exchange = call->exchange;
    feed->media = call->gives;
    feed->state = FEED_BLOCKED; /* until `ready` says otherwise */
    feed->reading = *reading;
    feed->limit = limit;
    feed->from = reading->read.from;
    feed->wrote_ms = uv_now(gateway->parts.loop);

    struct http_stream_events events = {.ready = on_ready, .gone = on_gone, .arg = feed};
    feed_insert(feed);
    call_stream(call, feed->media, &events);
}

/* --- All feeds ------------------------------------------------------------------------------- */

/* A follower whose filter matches nothing learns where it stands, so that after a break it need not
 * begin far back. */
static void beat(struct feed *feed)
{
    if (feed->state == FEED_READING && feed->cursor != NULL && !feed->reading.of_stream) {
        feed_reached(feed, ever_cursor_position(feed->cursor));
    }
    if (feed->position > feed->told_position) {
        write_control(feed, "checkpoint");
    } else {
        feed_write(feed, SLICE_LITERAL(":\n\n"));
    }
    if (feed->state == FEED_BLOCKED && feed->channel != NULL) {
        channel_leave(feed);
    }
}

static void look_after(struct feed *feed, uint64_t now_ms)
{
    uint64_t quiet_ms = now_ms - feed->wrote_ms;
    if (feed->state == FEED_BLOCKED && quiet_ms >= FEED_STUCK_MS) {
        evict(feed);
    } else if (feed->state != FEED_BLOCKED && quiet_ms >= FEED_HEARTBEAT_MS) {
        beat(feed);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct feeds *feeds = timer->data;
    uint64_t now_ms = uv_now(feeds->gateway->parts.loop);
    for (struct feed *feed = feeds->first; feed != NULL;) {
        struct feed *next = feed->next; /* evicting one leaves the others where they are */
        if (feed->media == MEDIA_SSE) {
            look_after(feed, now_ms);
        }
        feed = next;
    }
}

void feeds_log_moved(struct feeds *feeds)
{
    channels_log_moved(feeds);
}

static void end_if_over(struct feed *feed)
{
    struct text *farewell = scratch(feed);
    if (feed->limit != NULL && feed->begun && feed->limit->is_over(feed->limit->arg, farewell)) {
        feed_write(feed, text_slice(farewell));
        feed_end(feed);
    }
}

void feeds_flows_moved(struct feeds *feeds)
{
    for (struct feed *feed = feeds->first; feed != NULL;) {
        struct feed *next = feed->next; /* ending one leaves the others where they are */
        if (feed->media == MEDIA_SSE) {
            end_if_over(feed);
        }
        feed = next;
    }
}

void feeds_count(const struct feeds *feeds, uint32_t *out_feeds, uint32_t *out_channels)
{
    *out_feeds = feeds->feed_count;
    *out_channels = feeds->channel_count;
}

struct feeds *feeds_create(struct gateway *gateway)
{
    struct feeds *feeds = mem_alloc_zero(sizeof *feeds);
    feeds->gateway = gateway;
    ASSERT(uv_timer_init(gateway->parts.loop, &feeds->tick) == 0);
    feeds->tick.data = feeds;
    uv_timer_start(&feeds->tick, on_tick, FEED_TICK_MS, FEED_TICK_MS);
    uv_unref((uv_handle_t *)&feeds->tick); /* keeps no loop alive */
    return feeds;
}

static void tick_closed(uv_handle_t *handle)
{
    struct feeds *feeds = handle->data;
    struct gateway *gateway = feeds->gateway;
    void (*closed)(struct gateway * gateway) = feeds->closed;
    free(feeds);
    closed(gateway);
}

void feeds_close(struct feeds *feeds, void (*closed)(struct gateway *gateway))
{
    ASSERT(feeds->first == NULL);
    ASSERT(feeds->channels == NULL);
    feeds->closed = closed;
    uv_close((uv_handle_t *)&feeds->tick, tick_closed);
}
