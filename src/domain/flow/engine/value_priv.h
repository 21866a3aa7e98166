/* value_priv.h - what goes from node to node.
 *
 * A value is 16 bytes and lends what it points to: from a root, from the stretch's arena, or from a
 * node's state until that changes. Objects made by the engine are rows, whose text is written only
 * when somebody needs it; a root event stays what it is until somebody needs it whole. */
#pragma once
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "everfold.h"

enum value_kind {
    VALUE_MISSING, /* there is nothing at this path */
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER, /* JSON text, as it was written */
    VALUE_STRING, /* JSON text with its quotes */
    VALUE_JSON,   /* JSON text of an array or object */
    VALUE_WHOLE,  /* a number that was computed */
    VALUE_REAL,   /* likewise, finite */
    VALUE_TIME,   /* us since 1970; written as a string, RFC 3339 in ms */
    VALUE_ROW,
    VALUE_EVENT,
};

struct derive_value {
    enum value_kind kind;
    uint32_t size; /* of text */
    union {
        const char *text;
        int64_t whole; /* also of a VALUE_TIME */
        double real;
        const struct derive_row *row;
        const struct derive_event *event;
    };
};
static_assert(sizeof(struct derive_value) == 16, "copied for every item");

struct derive_shape { /* the members of a row */
    uint32_t count;
    const struct ever_slice *names;  /* unescaped */
    const struct ever_slice *labels; /* "\"name\":" */
};
struct derive_row {
    const struct derive_shape *shape;
    struct derive_value cells[]; /* shape->count; a missing one is not written */
};

struct derive_event {              /* a root or derived event as its readers see it */
    const struct ever_event *root; /* the envelope, but for type and tags */
    struct ever_slice type;
    struct ever_slice data; /* empty: not JSON */
    bool data_is_checked;
    struct ever_slice metadata;
    const struct ever_slice *tags;
    uint32_t tag_count;
    const struct derive_plan *plan; /* which paths were looked up already; NULL: none */
    const struct derive_value *columns;
};

struct derive_item {
    uint32_t root;                   /* index in the stretch */
    uint32_t key_size;               /* 0: not keyed */
    const char *key;                 /* canonical JSON array of the values that make it */
    uint64_t hash;                   /* of the key */
    int64_t time_us;                 /* event time */
    const struct ever_event *origin; /* whose envelope @paths show: the root, or an earlier event
                                      * that was kept and is given now */
    struct derive_value value;
};

static inline struct ever_slice item_key(const struct derive_item *item)
{
    return slice_of(item->key, item->key_size);
}

/* --- Making ----------------------------------------------------------------------------------- */

static inline struct derive_value value_whole(int64_t whole)
{
    return (struct derive_value){.kind = VALUE_WHOLE, .whole = whole};
}
static inline struct derive_value value_time(int64_t time_us)
{
    return (struct derive_value){.kind = VALUE_TIME, .whole = time_us};
}
struct derive_value value_real(double real);               /* VALUE_NULL when it is not finite */
struct derive_value value_of_json(struct ever_slice json); /* checked text */
struct derive_value value_of_string(struct ever_slice bytes, struct arena *arena);
struct derive_row *value_make_row(const struct derive_shape *shape, struct arena *arena);
static inline struct derive_value value_of_row(const struct derive_row *row)
{
    return (struct derive_value){.kind = VALUE_ROW, .row = row};
}

/* Names are copied into the arena. */
struct derive_shape *value_make_shape(const struct ever_slice *names, uint32_t count,
                                      struct arena *arena);

/* --- Writing ---------------------------------------------------------------------------------- */

/* JSON text. `time_us`: the event time of the item, which an event shows as its "time". A missing
 * value is written as null. */
void value_write(struct text *out, const struct derive_value *value, int64_t time_us);

/* JSON text that is the same for equal values: numbers shortest, members sorted, no white space. */
void value_write_canonical(struct text *out, const struct derive_value *value, int64_t time_us);

/* JSON from outside that was not checked: null when it is none. */
void value_write_foreign(struct text *out, struct ever_slice json);
void value_write_data(struct text *out, const struct derive_event *event);
void value_write_tags(struct text *out, const struct derive_event *event);

#define VALUE_TIME_LEAST_US INT64_C(-9214560000000000)    /* 1678-01-01 */
#define VALUE_TIME_MOST_US INT64_C(9214646399999999)      /* 2261-12-31 */
void value_write_time(struct text *out, int64_t time_us); /* with quotes */
void value_write_ms(struct text *out, int64_t time_us);   /* whole ms since 1970 */

/* --- Comparing -------------------------------------------------------------------------------- */

struct derive_number {
    bool is_whole;
    int64_t whole;
    double real; /* also of whole numbers */
};
/* False when it is no number, or a whole one that does not fit 64 bits. */
bool value_number(const struct derive_value *value, struct derive_number *out_number);
/* The same value; a number is no longer text, for those that are compared often. */
struct derive_value value_parsed(struct derive_value value);
int number_compare(struct derive_number a, struct derive_number b); /* exact */

enum value_order { VALUE_LESS, VALUE_EQUAL, VALUE_GREATER, VALUE_DIFFERENT };
/* Numbers by value, strings by bytes; all others are equal or different. */
enum value_order value_compare(const struct derive_value *a, const struct derive_value *b,
                               struct arena *scratch);

/* The bytes of a string value, unescaped; empty for others. */
struct ever_slice value_string(const struct derive_value *value, struct arena *arena);
