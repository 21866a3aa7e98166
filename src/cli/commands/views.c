/* everfold views: the views of a server, one of them, or the rows of a query. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/client/session.h"
#include "cli/output/event_text.h"
#include "cli/output/table.h"
#include "cli/output/terminal.h"

static const struct command_option options[] = {
    SESSION_OPTIONS,
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "VIEW", .help = "only this view", .optional = true},
    {.name = "QUERY", .help = "the rows of this query of it", .optional = true},
    {.name = "NAME=VALUE", .help = "an argument of the query", .optional = true, .repeats = true},
    {.name = NULL},
};

#define FIRST_ARGUMENT 2 /* of the parameters */

static void add_target(const struct arguments *arguments, struct text *target)
{
    text_add_text(target, "/views");
    for (size_t i = 0; i < arguments->parameter_count && i < FIRST_ARGUMENT; i++) {
        text_add_byte(target, '/');
        client_escape(target, slice_of_text(arguments->parameters[i]));
    }
    for (size_t i = FIRST_ARGUMENT; i < arguments->parameter_count; i++) {
        struct ever_slice argument = slice_of_text(arguments->parameters[i]);
        size_t equals = slice_find_byte(argument, '=');
        text_add_byte(target, i == FIRST_ARGUMENT ? '?' : '&');
        client_escape(target, slice_first(argument, equals));
        text_add_byte(target, '=');
        client_escape(target, slice_from(argument, equals + 1));
    }
}

static void add_views(struct json_value views, struct text *out)
{
    static const char *const columns[] = {"name", "state", "position", "lag", "failure", NULL};
    table_add(out, views, columns);
}

static void add_rows(struct json_value answer, struct text *out)
{
    struct json_value rows;
    if (json_member(answer, SLICE_LITERAL("rows"), &rows) && rows.kind == JSON_ARRAY) {
        table_add(out, rows, NULL);
    }
}

static void print(const struct session *session, const struct arguments *arguments)
{
    struct ever_slice body = text_slice(&session->response.body);
    struct json_value answer = json_value_of(body);
    struct text out = {0};
    if (!session->for_people) {
        event_text_add(&out, body, false);
    } else if (arguments->parameter_count >= FIRST_ARGUMENT) {
        add_rows(answer, &out);
    } else if (answer.kind == JSON_ARRAY) {
        add_views(answer, &out);
    } else {
        json_text_add(&out, body);
        text_add_byte(&out, '\n');
    }
    terminal_write(text_slice(&out));
    text_deinit(&out);
}

static enum exit_code run(const struct arguments *arguments)
{
    for (size_t i = FIRST_ARGUMENT; i < arguments->parameter_count; i++) {
        if (strchr(arguments->parameters[i], '=') == NULL) {
            return terminal_usage(arguments->command, "'%s' is no NAME=VALUE",
                                  arguments->parameters[i]);
        }
    }
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    struct text target = {0};
    add_target(arguments, &target);
    struct client_request request = {.method = "GET", .target = target.data};
    bool done = session_call_json(&session, &request);
    if (done) {
        print(&session, arguments);
    }
    text_deinit(&target);
    session_close(&session);
    return done ? EXIT_DONE : EXIT_FAILED;
}

const struct command cli_views = {
    .name = "views",
    .summary = "List the views and how far they are, or run a query of one",
    .parameters = parameters,
    .options = options,
    .notes = "Examples:\n"
             "  everfold views\n"
             "  everfold views balances by_id id=alice\n",
    .run = run,
};
