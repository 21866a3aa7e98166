/* progress.h - a bar on standard error for what takes longer than a second.
 *
 *     [############------------]  51%  104,000 events  312,000/s  0:02 left
 *
 * Without a known end there is no bar, without a terminal nothing at all. */
#pragma once
#include "base/text.h"

struct progress {
    uint64_t total; /* of `done`; 0: the end is not known */
    uint64_t done;
    uint64_t events;
    int64_t elapsed_ms;
};

/* The line, at most `columns` - 1 wide; no line end. */
void progress_format(const struct progress *progress, unsigned columns, struct text *out);

struct progress_bar {
    struct progress progress;
    int64_t started_ns;
    int64_t drawn_ns; /* 0: nothing was drawn yet */
    bool on_terminal;
};
void progress_begin(struct progress_bar *bar, uint64_t total);
/* Draws if it is time to: cheap to call for every event. */
void progress_update(struct progress_bar *bar, uint64_t done, uint64_t events);
/* Wipes the bar away. Returns the ms since begin. */
int64_t progress_end(struct progress_bar *bar);

void text_add_grouped(struct text *out, uint64_t value); /* 1,234,567 */
