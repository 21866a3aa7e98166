#include "gateway/flow/flow_version.h"

#include "base/json.h"
#include "base/slice.h"
#include "gateway/history.h"

void flow_stream_write(struct text *out, const char *flow, const char *version,
                       struct ever_slice side)
{
    text_printf(out, "flow-%s.%s%s%.*s", flow, version, side.size > 0 ? "." : "",
                SLICE_PRINT(side));
}

/* 0 for an event that no flow wrote: it is before all others. */
static uint64_t cause_of(const struct ever_event *event)
{
    struct json_value cause;
    int64_t number;
    if (event->metadata.size == 0 || !json_check(event->metadata, NULL) ||
        !json_member(json_value_of(event->metadata), SLICE_LITERAL("cause"), &cause) ||
        cause.kind != JSON_NUMBER || !json_integer(cause, &number) || number < 0) {
        return 0;
    }
    return (uint64_t)number;
}

static struct ever_err read_one(struct ever *store, struct ever_slice stream, uint64_t revision,
                                uint64_t *out_cause, uint64_t *out_position)
{
    struct ever_cursor *cursor;
    const struct ever_event *event;
    TRY(history_event(store, stream, revision, &cursor, &event));
    *out_cause = cause_of(event);
    *out_position = event->position;
    ever_cursor_close(cursor);
    return ERR_OK;
}

/* Causes never fall with revisions, so halving finds the place. */
struct ever_err flow_revision_behind(struct ever *store, struct ever_slice stream,
                                     uint64_t position, uint64_t *out_revision)
{
    int64_t last;
    TRY(ever_last_revision(store, stream, &last));
    uint64_t low = 0;
    uint64_t high = (uint64_t)(last + 1);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t cause;
        uint64_t own_position;
        TRY(read_one(store, stream, middle, &cause, &own_position));
        if (cause > position) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out_revision = low;
    return ERR_OK;
}

struct ever_err flow_superseded_write(struct text *out, struct ever *store, const char *flow,
                                      const char *version, uint64_t position,
                                      struct ever_slice side)
{
    CLEANUP(text_deinit) struct text stream = {0};
    uint64_t from;
    uint64_t cause;
    uint64_t id = 0; /* before the first event of any stream */
    flow_stream_write(&stream, flow, version, side);
    TRY(flow_revision_behind(store, text_slice(&stream), position, &from));
    if (from > 0) {
        TRY(read_one(store, text_slice(&stream), from - 1, &cause, &id));
    }
    text_printf(out,
                "id: %llu\nevent: superseded\ndata: {\"flow\":\"%s\",\"version\":\"%s\","
                "\"stream\":\"%s\",\"position\":%llu,\"from\":%llu}\n\n",
                (unsigned long long)id, flow, version, stream.data, (unsigned long long)position,
                (unsigned long long)from);
    return ERR_OK;
}
