/* new_event.h - events a client wants to append, out of JSON. The results point into the text they
 * were read from, or into the arena. No I/O. */
#pragma once
#include "everfold.h"
#include "gateway/wire/body.h"

/* Reads {"type", "data" | "dataBase64", "id"?, "metadata"?, "tags"?}. `with_stream`: "stream"
 * stands there too, and goes to *out_stream. False: faults were noted. */
bool new_event_read(struct json_value value, const struct body_place *place, bool with_stream,
                    struct arena *arena, struct body_faults *faults,
                    struct ever_new_event *out_event, struct ever_slice *out_stream);

/* The name of a stream to write to; false and a fault when it breaks a rule. */
bool new_event_stream(struct json_value value, const struct body_place *place, struct arena *arena,
                      struct body_faults *faults, struct ever_slice *out_stream);
