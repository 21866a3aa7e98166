/* cases.c - marble cases: sources, an expression, what must come out of it and when each source was
 * listened to. */
#include "ear.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 2000 };

struct observed { /* one observer of the expression */
    struct ear *ear;
    struct flow_stream *stream;
    double frame;
};

static const char *kept_text(struct world *world, const struct jv *v)
{
    struct text text = {0};
    text_put_jv(&text, v);
    char *kept = pool_alloc(world->pool, text.size + 1);
    memcpy(kept, text.bytes, text.size + 1);
    free(text.bytes);
    return kept;
}

static struct flow_message message_from(struct world *world, const struct jv *v)
{
    struct flow_message message = {.at = time_of_ms(jv_at(v, 0))};
    const struct jv *value = jv_at(v, 2);
    if (jv_is(jv_at(v, 1), "E")) {
        message.kind = FLOW_KIND_ERROR;
        message.text = kept_text(world, value == NULL ? &jv_undef : value);
    } else if (jv_is(jv_at(v, 1), "C")) {
        message.kind = FLOW_KIND_COMPLETE;
    } else {
        message.v = flow_ptr(value == NULL ? &jv_undef : value);
    }
    return message;
}

static struct flow_stream *source_from(struct world *world, const struct jv *source)
{
    const struct jv *messages = jv_get(source, "messages");
    size_t count = messages == NULL ? 0 : messages->count;
    struct flow_message *list = pool_alloc(world->pool, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = message_from(world, messages->items[i]);
    }
    return flow_marble_source(world->marble, &jv_type, jv_is(jv_get(source, "kind"), "hot"), list,
                              count);
}

static void subscribe_now(struct flow_loop *loop, void *ud)
{
    struct observed *observed = ud;
    (void)loop; /* the world has it */
    ear_listen(observed->ear, observed->stream);
}

static void unsubscribe_now(struct flow_loop *loop, void *ud)
{
    (void)loop; /* the subscription knows it */
    flow_unsubscribe(((struct observed *)ud)->ear->sub);
}

static struct observed *observe(struct world *world, struct flow_stream *stream, double frame,
                                struct ear **ears)
{
    struct observed *observed = pool_alloc(world->pool, sizeof *observed);
    *observed = (struct observed){.ear = ear_new(world, ears), .stream = stream, .frame = frame};
    flow_marble_at(world->marble, (flow_time)(frame * 1000), subscribe_now, observed);
    return observed;
}

/* ---- what came of it ---- */

static void print_spans(struct world *world, const struct jv *sources, struct text *text)
{
    text_put(text, "{");
    for (size_t i = 0; i + 1 < sources->count; i += 2) {
        const struct flow_span *spans;
        const char *name = sources->items[i]->text;
        size_t count = flow_marble_spans(world_find(world, name), &spans);
        text_put(text, "%s\"%s\":[", i == 0 ? "" : ",", name);
        for (size_t k = 0; k < count; k++) {
            text_put(text, "%s[%.15g,", k == 0 ? "" : ",", (double)spans[k].from / 1000);
            if (spans[k].to == FLOW_NEVER) {
                text_put(text, "null]");
            } else {
                text_put(text, "%.15g]", (double)spans[k].to / 1000);
            }
        }
        text_put(text, "]");
    }
    text_put(text, "}");
}

static bool compare(const char *what, const struct jv *wanted, const struct text *got,
                    struct text *report)
{
    struct jv_pool pool = {0};
    const struct jv *heard = jv_parse(&pool, got->bytes);
    bool same = heard != NULL && wanted != NULL && jv_equal(wanted, heard);
    if (!same) {
        text_put(report, "  %s wanted ", what);
        text_put_jv(report, wanted == NULL ? &jv_undef : wanted);
        text_put(report, "\n  %s got    %s\n", what, got->bytes);
    }
    pool_free(&pool);
    return same;
}

static bool check(struct world *world, const struct jv *line, struct observed *const *observed,
                  size_t count, struct text *report)
{
    const struct jv *expect = jv_get(line, "expect");
    bool same = true;
    for (size_t i = 0; i < count; i++) {
        struct text got = {0};
        struct text frame = {0};
        text_put(&frame, "%.15g", observed[i]->frame);
        ear_print(observed[i]->ear, &got);
        const struct jv *wanted =
            i == 0 ? jv_get(expect, "messages") : jv_get(jv_get(expect, "also"), frame.bytes);
        same &= compare(i == 0 ? "output" : "also", wanted, &got, report);
        free(got.bytes);
        free(frame.bytes);
    }
    struct text spans = {0};
    print_spans(world, jv_get(line, "sources"), &spans);
    same &= compare("subscriptions", jv_get(expect, "subs"), &spans, report);
    free(spans.bytes);
    return same;
}

static bool play(struct world *world, const struct jv *line, struct flow_stream *stream,
                 struct text *report)
{
    const struct jv *sub = jv_get(line, "sub");
    const struct jv *also = jv_get(line, "alsoSubscribeAt");
    struct flow_span span = {.from = 0, .to = FLOW_NEVER};
    struct ear *ears = NULL;
    struct observed *observed[16];
    size_t count = 0;
    if (sub != NULL && sub->kind == JV_STRING) {
        flow_marble_parse_sub(sub->text, &span);
        span.from = span.from == FLOW_NEVER ? 0 : span.from;
    }
    observed[count++] = observe(world, stream, (double)span.from / 1000, &ears);
    if (span.to != FLOW_NEVER) {
        flow_marble_at(world->marble, span.to, unsubscribe_now, observed[0]);
    }
    for (size_t i = 0; also != NULL && i < also->count && count < 16; i++) {
        observed[count++] = observe(world, stream, also->items[i]->number, &ears);
    }
    flow_marble_start(world->marble);
    for (int i = 0; i < FRAMES_MAX && flow_next_due(world->loop) < FLOW_MS(1000000); i++) {
        flow_advance(world->loop, flow_next_due(world->loop));
    }
    bool same = check(world, line, observed, count, report);
    flow_region_free(world->region);
    ear_free_all(ears);
    return same;
}

bool run_case(const struct jv *line, const struct settings *settings, struct text *report)
{
    struct jv_pool pool = {0};
    struct world world = {.loop = flow_loop_new(), .pool = &pool};
    const struct jv *sources = jv_get(line, "sources");
    long live = jv_live;
    world.region = flow_region_new(world.loop);
    world.marble = flow_marble_new(world.region);
    flow_marble_blocks(world.marble, settings->block_seed);
    for (size_t i = 0; sources != NULL && i + 1 < sources->count; i += 2) {
        world_name(&world, sources->items[i]->text, source_from(&world, sources->items[i + 1]));
    }
    struct flow_stream *stream = build(&world, jv_get(line, "expr"));
    bool same = false;
    if (stream != NULL && world.problem.size == 0) {
        same = play(&world, line, stream, report);
    } else {
        flow_region_free(world.region);
    }
    flow_loop_free(world.loop);
    if (world.problem.size > 0) {
        text_put(report, "  %s\n", world.problem.bytes);
        same = false;
    }
    if (jv_live != live) {
        text_put(report, "  %ld values were kept and not let go\n", jv_live - live);
        same = false;
    }
    free(world.problem.bytes);
    pool_free(&pool);
    return same;
}
