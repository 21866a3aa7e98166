/* marble.c - streams written as diagrams, for tests.
 *
 * The order in which things are scheduled decides ties, as in RxJS' TestScheduler: the observers of
 * a test first, then the messages of hot sources, all up front; those of a cold source when it is
 * subscribed to. */
#include "core.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    struct flow_stream base;
    struct flow_marble *marble;
    struct source *after;
    struct flow_message *messages; /* values kept by the region */
    size_t count;
    struct multicast *cast; /* of a hot one; NULL: cold */
    struct flow_span *spans;
    size_t span_count, span_capacity;
};

struct expectation {
    struct expectation *after;
    struct flow_marble *marble;
    struct flow_stream *stream;
    const char *wanted;
    bool of_subscriptions;
    struct flow_span span;
    struct flow_sub sub;
    struct flow_message *heard;
    size_t heard_count, heard_capacity;
};

struct flow_marble {
    struct flow_region *region;
    struct source *sources, **sources_end;
    struct expectation *expectations, **expectations_end;
    uint32_t random; /* 0: no blocks */
};

struct flow_marble *flow_marble_new(struct flow_region *region)
{
    struct flow_marble *marble = region == NULL ? NULL : region_alloc(region, sizeof *marble);
    if (marble != NULL) {
        marble->region = region;
        marble->sources_end = &marble->sources;
        marble->expectations_end = &marble->expectations;
    }
    return marble;
}

void flow_marble_blocks(struct flow_marble *marble, uint32_t seed)
{
    marble->random = seed;
}

/* xorshift32 */
static uint32_t marble_random(struct flow_marble *marble)
{
    marble->random ^= marble->random << 13;
    marble->random ^= marble->random >> 17;
    marble->random ^= marble->random << 5;
    return marble->random;
}

/* ---- diagrams ---- */

/* "1.5ms " and the like; 0: none here. */
static size_t parse_time(const char *text, flow_time *out_time)
{
    char *end;
    if (!isdigit((unsigned char)*text)) {
        return 0;
    }
    double number = strtod(text, &end);
    double unit = strncmp(end, "ms ", 3) == 0  ? 1000
                  : strncmp(end, "s ", 2) == 0 ? 1000000
                  : strncmp(end, "m ", 2) == 0 ? 60000000
                                               : 0;
    if (unit == 0) {
        return 0;
    }
    *out_time = (flow_time)(number * unit + 0.5);
    return (size_t)(strchr(end, ' ') - text) + 1;
}

static bool time_may_begin(const char *diagram, size_t i)
{
    return i == 0 || diagram[i - 1] == ' ';
}

static bool is_message(char c)
{
    return strchr(" -()^!", c) == NULL;
}

static struct flow_message message_of(char c, flow_time at)
{
    return (struct flow_message){
        .at = at,
        .kind = c == '|'   ? FLOW_KIND_COMPLETE
                : c == '#' ? FLOW_KIND_ERROR
                           : FLOW_KIND_NEXT,
        .v = flow_int(c),
        .text = "error",
    };
}

bool flow_marble_parse(const char *diagram, struct flow_message *out, size_t *out_count)
{
    const char *zero = strchr(diagram, '^');
    flow_time now = zero == NULL ? 0 : -FLOW_MS(zero - diagram);
    flow_time group = FLOW_NEVER;
    size_t count = 0;
    for (size_t i = 0; diagram[i] != 0; i++) {
        flow_time passes = diagram[i] == ' ' ? 0 : FLOW_MS(1);
        size_t length = time_may_begin(diagram, i) ? parse_time(&diagram[i], &passes) : 0;
        if (length > 0) {
            i += length - 1;
        } else if (diagram[i] == '(' || diagram[i] == ')') {
            if ((diagram[i] == '(') != (group == FLOW_NEVER)) {
                return false;
            }
            group = diagram[i] == '(' ? now : FLOW_NEVER;
        } else if (diagram[i] == '!') {
            return false;
        } else if (is_message(diagram[i])) {
            if (out != NULL) {
                out[count] = message_of(diagram[i], group == FLOW_NEVER ? now : group);
            }
            count++;
        }
        now += passes;
    }
    *out_count = count;
    return group == FLOW_NEVER;
}

