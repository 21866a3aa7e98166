#include "gateway/follow/live_feed.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/live/live.h"
#include "gateway/follow/feed.h"
#include "gateway/follow/live_reading.h"
#include "gateway/gateway_priv.h"
#include "gateway/wire/event_json.h"

#include <stdlib.h>

/*  OPENING --begun--> READY <--reply-- ASKED      ENDING: waits for its process to be gone
 *     |                 +------ask------^
 *     +--refused--> ENDING <-- end, failure, client gone -- any                               */
enum state { OPENING, READY, ASKED, ENDING };

struct live_feed {
    struct live_feed *next;
    struct gateway *gateway;
    struct call *call; /* OPENING: not answered yet */
    struct http_exchange *exchange;
    struct live *live;
    enum state state;
    bool is_abandoned; /* OPENING: the client has gone */
    bool has_room;
    bool is_replaying; /* it has not come to the end of the log yet */
    bool has_begun;    /* the expression was asked once */
    struct ever_cursor *cursor;
    struct arena arena; /* of the reading's names */
    struct ever_read read;
    uint64_t position; /* of the last event that was looked at */
    int64_t due_ms;    /* wall clock; 0: no timer is set */
    struct text request;
    uint64_t wrote_ms;   /* uv_now() */
    uv_timer_t timer;    /* what is due, and signs of life */
    unsigned open_parts; /* timer and process */
};

struct live_feeds {
    struct gateway *gateway;
    struct live_feed *first;
    uint32_t count;
};

static int64_t wall_ms(const struct live_feed *feed)
{
    return feed->gateway->env->wall_ns(feed->gateway->env) / 1000000;
}

/* --- The end ---------------------------------------------------------------------------------- */

static void remove_from(struct live_feeds *feeds, struct live_feed *feed)
{
    struct live_feed **at = &feeds->first;
    while (*at != feed) {
        at = &(*at)->next;
    }
    *at = feed->next;
    feeds->count--;
}

static void part_is_over(struct live_feed *feed)
{
    if (--feed->open_parts > 0) {
        return;
    }
    struct gateway *gateway = feed->gateway;
    remove_from(gateway->live_feeds, feed);
    ever_cursor_close(feed->cursor);
    arena_deinit(&feed->arena);
    text_deinit(&feed->request);
    free(feed);
    gateway_work_ended(gateway);
}

