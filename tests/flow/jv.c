/* jv.c - JSON values as events. */
#include "jv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long jv_live;
const struct jv jv_undef = {.kind = JV_UNDEF};

/* ---- kept values ---- */

static const struct jv *jv_copy(const struct jv *v)
{
    struct jv *copy = calloc(1, sizeof *copy);
    *copy = *v;
    jv_live++;
    if (v->text != NULL) {
        copy->text = strdup(v->text);
    }
    if (v->stream != NULL) {
        flow_stream_type.retain(flow_ptr(v->stream));
    }
    if (v->items != NULL) {
        copy->items = calloc(v->count + 1, sizeof *copy->items);
        for (size_t i = 0; i < v->count; i++) {
            copy->items[i] = jv_copy(v->items[i]);
        }
    }
    return copy;
}

static void jv_free(const struct jv *v)
{
    for (size_t i = 0; v->items != NULL && i < v->count; i++) {
        jv_free(v->items[i]);
    }
    if (v->stream != NULL) {
        flow_stream_type.release(flow_ptr(v->stream));
    }
    free((void *)(uintptr_t)v->text);
    free(v->items);
    free((void *)(uintptr_t)v);
    jv_live--;
}

static flow_val retain(flow_val v)
{
    return flow_ptr(jv_copy(v.p));
}

static void release(flow_val v)
{
    jv_free(v.p);
}

static bool values_equal(flow_val a, flow_val b)
{
    return jv_equal(a.p, b.p);
}

static uint64_t hash(flow_val v)
{
    struct text text = {0};
    uint64_t h = 1469598103934665603u;
    text_put_jv(&text, v.p);
    for (size_t i = 0; i < text.size; i++) {
        h = (h ^ (unsigned char)text.bytes[i]) * 1099511628211u;
    }
    free(text.bytes);
    return h;
}

static int compare(flow_val a, flow_val b)
{
    double x = jv_of(a)->number;
    double y = jv_of(b)->number;
    return (x > y) - (x < y);
}

const struct flow_type jv_type = {
    .name = "json",
    .retain = retain,
    .release = release,
    .equal = values_equal,
    .hash = hash,
    .compare = compare,
};

/* ---- making ---- */

static struct jv *make(struct flow_loop *loop, enum jv_kind kind)
{
    struct jv *v = flow_alloc(loop, sizeof *v);
    *v = (struct jv){.kind = kind};
    return v;
}

const struct jv *jv_number(struct flow_loop *loop, double number)
{
    struct jv *v = make(loop, JV_NUMBER);
    v->number = number;
    return v;
}

const struct jv *jv_bool(struct flow_loop *loop, bool yes)
{
    struct jv *v = make(loop, JV_BOOL);
    v->number = yes;
    return v;
}

const struct jv *jv_string(struct flow_loop *loop, const char *text)
{
    struct jv *v = make(loop, JV_STRING);
    size_t size = strlen(text) + 1;
    v->text = memcpy(flow_alloc(loop, size), text, size);
    return v;
}

static const struct jv *make_items(struct flow_loop *loop, enum jv_kind kind,
                                   const struct jv *const *items, size_t count)
{
    struct jv *v = make(loop, kind);
    v->count = count;
    v->items = flow_alloc(loop, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        v->items[i] = items[i];
    }
    return v;
}

const struct jv *jv_array(struct flow_loop *loop, const struct jv *const *items, size_t count)
{
    return make_items(loop, JV_ARRAY, items, count);
}

const struct jv *jv_object(struct flow_loop *loop, const struct jv *const *items, size_t count)
{
    return make_items(loop, JV_OBJECT, items, count);
}

const struct jv *jv_stream(struct flow_loop *loop, struct flow_stream *stream, const struct jv *key)
{
    struct jv *v = (struct jv *)(uintptr_t)make_items(loop, JV_STREAM, &key, key == NULL ? 0 : 1);
    v->stream = stream;
    return v;
}

/* ---- reading ---- */

struct jv_chunk {
    struct jv_chunk *before;
    size_t size;
    _Alignas(16) char bytes[];
};

void *pool_alloc(struct jv_pool *pool, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (pool->chunks == NULL || pool->chunks->size - pool->used < size) {
        size_t room = size > 65536 ? size : 65536;
        struct jv_chunk *chunk = malloc(sizeof *chunk + room);
        chunk->before = pool->chunks;
        chunk->size = room;
        pool->chunks = chunk;
        pool->used = 0;
    }
    void *p = pool->chunks->bytes + pool->used;
    pool->used += size;
    return memset(p, 0, size);
}

