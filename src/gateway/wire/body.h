/* body.h - what a client sent as JSON, read strictly: every fault with its place, unknown members
 * refused by name. No I/O. */
#pragma once
#include "base/json.h"

#define BODY_FAULTS_MAX 20 /* more are counted, not told */

/* A place in a JSON text, kept on the stack and written out only when there is a fault:
 * /writes/3/events/0/type. */
struct body_place {
    const struct body_place *parent; /* NULL: the whole body */
    struct ever_slice member;        /* data NULL: an element */
    size_t index;
};

/* What is wrong with a body. One that is no JSON, or too large, is not looked at any further. */
struct body_faults {
    struct text json; /* the elements of "errors", without brackets */
    size_t count;
    struct text first; /* the first of them, as one sentence with its place */
    uint64_t line;     /* of NDJSON, from 1: where we are; 0: the body is one JSON text */

    const char *not_json; /* why; NULL: it is */
    uint64_t not_json_offset;
    uint64_t not_json_line;
    uint64_t not_json_column; /* counts bytes, from 1 */

    const char *too_large; /* the sentence that names the limit; NULL: it is not */

    size_t flow_streams; /* how many of `count` are only about streams that flows write */
};

/* Notes one fault: what is wrong at `place`, as a sentence. */
void body_fault(struct body_faults *faults, const struct body_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void body_faults_deinit(struct body_faults *faults);

bool body_is_fine(const struct body_faults *faults);

/* Checks that `text`, a part of `body` or all of it, is JSON. */
bool body_json(struct ever_slice body, struct ever_slice text, struct body_faults *faults,
               struct json_value *out_value);

struct body_place body_member_place(const struct body_place *parent, struct ever_slice member);
struct body_place body_element_place(const struct body_place *parent, size_t index);

/* "an object", "text", as a fault names it. */
const char *body_kind_name(enum json_kind kind);

/* Reads one member whose place is `place`; false and a fault when it is not of that kind. */
bool body_text(struct json_value value, const struct body_place *place, struct arena *arena,
               struct body_faults *faults, struct ever_slice *out_text);
