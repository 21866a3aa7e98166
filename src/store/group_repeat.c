/* group_repeat.c - the same event ids again: the first answer, not a second event. */
#include "store/group_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"

static struct ever_slice pending_record(const struct group *group, uint32_t record)
{
    ASSERT(record < group->record_count);
    return ((const struct ever_slice *)group->records.data)[record];
}

struct ever_err group_fetch(struct group *group, uint64_t position)
{
    if (position < group->first_position) {
        return event_read_at(&group->reader, position);
    }
    uint64_t record = position - group->first_position;
    if (record >= group->record_count) {
        return FAIL(EVER_NOT_FOUND, "event");
    }
    return event_decode(pending_record(group, (uint32_t)record), &group->reader.view);
}

struct ever_err group_find_id(struct group *group, struct ever_uuid id, uint64_t *out_position)
{
    uint32_t record;
    if (pending_find_id(&group->pending, id, &record)) {
        *out_position = group->first_position + record;
        return ERR_OK;
    }
    *out_position = 0;
    struct ever_err err = lookup_id(&group->reader, id, group->first_position - 1);
    if (IS_OK(err)) {
        *out_position = group->reader.view.event.position;
    }
    return err.code == EVER_NOT_FOUND ? ERR_OK : err;
}

static bool same_tags(const struct ever_event *a, const struct ever_event *b)
{
    if (a->tag_count != b->tag_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->tag_count; i++) {
        if (!slice_equal(a->tags[i], b->tags[i])) {
            return false;
        }
    }
    return true;
}

bool group_same_event(const struct ever_event *a, const struct ever_event *b)
{
    return a->content == b->content && a->continues == b->continues && uuid_equal(a->id, b->id) &&
           slice_equal(a->stream, b->stream) && slice_equal(a->type, b->type) &&
           slice_equal(a->data, b->data) && slice_equal(a->metadata, b->metadata) &&
           same_tags(a, b);
}

/* Does the event at `position` say the same as number `index` of the request? An id that was not
 * given cannot differ. */
static struct ever_err matches(struct group *group, const struct ever_write *write,
                               const struct ever_new_event *event, bool is_first, uint64_t position,
                               bool *out_same)
{
    *out_same = false;
    struct ever_err err = group_fetch(group, position);
    if (err.code == EVER_NOT_FOUND) {
        return ERR_OK;
    }
    TRY(err);
    const struct ever_event *stored = &group->reader.view.event;
    struct ever_slice tags[EVER_TAGS_PER_EVENT_MAX];
    struct ever_uuid id = request_id_is_given(event) ? event->id : stored->id;
    struct ever_event wanted = group_event_of(write, event, id, tags);
    wanted.continues = !is_first;
    *out_same = group_same_event(stored, &wanted);
    return ERR_OK;
}

/* The append that began at `first` has all events of the request: has it more? */
static struct ever_err ends_before(struct group *group, uint64_t position, bool *out_ends)
{
    struct ever_err err = group_fetch(group, position);
    *out_ends = err.code == EVER_NOT_FOUND || !group->reader.view.event.continues;
    return err.code == EVER_NOT_FOUND ? ERR_OK : err;
}

static struct ever_err compare(struct group *group, struct request *request, uint64_t first,
                               bool *out_same)
{
    uint64_t position = first;
    *out_same = true;
    for (uint32_t w = 0; w < request->count; w++) {
        const struct ever_write *write = &request->writes[w];
        for (uint32_t e = 0; e < write->event_count && *out_same; e++, position++) {
            TRY(matches(group, write, &write->events[e], position == first, position, out_same));
        }
        if (!*out_same) {
            return ERR_OK;
        }
        int64_t revision = (int64_t)group->reader.view.event.revision;
        struct pending_stream *stream;
        TRY(group_find_stream(group, write->stream, &stream));
        stream->answer = revision;
    }
    return ends_before(group, position, out_same);
}

/* The id of event number `index`, in write `write_index`, stands at `position` already. */
static struct ever_err answer_known(struct group *group, struct request *request, uint32_t index,
                                    uint32_t write_index, uint64_t position)
{
    bool same = false;
    uint64_t first = position - index;
    if (position > index && position < group->first_position + group->record_count) {
        TRY(compare(group, request, first, &same));
    }
    if (same) {
        request->result = (struct ever_result){
            .outcome = EVER_REPEATED,
            .first_position = first,
            .last_position = first + request->event_count - 1,
        };
        return group_answer_revisions(group, request);
    }
    request->result = (struct ever_result){
        .outcome = EVER_ID_REUSED, .write_index = write_index, .event_index = index};
    return ERR_OK;
}

struct ever_err group_check_ids(struct group *group, struct request *request, bool *out_is_new)
{
    *out_is_new = request->has_given_ids == false;
    uint32_t index = 0;
    for (uint32_t w = 0; w < request->count && request->has_given_ids; w++) {
        const struct ever_write *write = &request->writes[w];
        for (uint32_t e = 0; e < write->event_count; e++, index++) {
            if (!request_id_is_given(&write->events[e])) {
                continue;
            }
            uint64_t position;
            TRY(group_find_id(group, write->events[e].id, &position));
            if (position != 0) {
                return answer_known(group, request, index, w, position);
            }
            pending_add_id(&group->pending, write->events[e].id, group->record_count + index);
        }
    }
    *out_is_new = true;
    return ERR_OK;
}
