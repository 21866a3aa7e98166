/* value.h - JavaScript values as values of streams, and what the library makes as JavaScript
 * values. */
#pragma once
#include "flow.h"

#include <JavaScriptCore/JavaScript.h>

struct live { /* one for each process */
    JSContextRef context;
    struct flow_loop *loop;
    struct flow_region *region; /* of the expression; inner ones come and go below it */
    JSObjectRef wrap;           /* js/live.js: a held stream, and its key, as a stream for users */
};
extern struct live live;

extern const struct flow_type live_type; /* .p: JSValueRef */

static inline JSValueRef live_js(flow_val v)
{
    return v.p;
}

/* --- Handles ---------------------------------------------------------------------------------- */

/* Borrowed from the region it was built in; NULL in gives null out. */
JSValueRef live_handle(struct flow_stream *stream);
/* Kept alive by the object that `wrap` makes of it; `key` NULL: none. Fails the callback when that
 * throws. */
JSValueRef live_wrap(struct flow_stream *stream, JSValueRef key);
void live_release_collected(void); /* between calls: streams whose objects are gone */
/* The stream of a handle or of a held stream; NULL: it is neither. */
struct flow_stream *live_stream(JSValueRef value);

/* --- What operators make, as streams of JavaScript values ------------------------------------- */

struct flow_stream *live_from_number(struct flow_stream *in); /* of integers */
struct flow_stream *live_from_bool(struct flow_stream *in);
struct flow_stream *live_from_list(struct flow_stream *in);
struct flow_stream *live_from_lists(struct flow_stream *in); /* of lists */
struct flow_stream *live_from_timed(struct flow_stream *in); /* [value, ms] */
struct flow_stream *live_from_notification(struct flow_stream *in);
struct flow_stream *live_from_window(struct flow_stream *in);
struct flow_stream *live_from_group(struct flow_stream *in);
struct flow_stream *live_from_error(struct flow_stream *in);
flow_val live_list(struct flow_loop *loop, void *ud, const flow_val *v, size_t count); /* array */

/* --- Errors ----------------------------------------------------------------------------------- */

/* What was thrown, as an error of the running callback; it comes back unchanged by live_thrown().
 */
void live_fail(struct flow_loop *loop, JSValueRef thrown);
/* The same as an error of its own, for throwError. */
struct flow_error live_error(JSValueRef thrown);
/* What a user's function gets to see: what was thrown, or an Error named for what the library
 * found. */
JSValueRef live_thrown(const struct flow_error *error);
