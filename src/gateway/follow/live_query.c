#include "gateway/follow/live_query.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "gateway/follow/feed.h"
#include "gateway/follow/query_job.h"
#include "gateway/query_answer.h"
#include "gateway/wire/event_json.h"

#include <stdlib.h>

struct follower { /* in the arena of its exchange */
    struct follower *next;
    struct live_query *query;
    struct http_exchange *exchange;
    bool has_room;
    uint64_t seen;     /* the version it was given last; 0: none */
    uint64_t wrote_ms; /* uv_now() */
};

struct live_query {
    struct live_query *next;
    struct live_queries *queries;
    struct text key;
    struct arena arena; /* of the arguments */
    struct query_target target;
    struct query_job job;
    bool running;
    bool again;          /* the view moved while it ran */
    bool later;          /* it could not run just now: the next tick tries again */
    bool failed;         /* the answer is an error: followers end behind it */
    uint64_t version;    /* counts answers that differ */
    struct text message; /* the latest answer, as a server-sent event */
    struct hash128 hash; /* of its rows */
    struct follower *followers;
};

struct live_queries {
    struct gateway *gateway;
    struct live_query *first;
    uv_timer_t tick;
    void (*closed)(struct gateway *gateway);
};

static uint64_t now_ms(const struct live_query *query)
{
    return uv_now(query->queries->gateway->parts.loop);
}

/* --- Followers ------------------------------------------------------------------------------- */

/* A query nobody follows goes, at the latest when its run has ended. */
static void free_if_unused(struct live_query *query)
{
    if (query->followers != NULL || query->running) {
        return;
    }
    struct live_query **at = &query->queries->first;
    while (*at != query) {
        at = &(*at)->next;
    }
    *at = query->next;
    text_deinit(&query->key);
    text_deinit(&query->message);
    arena_deinit(&query->arena);
    free(query);
}

static void remove_follower(struct follower *follower)
{
    struct follower **at = &follower->query->followers;
    while (*at != follower) {
        at = &(*at)->next;
    }
    *at = follower->next;
    free_if_unused(follower->query);
}

static void on_gone(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the follower knows it */
    remove_follower(arg);
}

static void end(struct follower *follower)
{
    struct http_exchange *exchange = follower->exchange;
    remove_follower(follower);
    http_stream_end(exchange);
}

static void write_to(struct follower *follower, struct ever_slice bytes)
{
    follower->wrote_ms = now_ms(follower->query);
    follower->has_room = http_stream_write(follower->exchange, bytes);
}

/* Gives the latest answer to a follower who has not seen it and has room. */
static void bring_up_to_date(struct follower *follower)
{
    struct live_query *query = follower->query;
    if (!follower->has_room || follower->seen == query->version) {
        return;
    }
    follower->seen = query->version;
    write_to(follower, text_slice(&query->message));
    if (query->failed) {
        end(follower);
    }
}

static void bring_all_up_to_date(struct live_query *query)
{
    for (struct follower *follower = query->followers; follower != NULL;) {
        struct follower *next = follower->next;
        bring_up_to_date(follower);
        follower = next;
    }
}

/* --- Running --------------------------------------------------------------------------------- */

static void encode_rows(struct live_query *query)
{
    struct text body = {0};
    (void)query_answer_write(&body, &query->target, text_slice(&query->job.rows),
                             query->job.position); /* no row: "null" */
    text_clear(&query->message);
    text_printf(&query->message,
                "id: %llu\nevent: rows\ndata: ", (unsigned long long)query->job.position);
    json_write_on_a_line(&query->message, text_slice(&body));
    text_add_text(&query->message, "\n\n");
    text_deinit(&body);
}

static void encode_failure(struct live_query *query)
{
    const struct problem_info *info = problem_info(query_answer_problem(query->job.err));
    text_clear(&query->message);
    text_add_text(&query->message, "event: error\ndata: ");
    problem_write(&query->message, info, info->status, text_slice(&query->job.report), SLICE_NONE,
                  SLICE_NONE);
    text_add_text(&query->message, "\n\n");
    query->failed = true;
    query->version++;
}

static void note_rows(struct live_query *query)
{
    struct hash128 hash = hash128(text_slice(&query->job.rows));
    if (query->version == 0 || query->failed || hash.low != query->hash.low ||
        hash.high != query->hash.high) {
        query->hash = hash;
        query->failed = false;
        query->version++;
        encode_rows(query);
    }
}

static void run(struct live_query *query);

static void on_done(struct query_job *job)
{
    struct live_query *query =
        (struct live_query *)((char *)job - offsetof(struct live_query, job));
    query->later = job->err.code == EVER_BUSY;
    if (IS_OK(job->err)) {
        note_rows(query);
    } else if (!query->later) {
        encode_failure(query);
    }
    bring_all_up_to_date(query); /* `running` still keeps it from being freed */
    query->running = false;
    if (query->again && query->followers != NULL) {
        run(query);
    }
    free_if_unused(query);
}

