/* everfold serve: an APP on a port, until it is stopped. */
#include "base/slice.h"
#include "cli/arguments.h"
#include "cli/output/terminal.h"
#include "cli/server/first_steps.h"
#include "cli/server/server.h"
#include "net/http.h"

#include <stdio.h>

enum { PORT, HOST, DATA, WORKERS, TIME_LIMIT, INSECURE };

#define PORT_DEFAULT 2113
#define HOST_DEFAULT "127.0.0.1"
#define WORKERS_MAX 256
#define TIME_LIMIT_MS_MAX 3600000

static const struct command_option options[] = {
    [PORT] = {.name = "port",
              .value = "N",
              .variable = "EVERFOLD_PORT",
              .help = "listen there; 2113 unless given; 0 lets the system pick one",
              .number_max = UINT16_MAX},
    [HOST] = {.name = "host",
              .value = "ADDRESS",
              .variable = "EVERFOLD_HOST",
              .help = "listen on this address; 127.0.0.1 unless given. There, requests must "
                      "be for this machine: Host is localhost, 127.0.0.1 or [::1]"},
    [DATA] = {.name = "data",
              .value = "DIR",
              .variable = "EVERFOLD_DATA",
              .help = "keep the data there; APP/.everfold unless given"},
    [WORKERS] = {.name = "workers",
                 .value = "N",
                 .variable = "EVERFOLD_WORKERS",
                 .help = "processes that run the deciders; 1 unless given",
                 .number_max = WORKERS_MAX},
    [TIME_LIMIT] = {.name = "time-limit",
                    .value = "MS",
                    .variable = "EVERFOLD_TIME_LIMIT",
                    .help = "the longest a call of a decider may take; 100 unless given",
                    .number_max = TIME_LIMIT_MS_MAX},
    [INSECURE] = {.name = "insecure",
                  .variable = "EVERFOLD_INSECURE",
                  .help = "allow an address that others can reach, though there is neither "
                          "encryption nor a password"},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "APP",
     .help =
         "a folder with deciders, views, flows and routes; without it --data must be given, and "
         "the server keeps events only",
     .optional = true},
    {.name = NULL},
};

static const char *address_of(const struct arguments *arguments)
{
    const char *host = arguments_text(arguments, HOST, HOST_DEFAULT);
    return strcmp(host, "localhost") == 0 ? HOST_DEFAULT : host;
}

static void print_welcome(const struct arguments *arguments, const struct server *server)
{
    const char *host = address_of(arguments);
    struct text url = {0};
    struct text out = {0};
    text_printf(&url, strchr(host, ':') == NULL ? "http://%s:%u" : "http://[%s]:%u", host,
                server_port(server));
    text_printf(&out, "Listening on %s\n", url.data);
    first_steps_add(&out, arguments->parameters[0], url.data);
    terminal_write(text_slice(&out));
    text_deinit(&url);
    text_deinit(&out);
}

static void tell_operator(void *arg, const char *sentence)
{
    (void)arg;                           /* there is one terminal */
    (void)terminal_fail("%s", sentence); /* the server goes on */
}

static enum exit_code run(const struct arguments *arguments)
{
    const char *app = arguments->parameters[0];
    if (app == NULL && !arguments_has(arguments, DATA)) {
        return terminal_usage(arguments->command, "name an APP to serve, or a folder with --data");
    }
    if (!http_is_loopback(slice_of_text(address_of(arguments))) &&
        !arguments_has(arguments, INSECURE)) {
        return terminal_usage(arguments->command,
                              "on %s others could read and write everything: there is neither "
                              "encryption nor a password yet. If that is meant, say --insecure",
                              address_of(arguments));
    }
    struct server_options server_options = {
        .app_dir = app,
        .data_dir = arguments_text(arguments, DATA, NULL),
        .host = address_of(arguments),
        .port = (uint16_t)arguments_number(arguments, PORT, PORT_DEFAULT),
        .workers = (uint32_t)arguments_number(arguments, WORKERS, 0),
        .time_limit_ms = (uint32_t)arguments_number(arguments, TIME_LIMIT, 0),
        .tell = tell_operator,
        .stops_on_signals = true,
    };
    struct text report = {0};
    struct server *server = NULL;
    struct ever_err err = server_start(&server_options, &report, &server);
    terminal_report(&report); /* why it failed, or warnings */
    text_deinit(&report);
    if (!IS_OK(err)) {
        return EXIT_FAILED;
    }
    print_welcome(arguments, server);
    server_run(server);
    server_destroy(server);
    return EXIT_DONE;
}

const struct command cli_serve = {
    .name = "serve",
    .summary = "Run the server of an APP, or of events alone",
    .parameters = parameters,
    .options = options,
    .notes = "SIGINT (Ctrl-C) and SIGTERM stop it cleanly; a second one at once.\n\n"
             "Standard error tells, a line each, what stops, waits or ends while it runs, and "
             "when it is over:\na view, a flow, a worker, a full disk. GET /metrics has the "
             "same as numbers.\n\n"
             "Examples:\n"
             "  everfold serve examples/bank\n"
             "  everfold serve --data events --port 2114\n",
    .run = run,
};
