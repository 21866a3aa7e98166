/* filter.h - which events a reader wants: its own copy of a struct ever_read, and the test. */
#pragma once
#include "base/err.h"
#include "everfold.h"

struct filter {
    struct ever_read read; /* all it points to is in `memory` */
    void *memory;
};

struct ever_err filter_init(struct filter *filter, const struct ever_read *read);
void filter_deinit(struct filter *filter);

/* `from` and `backward` are not looked at. */
bool filter_matches(const struct filter *filter, const struct ever_event *event);

/* The terms by which all wanted events can be found, where every one of them has at least one of
 * these terms. Sets are numbered from 0; returns the number of terms in this one, at most `room`, 0
 * when there is no such set. */
uint32_t filter_terms(const struct filter *filter, uint32_t set, uint64_t *out_terms,
                      uint32_t room);
