/* flow_version.h - one version of a flow takes over from another: where readers go on.
 *
 * Events of a flow stand in its stream in the order of their causes. A reader of the old version
 * has seen what follows from the log up to the position of the takeover; in the new version's
 * stream it goes on with the first event that has a later cause. */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "everfold.h"

#define FLOW_VERSION_BYTES 17 /* 16 hexadecimal digits and a NUL */

/* "flow-NAME.VERSION" or, with a side, "flow-NAME.VERSION.SIDE". */
void flow_stream_write(struct text *out, const char *flow, const char *version,
                       struct ever_slice side);

/* The revision in `stream` of the first event whose cause is behind `position`; when there is none
 * yet, the revision that the next event will get. */
struct ever_err flow_revision_behind(struct ever *store, struct ever_slice stream,
                                     uint64_t position, uint64_t *out_revision);

/* Appends the server-sent event `superseded`. Its id makes a client that comes again with
 * Last-Event-ID go on without gap or repeat. */
struct ever_err flow_superseded_write(struct text *out, struct ever *store, const char *flow,
                                      const char *version, uint64_t position,
                                      struct ever_slice side);
