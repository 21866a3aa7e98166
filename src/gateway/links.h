/* links.h - the way from one page of events to the next (RFC 8288): always by revision or position,
 * never by offset. */
#pragma once
#include "gateway/reading.h"

struct page_bounds {
    bool empty;     /* no event was shown */
    uint64_t first; /* shown, in the order shown; revisions or positions */
    uint64_t last;
    bool cut; /* there may be more behind the last */
};

/* Adds the Link header, and gives the URL of the next page, SLICE_NONE without one. Memory from the
 * call's arena. */
struct ever_slice links_add(struct call *call, const struct reading *reading,
                            const struct page_bounds *bounds);