bool flow_marble_parse_sub(const char *diagram, struct flow_span *out_span)
{
    flow_time now = 0;
    flow_time group = FLOW_NEVER;
    struct flow_span span = {.from = FLOW_NEVER, .to = FLOW_NEVER};
    for (size_t i = 0; diagram[i] != 0; i++) {
        flow_time passes = diagram[i] == ' ' ? 0 : FLOW_MS(1);
        flow_time at = group == FLOW_NEVER ? now : group;
        size_t length = time_may_begin(diagram, i) ? parse_time(&diagram[i], &passes) : 0;
        if (length > 0) {
            i += length - 1;
        } else if (diagram[i] == '(') {
            group = now;
        } else if (diagram[i] == ')') {
            group = FLOW_NEVER;
        } else if (diagram[i] == '^' && span.from == FLOW_NEVER) {
            span.from = at;
        } else if (diagram[i] == '!' && span.to == FLOW_NEVER) {
            span.to = at;
        } else if (strchr(" -", diagram[i]) == NULL) {
            return false;
        }
        now += passes;
    }
    *out_span = span;
    return true;
}

/* ---- sources ---- */

/* A run of messages of one moment; the first is due. */
struct player {
    struct timer timer;
    struct source *source;
    struct node *down; /* of a cold one */
    size_t first, count;
};

static void play_block(struct player *player)
{
    struct source *source = player->source;
    flow_val values[FLOW_BLOCK_MAX];
    for (size_t i = 0; i < player->count; i++) {
        values[i] = source->messages[player->first + i].v;
    }
    if (source->cast != NULL) {
        multicast_block(source->cast, values, player->count);
    } else {
        send_block(player->down, values, player->count);
    }
}

static void play_end(struct player *player, const struct flow_message *message)
{
    struct flow_error error = {.code = FLOW_ERROR_USER};
    struct multicast *cast = player->source->cast;
    if (message->kind == FLOW_KIND_COMPLETE && cast != NULL) {
        multicast_complete(cast);
    } else if (message->kind == FLOW_KIND_COMPLETE) {
        send_complete(player->down);
    } else {
        snprintf(error.text, sizeof error.text, "%s", message->text);
        if (cast != NULL) {
            multicast_error(cast, &error);
        } else {
            send_error(player->down, &error);
        }
    }
}

static void player_run(struct timer *timer)
{
    struct player *player = (struct player *)timer;
    const struct flow_message *message = &player->source->messages[player->first];
    if (message->kind != FLOW_KIND_NEXT) {
        play_end(player, message);
    } else if (player->count > 1) {
        play_block(player);
    } else if (player->source->cast != NULL) {
        multicast_next(player->source->cast, message->v);
    } else {
        send_next(player->down, message->v);
    }
    node_close(&timer->node);
}

/* How many of the values from `first` on travel together. */
static size_t block_size(struct source *source, size_t first)
{
    size_t size = 1;
    if (source->marble->random == 0 || source->messages[first].kind != FLOW_KIND_NEXT) {
        return 1;
    }
    size_t most = 1 + marble_random(source->marble) % 8;
    while (size < most && first + size < source->count &&
           source->messages[first + size].kind == FLOW_KIND_NEXT &&
           source->messages[first + size].at == source->messages[first].at) {
        size++;
    }
    return size;
}

