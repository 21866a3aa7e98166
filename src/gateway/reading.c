#include "gateway/reading.h"

#include "base/assert.h"
#include "base/slice.h"
#include "base/timestamp.h"
#include "gateway/gateway_priv.h"
#include "gateway/history.h"

#define READING_TYPES_MAX 64
#define READING_TAGS_MAX 16

static bool refuse(struct call *call, const char *sentence)
{
    call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE, "%s", sentence);
    return false;
}

/* --- A moment -------------------------------------------------------------------------------- */

static bool refuse_future(struct call *call, uint64_t last_position)
{
    struct ever_slice members =
        arena_printf(call->arena, ",\"position\":%llu", (unsigned long long)last_position);
    call_problem(call, PROBLEM_POSITION_AHEAD_OF_LOG, members,
                 "The parameter at lies in the future; the log ends at position %llu.",
                 (unsigned long long)last_position);
    return false;
}

/* "+02:00" arrives as " 02:00" from who did not encode it; in a time a space can be nothing else.
 */
static struct ever_slice with_plus(struct ever_slice text, struct arena *arena)
{
    const size_t seconds_end = sizeof "2026-11-23T23:31:00" - 1;
    if (text.size <= seconds_end) {
        return text;
    }
    char *bytes = arena_alloc(arena, text.size);
    memcpy(bytes, text.data, text.size);
    for (size_t i = seconds_end; i < text.size; i++) {
        bytes[i] = bytes[i] == ' ' ? '+' : bytes[i];
    }
    return slice_of(bytes, text.size);
}

static bool position_of_time(struct call *call, struct ever_slice text, uint64_t last_position,
                             uint64_t *out_position)
{
    int64_t time_ns;
    if (!timestamp_parse(with_plus(text, call->arena), &time_ns)) {
        return refuse(call, "The parameter at is neither a position nor a time of the years 1678 "
                            "to 2261, like 2026-11-23T23:31:00Z.");
    }
    if (time_ns > call->gateway->env->wall_ns(call->gateway->env)) {
        return refuse_future(call, last_position);
    }
    struct ever_err err = ever_position_at(call->gateway->parts.store, time_ns, out_position);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return false;
    }
    return true;
}

bool reading_parse_at(struct call *call, bool *out_given, uint64_t *out_position)
{
    uint64_t last_position = ever_last_position(call->gateway->parts.store);
    struct ever_slice text;
    *out_position = last_position;
    *out_given = query_get(&call->query, "at", &text);
    if (!*out_given) {
        return true;
    }
    if (!slice_parse_u64(text, out_position)) {
        return position_of_time(call, text, last_position, out_position);
    }
    return *out_position <= last_position || refuse_future(call, last_position);
}

/* --- Which events ---------------------------------------------------------------------------- */

/* Gathers the values of a repeatable parameter; with `separator` each is itself a list. */
static bool gather(struct call *call, const char *name, char separator, size_t max,
                   const struct ever_slice **out_list, uint32_t *out_count)
{
    struct ever_slice *list = arena_alloc(call->arena, max * sizeof *list);
    uint32_t count = 0;
    for (size_t i = 0; i < call->query.count; i++) {
        struct ever_slice rest = call->query.pairs[i].value;
        if (!slice_is(call->query.pairs[i].name, name)) {
            continue;
        }
        for (bool more = true; more;) {
            size_t size = separator == '\0' ? rest.size : slice_find_byte(rest, separator);
            more = size < rest.size;
            if (size == 0 || count == max) {
                call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                             "The parameter %s takes 1 to %zu values, none of them empty.", name,
                             max);
                return false;
            }
            list[count++] = slice_first(rest, size);
            rest = slice_from(rest, more ? size + 1 : size);
        }
    }
    *out_list = list;
    *out_count = count;
    return true;
}

static bool parse_filter(struct call *call, struct ever_read *read)
{
    if (query_get(&call->query, "category", &read->category) && read->category.size == 0) {
        return refuse(call, "The parameter category is empty.");
    }
    if (query_get(&call->query, "prefix", &read->prefix) && read->prefix.size == 0) {
        return refuse(call, "The parameter prefix is empty.");
    }
    return gather(call, "type", ',', READING_TYPES_MAX, &read->types, &read->type_count) &&
           gather(call, "tag", '\0', READING_TAGS_MAX, &read->tags, &read->tag_count);
}

static bool parse_direction(struct call *call, bool *out_backward)
{
    struct ever_slice direction;
    *out_backward = false;
    if (!query_get(&call->query, "direction", &direction)) {
        return true;
    }
    *out_backward = slice_is(direction, "backward");
    if (!*out_backward && !slice_is(direction, "forward")) {
        return refuse(call, "The parameter direction is forward or backward.");
    }
    return true;
}

static bool parse_limit(struct call *call, uint64_t *out_limit)
{
    bool given;
    if (!call_query_u64(call, "limit", &given, out_limit)) {
        return false;
    }
    if (!given) {
        *out_limit = call->gives == MEDIA_JSON ? READING_LIMIT_DEFAULT : UINT64_MAX;
        return true;
    }
    if (*out_limit == 0) {
        return refuse(call, "The parameter limit is at least 1.");
    }
    if (*out_limit > READING_LIMIT_MAX && call->gives == MEDIA_JSON) {
        return refuse(call, "The parameter limit is at most 1000 for JSON; NDJSON "
                            "(Accept: application/x-ndjson) has no limit.");
    }
    return true;
}

