/* json.h - strict JSON: check, look inside without building trees, write.
 *
 * RFC 8259 with these made explicit: no duplicate keys, valid UTF-8 only, no lone surrogates, no
 * byte order mark, depth up to JSON_DEPTH_MAX. Numbers keep their text. Everything but json_check()
 * expects text that json_check() accepted. No I/O, no allocation but where an arena is given. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 64

struct json_fault {
    size_t offset;      /* byte at which the text stops being JSON */
    const char *reason; /* static text: "duplicate key", "invalid UTF-8", ... */
};

/* True when `text` is one JSON value, white space around it allowed. `out_fault` may be NULL. */
bool json_check(struct ever_slice text, struct json_fault *out_fault);

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_value {
    enum json_kind kind;
    struct ever_slice text; /* as it stands, no white space around it; a string with its quotes */
};

/* The value in `text`. */
struct json_value json_value_of(struct ever_slice text);

/* The member `key` of an object, key given unescaped; false when missing or not an object. */
bool json_member(struct json_value object, struct ever_slice key, struct json_value *out_value);

/* Goes through an array or object: for (struct json_iter i = json_iter(value); json_next(&i);). */
struct json_iter {
    struct ever_slice rest;
    bool is_object;
    struct json_value key; /* of an object: the member's name, a JSON_STRING */
    struct json_value value;
};
struct json_iter json_iter(struct json_value container);
bool json_next(struct json_iter *iter);

/* The content of a JSON_STRING. Lent from the text when nothing is escaped, else in `arena`. */
struct ever_slice json_string(struct json_value string, struct arena *arena);

/* A JSON_NUMBER as a whole number; false when it has a fraction, an exponent or does not fit. */
bool json_integer(struct json_value number, int64_t *out_value);

/* The first number inside of an array or object that a double cannot hold, not even rounded
 * (1e999): what JavaScript would read as Infinity. False: there is none. */
bool json_beyond_double(struct json_value container, struct ever_slice *out_number);

/* Appends `bytes` (UTF-8; invalid bytes become U+FFFD) as a JSON string with its quotes. */
void json_write_string(struct text *out, struct ever_slice bytes);
