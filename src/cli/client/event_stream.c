#include "cli/client/event_stream.h"

#include "base/json.h"
#include "base/slice.h"
#include "cli/client/lines.h"
#include "cli/output/terminal.h"

struct reading {
    event_fn *each;
    void *arg;
    struct lines lines;
    bool ended;     /* the closing line was seen */
    bool damaged;   /* a line told of events that cannot be read */
    bool malformed; /* a line was not JSON */
};

static bool is_closing_line(struct ever_slice line)
{
    struct json_value end;
    return slice_starts_with(line, SLICE_LITERAL("{\"end\"")) &&
           json_member(json_value_of(line), SLICE_LITERAL("end"), &end);
}

static bool is_damage_line(struct ever_slice line, struct json_value *out_range)
{
    return slice_starts_with(line, SLICE_LITERAL("{\"damaged\"")) &&
           json_member(json_value_of(line), SLICE_LITERAL("damaged"), out_range);
}

static void report_damage(struct reading *reading, struct ever_slice range)
{
    reading->damaged = true;
    (void)terminal_fail("the log is damaged: events between the positions %llu and %llu cannot be "
                        "read",
                        (unsigned long long)event_number(range, "from"),
                        (unsigned long long)event_number(range, "to")); /* the end says it again */
}

static bool take_line(void *arg, struct ever_slice line)
{
    struct reading *reading = arg;
    if (line.size == 0) {
        return true;
    }
    reading->malformed = reading->ended || !json_check(line, NULL);
    if (reading->malformed) {
        return false;
    }
    struct json_value range;
    if (is_closing_line(line)) {
        reading->ended = true;
    } else if (is_damage_line(line, &range)) {
        report_damage(reading, range.text);
    } else {
        reading->each(reading->arg, line);
    }
    return true;
}

static bool take_piece(void *arg, struct ever_slice piece)
{
    struct reading *reading = arg;
    return lines_add(&reading->lines, piece, take_line, reading);
}

static enum event_stream_end report_reading(struct session *session, struct ever_err err,
                                            const struct reading *reading)
{
    if (reading->malformed) {
        (void)terminal_fail("%s sent a line that is not JSON", client_url(session->client));
    } else if (!IS_OK(err)) {
        (void)session_fail(session);
    } else if (session->response.status >= 300) {
        (void)session_refused(session);
    } else if (!reading->ended) {
        (void)terminal_fail("the answer of %s was cut short: events are missing",
                            client_url(session->client));
    } else {
        return reading->damaged ? EVENT_STREAM_DAMAGED : EVENT_STREAM_WHOLE;
    }
    return EVENT_STREAM_FAILED; /* the exit code is the caller's, which is why it is ignored above
                                 */
}

enum event_stream_end event_stream_read(struct session *session, const char *target, event_fn *each,
                                        void *arg)
{
    struct client_request request = {
        .method = "GET", .target = target, .accept = "application/x-ndjson"};
    struct reading reading = {.each = each, .arg = arg};
    struct ever_err err = client_send(session->client, &request, &session->report);
    if (IS_OK(err)) {
        err = client_receive(session->client, take_piece, &reading, &session->response,
                             &session->report);
    }
    lines_deinit(&reading.lines);
    return report_reading(session, err, &reading);
}

bool event_stream_last_position(struct session *session, uint64_t *out_position)
{
    struct client_request request = {.method = "GET",
                                     .target = "/events?direction=backward&limit=1"};
    if (!session_call_json(session, &request)) {
        return false;
    }
    *out_position = event_number(text_slice(&session->response.body), "position");
    return true;
}

uint64_t event_number(struct ever_slice event, const char *name)
{
    struct json_value value;
    int64_t number;
    bool found = json_member(json_value_of(event), slice_of_text(name), &value) &&
                 json_integer(value, &number) && number >= 0;
    return found ? (uint64_t)number : 0;
}
