/* alias_priv.h - which version of a flow serves: the stream flow-NAME.
 *
 *     $FlowServing {"version":"<16 hexadecimal digits>","stream":"flow-NAME.VERSION","position":7}
 *
 * Readers of the alias go to `stream`; from `position` on, it has what the version before it lacks
 * or has otherwise. */
#pragma once
#include "domain/flow/flows.h"

#define FLOW_SERVING_TYPE "$FlowServing"

struct flow_serving {
    char version[17];  /* "" : none yet */
    uint64_t position; /* from which on it serves */
    int64_t revision;  /* of the alias's last event; EVER_NO_REVISION */
};

struct ever_err flow_alias_read(struct ever *store, const struct flow_info *info,
                                struct flow_serving *out_serving);

/* Says for all these flows at once that their versions serve from `position` on. EVER_BUSY: another
 * hand wrote to one of the streams meanwhile. `servings` are as read, and are brought up to date.
 */
struct ever_err flow_alias_write(struct ever *store, const struct flow_info *const *infos,
                                 struct flow_serving *const *servings, size_t count,
                                 uint64_t position);
