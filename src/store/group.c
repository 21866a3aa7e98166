#include "store/group_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"

void group_init(struct group *group, struct log *log, struct index *index)
{
    *group = (struct group){.log = log, .index = index};
    event_reader_init(&group->reader, log, index);
    revisions_init(&group->revisions);
}

void group_deinit(struct group *group)
{
    event_reader_deinit(&group->reader);
    revisions_deinit(&group->revisions);
    pending_deinit(&group->pending);
    room_deinit(&group->bytes);
    room_deinit(&group->records);
    room_deinit(&group->addresses);
}

/* --- Conditions ------------------------------------------------------------------------------ */

static struct ever_err find_revision(struct group *group, struct ever_slice name, uint64_t hash,
                                     int64_t *out_revision)
{
    if (revisions_find(&group->revisions, name, hash, out_revision)) {
        return ERR_OK;
    }
    *out_revision = EVER_NO_REVISION;
    struct ever_err err = lookup_last(&group->reader, name, group->first_position - 1);
    if (IS_OK(err)) {
        *out_revision = (int64_t)group->reader.view.event.revision;
        revisions_put(&group->revisions, name, hash, *out_revision);
    }
    return err.code == EVER_NOT_FOUND ? ERR_OK : err;
}

struct ever_err group_find_stream(struct group *group, struct ever_slice name,
                                  struct pending_stream **out_stream)
{
    uint64_t hash = term_hash(TERM_STREAM, name);
    struct pending_stream *stream = pending_find_stream(&group->pending, name, hash);
    if (stream == NULL) {
        int64_t revision;
        TRY(find_revision(group, name, hash, &revision));
        stream = pending_add_stream(&group->pending, name, hash);
        stream->revision = revision;
    }
    *out_stream = stream;
    return ERR_OK;
}

struct ever_err group_answer_revisions(struct group *group, struct request *request)
{
    for (uint32_t w = 0; w < request->count; w++) {
        struct pending_stream *stream;
        TRY(group_find_stream(group, request->writes[w].stream, &stream));
        request->revisions[w] = stream->answer;
    }
    request->result.revision = request->revisions[0];
    return ERR_OK;
}

static bool holds(const struct ever_write *write, int64_t revision)
{
    switch (write->expect) {
    case EVER_ANY:
        return true;
    case EVER_NO_STREAM:
        return revision == EVER_NO_REVISION;
    case EVER_EXISTS:
        return revision != EVER_NO_REVISION;
    case EVER_EXACT:
        return revision >= 0 && (uint64_t)revision == write->revision;
    }
    return false;
}