/* Followers of one query run it once at a time. */
static void run(struct live_query *query)
{
    query->again = query->running;
    if (query->running) {
        return;
    }
    query->job = (struct query_job){
        .gateway = query->queries->gateway,
        .view = query->target.view,
        .query = query->target.query,
        .arguments = query->target.arguments,
        .argument_count = query->target.argument_count,
        .done = on_done,
    };
    query->running = IS_OK(query_job_start(&query->job));
    query->later = !query->running;
}

void live_queries_views_moved(struct live_queries *queries)
{
    for (struct live_query *query = queries->first; query != NULL; query = query->next) {
        run(query);
    }
}

/* --- Start ----------------------------------------------------------------------------------- */

static struct text key_of(const struct query_target *target)
{
    struct text key = {0};
    text_printf(&key, "%s\n%s\n%d", view_name(target->view), target->query->name, target->one);
    for (size_t i = 0; i < target->argument_count; i++) {
        text_add_byte(&key, '\0');
        text_add(&key, target->arguments[i].name);
        text_add_byte(&key, '\0');
        text_add(&key, target->arguments[i].value);
    }
    return key;
}

static void copy_target(struct live_query *query, const struct query_target *target)
{
    query->target = *target;
    query->target.arguments =
        arena_alloc(&query->arena, (target->argument_count + 1) * sizeof *target->arguments);
    for (size_t i = 0; i < target->argument_count; i++) {
        query->target.arguments[i] = (struct view_argument){
            .name = arena_copy(&query->arena, target->arguments[i].name),
            .value = arena_copy(&query->arena, target->arguments[i].value),
        };
    }
}

static struct live_query *find_or_create(struct live_queries *queries,
                                         const struct query_target *target)
{
    struct text key = key_of(target);
    for (struct live_query *query = queries->first; query != NULL; query = query->next) {
        if (slice_equal(text_slice(&query->key), text_slice(&key))) {
            text_deinit(&key);
            return query;
        }
    }
    struct live_query *query = mem_alloc_zero(sizeof *query);
    query->queries = queries;
    query->key = key;
    arena_init(&query->arena);
    copy_target(query, target);
    query->next = queries->first;
    queries->first = query;
    return query;
}

static void on_ready(void *arg, struct http_exchange *exchange)
{
    (void)exchange; /* the follower knows it */
    struct follower *follower = arg;
    follower->has_room = true;
    bring_up_to_date(follower);
}

void live_query_start(struct call *call, const struct query_target *target)
{
    struct live_query *query = find_or_create(call->gateway->live_queries, target);
    struct follower *follower = arena_alloc_zero(call->arena, sizeof *follower);
    follower->query = query;
    follower->seen = query->failed ? query->version : 0; /* others' old failure is not its news */
    follower->exchange = call->exchange;
    follower->next = query->followers;
    query->followers = follower;
    run(query); /* its answer may be older than what this client has seen elsewhere */
    follower->wrote_ms = now_ms(query);
    struct http_stream_events events = {.ready = on_ready, .gone = on_gone, .arg = follower};
    call_stream(call, MEDIA_SSE, &events);
}

/* --- All of them ----------------------------------------------------------------------------- */

static void look_after(struct follower *follower, uint64_t now)
{
    if (follower->has_room && now - follower->wrote_ms >= FEED_HEARTBEAT_MS) {
        write_to(follower, SLICE_LITERAL(":\n\n"));
    } else if (!follower->has_room && now - follower->wrote_ms >= FEED_STUCK_MS) {
        write_to(follower, SLICE_LITERAL("event: evicted\ndata: {}\n\n"));
        end(follower);
    }
}

static void look_after_all(struct live_query *query)
{
    uint64_t now = now_ms(query);
    for (struct follower *follower = query->followers; follower != NULL;) {
        struct follower *next = follower->next;
        look_after(follower, now);
        follower = next;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct live_queries *queries = timer->data;
    for (struct live_query *query = queries->first; query != NULL;) {
        struct live_query *next = query->next; /* the last follower's end frees the query */
        if (query->later) {
            run(query);
        }
        look_after_all(query);
        query = next;
    }
}

struct live_queries *live_queries_create(struct gateway *gateway)
{
    struct live_queries *queries = mem_alloc_zero(sizeof *queries);
    queries->gateway = gateway;
    ASSERT(uv_timer_init(gateway->parts.loop, &queries->tick) == 0);
    queries->tick.data = queries;
    uv_timer_start(&queries->tick, on_tick, FEED_TICK_MS, FEED_TICK_MS);
    uv_unref((uv_handle_t *)&queries->tick); /* keeps no loop alive */
    return queries;
}

static void tick_closed(uv_handle_t *handle)
{
    struct live_queries *queries = handle->data;
    struct gateway *gateway = queries->gateway;
    void (*closed)(struct gateway * gateway) = queries->closed;
    free(queries);
    closed(gateway);
}

void live_queries_close(struct live_queries *queries, void (*closed)(struct gateway *gateway))
{
    ASSERT(queries->first == NULL);
    queries->closed = closed;
    uv_close((uv_handle_t *)&queries->tick, tick_closed);
}
