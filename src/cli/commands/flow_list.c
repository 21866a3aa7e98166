/* everfold flow list: the flows of a server and how far they are. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/commands/flow.h"
#include "cli/output/event_text.h"
#include "cli/output/table.h"
#include "cli/output/terminal.h"

static void print(const struct session *session)
{
    static const char *const columns[] = {
        "name", "state",  "version",        "position",   "lag",     "events",
        "late", "errors", "failedPosition", "failedNode", "failure", NULL};
    struct ever_slice body = text_slice(&session->response.body);
    struct json_value answer = json_value_of(body);
    struct text out = {0};
    if (session->for_people && answer.kind == JSON_ARRAY) {
        table_add(&out, answer, columns);
    } else {
        event_text_add(&out, body, false);
    }
    terminal_write(text_slice(&out));
    text_deinit(&out);
}

enum exit_code flow_list_run(const struct arguments *arguments)
{
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    struct client_request request = {.method = "GET", .target = "/flows"};
    bool done = session_call_json(&session, &request);
    if (done) {
        print(&session);
    }
    session_close(&session);
    return done ? EXIT_DONE : EXIT_FAILED;
}
