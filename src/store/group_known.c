/* group_known.c - an append that may hold events that are there already: those are passed over.
 *
 * Each event is looked at for itself. One with a known id must say the same as the one it repeats,
 * which stands in the log, in the group, or earlier in the same request. */
#include "store/group_priv.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/uuid.h"

struct place { /* of an event in its request */
    uint32_t write;
    uint32_t event; /* in its write */
    uint32_t index; /* in the request */
};

static struct ever_event event_at(const struct request *request, struct place place,
                                  struct ever_slice tags[static EVER_TAGS_PER_EVENT_MAX])
{
    const struct ever_write *write = &request->writes[place.write];
    const struct ever_new_event *event = &write->events[place.event];
    return group_event_of(write, event, event->id, tags);
}

static void step(const struct request *request, struct place *place)
{
    place->index++;
    place->event++;
    if (place->event == request->writes[place->write].event_count) {
        place->write++;
        place->event = 0;
    }
}

/* The `number`th of the events that are not passed over, from 0. */
static struct place find_new(const struct request *request, uint64_t number)
{
    struct place place = {0};
    for (;; step(request, &place)) {
        ASSERT(place.index < request->event_count);
        if (!uuid_is_none(request->ids[place.index]) && number-- == 0) {
            return place;
        }
    }
}

static bool same_content(struct ever_event wanted, const struct ever_event *there)
{
    wanted.continues = there->continues; /* the company does not count */
    return group_same_event(&wanted, there);
}

/* Whether the event that is there, at `position`, says the same; notes where its stream is. */
static struct ever_err compare(struct group *group, const struct request *request,
                               struct place place, uint64_t position, bool *out_same)
{
    struct ever_slice tags[EVER_TAGS_PER_EVENT_MAX];
    struct ever_event wanted = event_at(request, place, tags);
    uint64_t end = group->first_position + group->record_count;
    if (position >= end) {
        struct ever_slice other_tags[EVER_TAGS_PER_EVENT_MAX];
        struct ever_event other = event_at(request, find_new(request, position - end), other_tags);
        *out_same = same_content(wanted, &other);
        return ERR_OK;
    }
    TRY(group_fetch(group, position));
    const struct ever_event *there = &group->reader.view.event;
    *out_same = same_content(wanted, there);
    int64_t revision = (int64_t)there->revision;
    struct pending_stream *stream;
    TRY(group_find_stream(group, wanted.stream, &stream));
    stream->answer = revision;
    return ERR_OK;
}

static void pass(struct request *request, struct place place, uint64_t position,
                 struct ever_result *known)
{
    request->ids[place.index] = (struct ever_uuid){0};
    bool is_first = known->known_count++ == 0;
    known->first_position =
        is_first || position < known->first_position ? position : known->first_position;
    known->last_position = position > known->last_position ? position : known->last_position;
}

/* *out_same is false when its id is that of another event. */
static struct ever_err look_at(struct group *group, struct request *request, struct place place,
                               struct ever_result *known, bool *out_same)
{
    *out_same = true;
    const struct ever_new_event *event = &request->writes[place.write].events[place.event];
    if (!request_id_is_given(event)) {
        return ERR_OK;
    }
    uint64_t position;
    TRY(group_find_id(group, event->id, &position));
    if (position == 0) {
        uint32_t record = group->record_count + place.index - known->known_count;
        pending_add_id(&group->pending, event->id, record);
        return ERR_OK;
    }
    TRY(compare(group, request, place, position, out_same));
    if (*out_same) {
        pass(request, place, position, known);
    }
    return ERR_OK;
}

struct ever_err group_pass_known(struct group *group, struct request *request, bool *out_is_new)
{
    *out_is_new = false;
    struct ever_result known = {.outcome = EVER_REPEATED};
    for (struct place place = {0}; place.index < request->event_count; step(request, &place)) {
        bool same;
        TRY(look_at(group, request, place, &known, &same));
        if (!same) {
            request->result = (struct ever_result){
                .outcome = EVER_ID_REUSED, .write_index = place.write, .event_index = place.index};
            return ERR_OK;
        }
    }
    if (known.known_count < request->event_count) {
        *out_is_new = true;
        return ERR_OK;
    }
    request->result = known;
    return group_answer_revisions(group, request);
}
