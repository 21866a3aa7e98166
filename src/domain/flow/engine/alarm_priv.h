/* alarm_priv.h - entries of a table that want to be looked at when the watermark reaches a time.
 *
 * Only a help for finding them: each entry's time stands in its state, and the alarms are made anew
 * from the table after loading and undoing. An alarm whose entry is gone, or has another time by
 * now, is passed over. */
#pragma once
#include "domain/flow/engine/table_priv.h"

struct alarm_at {
    int64_t due_us;
    uint32_t key_size;
    char key[];
};
struct alarms { /* a heap by (due, key); all zero is empty */
    struct alarm_at **heap;
    size_t count;
    size_t capacity;
};

void alarms_deinit(struct alarms *alarms);
void alarms_clear(struct alarms *alarms);
void alarms_add(struct alarms *alarms, int64_t due_us, struct ever_slice key);

/* Takes the first alarm out if it is due at `now_us`, else NULL; to be freed. */
struct alarm_at *alarms_take(struct alarms *alarms, int64_t now_us);