void pool_free(struct jv_pool *pool)
{
    while (pool->chunks != NULL) {
        struct jv_chunk *chunk = pool->chunks;
        pool->chunks = chunk->before;
        free(chunk);
    }
}

struct reader {
    struct jv_pool *pool;
    const char *at;
    bool failed;
    int depth;
};

static const struct jv *read_value(struct reader *reader);

static void skip_space(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool skip(struct reader *reader, const char *token)
{
    skip_space(reader);
    size_t size = strlen(token);
    if (strncmp(reader->at, token, size) != 0) {
        return false;
    }
    reader->at += size;
    return true;
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

static char *read_escape(struct reader *reader, char *out)
{
    static const char names[] = "bfnrt\"\\/";
    static const char codes[] = "\b\f\n\r\t\"\\/";
    const char *name = strchr(names, reader->at[0]);
    unsigned code;
    if (reader->at[0] == 'u' && sscanf(reader->at + 1, "%4x", &code) == 1) {
        reader->at += 5;
        return put_utf8(out, code);
    }
    if (reader->at[0] == 0 || name == NULL) {
        reader->failed = true;
        return out;
    }
    *out++ = codes[name - names];
    reader->at++;
    return out;
}

/* After the opening quote. */
static const char *read_string(struct reader *reader)
{
    char *text = pool_alloc(reader->pool, strlen(reader->at) + 1);
    char *out = text;
    while (*reader->at != '"' && !reader->failed) {
        if (*reader->at == 0) {
            reader->failed = true;
        } else if (*reader->at == '\\') {
            reader->at++;
            out = read_escape(reader, out);
        } else {
            *out++ = *reader->at++;
        }
    }
    reader->at += !reader->failed;
    *out = 0;
    /* Give back what the string did not need. */
    reader->pool->used = (size_t)(out + 1 - reader->pool->chunks->bytes + 15) & ~(size_t)15;
    return text;
}

static void read_items(struct reader *reader, struct jv *v, bool object, const char *close)
{
    size_t capacity = 0;
    if (skip(reader, close)) {
        return;
    }
    do {
        const struct jv *pair[2] = {NULL, NULL};
        size_t count = 0;
        if (object) {
            pair[count++] = read_value(reader);
            reader->failed |= pair[0] == NULL || pair[0]->kind != JV_STRING || !skip(reader, ":");
        }
        pair[count++] = reader->failed ? NULL : read_value(reader);
        if (reader->failed) {
            return;
        }
        if (v->count + 2 > capacity) {
            capacity = capacity == 0 ? 8 : capacity * 2;
            const struct jv **items = pool_alloc(reader->pool, capacity * sizeof *items);
            if (v->count > 0) {
                memcpy(items, v->items, v->count * sizeof *items);
            }
            v->items = items;
        }
        for (size_t i = 0; i < count; i++) {
            v->items[v->count++] = pair[i];
        }
    } while (skip(reader, ","));
    reader->failed |= !skip(reader, close);
}

static void read_into(struct reader *reader, struct jv *v)
{
    char *end;
    if (skip(reader, "{")) {
        v->kind = JV_OBJECT;
        read_items(reader, v, true, "}");
    } else if (skip(reader, "[")) {
        v->kind = JV_ARRAY;
        read_items(reader, v, false, "]");
    } else if (skip(reader, "\"")) {
        v->kind = JV_STRING;
        v->text = read_string(reader);
    } else if (skip(reader, "true")) {
        v->kind = JV_BOOL;
        v->number = 1;
    } else if (skip(reader, "false")) {
        v->kind = JV_BOOL;
    } else if (skip(reader, "null")) {
        v->kind = JV_NULL;
    } else {
        v->kind = JV_NUMBER;
        v->number = strtod(reader->at, &end);
        reader->failed |= end == reader->at;
        reader->at = end;
    }
}

static const struct jv *read_value(struct reader *reader)
{
    struct jv *v = pool_alloc(reader->pool, sizeof *v);
    if (++reader->depth > 200) {
        reader->failed = true;
        return NULL;
    }
    read_into(reader, v);
    reader->depth--;
    if (v->kind == JV_OBJECT && v->count == 2 && strcmp(v->items[0]->text, "undef") == 0) {
        return &jv_undef;
    }
    return reader->failed ? NULL : v;
}

const struct jv *jv_parse(struct jv_pool *pool, const char *text)
{
    struct reader reader = {.pool = pool, .at = text};
    const struct jv *v = read_value(&reader);
    skip_space(&reader);
    return reader.failed || *reader.at != 0 ? NULL : v;
}

/* ---- asking ---- */

const struct jv *jv_get(const struct jv *object, const char *key)
{
    if (object == NULL || object->kind != JV_OBJECT) {
        return NULL;
    }
    for (size_t i = 0; i + 1 < object->count; i += 2) {
        if (strcmp(object->items[i]->text, key) == 0) {
            return object->items[i + 1];
        }
    }
    return NULL;
}

const struct jv *jv_at(const struct jv *array, size_t index)
{
    bool there = array != NULL && array->kind == JV_ARRAY && index < array->count;
    return there ? array->items[index] : NULL;
}

bool jv_is(const struct jv *v, const char *text)
{
    return v != NULL && v->kind == JV_STRING && strcmp(v->text, text) == 0;
}

bool jv_truthy(const struct jv *v)
{
    switch (v->kind) {
    case JV_NULL:
    case JV_UNDEF:
        return false;
    case JV_BOOL:
    case JV_NUMBER:
        return v->number != 0;
    case JV_STRING:
        return v->text[0] != 0;
    default:
        return true;
    }
}

static bool objects_equal(const struct jv *a, const struct jv *b)
{
    for (size_t i = 0; i < a->count; i += 2) {
        const struct jv *other = jv_get(b, a->items[i]->text);
        if (other == NULL || !jv_equal(a->items[i + 1], other)) {
            return false;
        }
    }
    return true;
}

bool jv_equal(const struct jv *a, const struct jv *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->count != b->count || a->number != b->number ||
        a->stream != b->stream || (a->text != NULL && strcmp(a->text, b->text) != 0)) {
        return false;
    }
    if (a->kind == JV_OBJECT) {
        return objects_equal(a, b);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!jv_equal(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- printing ---- */

void text_put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (text->size + (size_t)size + 1 > text->capacity) {
        text->capacity = (text->size + (size_t)size + 1) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
    }
    va_start(args, format);
    vsnprintf(text->bytes + text->size, (size_t)size + 1, format, args);
    va_end(args);
    text->size += (size_t)size;
}

static void put_string(struct text *text, const char *s)
{
    text_put(text, "\"");
    for (; *s != 0; s++) {
        if (*s == '"' || *s == '\\') {
            text_put(text, "\\%c", *s);
        } else if ((unsigned char)*s < 0x20) {
            text_put(text, "\\u%04x", (unsigned)*s);
        } else {
            text_put(text, "%c", *s);
        }
    }
    text_put(text, "\"");
}

static void put_number(struct text *text, double number)
{
    if (isnan(number) || isinf(number)) {
        text_put(text, "null");
    } else if (number == floor(number) && fabs(number) < 1e15) {
        text_put(text, "%.0f", number);
    } else {
        text_put(text, "%.15g", number);
    }
}

/* In the order of keys, so that equal objects print the same. */
static void put_object(struct text *text, const struct jv *v)
{
    const char *last = NULL;
    text_put(text, "{");
    for (size_t n = 0; n < v->count; n += 2) {
        size_t best = v->count;
        for (size_t i = 0; i < v->count; i += 2) {
            bool later = last == NULL || strcmp(v->items[i]->text, last) > 0;
            if (later &&
                (best == v->count || strcmp(v->items[i]->text, v->items[best]->text) < 0)) {
                best = i;
            }
        }
        if (best == v->count) {
            break;
        }
        text_put(text, "%s", last == NULL ? "" : ",");
        last = v->items[best]->text;
        put_string(text, last);
        text_put(text, ":");
        text_put_jv(text, v->items[best + 1]);
    }
    text_put(text, "}");
}

void text_put_jv(struct text *text, const struct jv *v)
{
    switch (v->kind) {
    case JV_NULL:
        text_put(text, "null");
        break;
    case JV_UNDEF:
        text_put(text, "{\"undef\":true}");
        break;
    case JV_BOOL:
        text_put(text, v->number != 0 ? "true" : "false");
        break;
    case JV_NUMBER:
        put_number(text, v->number);
        break;
    case JV_STRING:
        put_string(text, v->text);
        break;
    case JV_ARRAY:
        text_put(text, "[");
        for (size_t i = 0; i < v->count; i++) {
            text_put(text, "%s", i == 0 ? "" : ",");
            text_put_jv(text, v->items[i]);
        }
        text_put(text, "]");
        break;
    case JV_OBJECT:
        put_object(text, v);
        break;
    case JV_STREAM:
        text_put(text, "<stream>");
        break;
    }
}
