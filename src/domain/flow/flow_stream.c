#include "domain/flow/flow_stream.h"

#include "base/slice.h"

bool flow_stream_is(struct ever_slice stream, struct ever_slice *out_flow)
{
    const struct ever_slice prefix = SLICE_LITERAL(FLOW_CATEGORY "-");
    if (!slice_starts_with(stream, prefix)) {
        return false;
    }
    if (out_flow != NULL) {
        struct ever_slice name = slice_from(stream, prefix.size);
        *out_flow = slice_first(name, slice_find_byte(name, '.'));
    }
    return true;
}
