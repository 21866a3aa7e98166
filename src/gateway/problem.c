#include "gateway/problem.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"

static const struct problem_info problems[PROBLEM_COUNT] = {
    [PROBLEM_MALFORMED_REQUEST] =
        {"malformed-request", 400, "The request is not valid HTTP",
         "The bytes do not form a request: a bad request line, header, length or chunk. The "
         "connection is closed, because nobody can tell where the next request begins."},
    [PROBLEM_BAD_NAME] =
        {"bad-name", 400, "A name in the path breaks a rule",
         "Names of streams, ids, commands and views are 1 to 512 bytes of UTF-8 without control "
         "characters and slashes (encoded ones neither), and not . or .. alone. The path is "
         "percent-decoded once."},
    [PROBLEM_BAD_PARAMETER] =
        {"bad-parameter", 400, "A query parameter is wrong",
         "The part of the URL behind the question mark holds an unknown name, a value of the "
         "wrong form, or the same name twice. The detail names it."},
    [PROBLEM_BAD_HEADER] =
        {"bad-header", 400, "A header field is wrong",
         "A header that changes what the request means cannot be read. Entity tags and "
         "idempotency keys stand in double quotes: If-Match: \"3\"."},
    [PROBLEM_MALFORMED_JSON] =
        {"malformed-json", 400, "The body is not valid JSON",
         "JSON is read strictly: UTF-8 only, no duplicate keys, no comments, at most 64 levels. "
         "offset, line and column say where the text stops being JSON."},
    [PROBLEM_BAD_BODY] =
        {"bad-body", 400, "The body has the wrong shape",
         "The body is valid JSON, but a member is missing, unknown or of the wrong kind. errors "
         "lists each fault with a JSON Pointer (RFC 6901) to its place."},
    [PROBLEM_BAD_EXPRESSION] =
        {"bad-expression", 400, "The live expression is wrong",
         "It is one expression in JavaScript that gives a stream, such as "
         "from('account').map(e => e.data). detail has the line and what is wrong there."},
    [PROBLEM_POSITION_AHEAD_OF_LOG] =
        {"position-ahead-of-log", 400, "The position or time lies in the future",
         "The request names a moment that the log has not reached. If a client remembers a "
         "position beyond the end, the log was probably restored from an older backup."},
    [PROBLEM_STREAM_RESERVED] =
        {"stream-reserved", 403, "Streams beginning with $ belong to Everfold",
         "Everfold keeps its own records in streams beginning with $. Everybody may read them, "
         "nobody may append to them."},
    [PROBLEM_FLOW_STREAM] =
        {"flow-stream", 403, "The streams of flows are written by the server alone",
         "Streams named flow-... hold what flows make of other events, and are the same whenever "
         "they are made again; an event from elsewhere would break that. Append to another "
         "stream; what a flow makes is changed in its file below flows/."},
    [PROBLEM_CROSS_SITE_REQUEST] =
        {"cross-site-request", 403, "A page of another site may not write here",
         "The browser says (Sec-Fetch-Site) that a page from elsewhere sent this request. It is "
         "refused, so that no web page can give commands to a server on your machine."},
    [PROBLEM_HOST_REFUSED] =
        {"host-refused", 403, "The request is for another host",
         "This server listens on the loopback, so requests name their host as localhost, 127.0.0.1 "
         "or [::1]. Any other may be the name of a web page that was made to lead to your machine "
         "(DNS rebinding)."},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method-not-allowed", 405,
                                    "This resource does not know the method",
                                    "Allow lists the methods that it knows."},
    [PROBLEM_NOT_ACCEPTABLE] =
        {"not-acceptable", 406, "No offered media type is acceptable",
         "The Accept header excludes everything this resource can be shown as. The detail lists "
         "what there is."},
    [PROBLEM_REQUEST_TIMEOUT] = {"request-timeout", 408, "The request did not arrive in time",
                                 "From its first byte to its last a request has limited time."},
    [PROBLEM_TOO_LARGE] =
        {"too-large", 413, "The request is larger than allowed",
         "A limit was passed: bytes of the body, bytes of one event, bytes or events of one "
         "append. The detail names the limit. Send less at a time."},
    [PROBLEM_TARGET_TOO_LONG] = {"target-too-long", 414, "The URL is too long",
                                 "No name needs a URL of that length."},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] =
        {"unsupported-media-type", 415, "The body's media type is not taken here",
         "Content-Type is missing or names a type this operation does not take; Accept-Post "
         "lists those it does. A body with a Content-Encoding is not taken."},
    [PROBLEM_HEADERS_TOO_LARGE] = {"headers-too-large", 431, "The header fields are too large",
                                   "All header lines together pass the limit."},
    [PROBLEM_METHOD_UNKNOWN] = {"method-unknown", 501, "No resource here knows the method",
                                "Known are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS."},
    [PROBLEM_VERSION_UNSUPPORTED] = {"version-unsupported", 505,
                                     "This version of HTTP is not spoken here", "Use HTTP/1.1."},
    [PROBLEM_NOT_FOUND] = {"not-found", 404, "There is nothing at this path",
                           "The path is none of the API's and none of the APP's routes. GET / "
                           "links to what there is; /openapi.json lists all."},
    [PROBLEM_STREAM_NOT_FOUND] = {"stream-not-found", 404, "The stream has no events",
                                  "A stream comes into being with its first event."},
    [PROBLEM_EVENT_NOT_FOUND] =
        {"event-not-found", 404, "There is no such event (yet)",
         "Positions count from 1, revisions from 0; this one is beyond the last."},
    [PROBLEM_DECIDER_NOT_FOUND] = {"decider-not-found", 404, "There is no decider of that name",
                                   "GET /deciders lists them; names are case-sensitive."},
    [PROBLEM_COMMAND_NOT_FOUND] =
        {"command-not-found", 404, "There is no such command",
         "Sending one: the decider has no command of that name; GET /deciders lists them, and "
         "names are case-sensitive. Looking one up: the log has no record of the id, and it is not "
         "running now. A command that met an error before it was decided leaves no record."},
    [PROBLEM_VIEW_NOT_FOUND] = {"view-not-found", 404, "There is no view of that name",
                                "GET /views lists them; names are case-sensitive."},
    [PROBLEM_QUERY_NOT_FOUND] = {"query-not-found", 404, "The view has no such query",
                                 "GET /views lists each view's queries; names are "
                                 "case-sensitive."},
    [PROBLEM_ROW_NOT_FOUND] =
        {"row-not-found", 404, "The query gave no row",
         "This route shows one row of a query, and there is none. If it should have come from an "
         "event of just now, ask with Everfold-Min-Position."},
    [PROBLEM_FLOW_NOT_FOUND] = {"flow-not-found", 404, "There is no flow of that name",
                                "GET /flows lists them; names are case-sensitive."},
    [PROBLEM_APPEND_CONDITION_FAILED] =
        {"append-condition-failed", 412, "The stream is not as the append expected",
         "If-Match or If-None-Match does not hold (412), or the expectation of a write in the "
         "body does not (409). Nothing was written. Somebody else was faster: read the stream "
         "again, decide again, and append with the new revision."},
    [PROBLEM_PRECONDITION_FAILED] =
        {"precondition-failed", 412, "If-Match or If-None-Match does not hold",
         "The resource has changed since the client saw it; the ETag of now is in the answer."},
    [PROBLEM_EVENT_ID_REUSED] =
        {"event-id-reused", 409, "An event id exists with other content",
         "Event ids make appends idempotent: the same events in the same order again give the "
         "first answer. Here an id stands in the log with other content or in other company. "
         "Nothing was written; use a new id for a new event."},
    [PROBLEM_COMMAND_REJECTED] =
        {"command-rejected", 422, "The decider rejected the command",
         "The command was understood and refused for a reason of the domain: code and detail are "
         "the decider's. Nothing but the rejection was recorded."},
    [PROBLEM_IDEMPOTENCY_KEY_REUSED] =
        {"idempotency-key-reused", 422, "The idempotency key was used for another command",
         "The same key for the same decider and id is the same command, for ever. This request "
         "has other content than the first one with this key."},
    [PROBLEM_RESULT_TOO_LARGE] = {"result-too-large", 422, "The query's result is too large",
                                  "It passes the limit of rows or bytes. Narrow the arguments, "
                                  "or put a LIMIT into the query."},
    [PROBLEM_EXPRESSION_FAILED] =
        {"expression-failed", 422, "The live expression failed",
         "It threw, took more time or memory than it may, or gave what JSON cannot hold; detail "
         "says which. The subscription is over; the server goes on."},
    [PROBLEM_BUSY] = {"busy", 429, "Too much is waiting",
                      "A queue is full. Nothing was done; try again after Retry-After seconds."},
    [PROBLEM_OVERTAKEN] =
        {"overtaken", 503, "Other writers were faster too often",
         "Each time the command was decided, somebody else had appended to the stream in "
         "between. Nothing was written; try again."},
    [PROBLEM_WORKER_UNAVAILABLE] = {"worker-unavailable", 503, "No worker can be started",
                                    "Deciders run in processes of their own, and the system does "
                                    "not let one start. The detail says why."},
    [PROBLEM_VIEW_BEHIND] =
        {"view-behind", 503, "The view has not reached the position",
         "Everfold-Min-Position asked for more than the view has applied. position is where it "
         "is, minPosition what was asked. Try again, or let the server wait: Prefer: wait=2."},
    [PROBLEM_VIEW_BUILDING] = {"view-building", 503, "The view is being built",
                               "Its file has changed, or its database was damaged: it is made "
                               "anew from the log. Try again after Retry-After seconds."},
    [PROBLEM_FLOW_BEHIND] =
        {"flow-behind", 503, "The flow has not reached the position",
         "Everfold-Min-Position asked for more than has passed through the flow. position is where "
         "it is, minPosition what was asked. Try again, or let the server wait: Prefer: wait=2. A "
         "flow that has stopped says why at GET /flows/{flow}."},
    [PROBLEM_FLOW_BUILDING] =
        {"flow-building", 503, "No version of the flow serves yet",
         "It is new, and on its way through the log for the first time. Try again after "
         "Retry-After seconds; GET /flows/{flow} says how far it is."},
    [PROBLEM_LOG_BEHIND] =
        {"log-behind", 503, "The log has not reached the position",
         "Everfold-Min-Position is larger than the last position of this log. If the client "
         "remembers it from here, the log was restored from an older backup."},
    [PROBLEM_QUERY_TIME_LIMIT] = {"query-time-limit", 503, "The query took too long",
                                  "It was stopped. Narrow the arguments, or give its table an "
                                  "index."},
    [PROBLEM_WRITING_STOPPED] =
        {"writing-stopped", 503, "The server has stopped writing",
         "The disk failed an earlier write, and nobody can tell what it kept; so nothing is "
         "written any more until the server was restarted. Reading goes on."},
    [PROBLEM_SHUTTING_DOWN] = {"shutting-down", 503, "The server is shutting down",
                               "Try again after Retry-After seconds."},
    [PROBLEM_DISK_FULL] = {"disk-full", 507, "The disk is full",
                           "Nothing was written and nothing is lost. Writing goes on as soon as "
                           "there is space."},
    [PROBLEM_DECIDER_FAILED] =
        {"decider-failed", 500, "The decider's code failed",
         "decide or evolve threw an error or returned something that is no event. The detail is "
         "what the engine said, with file and line. Nothing was written."},
    [PROBLEM_DECIDER_TIME_LIMIT] = {"decider-time-limit", 500, "The decider took too long",
                                    "Its code was stopped. Nothing was written."},
    [PROBLEM_DECIDER_MEMORY_LIMIT] = {"decider-memory-limit", 500,
                                      "The decider used too much memory",
                                      "Its process was replaced. Nothing was written."},
    [PROBLEM_QUERY_FAILED] = {"query-failed", 500, "The query failed",
                              "The view's database reported an error; the detail says which."},
    [PROBLEM_DATA_DAMAGED] =
        {"data-damaged", 500, "Events here are damaged on disk",
         "The bytes read are not the bytes written. Nothing is made up for them; events before "
         "and behind can be read. Restore the folder from a backup."},
    [PROBLEM_OUTCOME_UNKNOWN] =
        {"outcome-unknown", 500, "Nobody can tell whether it was written",
         "The disk failed in the middle of the write. After a restart the events are in the log "
         "or not. Send the same events with the same ids, or the same idempotency key, again: "
         "they will be there once."},
    [PROBLEM_INTERNAL] = {"internal", 500, "The server failed",
                          "This should not happen; the detail helps to find out why."},
};