/* Where it begins, when the query says so. */
static bool parse_from(struct call *call, bool *out_given, uint64_t *out_from)
{
    bool after_given;
    uint64_t after = 0;
    if (!call_query_u64(call, "from", out_given, out_from) ||
        !call_query_u64(call, "after", &after_given, &after)) {
        return false;
    }
    if (*out_given && after_given) {
        return refuse(call, "Give the parameter from or after, not both.");
    }
    if (after_given) {
        *out_given = true;
        *out_from = after == UINT64_MAX ? after : after + 1;
    }
    return true;
}

/* --- A bounded reading ----------------------------------------------------------------------- */

/* The stream's last revision as of out->position. */
static bool find_revision(struct call *call, bool at_given, struct reading *out)
{
    struct ever *store = call->gateway->parts.store;
    struct ever_err err =
        at_given ? history_revision_at(store, out->read.stream, out->position, &out->revision)
                 : ever_last_revision(store, out->read.stream, &out->revision);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return false;
    }
    return true;
}

static void bound(struct reading *out, bool from_given)
{
    bool empty = out->of_stream && out->revision == EVER_NO_REVISION;
    out->last = !out->of_stream ? out->position : empty ? 0 : (uint64_t)out->revision;
    if (out->read.backward && (!from_given || out->read.from > out->last)) {
        out->read.from = out->last;
    }
    if (!from_given && !out->read.backward) {
        out->read.from = out->of_stream ? 0 : 1;
    }
}

bool reading_parse(struct call *call, struct ever_slice stream, struct reading *out_reading)
{
    struct reading out = {.read.stream = stream, .of_stream = stream.data != NULL};
    bool at_given;
    bool from_given;
    if (!parse_filter(call, &out.read) || !parse_direction(call, &out.read.backward) ||
        !parse_limit(call, &out.limit) || !parse_from(call, &from_given, &out.read.from) ||
        !reading_parse_at(call, &at_given, &out.position)) {
        return false;
    }
    struct ever_slice after;
    if (out.read.backward && query_get(&call->query, "after", &after)) {
        return refuse(call, "The parameter after goes forward only; backward use from.");
    }
    if (out.of_stream && !find_revision(call, at_given, &out)) {
        return false;
    }
    bound(&out, from_given);
    *out_reading = out;
    return true;
}

bool reading_is_over(const struct reading *reading, const struct ever_cursor *cursor)
{
    bool by_position = !reading->of_stream && !reading->read.backward;
    return by_position && ever_cursor_position(cursor) >= reading->last;
}

/* --- Following ------------------------------------------------------------------------------- */

static bool refuse_bounds(struct call *call)
{
    static const char *const bounds[] = {"limit", "direction", "at"};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (query_count(&call->query, bounds[i]) > 0) {
            call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                         "The parameter %s has no meaning for text/event-stream, which goes on "
                         "for ever.",
                         bounds[i]);
            return true;
        }
    }
    return false;
}

/* In a stream the id, a position, must be turned into a revision. */
static bool from_of_event_id(struct call *call, uint64_t id, struct reading *out)
{
    if (id > ever_last_position(call->gateway->parts.store)) {
        call_problem(call, PROBLEM_POSITION_AHEAD_OF_LOG, SLICE_NONE,
                     "Last-Event-ID is %llu; the log ends before it.", (unsigned long long)id);
        return false;
    }
    out->read.from = id + 1;
    if (!out->of_stream) {
        return true;
    }
    int64_t revision;
    struct ever_err err =
        history_revision_at(call->gateway->parts.store, out->read.stream, id, &revision);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return false;
    }
    out->read.from = (uint64_t)(revision + 1);
    return true;
}

/* Last-Event-ID goes before the query: a browser sends the URL of the beginning again. */
static bool parse_begin(struct call *call, struct reading *out)
{
    struct ever_slice last_event_id = http_request_header(call->request, "Last-Event-ID");
    uint64_t id;
    if (last_event_id.size > 0) {
        if (!slice_parse_u64(last_event_id, &id)) {
            call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                         "Last-Event-ID is not a position of this log.");
            return false;
        }
        return from_of_event_id(call, id, out);
    }
    bool from_given;
    if (!parse_from(call, &from_given, &out->read.from)) {
        return false;
    }
    if (!from_given) {
        out->read.from = out->of_stream ? 0 : 1;
    }
    return true;
}

/* Nobody can follow from a place that does not exist yet: what came before it would be missing. */
static bool check_begin(struct call *call, const struct reading *reading)
{
    struct ever *store = call->gateway->parts.store;
    uint64_t next = ever_last_position(store) + 1;
    if (reading->of_stream) {
        int64_t revision;
        struct ever_err err = ever_last_revision(store, reading->read.stream, &revision);
        if (!IS_OK(err)) {
            call_read_failed(call, err);
            return false;
        }
        next = (uint64_t)(revision + 1);
    }
    if (reading->read.from > next) {
        call_problem(call, PROBLEM_POSITION_AHEAD_OF_LOG, SLICE_NONE,
                     "The parameter from or after lies in the future; the next event will be %llu.",
                     (unsigned long long)next);
        return false;
    }
    return true;
}

bool reading_parse_follow(struct call *call, struct ever_slice stream, struct reading *out_reading)
{
    struct reading out = {.read.stream = stream,
                          .of_stream = stream.data != NULL,
                          .last = UINT64_MAX,
                          .limit = UINT64_MAX};
    if (refuse_bounds(call) || !parse_filter(call, &out.read) || !parse_begin(call, &out)) {
        return false;
    }
    *out_reading = out;
    return check_begin(call, out_reading);
}
