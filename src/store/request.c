#include "store/request.h"

#include "base/err.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "store/event.h"

#include <stdlib.h>

static bool has_control(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

struct ever_err request_check_name(struct ever_slice name, size_t bytes_max)
{
    if (name.size > bytes_max) {
        return FAIL(EVER_LIMIT, "length of a name or tag");
    }
    if (has_control(name) || !utf8_check(name)) {
        return FAIL(EVER_INVALID, "name or tag: UTF-8 without control bytes");
    }
    return ERR_OK;
}

static struct ever_err check_filled_name(struct ever_slice name, size_t bytes_max)
{
    return name.size == 0 ? FAIL(EVER_INVALID, "empty name") : request_check_name(name, bytes_max);
}

static struct ever_err check_tags(const struct ever_new_event *event)
{
    if (event->tag_count > EVER_TAGS_PER_EVENT_MAX) {
        return FAIL(EVER_LIMIT, "tags of an event");
    }
    for (uint32_t i = 0; i < event->tag_count; i++) {
        TRY(request_check_name(event->tags[i], EVER_TAG_BYTES_MAX));
    }
    return ERR_OK;
}

static struct ever_err check_event(const struct ever_new_event *event)
{
    TRY(check_filled_name(event->type, EVER_TYPE_NAME_BYTES_MAX));
    if (event->data.size > EVER_EVENT_BYTES_MAX ||
        event->metadata.size > EVER_EVENT_BYTES_MAX - event->data.size) {
        return FAIL(EVER_LIMIT, "size of an event");
    }
    if (event->content != EVER_JSON && event->content != EVER_BYTES) {
        return FAIL(EVER_INVALID, "content of an event");
    }
    return check_tags(event);
}

bool request_id_is_given(const struct ever_new_event *event)
{
    return !uuid_is_none(event->id);
}

struct measure {
    uint32_t events;
    size_t payload; /* what the caller gave */
    size_t records; /* upper bound of what will be written */
    bool has_given_ids;
};

static void add_event(struct measure *measure, struct ever_slice stream,
                      const struct ever_new_event *event)
{
    struct ever_event as_stored = {
        .stream = stream,
        .type = event->type,
        .data = event->data,
        .metadata = event->metadata,
        .tags = event->tags,
        .tag_count = event->tag_count,
    };
    measure->events++;
    measure->payload += stream.size + event->type.size + event->data.size + event->metadata.size;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        measure->payload += event->tags[i].size;
    }
    measure->records += event_bytes_max(&as_stored);
    measure->has_given_ids |= request_id_is_given(event);
}

static struct ever_err check_write(const struct ever_write *write, struct measure *measure)
{
    TRY(check_filled_name(write->stream, EVER_STREAM_NAME_BYTES_MAX));
    if (write->event_count == 0 || write->expect > EVER_EXACT) {
        return FAIL(EVER_INVALID, "write without events or with an unknown condition");
    }
    if (write->event_count > EVER_EVENTS_PER_APPEND_MAX - measure->events) {
        return FAIL(EVER_LIMIT, "events of an append");
    }
    for (uint32_t i = 0; i < write->event_count; i++) {
        TRY(check_event(&write->events[i]));
        add_event(measure, write->stream, &write->events[i]);
        if (measure->payload > EVER_APPEND_BYTES_MAX) {
            return FAIL(EVER_LIMIT, "bytes of an append");
        }
    }
    return ERR_OK;
}

static struct ever_err check(const struct ever_write *writes, uint32_t count,
                             struct measure *measure)
{
    if (count == 0) {
        return FAIL(EVER_INVALID, "append without writes");
    }
    if (count > EVER_WRITES_PER_APPEND_MAX) {
        return FAIL(EVER_LIMIT, "writes of an append");
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(check_write(&writes[i], measure));
        if (writes[i].pass_known != writes[0].pass_known) {
            return FAIL(EVER_INVALID, "append that passes known events in some writes only");
        }
    }
    return ERR_OK;
}

static uint32_t count_missing_ids(const struct ever_write *writes, uint32_t count)
{
    uint32_t missing = 0;
    for (uint32_t w = 0; w < count; w++) {
        for (uint32_t e = 0; e < writes[w].event_count; e++) {
            missing += request_id_is_given(&writes[w].events[e]) ? 0u : 1u;
        }
    }
    return missing;
}

/* All random ids in one request to the system, drawn to the end of the array and taken from there:
 * the place that is written never overtakes the place that is read. */
static void fill_ids(struct env *env, struct request *request)
{
    uint32_t missing = count_missing_ids(request->writes, request->count);
    struct ever_uuid *random = request->ids + (request->event_count - missing);
    if (missing > 0) {
        env->random(env, random, missing * sizeof *random);
    }
    struct ever_uuid *id = request->ids;
    for (uint32_t w = 0; w < request->count; w++) {
        const struct ever_write *write = &request->writes[w];
        for (uint32_t e = 0; e < write->event_count; e++) {
            *id++ = request_id_is_given(&write->events[e]) ? write->events[e].id
                                                           : uuid_v4_of(*random++);
        }
    }
}

struct ever_err request_create(struct env *env, const struct ever_write *writes, uint32_t count,
                               struct request **out_request)
{
    struct measure measure = {0};
    TRY(check(writes, count, &measure));
    size_t revisions_bytes = count * sizeof(int64_t);
    size_t ids_bytes = measure.events * sizeof(struct ever_uuid);
    struct request *request = malloc(sizeof *request + revisions_bytes + ids_bytes);
    if (request == NULL) {
        return FAIL(EVER_NO_MEMORY, "append");
    }
    *request = (struct request){
        .writes = writes,
        .count = count,
        .event_count = measure.events,
        .bytes_max = measure.records,
        .has_given_ids = measure.has_given_ids,
        .pass_known = writes[0].pass_known,
        .revisions = (int64_t *)(request + 1),
        .ids = (struct ever_uuid *)((char *)(request + 1) + revisions_bytes),
    };
    fill_ids(env, request);
    *out_request = request;
    return ERR_OK;
}

void request_destroy(struct request *request)
{
    free(request);
}
