/* media.h - the media types of the API: which one a client wants, which one it sent. No I/O. */
#pragma once
#include "base/text.h"

enum media {
    MEDIA_JSON,
    MEDIA_NDJSON,
    MEDIA_SSE,
    MEDIA_HTML,
    MEDIA_METRICS,
    MEDIA_PROBLEM,
    MEDIA_TEXT,
    MEDIA_SVG,
    MEDIA_JAVASCRIPT,
    MEDIA_COUNT,
};

#define MEDIA_BIT(media) (1u << (media))
typedef unsigned media_set; /* MEDIA_BIT()s */

/* As in Content-Type: "application/json". Static text. */
const char *media_name(enum media media);

/* The one of `offered` the client likes best; of equals the first in the order above. An empty
 * `accept` (no header) likes all. False: none will do. */
bool media_choose(media_set offered, struct ever_slice accept, enum media *out_media);

/* Which of `taken` the Content-Type names; parameters are passed over, but a charset must be
 * UTF-8. False: none of them. */
bool media_of_content_type(media_set taken, struct ever_slice content_type, enum media *out_media);

/* "application/json, application/x-ndjson". */
void media_write_list(struct text *out, media_set set);
