#include "gateway/follow/marbles.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "gateway/flow/flow_json.h"
#include "gateway/follow/feed.h"
#include "gateway/gateway_priv.h"
#include "gateway/wire/event_json.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define STATUS_TICKS 10 /* where the flow stands is told so seldom */
#define NODE_MARKS_MIN 4

struct watcher { /* in the arena of its exchange */
    struct watcher *next;
    struct watched *watched;
    struct http_exchange *exchange;
    bool has_room;
    uint64_t dropped;     /* marks since it was last told */
    uint64_t seen_status; /* number of the last one it was given */
    uint64_t wrote_ms;    /* uv_now() */
};

struct watched { /* a flow with watchers */
    struct watched *next;
    struct marbles *marbles;
    struct flow *flow;
    struct flow_tap *tap;
    struct watcher *watchers;
    struct text status; /* the latest, as a server-sent event */
    uint64_t status_number;

    /* Under `lock`: written by the flow's thread, taken out by the loop. */
    pthread_mutex_t lock;
    struct text marks; /* server-sent events */
    uint32_t *counts;  /* of marks, by node */
    uint32_t count;
    uint64_t dropped;

    struct ever_slice *names; /* of the nodes, as JSON strings; does not change */
    size_t node_count;
    struct arena arena; /* of names and counts */
};

struct marbles {
    struct gateway *gateway;
    struct watched *first;
    uint32_t watcher_count;
    uint64_t ticks;
    uv_timer_t timer; /* runs while somebody watches */
    void (*closed)(struct gateway *gateway);
};

/* --- The flow's thread ----------------------------------------------------------------------- */

/* Of an event of the log, which reaches an operator whole, type and data say enough. */
static struct ever_slice write_type(struct text *out, struct ever_slice value)
{
    struct json_value data;
    struct json_value type;
    struct json_value revision;
    if (value.size > MARBLES_EVENT_BYTES_MAX || value.size == 0 || value.data[0] != '{') {
        return value;
    }
    struct json_value event = json_value_of(value);
    if (!json_member(event, SLICE_LITERAL("revision"), &revision) ||
        !json_member(event, SLICE_LITERAL("type"), &type) ||
        !json_member(event, SLICE_LITERAL("data"), &data)) {
        return value;
    }
    text_add(out, SLICE_LITERAL(",\"type\":"));
    text_add(out, type.text);
    return data.text;
}

/* The value, or when it is long its beginning as a text. */
static void write_value(struct text *out, struct ever_slice value)
{
    if (value.size <= MARBLES_VALUE_BYTES_MAX) {
        text_add(out, SLICE_LITERAL(",\"value\":"));
        json_write_on_a_line(out, value.size == 0 ? SLICE_LITERAL("null") : value);
        return;
    }
    size_t size = 0;
    while (size < MARBLES_SHORT_BYTES) {
        size += utf8_sequence(value.data + size, value.data + value.size);
    }
    text_add(out, SLICE_LITERAL(",\"short\":"));
    json_write_string(out, slice_first(value, size));
}

static void write_mark(struct text *out, struct ever_slice name, const struct flow_mark *mark)
{
    text_add(out, SLICE_LITERAL("event: mark\ndata: {\"node\":"));
    text_add(out, name);
    text_add(out, SLICE_LITERAL(",\"t\":"));
    flow_write_time(out, mark->time_us);
    text_add(out, SLICE_LITERAL(",\"position\":"));
    text_add_u64(out, mark->position);
    if (mark->key.size > 0 && mark->key.size <= MARBLES_SHORT_BYTES) {
        text_add(out, SLICE_LITERAL(",\"key\":"));
        json_write_on_a_line(out, mark->key);
    }
    write_value(out, write_type(out, mark->value));
    text_add(out, SLICE_LITERAL("}\n\n"));
}

static void on_mark(void *arg, const struct flow_mark *mark)
{
    struct watched *watched = arg;
    ASSERT(mark->node < watched->node_count);
    uint32_t share = MARBLES_MARKS_MAX / (uint32_t)watched->node_count;
    share = share < NODE_MARKS_MIN ? NODE_MARKS_MIN : share;
    pthread_mutex_lock(&watched->lock);
    if (watched->counts[mark->node] < share) {
        watched->counts[mark->node]++;
        watched->count++;
        write_mark(&watched->marks, watched->names[mark->node], mark);
    } else {
        watched->dropped++;
    }
    pthread_mutex_unlock(&watched->lock);
}

