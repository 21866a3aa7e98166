/* op_bacon.c - properties, and what Bacon.js has beyond RxJS. */
#include "base/mem.h"
#include "domain/script/worker/live/build.h"
#include "domain/script/worker/live/call.h"

#include <stdlib.h>

#define T (&live_type)
#define OP LIVE_OPERATOR

OP(to_property, flow_to_property(a->in, a->has_value ? &a->value : NULL))
OP(changes, flow_changes(a->in))
OP(sliding_window, live_from_list(flow_sliding_window(a->in, a->number[0], a->number[1])))
OP(diff, flow_diff(a->in, T, a->value, live_call_fold, a->fn[0]))

/* --- when, update: [[stream, ...], ...] come flat, with how many belong to each pattern --------
 */

static struct flow_stream *join(const struct live_args *a, bool update)
{
    size_t count = a->value_count / 2;
    struct flow_pattern *patterns = mem_alloc((count + 1) * sizeof patterns[0]);
    struct flow_stream *const *in = a->streams;
    for (size_t i = 0; i < count; i++) {
        size_t inputs = (size_t)JSValueToNumber(live.context, live_js(a->values[2 * i]), NULL);
        JSObjectRef fn = JSValueToObject(live.context, live_js(a->values[2 * i + 1]), NULL);
        patterns[i] = (struct flow_pattern){
            .in = in,
            .count = inputs,
            .fn = update ? NULL : live_call_list,
            .update = update ? live_call_update : NULL,
            .ud = fn,
        };
        live_own(a->region, fn);
        in += inputs;
    }
    struct flow_stream *made = update ? flow_update(a->region, T, a->value, patterns, count)
                                      : flow_when(a->region, T, patterns, count);
    free(patterns);
    return made;
}
OP(when, join(a, false))
OP(update, join(a, true))

const struct live_operator live_operators_bacon[] = {
    {"toProperty", "sv", to_property},
    {"changes", "s", changes},
    {"slidingWindow", "snn", sliding_window},
    {"diff", "sfv", diff},
    {"when", "SV", when},
    {"update", "SVv", update},
    {0},
};
