/* page.h - a page of events as one JSON answer, read in slices when it is large. */
#pragma once
#include "gateway/reading.h"

#define PAGE_BYTES_MAX (4u << 20) /* a page ends behind the event that passes this */

/* Answers the call, now or some turns later. */
void page_start(struct call *call, const struct reading *reading);