const struct problem_info *problem_info(enum problem problem)
{
    ASSERT(problem < PROBLEM_COUNT);
    ASSERT(problems[problem].name != NULL);
    return &problems[problem];
}

const struct problem_info *problem_find(struct ever_slice name)
{
    for (size_t i = 0; i < PROBLEM_COUNT; i++) {
        if (slice_is(name, problems[i].name)) {
            return &problems[i];
        }
    }
    return NULL;
}

enum problem problem_of_status(unsigned status)
{
    switch (status) {
    case 408:
        return PROBLEM_REQUEST_TIMEOUT;
    case 413:
        return PROBLEM_TOO_LARGE;
    case 414:
        return PROBLEM_TARGET_TOO_LONG;
    case 431:
        return PROBLEM_HEADERS_TOO_LARGE;
    case 501:
        return PROBLEM_METHOD_UNKNOWN;
    case 503:
        return PROBLEM_SHUTTING_DOWN;
    case 505:
        return PROBLEM_VERSION_UNSUPPORTED;
    default:
        return PROBLEM_MALFORMED_REQUEST;
    }
}

static void write_member(struct text *out, const char *name, struct ever_slice value)
{
    text_add_text(out, ",\"");
    text_add_text(out, name);
    text_add_text(out, "\":");
    json_write_string(out, value);
}

void problem_write(struct text *out, const struct problem_info *info, unsigned status,
                   struct ever_slice detail, struct ever_slice instance, struct ever_slice members)
{
    ASSERT(members.size == 0 || members.data[0] == ',');
    text_add_text(out, "{\"type\":\"/problems/");
    text_add_text(out, info->name);
    text_add_text(out, "\",\"title\":");
    json_write_string(out, slice_of_text(info->title));
    text_add_text(out, ",\"status\":");
    text_add_u64(out, status);
    if (detail.size > 0) {
        write_member(out, "detail", detail);
    }
    if (instance.size > 0) {
        write_member(out, "instance", instance);
    }
    text_add(out, members);
    text_add_byte(out, '}');
}