/* --- Watchers -------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct marbles *marbles)
{
    return uv_now(marbles->gateway->parts.loop);
}

static void free_watched(struct watched *watched)
{
    struct watched **at = &watched->marbles->first;
    while (*at != watched) {
        at = &(*at)->next;
    }
    *at = watched->next;
    flow_untap(watched->tap); /* no mark comes behind this */
    pthread_mutex_destroy(&watched->lock);
    text_deinit(&watched->marks);
    text_deinit(&watched->status);
    arena_deinit(&watched->arena);
    free(watched);
}

static void remove_watcher(struct watcher *watcher)
{
    struct watched *watched = watcher->watched;
    struct marbles *marbles = watched->marbles;
    struct watcher **at = &watched->watchers;
    while (*at != watcher) {
        at = &(*at)->next;
    }
    *at = watcher->next;
    if (watched->watchers == NULL) {
        free_watched(watched);
    }
    if (--marbles->watcher_count == 0) {
        uv_timer_stop(&marbles->timer);
    }
}

static void on_gone(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the watcher knows it */
    remove_watcher(arg);
}

static void write_to(struct watcher *watcher, struct ever_slice bytes)
{
    watcher->wrote_ms = now_ms(watcher->watched->marbles);
    watcher->has_room = http_stream_write(watcher->exchange, bytes);
}

static void tell_dropped(struct watcher *watcher)
{
    char event[64];
    int size = snprintf(event, sizeof event, "event: dropped\ndata: {\"count\":%llu}\n\n",
                        (unsigned long long)watcher->dropped);
    watcher->dropped = 0;
    write_to(watcher, slice_of(event, (size_t)size));
}

static void tell_status(struct watcher *watcher)
{
    struct watched *watched = watcher->watched;
    if (watcher->has_room && watcher->seen_status != watched->status_number) {
        watcher->seen_status = watched->status_number;
        write_to(watcher, text_slice(&watched->status));
    }
}

/* Marks that a full connection cannot take are as lost as others. */
static void tell_marks(struct watcher *watcher, struct ever_slice marks, uint32_t count,
                       uint64_t dropped)
{
    watcher->dropped += dropped + (watcher->has_room ? 0 : count);
    if (watcher->has_room && marks.size > 0) {
        write_to(watcher, marks);
    }
    if (watcher->has_room && watcher->dropped > 0) {
        tell_dropped(watcher);
    }
}

/* --- Ten times a second ---------------------------------------------------------------------- */

static void take_marks(struct watched *watched)
{
    pthread_mutex_lock(&watched->lock);
    struct text marks = watched->marks;
    uint32_t count = watched->count;
    uint64_t dropped = watched->dropped;
    watched->marks = (struct text){0};
    watched->count = 0;
    watched->dropped = 0;
    memset(watched->counts, 0, watched->node_count * sizeof *watched->counts);
    pthread_mutex_unlock(&watched->lock);
    if (count > 0 || dropped > 0) {
        for (struct watcher *at = watched->watchers; at != NULL; at = at->next) {
            tell_marks(at, text_slice(&marks), count, dropped);
        }
    }
    text_deinit(&marks);
}

/* The same as the last one is not told again. */
static void refresh_status(struct watched *watched)
{
    struct text status = {0};
    text_add_text(&status, "event: flow\ndata: ");
    flow_write_live(&status, watched->flow,
                    ever_last_position(watched->marbles->gateway->parts.store));
    text_add_text(&status, "\n\n");
    if (slice_equal(text_slice(&status), text_slice(&watched->status))) {
        text_deinit(&status);
        return;
    }
    text_deinit(&watched->status);
    watched->status = status;
    watched->status_number++;
}

static void look_after(struct watcher *watcher, uint64_t now)
{
    if (watcher->has_room && now - watcher->wrote_ms >= FEED_HEARTBEAT_MS) {
        write_to(watcher, SLICE_LITERAL(":\n\n"));
    } else if (!watcher->has_room && now - watcher->wrote_ms >= FEED_STUCK_MS) {
        struct http_exchange *exchange = watcher->exchange;
        write_to(watcher, SLICE_LITERAL("event: evicted\ndata: {}\n\n"));
        remove_watcher(watcher);
        http_stream_end(exchange);
    }
}

