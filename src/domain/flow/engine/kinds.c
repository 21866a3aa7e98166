#include "domain/flow/engine/kinds_priv.h"

static const struct derive_kind *const kinds[] = {
    &kind_from, &kind_where, &kind_select, &kind_key_by, &kind_aggregate, &kind_emit,
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