static void play(struct source *source, struct node *parent, struct node *down, flow_time zero)
{
    for (size_t i = 0, size; i < source->count; i += size) {
        size = block_size(source, i);
        if (source->messages[i].at < 0) {
            continue;
        }
        struct player *player = timer_new_sized(parent, player_run, NULL, sizeof *player);
        if (player == NULL || player->timer.node.closed) {
            return;
        }
        player->source = source;
        player->down = down;
        player->first = i;
        player->count = size;
        timer_set_slot(&player->timer, zero + source->messages[i].at);
    }
}

/* ---- the log of subscriptions ---- */

struct span_node {
    struct node node;
    struct source *source;
    size_t index;
};

static void span_closed(struct node *node)
{
    struct span_node *span = (struct span_node *)node;
    span->source->spans[span->index].to = node->loop->now;
}

static const struct node_ops span_ops = {.closed = span_closed};

static bool span_room(struct source *source)
{
    if (source->span_count < source->span_capacity) {
        return true;
    }
    size_t capacity = source->span_capacity == 0 ? 8 : source->span_capacity * 2;
    struct flow_span *spans = realloc(source->spans, capacity * sizeof *spans);
    if (spans != NULL) {
        source->spans = spans;
        source->span_capacity = capacity;
    }
    return spans != NULL;
}

static void source_subscribe(struct flow_stream *stream, struct node *down)
{
    struct source *source = (struct source *)stream;
    struct span_node *span = node_new(down, down, &span_ops, sizeof *span);
    if (span == NULL || !span_room(source)) {
        return;
    }
    span->source = source;
    span->index = source->span_count++;
    flow_time now = stream->loop->now;
    source->spans[span->index] = (struct flow_span){.from = now, .to = FLOW_NEVER};
    if (span->node.closed) {
        source->spans[span->index].to = now;
    }
    if (source->cast != NULL) {
        multicast_subscribe(&source->cast->stream, down);
    } else if (!span->node.closed) {
        play(source, &span->node, down, now);
    }
}

static void source_free(void *data)
{
    struct source *source = data;
    multicast_unref(source->cast);
    free(source->spans);
}

struct flow_stream *flow_marble_source(struct flow_marble *marble, const struct flow_type *type,
                                       bool hot, const struct flow_message *messages, size_t count)
{
    struct flow_region *region = marble == NULL ? NULL : marble->region;
    struct source *source = stream_new(region, sizeof *source, type, source_subscribe);
    if (source == NULL) {
        return NULL;
    }
    source->marble = marble;
    source->messages = region_alloc(region, (count + 1) * sizeof *messages);
    source->cast = hot ? multicast_new(region->loop, type, NULL) : NULL;
    flow_own(region, source, source_free);
    if (source->messages == NULL || (hot && source->cast == NULL)) {
        region_fail(region, FLOW_ERROR_MEMORY);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        source->messages[i] = messages[i];
        if (messages[i].kind == FLOW_KIND_NEXT) {
            source->messages[i].v = region_keep(region, type, messages[i].v);
        }
    }
    source->count = count;
    *marble->sources_end = source;
    marble->sources_end = &source->after;
    return &source->base;
}

size_t flow_marble_spans(const struct flow_stream *stream, const struct flow_span **out)
{
    const struct source *source = (const struct source *)stream;
    *out = source->spans;
    return source->span_count;
}

