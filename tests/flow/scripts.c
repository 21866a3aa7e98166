/* scripts.c - imperative cases: a subject, streams derived from it, steps, and what observers do
 * from inside their callbacks. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

struct script {
    struct world world;
    struct flow_subject *subject;
    const struct jv *react;
    struct text log;
    struct observer *observers;
};

struct observer {
    struct script *script;
    const char *name;
    struct flow_sub sub;
    struct observer *after;
};

static void step(struct script *script, const struct jv *what);

static void log_begin(struct script *script, const char *who, const char *letter)
{
    text_put(&script->log, "%s[\"%s\",\"%s\"", script->log.size == 1 ? "" : ",", who, letter);
}

/* Does what the case says this observer does about this notification. */
static void react(struct observer *observer, const char *letter, const struct jv *v)
{
    const struct jv *all = observer->script->react;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        const struct jv *on = jv_get(all->items[i], "on");
        const struct jv *steps = jv_get(all->items[i], "do");
        bool same = jv_is(jv_get(all->items[i], "who"), observer->name) &&
                    jv_is(jv_at(on, 0), letter) &&
                    (jv_at(on, 1) == NULL || (v != NULL && jv_equal(jv_at(on, 1), v)));
        for (size_t k = 0; same && k < steps->count; k++) {
            if (jv_is(jv_at(steps->items[k], 0), "throw")) {
                break; /* reported elsewhere, and the observers' own affair */
            }
            step(observer->script, steps->items[k]);
        }
    }
}

static void observer_next(struct flow_loop *loop, void *ud, flow_val v)
{
    struct observer *observer = ud;
    (void)loop; /* the world has it */
    log_begin(observer->script, observer->name, "N");
    text_put(&observer->script->log, ",");
    text_put_jv(&observer->script->log, v.p);
    text_put(&observer->script->log, "]");
    react(observer, "N", v.p);
}

static void observer_error(struct flow_loop *loop, void *ud, const struct flow_error *error)
{
    struct observer *observer = ud;
    (void)loop; /* the world has it */
    log_begin(observer->script, observer->name, "E");
    text_put(&observer->script->log, ",%s]", error_json(error));
    react(observer, "E", NULL);
}

static void observer_complete(struct flow_loop *loop, void *ud)
{
    struct observer *observer = ud;
    (void)loop; /* the world has it */
    log_begin(observer->script, observer->name, "C");
    text_put(&observer->script->log, "]");
    react(observer, "C", NULL);
}

static void subscribe(struct script *script, const struct jv *what)
{
    struct observer *observer = pool_alloc(script->world.pool, sizeof *observer);
    const struct jv *stream = jv_at(what, 2);
    observer->script = script;
    observer->name = jv_at(what, 1)->text;
    observer->after = script->observers;
    script->observers = observer;
    struct flow_observer callbacks = {
        .next = observer_next,
        .error = observer_error,
        .complete = observer_complete,
        .ud = observer,
    };
    struct flow_stream *target = stream == NULL ? flow_subject_stream(script->subject)
                                                : world_find(&script->world, stream->text);
    struct flow_sub sub = flow_subscribe_in(script->world.region, target, &callbacks);
    observer->sub = sub;
}

static void unsubscribe(struct script *script, const char *name)
{
    for (struct observer *at = script->observers; at != NULL; at = at->after) {
        if (strcmp(at->name, name) == 0) {
            flow_unsubscribe(at->sub);
            return;
        }
    }
}

static void step(struct script *script, const struct jv *what)
{
    const struct jv *verb = jv_at(what, 0);
    const struct jv *v = jv_at(what, 1);
    if (jv_is(verb, "next")) {
        flow_next(script->subject, flow_ptr(v == NULL ? &jv_undef : v));
    } else if (jv_is(verb, "error")) {
        struct text text = {0};
        text_put_jv(&text, v == NULL ? &jv_undef : v);
        flow_error(script->subject, FLOW_ERROR_USER, "%s", text.bytes);
        free(text.bytes);
    } else if (jv_is(verb, "complete")) {
        flow_complete(script->subject);
    } else if (jv_is(verb, "sub")) {
        subscribe(script, what);
    } else if (jv_is(verb, "unsub")) {
        unsubscribe(script, v->text);
    } else if (jv_is(verb, "mark")) {
        log_begin(script, "-", v->text);
        text_put(&script->log, "]");
    } else {
        world_problem(&script->world, "no step %s", verb == NULL ? "?" : verb->text);
    }
}

static struct flow_subject_opts subject_opts(const struct jv *make)
{
    struct flow_subject_opts opts = {0};
    const struct jv *first = jv_at(make, 1);
    if (jv_is(jv_at(make, 0), "BehaviorSubject")) {
        opts.kind = FLOW_SUBJECT_BEHAVIOR;
        opts.initial = flow_ptr(first);
    } else if (jv_is(jv_at(make, 0), "ReplaySubject")) {
        opts.kind = FLOW_SUBJECT_REPLAY;
        opts.count = first != NULL && first->kind == JV_NUMBER ? (size_t)first->number : 0;
        opts.window = jv_at(make, 2) == NULL ? 0 : time_of_ms(jv_at(make, 2));
    } else if (jv_is(jv_at(make, 0), "AsyncSubject")) {
        opts.kind = FLOW_SUBJECT_ASYNC;
    }
    return opts;
}

/* Neighbouring values go in one block, when blocks are asked for. */
static void run_steps(struct script *script, const struct jv *steps, bool blocks)
{
    flow_val values[16];
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        bool next = jv_is(jv_at(steps->items[i], 0), "next");
        if (next && blocks && count < 16) {
            values[count++] = flow_ptr(jv_at(steps->items[i], 1));
        }
        if (count > 0 && (!next || i + 1 == steps->count || count == 16)) {
            flow_next_block(script->subject, values, count);
            count = 0;
        }
        if (!next || !blocks) {
            step(script, steps->items[i]);
        }
    }
}

bool run_script(const struct jv *line, const struct settings *settings, struct text *report)
{
    struct jv_pool pool = {0};
    struct script script = {.world = {.loop = flow_loop_new(), .pool = &pool}};
    struct world *world = &script.world;
    const struct jv *derived = jv_get(line, "derived");
    long live = jv_live;
    world->region = flow_region_new(world->loop);
    struct flow_subject_opts opts = subject_opts(jv_get(line, "make"));
    script.subject = flow_subject_new(world->region, &jv_type, &opts);
    script.react = jv_get(line, "react");
    world_name(world, "s", flow_subject_stream(script.subject));
    for (size_t i = 0; derived != NULL && i + 1 < derived->count; i += 2) {
        world_name(world, derived->items[i]->text, build(world, derived->items[i + 1]));
    }
    text_put(&script.log, "[");
    run_steps(&script, jv_get(line, "steps"), settings->block_seed != 0 && script.react == NULL);
    text_put(&script.log, "]");
    flow_region_free(world->region);
    flow_loop_free(world->loop);
    const struct jv *got = jv_parse(&pool, script.log.bytes);
    bool same = got != NULL && jv_equal(got, jv_get(line, "log")) && world->problem.size == 0;
    if (!same) {
        text_put(report, "  log wanted ");
        text_put_jv(report, jv_get(line, "log"));
        text_put(report, "\n  log got    %s\n  %s\n", script.log.bytes,
                 world->problem.size > 0 ? world->problem.bytes : "");
    }
    if (jv_live != live) {
        text_put(report, "  %ld values were kept and not let go\n", jv_live - live);
        same = false;
    }
    free(script.log.bytes);
    free(world->problem.bytes);
    pool_free(&pool);
    return same;
}
