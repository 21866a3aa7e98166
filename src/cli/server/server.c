#include "cli/server/server.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cli/server/start_report.h"
#include "cli/server/trouble.h"
#include "cli/server/view_origins.h"
#include "domain/flow/flows.h"
#include "gateway/gateway.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct server {
    struct server_options options;
    char *data_dir;
    char *views_dir;
    char *flows_dir;
    uv_loop_t loop;
    uv_async_t stop_asked;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    bool stopping;
    /* From here on in the order they are opened; closed the other way round. */
    struct app *app;
    struct ever *store;
    struct views *views;
    struct flows *flows;
    struct deciders *deciders;
    struct gateway *gateway;
    struct trouble *trouble;
};

/* --- Stopping: gateway, then deciders, then the loop is empty -------------------------------- */

static void close_handles(struct server *server)
{
    uv_close((uv_handle_t *)&server->stop_asked, NULL);
    uv_close((uv_handle_t *)&server->interrupt, NULL);
    uv_close((uv_handle_t *)&server->terminate, NULL);
}

static void on_deciders_closed(void *arg)
{
    struct server *server = arg;
    server->deciders = NULL;
    close_handles(server);
}

static void close_deciders(struct server *server)
{
    if (server->deciders == NULL) {
        close_handles(server);
    } else {
        deciders_close(server->deciders, on_deciders_closed, server);
    }
}

static void on_gateway_stopped(void *arg)
{
    struct server *server = arg;
    server->gateway = NULL;
    close_deciders(server);
}

static void begin_stop(struct server *server)
{
    if (server->stopping) {
        return;
    }
    server->stopping = true;
    trouble_stop(server->trouble);
    if (server->gateway == NULL) {
        close_deciders(server);
    } else {
        gateway_stop(server->gateway, on_gateway_stopped, server);
    }
}