static struct flow_stream *diagram_source(struct flow_marble *marble, const char *diagram, bool hot)
{
    struct flow_message messages[256];
    size_t count = 0;
    if (marble == NULL || strlen(diagram) > 256 || !flow_marble_parse(diagram, messages, &count)) {
        region_fail(marble == NULL ? NULL : marble->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    return flow_marble_source(marble, &flow_i64, hot, messages, count);
}

struct flow_stream *flow_hot(struct flow_marble *marble, const char *diagram)
{
    return diagram_source(marble, diagram, true);
}

struct flow_stream *flow_cold(struct flow_marble *marble, const char *diagram)
{
    return diagram_source(marble, diagram, false);
}

void flow_marble_start(struct flow_marble *marble)
{
    struct flow_loop *loop = marble->region->loop;
    loop_enter(loop);
    for (struct source *source = marble->sources; source != NULL; source = source->after) {
        if (source->cast != NULL) {
            play(source, &marble->region->root, &marble->region->root, 0);
        }
    }
    loop_leave(loop);
}

/* ---- actions ---- */

struct action {
    struct timer timer;
    flow_action_fn *fn;
};

static void action_run(struct timer *timer)
{
    struct flow_loop *loop = timer->node.loop;
    struct action *action = (struct action *)timer;
    action->fn(loop, timer->owner);
    node_close(&timer->node);
}

void flow_marble_at(struct flow_marble *marble, flow_time at, flow_action_fn *fn, void *ud)
{
    struct flow_loop *loop = marble->region->loop;
    loop_enter(loop);
    struct action *action = timer_new_sized(&marble->region->root, action_run, ud, sizeof *action);
    if (action != NULL) {
        action->fn = fn;
        timer_set_slot(&action->timer, at);
    }
    loop_leave(loop);
}

/* ---- expectations ---- */

static void heard_add(struct expectation *expectation, struct flow_loop *loop, enum flow_kind kind,
                      flow_val v)
{
    if (expectation->heard_count == expectation->heard_capacity) {
        size_t capacity = expectation->heard_capacity == 0 ? 16 : expectation->heard_capacity * 2;
        struct flow_message *heard = realloc(expectation->heard, capacity * sizeof *heard);
        if (heard == NULL) {
            region_fail(expectation->marble->region, FLOW_ERROR_MEMORY);
            return;
        }
        expectation->heard = heard;
        expectation->heard_capacity = capacity;
    }
    expectation->heard[expectation->heard_count++] =
        (struct flow_message){.at = loop->now, .kind = kind, .v = v};
}

static void heard_next(struct flow_loop *loop, void *ud, flow_val v)
{
    heard_add(ud, loop, FLOW_KIND_NEXT, v);
}

static void heard_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    (void)error; /* a diagram says that there is one, not which */
    heard_add(ud, loop, FLOW_KIND_ERROR, flow_int('#'));
}

static void heard_complete(struct flow_loop *loop, void *ud)
{
    heard_add(ud, loop, FLOW_KIND_COMPLETE, flow_int('|'));
}

static void expectation_subscribe(struct flow_loop *loop, void *ud)
{
    struct expectation *expectation = ud;
    (void)loop; /* the stream knows it */
    expectation->sub = flow_subscribe_in(expectation->marble->region, expectation->stream,
                                         &(struct flow_observer){
                                             .next = heard_next,
                                             .error = heard_error,
                                             .complete = heard_complete,
                                             .ud = expectation,
                                         });
}

static void expectation_unsubscribe(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the subscription knows it */
    flow_unsubscribe(((struct expectation *)ud)->sub);
}

static void expectation_free(void *data)
{
    free(((struct expectation *)data)->heard);
}

static struct expectation *expectation_new(struct flow_marble *marble, struct flow_stream *stream,
                                           const char *wanted)
{
    struct expectation *expectation =
        marble == NULL ? NULL : region_alloc(marble->region, sizeof *expectation);
    if (expectation == NULL || stream == NULL) {
        region_fail(marble == NULL ? NULL : marble->region, FLOW_ERROR_INVALID);
        return NULL;
    }
    flow_own(marble->region, expectation, expectation_free);
    expectation->marble = marble;
    expectation->stream = stream;
    expectation->wanted = wanted;
    *marble->expectations_end = expectation;
    marble->expectations_end = &expectation->after;
    return expectation;
}

void flow_expect(struct flow_marble *marble, struct flow_stream *stream, const char *subscription,
                 const char *diagram)
{
    struct expectation *expectation = expectation_new(marble, stream, diagram);
    if (expectation == NULL) {
        return;
    }
    expectation->span = (struct flow_span){.from = 0, .to = FLOW_NEVER};
    if (subscription != NULL && !flow_marble_parse_sub(subscription, &expectation->span)) {
        region_fail(marble->region, FLOW_ERROR_INVALID);
        return;
    }
    flow_marble_at(marble, expectation->span.from, expectation_subscribe, expectation);
    if (expectation->span.to != FLOW_NEVER) {
        flow_marble_at(marble, expectation->span.to, expectation_unsubscribe, expectation);
    }
}

void flow_expect_subs(struct flow_marble *marble, struct flow_stream *source,
                      const char *subscriptions)
{
    struct expectation *expectation = expectation_new(marble, source, subscriptions);
    if (expectation != NULL) {
        expectation->of_subscriptions = true;
    }
}

/* What was heard, as a diagram of single characters: groups are compared by their times. */
static void print_heard(FILE *out, const char *name, const struct flow_message *messages,
                        size_t count)
{
    fprintf(out, "%s", name);
    for (size_t i = 0; i < count; i++) {
        char c = messages[i].kind == FLOW_KIND_COMPLETE ? '|'
                 : messages[i].kind == FLOW_KIND_ERROR  ? '#'
                                                        : (char)messages[i].v.i;
        fprintf(out, " %c@%g", c, (double)messages[i].at / 1000);
    }
    fprintf(out, "\n");
}

static bool same_messages(const struct flow_message *a, const struct flow_message *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same = a[i].at == b[i].at && a[i].kind == b[i].kind &&
                    (a[i].kind != FLOW_KIND_NEXT || a[i].v.i == b[i].v.i);
        if (!same) {
            return false;
        }
    }
    return true;
}

