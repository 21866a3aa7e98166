/* everfold append: one event for one stream. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/client/event_stream.h"
#include "cli/input/input.h"
#include "cli/output/event_text.h"
#include "cli/output/terminal.h"
#include "everfold.h"

enum {
    EXPECT = SESSION_OPTION_COUNT,
    ID,
    METADATA,
    TAG,
};

static const struct command_option options[] = {
    SESSION_OPTIONS,
    [EXPECT] = {.name = "expect",
                .value = "WHAT",
                .help = "only if the stream is so: no-stream, exists, or its last revision"},
    [ID] = {.name = "id",
            .value = "UUID",
            .help = "the event's id; the same id again adds nothing"},
    [METADATA] = {.name = "metadata",
                  .value = "JSON",
                  .help = "what is to be known beside the data"},
    [TAG] = {.name = "tag", .value = "TAG", .help = "a tag; may be repeated", .repeats = true},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "STREAM", .help = "the name of the stream: category-id"},
    {.name = "TYPE", .help = "the type of the event"},
    {.name = "DATA",
     .help = "its data as JSON; - reads it from standard input; {} unless given",
     .optional = true},
    {.name = NULL},
};

/* False, with a report, when the text is not JSON. */
static bool check_json(const char *name, struct ever_slice json)
{
    struct json_fault fault;
    if (json_check(json, &fault)) {
        return true;
    }
    (void)terminal_fail("%s is not JSON: %s (byte %zu); a text needs its quotes: '\"text\"'", name,
                        fault.reason, fault.offset + 1); /* the code is the caller's */
    return false;
}

static void add_tags(const struct arguments *arguments, struct text *body)
{
    for (size_t i = 0; i < arguments->repeated_count; i++) {
        text_add_text(body, i == 0 ? ",\"tags\":[" : ",");
        json_write_string(body, slice_of_text(arguments->repeated[i]));
    }
    text_add_text(body, arguments->repeated_count > 0 ? "]" : "");
}

static void add_event(const struct arguments *arguments, struct ever_slice data, struct text *body)
{
    text_add_text(body, "{\"type\":");
    json_write_string(body, slice_of_text(arguments->parameters[1]));
    text_add_text(body, ",\"data\":");
    text_add(body, data);
    if (arguments_has(arguments, ID)) {
        text_add_text(body, ",\"id\":");
        json_write_string(body, slice_of_text(arguments->values[ID]));
    }
    if (arguments_has(arguments, METADATA)) {
        text_printf(body, ",\"metadata\":%s", arguments->values[METADATA]);
    }
    add_tags(arguments, body);
    text_add_byte(body, '}');
}

/* The header that says what --expect asks. False: it asks for nothing that exists. */
static bool add_condition(const char *expect, struct text *headers)
{
    uint64_t revision;
    if (expect == NULL) {
        return true;
    }
    if (strcmp(expect, "no-stream") == 0) {
        text_add_text(headers, "If-None-Match: *\r\n");
    } else if (strcmp(expect, "exists") == 0) {
        text_add_text(headers, "If-Match: *\r\n");
    } else if (slice_parse_u64(slice_of_text(expect), &revision)) {
        text_printf(headers, "If-Match: \"%llu\"\r\n", (unsigned long long)revision);
    } else {
        return false;
    }
    return true;
}

static void print_result(const struct session *session, const struct arguments *arguments)
{
    struct ever_slice body = text_slice(&session->response.body);
    struct text out = {0};
    if (session->for_people) {
        bool repeated = session->response.status == 200;
        terminal_add(&out, TERMINAL_PLAIN, slice_of_text(arguments->parameters[0]));
        text_printf(&out, "@%llu  position %llu%s\n",
                    (unsigned long long)event_number(body, "revision"),
                    (unsigned long long)event_number(body, "position"),
                    repeated ? "  (was there already)" : "");
    } else {
        event_text_add(&out, body, false);
    }
    terminal_write(text_slice(&out));
    text_deinit(&out);
}

static enum exit_code append(struct session *session, const struct arguments *arguments,
                             struct ever_slice data)
{
    struct text target = {0};
    struct text headers = {0};
    struct text body = {0};
    text_add_text(&target, "/streams/");
    client_escape(&target, slice_of_text(arguments->parameters[0]));
    (void)add_condition(arguments_text(arguments, EXPECT, NULL), &headers); /* run() checked it */
    add_event(arguments, data, &body);
    struct client_request request = {.method = "POST",
                                     .target = target.data,
                                     .content_type = "application/json",
                                     .body = text_slice(&body),
                                     .headers = headers.data};
    bool done = session_call_json(session, &request);
    if (done) {
        print_result(session, arguments);
    }
    text_deinit(&target);
    text_deinit(&headers);
    text_deinit(&body);
    return done ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code append_checked(const struct arguments *arguments, struct ever_slice data)
{
    struct session session;
    bool fine = check_json("DATA", data) &&
                (!arguments_has(arguments, METADATA) ||
                 check_json("--metadata", slice_of_text(arguments->values[METADATA])));
    if (!fine || !session_open(arguments, SESSION_WRITES, &session)) {
        return EXIT_FAILED;
    }
    enum exit_code code = append(&session, arguments, data);
    session_close(&session);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct text headers = {0};
    const char *expect = arguments_text(arguments, EXPECT, NULL);
    bool known = add_condition(expect, &headers);
    text_deinit(&headers);
    if (!known) {
        return terminal_usage(arguments->command,
                              "--expect is no-stream, exists or a revision, not '%s'", expect);
    }
    const char *data = arguments->parameter_count > 2 ? arguments->parameters[2] : "{}";
    if (strcmp(data, "-") != 0) {
        return append_checked(arguments, slice_of_text(data));
    }
    struct text input = {0};
    enum exit_code code = EXIT_FAILED;
    if (input_read_all(&input, EVER_EVENT_BYTES_MAX)) {
        code = append_checked(arguments, text_slice(&input));
    }
    text_deinit(&input);
    return code;
}

const struct command cli_append = {
    .name = "append",
    .summary = "Append one event to a stream",
    .parameters = parameters,
    .options = options,
    .notes = "Examples:\n"
             "  everfold append note-1 Written '{\"text\":\"hello\"}'\n"
             "  everfold append note-1 Written - <note.json\n"
             "  everfold append note-1 Closed --expect 3\n",
    .run = run,
};
