/* server.h - the server: log, store, views, deciders and gateway of one APP, wired together.
 *
 *     opened --server_start()--> listening --stop asked--> closing --> server_run() returns
 *
 * Threads: server_run() is the loop; server_stop() may be called from any thread. */
#pragma once
#include "base/err.h"
#include "base/text.h"

struct server;

struct server_options {
    const char *app_dir;  /* NULL: a bare store, without deciders and views */
    const char *data_dir; /* NULL: .everfold in app_dir; one of the two must be given */
    const char *host;
    uint16_t port;          /* 0: the system picks one */
    uint32_t workers;       /* JavaScript processes; 0: one */
    uint32_t time_limit_ms; /* of one call of a decider; 0: the deciders' own */
    /* Called on the loop's thread with one sentence about what goes wrong while it runs, or is over
     * (trouble.h); `tell` NULL: nobody wants to know. */
    void (*tell)(void *arg, const char *sentence);
    void *tell_arg;
    bool stops_on_signals; /* SIGINT and SIGTERM: a clean stop; a second one: at once */
    bool
        data_must_exist; /* for who only reads: a mistyped folder must not look like an empty one */
};

/* Opens everything and listens. On failure `report` has sentences for a person, one on each line,
 * that name the cause and the way out. On success it has warnings, or nothing. */
struct ever_err server_start(const struct server_options *options, struct text *report,
                             struct server **out_server);
void server_run(struct server *server);     /* until it has stopped */
void server_stop(struct server *server);    /* asks it to stop; any thread */
void server_destroy(struct server *server); /* NULL-safe; after server_run() has returned */

uint16_t server_port(const struct server *server);