static void on_live_closed(void *arg)
{
    part_is_over(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    part_is_over(handle->data);
}

/* Behind this the feed knows neither call nor exchange. */
static void end(struct live_feed *feed)
{
    ASSERT(feed->state != ENDING);
    feed->state = ENDING;
    feed->exchange = NULL;
    live_close(feed->live, on_live_closed);
    uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
}

static void on_gone(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the feed knows it */
    end(arg);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void write_out(struct live_feed *feed, struct ever_slice bytes)
{
    feed->wrote_ms = uv_now(feed->gateway->parts.loop);
    feed->has_room = http_stream_write(feed->exchange, bytes);
}

static void end_with(struct live_feed *feed, const struct text *last)
{
    struct http_exchange *exchange = feed->exchange;
    write_out(feed, text_slice(last));
    end(feed);
    http_stream_end(exchange);
}

static void add_error(struct text *out, enum problem problem, struct ever_slice detail)
{
    const struct problem_info *info = problem_info(problem);
    text_add_text(out, "event: error\ndata: ");
    problem_write(out, info, info->status, detail, SLICE_NONE, SLICE_NONE);
    text_add_text(out, "\n\n");
}

/* "out" of an answer: [[position, VALUE]...]. */
static void add_values(struct text *out, struct json_value values)
{
    for (struct json_iter i = json_iter(values); json_next(&i);) {
        struct json_iter pair = json_iter(i.value);
        bool is_pair = json_next(&pair);
        ASSERT(is_pair); /* js/live.js is ours */
        text_printf(out, "id: %.*s\ndata: ", SLICE_PRINT(pair.value.text));
        is_pair = json_next(&pair);
        ASSERT(is_pair);
        json_write_on_a_line(out, pair.value.text);
        text_add_text(out, "\n\n");
    }
}

/* --- Asking ----------------------------------------------------------------------------------- */

/* Adds what one turn may look at. EVER_END: that is the end of the log; EVER_AGAIN: not yet. */
static struct ever_err add_events(struct live_feed *feed, unsigned *out_count)
{
    ever_cursor_allow(feed->cursor, TURN_LOOKS_MAX, TURN_LOOK_BYTES_MAX);
    for (*out_count = 0; *out_count < TURN_EVENTS_MAX && feed->request.size < TURN_BYTES_MAX;) {
        const struct ever_event *event;
        TRY(ever_next(feed->cursor, &event));
        text_add_text(&feed->request, *out_count == 0 ? "" : ",");
        live_reading_write(&feed->request, event);
        feed->position = event->position;
        (*out_count)++;
    }
    return FAIL(EVER_AGAIN, "a slice is full");
}

static void ask(struct live_feed *feed, bool of_the_past)
{
    text_printf(&feed->request, "],\"now\":%lld,\"replay\":%s}", (long long)wall_ms(feed),
                of_the_past ? "true" : "false");
    feed->state = ASKED;
    live_step(feed->live, text_slice(&feed->request));
}

static void fail_reading(struct live_feed *feed, struct ever_err err)
{
    struct text last = {0};
    add_error(&last, err.code == EVER_CORRUPT ? PROBLEM_DATA_DAMAGED : PROBLEM_INTERNAL,
              slice_of_text(err.what));
    end_with(feed, &last);
    text_deinit(&last);
}

static void pump(struct live_feed *feed);

static void evict(struct live_feed *feed)
{
    struct text last = {0};
    text_printf(&last, "id: %llu\nevent: evicted\ndata: {}\n\n",
                (unsigned long long)feed->position);
    end_with(feed, &last);
    text_deinit(&last);
}

static void on_timer(uv_timer_t *timer);

static void wake_in(struct live_feed *feed, uint64_t wait_ms)
{
    uv_timer_start(&feed->timer, on_timer, wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct live_feed *feed = timer->data;
    if (feed->state != READY) {
        return; /* the reply sets it again */
    }
    uint64_t quiet_ms = uv_now(feed->gateway->parts.loop) - feed->wrote_ms;
    if (!feed->has_room && quiet_ms >= FEED_STUCK_MS) {
        evict(feed);
    } else if (!feed->has_room) {
        wake_in(feed, FEED_STUCK_MS - quiet_ms);
    } else {
        if (quiet_ms >= FEED_HEARTBEAT_MS) {
            write_out(feed, SLICE_LITERAL(":\n\n"));
        }
        pump(feed);
    }
}

/* Until something is due or the log moves. */
static void sleep_on(struct live_feed *feed)
{
    uint64_t wait_ms = FEED_HEARTBEAT_MS;
    if (feed->due_ms != 0) {
        int64_t left_ms = feed->due_ms - wall_ms(feed);
        left_ms = left_ms < 0 ? 0 : left_ms;
        wait_ms = (uint64_t)left_ms < wait_ms ? (uint64_t)left_ms : wait_ms;
    }
    wake_in(feed, wait_ms);
}

/* One request, if there is a reason for one. */
static void pump(struct live_feed *feed)
{
    if (feed->state != READY) {
        return;
    }
    if (!feed->has_room) {
        wake_in(feed, FEED_STUCK_MS);
        return;
    }
    unsigned count;
    text_clear(&feed->request);
    text_add_text(&feed->request, "{\"events\":[");
    struct ever_err err = add_events(feed, &count);
    bool of_the_past = feed->is_replaying;
    if (err.code == EVER_END) {
        feed->is_replaying = false;
    } else if (err.code != EVER_AGAIN) {
        fail_reading(feed, err);
        return;
    }
    bool is_due = feed->due_ms != 0 && feed->due_ms <= wall_ms(feed);
    bool came_to_now = of_the_past && !feed->is_replaying;
    bool must_ask = !feed->has_begun || came_to_now || (is_due && !feed->is_replaying);
    feed->has_begun = true;
    if (count > 0 || must_ask) {
        ask(feed, feed->is_replaying || (of_the_past && count > 0));
    } else if (err.code == EVER_AGAIN) {
        wake_in(feed, 0); /* the next turn goes on looking */
    } else {
        sleep_on(feed);
    }
}

/* --- Replies ---------------------------------------------------------------------------------- */

static void note_due(struct live_feed *feed, struct json_value answer)
{
    struct json_value due;
    bool has = json_member(answer, SLICE_LITERAL("due"), &due) && json_integer(due, &feed->due_ms);
    feed->due_ms = has ? feed->due_ms : 0;
}

/* False: that was the last. */
static bool take_answer(struct live_feed *feed, struct json_value answer)
{
    struct text out = {0};
    struct json_value member;
    bool has = json_member(answer, SLICE_LITERAL("out"), &member);
    ASSERT(has);
    add_values(&out, member);
    note_due(feed, answer);
    bool ended = json_member(answer, SLICE_LITERAL("ended"), &member);
    bool failed = json_member(answer, SLICE_LITERAL("failed"), &member);
    if (failed) {
        add_error(&out, PROBLEM_EXPRESSION_FAILED, json_string(member, &feed->arena));
    } else if (ended) {
        text_printf(&out, "id: %llu\nevent: end\ndata: {}\n\n", (unsigned long long)feed->position);
    }
    if (failed || ended) {
        end_with(feed, &out);
    } else if (out.size > 0) {
        write_out(feed, text_slice(&out));
    }
    text_deinit(&out);
    return !failed && !ended;
}

static enum problem problem_of(enum live_outcome outcome)
{
    switch (outcome) {
    case LIVE_REFUSED:
        return PROBLEM_BAD_EXPRESSION;
    case LIVE_UNAVAILABLE:
        return PROBLEM_WORKER_UNAVAILABLE;
    default:
        return PROBLEM_EXPRESSION_FAILED;
    }
}

static const char *sentence_of(enum live_outcome outcome)
{
    switch (outcome) {
    case LIVE_TIME_LIMIT:
        return "The expression ran longer than it may without coming to an end.";
    case LIVE_MEMORY_LIMIT:
        return "The expression took more memory than it may.";
    case LIVE_UNAVAILABLE:
        return "The program that runs JavaScript, everfold-js, cannot be started.";
    default:
        return "The process of the expression ended.";
    }
}

static void fail(struct live_feed *feed, const struct live_reply *reply)
{
    bool has_words = reply->outcome == LIVE_REFUSED && reply->text.size > 0;
    struct ever_slice detail = has_words ? reply->text : slice_of_text(sentence_of(reply->outcome));
    if (feed->state == OPENING) {
        struct call *call = feed->call;
        end(feed);
        call_problem(call, problem_of(reply->outcome), SLICE_NONE, "%.*s", SLICE_PRINT(detail));
        return;
    }
    struct text last = {0};
    add_error(&last, problem_of(reply->outcome), detail);
    end_with(feed, &last);
    text_deinit(&last);
}

/* --- Beginning -------------------------------------------------------------------------------- */

/* The first request subscribes, and is made even when there is nothing to tell. */
static void on_ready(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the feed knows it */
    struct live_feed *feed = arg;
    feed->has_room = true;
    if (!feed->has_begun) {
        write_out(feed, SLICE_LITERAL("retry: 1000\n\n")); /* so a client knows it is connected */
    }
    pump(feed);
}

static void begin(struct live_feed *feed, struct json_value answer)
{
    struct json_value filters;
    bool has = json_member(answer, SLICE_LITERAL("live"), &filters);
    ASSERT(has); /* js/runtime.js is ours */
    live_reading_narrow(filters, &feed->arena, &feed->read);
    struct ever_err err = ever_cursor_open(feed->gateway->parts.store, &feed->read, &feed->cursor);
    struct call *call = feed->call;
    if (!IS_OK(err)) {
        end(feed);
        call_read_failed(call, err);
        return;
    }
    struct http_stream_events events = {.ready = on_ready, .gone = on_gone, .arg = feed};
    feed->state = READY;
    feed->call = NULL;
    http_on_abandoned(feed->exchange, NULL, NULL);
    call_stream(call, MEDIA_SSE, &events);
}

static void on_reply(void *arg, const struct live_reply *reply)
{
    struct live_feed *feed = arg;
    if (feed->is_abandoned) {
        struct call *call = feed->call;
        end(feed);
        call_answer_empty(call, 204); /* to nobody */
    } else if (reply->outcome != LIVE_ANSWERED) {
        fail(feed, reply);
    } else if (feed->state == OPENING) {
        begin(feed, json_value_of(reply->text));
    } else {
        feed->state = READY;
        if (take_answer(feed, json_value_of(reply->text))) {
            pump(feed);
        }
    }
}

static void on_abandoned(void *arg)
{
    ((struct live_feed *)arg)->is_abandoned = true; /* it is answered when the reply comes */
}

void live_feed_start(struct call *call, struct ever_slice expression, uint64_t from)
{
    struct gateway *gateway = call->gateway;
    struct live_feeds *feeds = gateway->live_feeds;
    if (feeds->count == LIVE_FEEDS_MAX) {
        call_header_u64(call, SLICE_LITERAL("Retry-After"), 1);
        call_problem(call, PROBLEM_BUSY, SLICE_NONE,
                     "%d live subscriptions run already, each in a process of its own.",
                     LIVE_FEEDS_MAX);
        return;
    }
    struct live_feed *feed = mem_alloc_zero(sizeof *feed);
    arena_init(&feed->arena);
    feed->gateway = gateway;
    feed->call = call;
    feed->exchange = call->exchange;
    feed->read.from = from;
    feed->position = from - 1;
    feed->is_replaying = from <= ever_last_position(gateway->parts.store);
    feed->next = feeds->first;
    feeds->first = feed;
    feeds->count++;
    feed->open_parts = 2;
    int status = uv_timer_init(gateway->parts.loop, &feed->timer);
    ASSERT(status == 0);
    feed->timer.data = feed;
    gateway_work_begun(gateway);
    http_on_abandoned(call->exchange, on_abandoned, feed);
    struct live_options options = {0};
    struct live_beginning beginning = {.now_ms = wall_ms(feed), .position = feed->position};
    if (feed->is_replaying) {
        beginning.now_ms = live_reading_time_ms(gateway->parts.store, from, beginning.now_ms);
    }
    feed->live = live_open(gateway->parts.loop, &options, expression, beginning, on_reply, feed);
}

/* --- All of them ------------------------------------------------------------------------------ */

void live_feeds_log_moved(struct live_feeds *feeds)
{
    for (struct live_feed *feed = feeds->first; feed != NULL; feed = feed->next) {
        pump(feed); /* it may end, but goes later */
    }
}

struct live_feeds *live_feeds_create(struct gateway *gateway)
{
    struct live_feeds *feeds = mem_alloc_zero(sizeof *feeds);
    feeds->gateway = gateway;
    return feeds;
}

void live_feeds_destroy(struct live_feeds *feeds)
{
    ASSERT(feeds->first == NULL);
    free(feeds);
}
