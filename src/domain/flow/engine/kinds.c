#include "domain/flow/engine/kinds_priv.h"

static const struct derive_kind *const kinds[] = {
    &kind_from,         &kind_where,          &kind_select,         &kind_key_by,
    &kind_aggregate,    &kind_emit,           &kind_take,           &kind_skip,
    &kind_changed,      &kind_distinct,       &kind_start_with,     &kind_pairwise,
    &kind_buffer_count, &kind_sliding_window, &kind_throttle_time,  &kind_debounce_time,
    &kind_delay,        &kind_merge,          &kind_combine_latest, &kind_with_latest_from,
    &kind_join_within,  &kind_script,
};

const struct derive_kind *kind_find(struct ever_slice op)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_is(op, kinds[i]->op)) {
            return kinds[i];
        }
    }
    return NULL;
}
