#include "domain/flow/engine/alarm_priv.h"

#include "base/mem.h"
#include "base/slice.h"

#include <stdlib.h>

static bool is_before(const struct alarm_at *a, const struct alarm_at *b)
{
    if (a->due_us != b->due_us) {
        return a->due_us < b->due_us;
    }
    return slice_compare(slice_of(a->key, a->key_size), slice_of(b->key, b->key_size)) < 0;
}

void alarms_clear(struct alarms *alarms)
{
    for (size_t i = 0; i < alarms->count; i++) {
        free(alarms->heap[i]);
    }
    alarms->count = 0;
}

void alarms_deinit(struct alarms *alarms)
{
    alarms_clear(alarms);
    free(alarms->heap);
    *alarms = (struct alarms){0};
}

void alarms_add(struct alarms *alarms, int64_t due_us, struct ever_slice key)
{
    if (alarms->count == alarms->capacity) {
        alarms->capacity = alarms->capacity * 2 + 16;
        alarms->heap = mem_grow(alarms->heap, alarms->capacity * sizeof alarms->heap[0]);
    }
    struct alarm_at *alarm = mem_alloc(sizeof *alarm + key.size);
    alarm->due_us = due_us;
    alarm->key_size = (uint32_t)key.size;
    if (key.size > 0) {
        memcpy(alarm->key, key.data, key.size);
    }
    size_t at = alarms->count++;
    while (at > 0 && is_before(alarm, alarms->heap[(at - 1) / 2])) {
        alarms->heap[at] = alarms->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    alarms->heap[at] = alarm;
}

struct alarm_at *alarms_take(struct alarms *alarms, int64_t now_us)
{
    if (alarms->count == 0 || alarms->heap[0]->due_us > now_us) {
        return NULL;
    }
    struct alarm_at *first = alarms->heap[0];
    struct alarm_at *last = alarms->heap[--alarms->count];
    size_t at = 0;
    for (size_t child = 1; child < alarms->count; child = at * 2 + 1) {
        if (child + 1 < alarms->count && is_before(alarms->heap[child + 1], alarms->heap[child])) {
            child++;
        }
        if (!is_before(alarms->heap[child], last)) {
            break;
        }
        alarms->heap[at] = alarms->heap[child];
        at = child;
    }
    alarms->heap[at] = last;
    return first;
}
