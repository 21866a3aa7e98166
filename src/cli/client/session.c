#include "cli/client/session.h"

#include "base/json.h"
#include "base/slice.h"
#include "cli/output/terminal.h"

static void *run_server(void *arg)
{
    server_run(arg);
    return NULL;
}

/* Starts a server in this process; *out_url is its address. */
static bool start_own_server(const struct arguments *arguments, enum session_use use,
                             struct session *session, struct text *out_url)
{
    struct server_options options = {
        .app_dir = arguments_text(arguments, SESSION_APP, NULL),
        .data_dir = arguments_text(arguments, SESSION_DATA, NULL),
        .host = "127.0.0.1",
        .data_must_exist = use == SESSION_READS,
    };
    struct ever_err err = server_start(&options, &session->report, &session->server);
    terminal_report(&session->report); /* why it failed, or warnings */
    text_clear(&session->report);
    if (!IS_OK(err)) {
        return false;
    }
    text_printf(out_url, "http://127.0.0.1:%u", server_port(session->server));
    if (pthread_create(&session->server_thread, NULL, run_server, session->server) != 0) {
        server_stop(session->server);
        server_run(session->server);
        server_destroy(session->server);
        session->server = NULL;
        (void)terminal_fail("cannot start a thread"); /* the code is the caller's */
        return false;
    }
    return true;
}

bool session_open(const struct arguments *arguments, enum session_use use,
                  struct session *out_session)
{
    *out_session = (struct session){.for_people = terminal_is_for_people() &&
                                                  !arguments_has(arguments, SESSION_JSON)};
    struct text url = {0};
    bool is_own = arguments_has(arguments, SESSION_APP) || arguments_has(arguments, SESSION_DATA);
    if (!is_own) {
        text_add_text(&url, arguments_text(arguments, SESSION_URL, CLIENT_URL_DEFAULT));
    } else if (!start_own_server(arguments, use, out_session, &url)) {
        text_deinit(&url);
        text_deinit(&out_session->report);
        return false;
    }
    struct ever_err err = client_open(url.data, &out_session->report, &out_session->client);
    text_deinit(&url);
    if (!IS_OK(err)) {
        (void)session_fail(out_session); /* the code is the caller's */
        session_close(out_session);
        return false;
    }
    return true;
}

void session_close(struct session *session)
{
    client_close(session->client);
    if (session->server != NULL) {
        server_stop(session->server);
        (void)pthread_join(session->server_thread, NULL); /* fails only for a thread not ours */
        server_destroy(session->server);
    }
    client_response_deinit(&session->response);
    text_deinit(&session->report);
}

enum exit_code session_fail(struct session *session)
{
    enum exit_code code = terminal_fail("%s", session->report.data);
    text_clear(&session->report);
    return code;
}

enum exit_code session_refused(const struct session *session)
{
    struct text sentence = {0};
    client_explain(session->client, &session->response, &sentence);
    enum exit_code code = terminal_fail("%s", sentence.data);
    text_deinit(&sentence);
    return code;
}

bool session_call(struct session *session, const struct client_request *request)
{
    struct ever_err err =
        client_call(session->client, request, &session->response, &session->report);
    if (!IS_OK(err)) {
        (void)session_fail(session); /* the code is the caller's */
        return false;
    }
    if (session->response.status >= 300) {
        (void)session_refused(session); /* as above */
        return false;
    }
    return true;
}

bool session_call_json(struct session *session, const struct client_request *request)
{
    if (!session_call(session, request)) {
        return false;
    }
    struct ever_slice body = text_slice(&session->response.body);
    if (body.size > 0 && json_check(body, NULL)) {
        return true;
    }
    (void)terminal_fail("%s answered with something that is not JSON",
                        client_url(session->client)); /* as above */
    return false;
}
