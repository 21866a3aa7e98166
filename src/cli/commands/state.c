/* everfold state: what a decider knows of one id, now or at a moment of the past. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/client/session.h"
#include "cli/output/event_text.h"
#include "cli/output/terminal.h"

enum { AT = SESSION_OPTION_COUNT };

static const struct command_option options[] = {
    SESSION_OPTIONS,
    [AT] = {.name = "at",
            .value = "MOMENT",
            .help = "as it was at this position, or at this time (2026-11-23T23:31:00Z)"},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "DECIDER", .help = "the name of the decider: account"},
    {.name = "ID", .help = "the part of the stream's name behind it: alice"},
    {.name = NULL},
};

static void add_member(struct text *out, struct json_value answer, const char *name)
{
    struct json_value value;
    if (json_member(answer, slice_of_text(name), &value) && value.kind != JSON_NULL) {
        text_printf(out, "  %s ", name);
        terminal_add(out, TERMINAL_PLAIN, value.text);
    }
}

static void add_for_people(const struct arguments *arguments, struct json_value answer,
                           struct text *out)
{
    struct json_value state;
    terminal_add(out, TERMINAL_BOLD, slice_of_text(arguments->parameters[0]));
    text_add_byte(out, ' ');
    terminal_add(out, TERMINAL_BOLD, slice_of_text(arguments->parameters[1]));
    add_member(out, answer, "revision");
    add_member(out, answer, "position");
    text_add_byte(out, '\n');
    if (json_member(answer, SLICE_LITERAL("state"), &state)) {
        json_text_add(out, state.text);
        text_add_byte(out, '\n');
    }
}

static enum exit_code ask(struct session *session, const struct arguments *arguments)
{
    struct text target = {0};
    text_add_text(&target, "/deciders/");
    client_escape(&target, slice_of_text(arguments->parameters[0]));
    text_add_byte(&target, '/');
    client_escape(&target, slice_of_text(arguments->parameters[1]));
    if (arguments_has(arguments, AT)) {
        text_add_text(&target, "?at=");
        client_escape(&target, slice_of_text(arguments->values[AT]));
    }
    struct client_request request = {.method = "GET", .target = target.data};
    bool done = session_call_json(session, &request);
    if (done) {
        struct ever_slice body = text_slice(&session->response.body);
        struct text out = {0};
        if (session->for_people) {
            add_for_people(arguments, json_value_of(body), &out);
        } else {
            event_text_add(&out, body, false);
        }
        terminal_write(text_slice(&out));
        text_deinit(&out);
    }
    text_deinit(&target);
    return done ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    enum exit_code code = ask(&session, arguments);
    session_close(&session);
    return code;
}

const struct command cli_state = {
    .name = "state",
    .summary = "Print the folded state of a decider's stream, now or in the past",
    .parameters = parameters,
    .options = options,
    .notes = "Examples:\n"
             "  everfold state account alice\n"
             "  everfold state account alice --at 2026-11-23T12:00:00Z\n"
             "  everfold state account alice --app examples/bank\n",
    .run = run,
};
