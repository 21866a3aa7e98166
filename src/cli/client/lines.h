/* lines.h - a stream of bytes cut into lines, whatever the pieces it comes in. */
#pragma once
#include "base/text.h"

/* False: enough, stop. */
typedef bool lines_fn(void *arg, struct ever_slice line);

struct lines {
    struct text partial; /* the beginning of a line whose end has not come yet */
};

/* Calls `each` for every line that is whole now, without its line end. False: `each` had enough. */
bool lines_add(struct lines *lines, struct ever_slice piece, lines_fn *each, void *arg);
void lines_deinit(struct lines *lines);