static void run_watched(struct watched *watched, bool with_status)
{
    uint64_t now = now_ms(watched->marbles);
    take_marks(watched);
    if (with_status) {
        refresh_status(watched);
    }
    for (struct watcher *at = watched->watchers; at != NULL;) {
        struct watcher *next = at->next; /* the last one's end frees what is watched */
        tell_status(at);
        look_after(at, now);
        at = next;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct marbles *marbles = timer->data;
    marbles->ticks++;
    for (struct watched *at = marbles->first; at != NULL;) {
        struct watched *next = at->next;
        run_watched(at, marbles->ticks % STATUS_TICKS == 0);
        at = next;
    }
}

/* --- Start ----------------------------------------------------------------------------------- */

/* The names stand in the graph as JSON strings. */
static void read_names(struct watched *watched)
{
    struct json_value nodes;
    struct json_value name;
    bool found =
        json_member(json_value_of(flow_info(watched->flow)->graph), SLICE_LITERAL("nodes"), &nodes);
    ASSERT(found); /* flows.h promises it */
    size_t index = 0;
    for (struct json_iter i = json_iter(nodes); json_next(&i); index++) {
        ASSERT(index < watched->node_count);
        found = json_member(i.value, SLICE_LITERAL("name"), &name);
        watched->names[index] = found ? name.text : SLICE_LITERAL("\"\"");
    }
}

static struct watched *find_or_create(struct marbles *marbles, struct flow *flow)
{
    for (struct watched *at = marbles->first; at != NULL; at = at->next) {
        if (at->flow == flow) {
            return at;
        }
    }
    struct watched *watched = mem_alloc_zero(sizeof *watched);
    watched->marbles = marbles;
    watched->flow = flow;
    watched->node_count = flow_info(flow)->node_count;
    arena_init(&watched->arena);
    watched->names =
        arena_alloc_zero(&watched->arena, watched->node_count * sizeof *watched->names);
    watched->counts =
        arena_alloc_zero(&watched->arena, watched->node_count * sizeof *watched->counts);
    read_names(watched);
    int failed = pthread_mutex_init(&watched->lock, NULL);
    ASSERT(failed == 0);
    watched->next = marbles->first;
    marbles->first = watched;
    watched->tap = flow_tap(flow, on_mark, watched);
    return watched;
}

/* Called once at first, and whenever a full connection has room again. */
static void on_ready(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the watcher knows it */
    struct watcher *watcher = arg;
    watcher->has_room = true;
    if (watcher->seen_status == 0) {
        char greeting[32];
        int size = snprintf(greeting, sizeof greeting, "retry: %d\n\n", FEED_RETRY_MS);
        write_to(watcher, slice_of(greeting, (size_t)size));
    }
    tell_status(watcher);
}

void marbles_start(struct call *call, struct flow *flow)
{
    struct marbles *marbles = call->gateway->marbles;
    if (marbles->watcher_count == MARBLES_WATCHERS_MAX) {
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("10"));
        call_problem(call, PROBLEM_BUSY, SLICE_NONE, "%d watch flows already.",
                     MARBLES_WATCHERS_MAX);
        return;
    }
    struct watched *watched = find_or_create(marbles, flow);
    struct watcher *watcher = arena_alloc_zero(call->arena, sizeof *watcher);
    watcher->watched = watched;
    watcher->exchange = call->exchange;
    watcher->wrote_ms = now_ms(marbles);
    watcher->next = watched->watchers;
    watched->watchers = watcher;
    refresh_status(watched); /* what it hears first */
    if (marbles->watcher_count++ == 0) {
        uv_timer_start(&marbles->timer, on_tick, MARBLES_TICK_MS, MARBLES_TICK_MS);
    }
    struct http_stream_events events = {.ready = on_ready, .gone = on_gone, .arg = watcher};
    call_stream(call, MEDIA_SSE, &events);
}

/* --- All of them ----------------------------------------------------------------------------- */

struct marbles *marbles_create(struct gateway *gateway)
{
    struct marbles *marbles = mem_alloc_zero(sizeof *marbles);
    marbles->gateway = gateway;
    ASSERT(uv_timer_init(gateway->parts.loop, &marbles->timer) == 0);
    marbles->timer.data = marbles;
    return marbles;
}

static void timer_closed(uv_handle_t *handle)
{
    struct marbles *marbles = handle->data;
    struct gateway *gateway = marbles->gateway;
    void (*closed)(struct gateway * gateway) = marbles->closed;
    free(marbles);
    closed(gateway);
}

void marbles_close(struct marbles *marbles, void (*closed)(struct gateway *gateway))
{
    ASSERT(marbles->first == NULL);
    marbles->closed = closed;
    uv_close((uv_handle_t *)&marbles->timer, timer_closed);
}
