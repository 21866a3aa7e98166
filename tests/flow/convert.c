/* convert.c - what operators make, as JSON. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static flow_val list_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    const struct jv **items = flow_alloc(loop, (list->count + 1) * sizeof *items);
    (void)ud; /* none */
    for (size_t i = 0; i < list->count; i++) {
        items[i] = list->items[i].p;
    }
    return flow_ptr(jv_array(loop, items, list->count));
}

static flow_val int_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_ptr(jv_number(loop, (double)v.i));
}

static flow_val bool_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_ptr(jv_bool(loop, v.i != 0));
}

struct flow_stream *from_list(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, list_to_jv, NULL);
}

struct flow_stream *from_int(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, int_to_jv, NULL);
}

struct flow_stream *from_bool(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, bool_to_jv, NULL);
}

/* ---- errors ---- */

const char *error_json(const struct flow_error *error)
{
    switch (error->code) {
    case FLOW_ERROR_EMPTY:
        return "{\"err\":\"EmptyError\"}";
    case FLOW_ERROR_TIMEOUT:
        return "{\"err\":\"TimeoutError\"}";
    case FLOW_ERROR_NOT_FOUND:
        return "{\"err\":\"NotFoundError\"}";
    case FLOW_ERROR_SEQUENCE:
        return "{\"err\":\"SequenceError\"}";
    case FLOW_ERROR_OUT_OF_RANGE:
        return "{\"err\":\"ArgumentOutOfRangeError\"}";
    case FLOW_ERROR_FULL:
        return "{\"err\":\"full\"}";
    case FLOW_ERROR_MEMORY:
        return "{\"err\":\"memory\"}";
    case FLOW_ERROR_INVALID:
        return "{\"err\":\"invalid\"}";
    default:
        return error->text;
    }
}

static const struct jv *error_value(struct flow_loop *loop, const char *json)
{
    struct jv_pool pool = {0};
    const struct jv *parsed = jv_parse(&pool, json);
    const struct jv *v = &jv_undef;
    if (parsed != NULL && parsed->kind == JV_STRING) {
        v = jv_string(loop, parsed->text);
    } else if (parsed != NULL && parsed->kind == JV_OBJECT && parsed->count == 2) {
        const struct jv *items[2] = {jv_string(loop, parsed->items[0]->text),
                                     jv_string(loop, parsed->items[1]->text)};
        v = jv_object(loop, items, 2);
    } else if (parsed != NULL && parsed->kind == JV_NUMBER) {
        v = jv_number(loop, parsed->number);
    }
    pool_free(&pool);
    return v;
}

/* ---- notifications ---- */

static flow_val notification_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    static const char *const letters[] = {"N", "E", "C"};
    const struct flow_notification *note = v.p;
    const struct jv *items[4] = {jv_string(loop, "kind"), jv_string(loop, letters[note->kind])};
    size_t count = 2;
    (void)ud; /* none */
    if (note->kind == FLOW_KIND_NEXT) {
        items[count++] = jv_string(loop, "value");
        items[count++] = note->v.p;
    } else if (note->kind == FLOW_KIND_ERROR) {
        items[count++] = jv_string(loop, "error");
        items[count++] = error_value(loop, error_json(&note->error));
    }
    return flow_ptr(jv_object(loop, items, count));
}

struct flow_stream *from_notification(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, notification_to_jv, NULL);
}

static flow_val jv_to_notification(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct jv *kind = jv_get(v.p, "kind");
    struct flow_notification *note = flow_alloc(loop, sizeof *note);
    (void)ud; /* none */
    *note = (struct flow_notification){.type = &jv_type};
    if (jv_is(kind, "N")) {
        const struct jv *value = jv_get(v.p, "value");
        note->v = flow_ptr(value == NULL ? &jv_undef : value);
    } else if (jv_is(kind, "E")) {
        struct text text = {0};
        note->kind = FLOW_KIND_ERROR;
        note->error.code = FLOW_ERROR_USER;
        text_put_jv(&text, jv_get(v.p, "error"));
        snprintf(note->error.text, sizeof note->error.text, "%s", text.bytes);
        free(text.bytes);
    } else {
        note->kind = FLOW_KIND_COMPLETE;
    }
    return flow_ptr(note);
}

struct flow_stream *to_notification(struct world *world, struct flow_stream *stream)
{
    return flow_map(stream, &flow_notification_type, jv_to_notification, world);
}

/* ---- streams of streams ---- */

static flow_val stream_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    return flow_ptr(jv_stream(loop, (struct flow_stream *)(uintptr_t)v.p, NULL));
}

static flow_val group_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    struct flow_stream *group = (struct flow_stream *)(uintptr_t)v.p;
    (void)ud; /* none */
    return flow_ptr(jv_stream(loop, group, flow_group_key(group).p));
}

struct flow_stream *from_stream(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, stream_to_jv, NULL);
}

struct flow_stream *from_group(struct flow_stream *stream)
{
    return flow_map(stream, &jv_type, group_to_jv, NULL);
}

static flow_val jv_to_stream_val(struct flow_loop *loop, void *ud, flow_val v)
{
    struct flow_stream *stream = jv_to_stream(ud, v.p);
    if (stream == NULL) {
        flow_fail(loop, FLOW_ERROR_INVALID, "not a stream");
    }
    return flow_ptr(stream);
}

struct flow_stream *to_stream(struct world *world, struct flow_stream *stream)
{
    return flow_map(stream, &flow_stream_type, jv_to_stream_val, world);
}

/* ---- records ---- */

static flow_val pair_to_jv(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct flow_list *list = v.p;
    const struct jv *items[4] = {
        jv_string(loop, "value"),
        list->items[0].p,
        jv_string(loop, ud),
        jv_number(loop, (double)list->items[1].i / 1000),
    };
    return flow_ptr(jv_object(loop, items, 4));
}

struct flow_stream *from_pair(struct flow_stream *stream, const char *second)
{
    return flow_map(stream, &jv_type, pair_to_jv, (void *)(uintptr_t)second);
}

static flow_val list_to_object(struct flow_loop *loop, void *ud, flow_val v)
{
    const struct jv *keys = ud;
    const struct flow_list *list = v.p;
    const struct jv **items = flow_alloc(loop, (2 * list->count + 1) * sizeof *items);
    for (size_t i = 0; i < list->count; i++) {
        items[2 * i] = keys->items[2 * i];
        items[2 * i + 1] = list->items[i].p;
    }
    return flow_ptr(jv_object(loop, items, 2 * list->count));
}

struct flow_stream *from_keys(struct world *world, struct flow_stream *stream,
                              const struct jv *keys)
{
    (void)world; /* the keys live as long as the case */
    return flow_map(stream, &jv_type, list_to_object, (void *)(uintptr_t)keys);
}
