/* session.h - one command's conversation with a server: one that runs, or one of its own.
 *
 * With --app or --data the command starts the same server inside itself, on a port the system
 * picks, and speaks HTTP to it: so there is one way to do each thing. */
#pragma once
#include "cli/arguments.h"
#include "cli/client/client.h"
#include "cli/server/server.h"

#include <pthread.h>

enum session_option {
    SESSION_URL,
    SESSION_APP,
    SESSION_DATA,
    SESSION_JSON,
    SESSION_OPTION_COUNT, /* a command's own options begin here */
};
#define SESSION_URL_OPTION                                                                         \
    [SESSION_URL] = {.name = "url",                                                                \
                     .value = "URL",                                                               \
                     .variable = "EVERFOLD_URL",                                                   \
                     .help = "the server; " CLIENT_URL_DEFAULT " unless given"}
#define SESSION_JSON_OPTION                                                                        \
    [SESSION_JSON] = {.name = "json",                                                              \
                      .help = "print JSON, as it is without a terminal; one value a line"}
#define SESSION_OPTIONS                                                                            \
    SESSION_URL_OPTION,                                                                            \
        [SESSION_APP] = {.name = "app",                                                            \
                         .value = "APP",                                                           \
                         .not_with = "url",                                                        \
                         .help = "use this APP and its data, without a running server"},           \
        [SESSION_DATA] = {.name = "data",                                                          \
                          .value = "DIR",                                                          \
                          .not_with = "url",                                                       \
                          .help = "use this data folder, without a running server"},               \
        SESSION_JSON_OPTION
/* For a command that needs a running server: it knows them to say why not, but does not list them.
 */
#define SESSION_RUNNING_OPTIONS                                                                    \
    SESSION_URL_OPTION, [SESSION_APP] = {.name = "app", .value = "APP"},                           \
                        [SESSION_DATA] = {.name = "data", .value = "DIR"}, SESSION_JSON_OPTION

struct session {
    struct client *client;
    struct client_response response; /* of the last session_call() */
    struct text report;              /* what went wrong last */
    bool for_people;                 /* print for a person */
    struct server *server;           /* NULL: it runs elsewhere */
    pthread_t server_thread;
};

enum session_use {
    SESSION_READS,  /* a data folder must be there */
    SESSION_WRITES, /* it is made */
};

/* False: it was reported. `arguments` are of a command whose options begin with SESSION_OPTIONS. */
bool session_open(const struct arguments *arguments, enum session_use use,
                  struct session *out_session);
void session_close(struct session *session);

/* Sends a request and keeps the whole answer in session->response. False: it failed or the answer
 * is an error, and that was reported. */
bool session_call(struct session *session, const struct client_request *request);
/* The same, with a check that the body is JSON. */
bool session_call_json(struct session *session, const struct client_request *request);

/* Reports what is in session->report. */
enum exit_code session_fail(struct session *session);
/* Reports an answer that is an error. */
enum exit_code session_refused(const struct session *session);
