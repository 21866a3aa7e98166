/* jv.h - JSON values as events: what the recorded cases are made of.
 *
 * A value is lent, or made in the running event's arena; keeping one copies it to the heap and
 * counts it, so that a value which is kept and not let go shows as a leak, and one used after the
 * event shows under ASan. */
#pragma once
#include "flow.h"

enum jv_kind {
    JV_NULL,
    JV_UNDEF,
    JV_BOOL,
    JV_NUMBER,
    JV_STRING,
    JV_ARRAY,
    JV_OBJECT, /* items: key, value, key, value */
    JV_STREAM, /* a window or group; `items[0]` its key, if any */
};
struct jv {
    enum jv_kind kind;
    double number; /* of BOOL: 0 or 1 */
    const char *text;
    struct flow_stream *stream;
    size_t count;
    const struct jv **items;
};
extern const struct flow_type jv_type;
extern long jv_live; /* kept and not yet let go */

/* Where values are made: the arena of the running event, or a document. */
struct jv_pool {
    struct jv_chunk *chunks;
    size_t used;
};
void *pool_alloc(struct jv_pool *pool, size_t size);
void pool_free(struct jv_pool *pool);

/* NULL: not JSON. */
const struct jv *jv_parse(struct jv_pool *pool, const char *text);
const struct jv *jv_get(const struct jv *object, const char *key); /* NULL: not there */
const struct jv *jv_at(const struct jv *array, size_t index);      /* NULL: not there */
bool jv_is(const struct jv *v, const char *text);                  /* this string */
bool jv_truthy(const struct jv *v);
bool jv_equal(const struct jv *a, const struct jv *b);

/* In the arena. */
const struct jv *jv_number(struct flow_loop *loop, double number);
const struct jv *jv_bool(struct flow_loop *loop, bool yes);
const struct jv *jv_string(struct flow_loop *loop, const char *text);
const struct jv *jv_array(struct flow_loop *loop, const struct jv *const *items, size_t count);
const struct jv *jv_object(struct flow_loop *loop, const struct jv *const *items, size_t count);
const struct jv *jv_stream(struct flow_loop *loop, struct flow_stream *stream,
                           const struct jv *key);
extern const struct jv jv_undef;
static inline const struct jv *jv_of(flow_val v)
{
    return v.p;
}

/* Text that grows; free() it. */
struct text {
    char *bytes;
    size_t size, capacity;
};
void text_put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put_jv(struct text *text, const struct jv *v);