static int check_messages(const struct expectation *expectation, FILE *out)
{
    struct flow_message wanted[256];
    size_t count = 0;
    bool readable = strlen(expectation->wanted) <= 256 &&
                    flow_marble_parse(expectation->wanted, wanted, &count);
    if (readable && count == expectation->heard_count &&
        same_messages(wanted, expectation->heard, count)) {
        return 0;
    }
    print_heard(out, "wanted", wanted, count);
    print_heard(out, "heard ", expectation->heard, expectation->heard_count);
    return 1;
}

static int check_spans(const struct expectation *expectation, FILE *out)
{
    const struct flow_span *spans;
    size_t count = flow_marble_spans(expectation->stream, &spans);
    char text[256];
    size_t index = 0;
    bool same = strlen(expectation->wanted) < sizeof text;
    snprintf(text, sizeof text, "%s", expectation->wanted);
    char *rest = text;
    for (char *one = strsep(&rest, ","); one != NULL && *one != 0; one = strsep(&rest, ",")) {
        struct flow_span wanted;
        same = same && flow_marble_parse_sub(one, &wanted) && index < count &&
               wanted.from == spans[index].from && wanted.to == spans[index].to;
        index++;
    }
    if (same && index == count) {
        return 0;
    }
    fprintf(out, "wanted subscriptions %s\nheard ", expectation->wanted);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, " %g..%g", (double)spans[i].from / 1000, (double)spans[i].to / 1000);
    }
    fprintf(out, "\n");
    return 1;
}

int flow_marble_run(struct flow_marble *marble, FILE *out)
{
    int failed = 0;
    struct flow_loop *loop = marble->region->loop;
    flow_marble_start(marble);
    while (flow_next_due(loop) != FLOW_NEVER && loop->now < FLOW_MS(100000)) {
        flow_advance(loop, flow_next_due(loop));
    }
    struct expectation *expectation = marble->expectations;
    for (; expectation != NULL; expectation = expectation->after) {
        failed += expectation->of_subscriptions ? check_spans(expectation, out)
                                                : check_messages(expectation, out);
    }
    if (flow_region_error(marble->region) != 0) {
        fprintf(out, "the region has error %d\n", flow_region_error(marble->region));
        failed++;
    }
    return failed;
}
