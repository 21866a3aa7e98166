/* prefer.h - the Prefer header (RFC 7240): wait, handling. No I/O. */
#pragma once
#include "net/http.h"

#define PREFER_WAIT_SECONDS_MAX 30 /* a longer wish is cut to this; published in the API */

struct prefer {
    bool wait_given;
    uint32_t wait_seconds;
    bool strict;               /* handling=strict */
    bool lenient;              /* handling=lenient */
    struct ever_slice unknown; /* the first preference not understood; size 0: none */
};

/* Reads all Prefer lines of the request. False: a malformed one. Of a preference given twice the
 * first counts. */
bool prefer_parse(const struct http_request *request, struct prefer *out_prefer);
