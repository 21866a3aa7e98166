/* reading_answer.h - what reading one stream and reading the whole log have in common. */
#pragma once
#include "gateway/call.h"

/* Answers with a page (JSON), lines to the end (NDJSON) or for ever (SSE): the events of `stream`,
 * or with SLICE_NONE of the log. */
void answer_events(struct call *call, struct ever_slice stream);

/* Answers with one event: the revision of a stream, or a position, as it stands in the path. */
void answer_event(struct call *call, struct ever_slice stream, struct ever_slice number);