/* All writes' conditions are about the streams as they are before this request. */
static struct ever_err check_conditions(struct group *group, struct request *request)
{
    request->result = (struct ever_result){.outcome = EVER_APPENDED};
    for (uint32_t w = 0; w < request->count; w++) {
        struct pending_stream *stream;
        TRY(group_find_stream(group, request->writes[w].stream, &stream));
        if (!holds(&request->writes[w], stream->revision)) {
            request->result = (struct ever_result){
                .outcome = EVER_CONFLICT, .write_index = w, .revision = stream->revision};
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* --- Taking ---------------------------------------------------------------------------------- */

static uint32_t unique_tags(const struct ever_new_event *event,
                            struct ever_slice out_tags[static EVER_TAGS_PER_EVENT_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < count && !known; k++) {
            known = slice_equal(out_tags[k], event->tags[i]);
        }
        if (!known) {
            out_tags[count++] = event->tags[i];
        }
    }
    return count;
}

struct ever_event group_event_of(const struct ever_write *write, const struct ever_new_event *event,
                                 struct ever_uuid id,
                                 struct ever_slice tags[static EVER_TAGS_PER_EVENT_MAX])
{
    return (struct ever_event){
        .id = id,
        .content = event->content,
        .stream = write->stream,
        .type = event->type,
        .data = event->data,
        .metadata = event->metadata,
        .tags = tags,
        .tag_count = unique_tags(event, tags),
    };
}

static void take_event(struct group *group, const struct ever_event *event)
{
    char *start = (char *)group->bytes.data + group->bytes_used;
    char *end = event_encode(event, start);
    struct ever_slice *records = group->records.data;
    records[group->record_count++] = slice_of(start, (size_t)(end - start));
    group->bytes_used += (size_t)(end - start);
    ASSERT(group->bytes_used <= group->bytes.bytes);
}

/* All but the events that are passed over. `first_record` is the first one of the append. */
static void take_write(struct group *group, struct pending_stream *stream,
                       const struct ever_write *write, const struct ever_uuid *ids,
                       uint32_t first_record)
{
    struct ever_slice tags[EVER_TAGS_PER_EVENT_MAX];
    for (uint32_t e = 0; e < write->event_count; e++) {
        if (uuid_is_none(ids[e])) {
            continue;
        }
        struct ever_event event = group_event_of(write, &write->events[e], ids[e], tags);
        event.revision = (uint64_t)++stream->revision;
        event.continues = group->record_count > first_record;
        take_event(group, &event);
        stream->answer = stream->revision;
        stream->is_changed = true;
    }
}

static struct ever_err take(struct group *group, struct request *request)
{
    const struct ever_uuid *ids = request->ids;
    uint32_t first_record = group->record_count;
    request->result.first_position = group->first_position + first_record;
    for (uint32_t w = 0; w < request->count; w++) {
        const struct ever_write *write = &request->writes[w];
        struct pending_stream *stream;
        struct ever_err err = group_find_stream(group, write->stream, &stream);
        ASSERT(IS_OK(err)); /* its condition was checked, so it is pending already */
        take_write(group, stream, write, ids, first_record);
        ids += write->event_count;
    }
    ASSERT(group->record_count > first_record);
    request->result.last_position = group->first_position + group->record_count - 1;
    request->result.known_count = request->event_count - (group->record_count - first_record);
    return group_answer_revisions(group, request);
}

static struct ever_err decide(struct group *group, struct request *request)
{
    bool is_new;
    TRY(request->pass_known ? group_pass_known(group, request, &is_new)
                            : group_check_ids(group, request, &is_new));
    if (!is_new) {
        return ERR_OK;
    }
    TRY(check_conditions(group, request));
    return request->result.outcome == EVER_APPENDED ? take(group, request) : ERR_OK;
}

static void decide_all(struct group *group, struct journal_batch *batch)
{
    for (struct request *request = batch->first; request != NULL; request = request->next) {
        uint32_t records = group->record_count;
        uint32_t ids = group->pending.id_count;
        request->err = decide(group, request);
        if (group->record_count == records) {
            pending_drop_ids(&group->pending, ids); /* refused: its ids were not used */
        }
    }
}

/* --- The batch ------------------------------------------------------------------------------- */

static struct ever_err reserve(struct group *group, const struct journal_batch *batch)
{
    size_t bytes = 0;
    uint32_t events = 0;
    uint32_t writes = 0;
    uint32_t ids = 0;
    for (const struct request *request = batch->first; request != NULL; request = request->next) {
        bytes += request->bytes_max;
        events += request->event_count;
        writes += request->count;
        ids += request->has_given_ids ? request->event_count : 0;
    }
    TRY(room_make(&group->bytes, bytes));
    TRY(room_make(&group->records, events * sizeof(struct ever_slice)));
    TRY(room_make(&group->addresses, events * sizeof(struct log_address)));
    return pending_begin(&group->pending, writes, ids);
}

static struct ever_err begin(struct group *group, const struct journal_batch *batch)
{
    if (group->write_error != 0) {
        return FAIL((enum ever_code)group->write_error, "append: writing has ended");
    }
    if (group->index_is_behind) {
        TRY(index_catch_up(group->index));
        group->index_is_behind = false;
    }
    TRY(reserve(group, batch));
    group->first_position = log_committed(group->log) + 1;
    group->record_count = 0;
    group->bytes_used = 0;
    return ERR_OK;
}

/* The caller learns what is known: nothing was written, or nobody can tell. */
static struct ever_err after_failed_write(struct group *group, struct ever_err err)
{
    switch (err.code) {
    case EVER_NO_SPACE:
    case EVER_NO_MEMORY:
    case EVER_LIMIT:
        return err;
    default:
        group->write_error = err.code == EVER_CLOSED ? EVER_CLOSED : EVER_IO;
        return err.code == EVER_CLOSED ? err
                                       : FAIL_ERRNO(EVER_UNKNOWN, err.sys_errno, "append to log");
    }
}

static struct ever_err write_log(struct group *group, int64_t time_ns)
{
    int64_t last_ns = log_last_time_ns(group->log);
    struct ever_err err = log_append(group->log, group->records.data, group->record_count,
                                     time_ns > last_ns ? time_ns : last_ns, group->addresses.data);
    return IS_OK(err) ? err : after_failed_write(group, err);
}

static struct ever_err add_to_index(struct group *group)
{
    const struct ever_slice *records = group->records.data;
    const struct log_address *addresses = group->addresses.data;
    for (uint32_t i = 0; i < group->record_count; i++) {
        struct event_view view;
        TRY(event_decode(records[i], &view));
        TRY(index_add(group->index, group->first_position + i, addresses[i], &view.event));
    }
    return ERR_OK;
}

static struct ever_err publish(struct group *group)
{
    struct ever_err err = add_to_index(group);
    if (!IS_OK(err)) { /* the events are durable; before the next append the index catches up */
        group->index_is_behind = true;
        revisions_clear(&group->revisions);
        return FAIL(EVER_UNKNOWN, "out of memory behind the log");
    }
    for (uint32_t i = 0; i < group->pending.stream_count; i++) {
        const struct pending_stream *stream = pending_stream_at(&group->pending, i);
        if (stream->is_changed) {
            revisions_put(&group->revisions, stream->name, stream->hash, stream->revision);
        }
    }
    return ERR_OK;
}

static struct ever_err apply(struct group *group, struct journal_batch *batch)
{
    TRY(begin(group, batch));
    decide_all(group, batch);
    if (group->record_count == 0) {
        return ERR_OK;
    }
    TRY(write_log(group, batch->time_ns));
    return publish(group);
}

void group_apply(void *arg, struct journal_batch *batch)
{
    struct group *group = arg;
    group->record_count = 0;
    struct ever_err err = apply(group, batch);
    /* A refusal may rest on what was to be written before it, so all of them share the failure. */
    for (struct request *request = batch->first; request != NULL; request = request->next) {
        request->err = IS_OK(err) ? request->err : err;
    }
    pending_end(&group->pending);
    room_shrink(&group->bytes);
    room_shrink(&group->records);
    room_shrink(&group->addresses);
}