static void on_stop_asked(uv_async_t *async)
{
    begin_stop(async->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (server->stopping) {
        _exit(128 + number); /* as a shell says of a process that a signal ended */
    }
    begin_stop(server);
}

void server_stop(struct server *server)
{
    (void)uv_async_send(&server->stop_asked); /* fails only on a closing handle: it stops already */
}

void server_run(struct server *server)
{
    (void)uv_run(&server->loop, UV_RUN_DEFAULT); /* 0: no handle is left */
}

void server_destroy(struct server *server)
{
    if (server == NULL) {
        return;
    }
    ASSERT(server->gateway == NULL);
    ASSERT(server->deciders == NULL);
    flows_close(server->flows);
    views_close(server->views);
    ever_close(server->store);
    app_free(server->app);
    int left = uv_loop_close(&server->loop);
    ASSERT(left == 0);
    free(server->data_dir);
    free(server->views_dir);
    free(server->flows_dir);
    free(server);
}

/* --- Starting -------------------------------------------------------------------------------- */

static void init_handle(struct server *server, uv_signal_t *handle, int number)
{
    int status = uv_signal_init(&server->loop, handle);
    ASSERT(status == 0);
    handle->data = server;
    if (server->options.stops_on_signals) {
        status = uv_signal_start(handle, on_signal, number);
        ASSERT(status == 0);
    }
}

static char *join(const char *dir, const char *name)
{
    struct text path = {0};
    text_add_text(&path, dir);
    text_add_text(&path, name);
    return path.data; /* it is never empty */
}

static struct server *make_server(const struct server_options *options)
{
    struct server *server = mem_alloc_zero(sizeof *server);
    server->options = *options;
    server->data_dir = options->data_dir == NULL ? join(options->app_dir, "/.everfold")
                                                 : join(options->data_dir, "");
    server->views_dir = join(server->data_dir, "/views");
    server->flows_dir = join(server->data_dir, "/flows");
    int status = uv_loop_init(&server->loop);
    ASSERT(status == 0);
    status = uv_async_init(&server->loop, &server->stop_asked, on_stop_asked);
    ASSERT(status == 0);
    server->stop_asked.data = server;
    init_handle(server, &server->interrupt, SIGINT);
    init_handle(server, &server->terminate, SIGTERM);
    return server;
}

static bool has_kind(const struct app *app, enum app_file_kind kind)
{
    for (size_t i = 0; i < app->file_count; i++) {
        if (app->files[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool has_store(const struct server *server)
{
    struct text path = {0};
    text_printf(&path, "%s/store", server->data_dir);
    bool has = access(path.data, F_OK) == 0;
    text_deinit(&path);
    return has;
}

static struct ever_err open_store(struct server *server, struct text *report)
{
    if (server->options.data_must_exist && !has_store(server)) {
        text_printf(
            report,
            "there is no data folder of Everfold at %s: serve, append and import make one\n",
            server->data_dir);
        return FAIL(EVER_NOT_FOUND, "data folder");
    }
    struct ever_err err = ever_open(server->data_dir, NULL, &server->store);
    if (err.code == EVER_CORRUPT && server->store != NULL) {
        start_report_damage(server->store, server->data_dir, report);
        return ERR_OK; /* it is served for reading */
    }
    if (!IS_OK(err)) {
        start_report_store(err, server->data_dir, report);
    }
    return err;
}

static struct ever_err open_views(struct server *server, struct text *report)
{
    if (!has_kind(server->app, APP_VIEW)) {
        return ERR_OK;
    }
    size_t before = report->size;
    size_t count;
    struct arena arena;
    arena_init(&arena);
    const struct view_origin *origins = view_origins(server->flows, &arena, &count);
    struct ever_err err = views_open(server->store, server->app, server->views_dir, origins, count,
                                     report, &server->views);
    arena_deinit(&arena);
    if (!IS_OK(err) && report->size == before) {
        start_report_failure(err, "cannot open the views in", server->views_dir, report);
    }
    return err;
}

static struct ever_err open_flows(struct server *server, struct text *report)
{
    if (!flows_wanted(server->app)) {
        return ERR_OK;
    }
    size_t before = report->size;
    struct ever_err err =
        flows_open(server->store, server->app, server->flows_dir, NULL, report, &server->flows);
    if (!IS_OK(err) && report->size == before) {
        start_report_failure(err, "cannot run the flows of", server->options.app_dir, report);
    }
    return err;
}

static struct ever_err open_deciders(struct server *server, struct text *report)
{
    if (!has_kind(server->app, APP_DECIDER) && !has_kind(server->app, APP_ROUTES)) {
        return ERR_OK; /* no JavaScript, no worker */
    }
    struct decider_options options = {.worker_count = server->options.workers,
                                      .time_limit_ms = server->options.time_limit_ms};
    size_t before = report->size;
    struct ever_err err = deciders_open(&server->loop, server->store, server->app, &options, report,
                                        &server->deciders);
    if (!IS_OK(err) && report->size == before) {
        start_report_failure(err, "cannot run the JavaScript of", server->options.app_dir, report);
    }
    return err;
}

static struct ever_err start_gateway(struct server *server, struct text *report)
{
    struct gateway_parts parts = {.loop = &server->loop,
                                  .store = server->store,
                                  .deciders = server->deciders,
                                  .views = server->views,
                                  .flows = server->flows};
    http_options_default(&parts.http);
    parts.http.host = server->options.host;
    parts.http.port = server->options.port;
    size_t before = report->size;
    struct ever_err err = gateway_start(&parts, report, &server->gateway);
    if (!IS_OK(err) && report->size == before) {
        start_report_listen(err, server->options.host, server->options.port, report);
    }
    return err;
}

static void watch_for_trouble(struct server *server)
{
    struct trouble_parts parts = {.loop = &server->loop,
                                  .store = server->store,
                                  .deciders = server->deciders,
                                  .views = server->views,
                                  .flows = server->flows,
                                  .tell = server->options.tell,
                                  .arg = server->options.tell_arg};
    server->trouble = parts.tell == NULL ? NULL : trouble_start(&parts);
}

static struct ever_err open_files(struct server *server, struct text *report)
{
    const char *app_dir = server->options.app_dir;
    if (app_dir == NULL) {
        return ERR_OK;
    }
    TRY(app_load(app_dir, report, &server->app));
    if (!has_kind(server->app, APP_DECIDER) && !has_kind(server->app, APP_VIEW) &&
        !has_kind(server->app, APP_FLOW) && !has_kind(server->app, APP_ROUTES)) {
        text_printf(report,
                    "%s holds no deciders/NAME.js, views/NAME.sql, flows/NAME.js or routes.js: "
                    "events are kept, and that is all\n",
                    app_dir);
    }
    return ERR_OK;
}

/* The faults of views, deciders and flows are told in one start. */
static struct ever_err open_app(struct server *server, struct text *report)
{
    struct ever_err flows_err = open_flows(server, report);
    struct ever_err views_err = open_views(server, report); /* they ask what flows emit */
    struct ever_err deciders_err = open_deciders(server, report);
    TRY(views_err);
    TRY(deciders_err);
    return flows_err;
}

/* In an empty log new flows serve at once, before anybody writes: that their first records come in
 * front of everything else is then no matter of luck. */
static struct ever_err start_flows(struct server *server)
{
    if (server->flows == NULL) {
        return ERR_OK;
    }
    if (ever_last_position(server->store) == 0) {
        TRY(flows_run_to_end(server->flows));
    }
    return flows_start(server->flows);
}

static struct ever_err start_threads(struct server *server)
{
    TRY(server->views == NULL ? ERR_OK : views_start(server->views));
    return start_flows(server);
}

static struct ever_err open_all(struct server *server, struct text *report)
{
    TRY(open_files(server, report));
    TRY(open_store(server, report));
    if (server->app != NULL) {
        TRY(open_app(server, report));
    }
    TRY(start_gateway(server, report));
    watch_for_trouble(server);
    return start_threads(server);
}

struct ever_err server_start(const struct server_options *options, struct text *report,
                             struct server **out_server)
{
    ASSERT(options->app_dir != NULL || options->data_dir != NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that goes away is no reason to end */
    (void)signal(SIGXFSZ, SIG_IGN); /* nor is a limit on the size of files: the write fails */
    struct server *server = make_server(options);
    struct ever_err err = open_all(server, report);
    if (!IS_OK(err)) {
        begin_stop(server);
        server_run(server);
        server_destroy(server);
        return err;
    }
    *out_server = server;
    return ERR_OK;
}

uint16_t server_port(const struct server *server)
{
    return gateway_port(server->gateway);
}
