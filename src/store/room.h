/* room.h - a piece of memory that is kept from one use to the next and grown when needed. */
#pragma once
#include "base/err.h"

struct room { /* all zero is empty and valid */
    void *data;
    size_t bytes;
};

/* At least `need` bytes in room->data; what was there is lost. EVER_NO_MEMORY: nothing changed. */
struct ever_err room_make(struct room *room, size_t need);
/* Gives back what only a rare large use needed. */
void room_shrink(struct room *room);
void room_deinit(struct room *room);
