#include "gateway/index_page.h"

#include "base/markup.h"
#include "base/slice.h"
#include "gateway/html.h"
#include "gateway/operations/views.h"
#include "gateway/routes.h"

static void write_link(struct text *out, const char *url, const char *label)
{
    text_printf(out, "<li><a href=\"%s\">", url);
    markup_write(out, slice_of_text(label));
    text_add_text(out, "</a></li>\n");
}

static void write_header(struct text *out, const struct ever_stats *stats)
{
    text_printf(out,
                "<h1>Everfold</h1>\n<p class=\"soft\">Events for ever, state as a fold. "
                "Version " EVERFOLD_VERSION ". The log holds %llu event%s%s.</p>\n",
                (unsigned long long)stats->last_position, stats->last_position == 1 ? "" : "s",
                stats->write_error == 0 ? "" : " and takes no more: the disk has failed");
}

/* What to paste into a shell: only what a host name and a port are made of gets there. */
static void write_address(struct text *out, struct ever_slice host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-:[]";
    bool plain = host.size > 0;
    for (size_t i = 0; i < host.size; i++) {
        plain = plain && host.data[i] != '\0' && strchr(allowed, host.data[i]) != NULL;
    }
    text_add_text(out, "http://");
    text_add(out, plain ? host : SLICE_LITERAL("localhost:2113"));
}

static void write_log(struct text *out, struct ever_slice host)
{
    text_add_text(out, "<section><h2>The log</h2>\n<ul>\n");
    write_link(out, "/events?direction=backward&amp;limit=20", "The newest 20 events");
    write_link(out, "/events", "All events from the first on");
    text_add_text(out, "</ul>\n<p class=\"soft\">Follow it:</p>\n"
                       "<pre>curl -N -H 'Accept: text/event-stream' \\\n     ");
    write_address(out, host);
    text_add_text(out,
                  "/events</pre>\n<p class=\"soft\">Or ask a question about what is to come:</p>\n"
                  "<pre>curl -N -H 'Content-Type: text/javascript' \\\n     --data \""
                  "from().pipe(bufferTime(1000), map(all =&gt; all.length))\" ");
    write_address(out, host);
    text_add_text(out, "/live</pre></section>\n");
}

static void write_server(struct text *out)
{
    text_add_text(out, "<section><h2>The server</h2>\n<ul>\n");
    write_link(out, "/health/ready", "Health");
    write_link(out, "/metrics", "Metrics");
    write_link(out, "/openapi.json", "The API, as OpenAPI 3.1");
    write_link(out, "/problems", "What errors mean");
    text_add_text(out, "</ul></section>\n");
}

static void write_deciders(struct text *out, const struct deciders *deciders)
{
    text_add_text(out, "<section><h2><a href=\"/deciders\">Deciders</a></h2>\n");
    size_t count = deciders == NULL ? 0 : deciders_count(deciders);
    if (count == 0) {
        text_add_text(out, "<p class=\"soft\">None. A file deciders/NAME.js makes one.</p>\n");
    }
    for (size_t i = 0; i < count; i++) {
        const struct decider_info *decider = deciders_at(deciders, i);
        text_printf(out, "<p><strong>%s</strong> <span class=\"soft\">", decider->name);
        for (size_t k = 0; k < decider->command_count; k++) {
            text_add_text(out, k == 0 ? "" : ", ");
            markup_write(out, slice_of_text(decider->commands[k]));
        }
        text_printf(out, "</span><br><a href=\"/events?category=%s\">its events</a></p>\n",
                    decider->name);
    }
    text_add_text(out, "</section>\n");
}

static void write_query(struct text *out, const char *view, const struct view_query_info *query)
{
    text_add_text(out, "<li>");
    if (query->argument_count == 0) {
        text_printf(out, "<a href=\"/views/%s/", view);
        name_write_encoded(out, slice_of_text(query->name));
        text_add_text(out, "\">");
    }
    text_add_text(out, "<code>");
    markup_write(out, slice_of_text(query->name));
    text_add_byte(out, '(');
    for (size_t i = 0; i < query->argument_count; i++) {
        text_add_text(out, i == 0 ? "" : ", ");
        markup_write(out, slice_of_text(query->arguments[i]));
    }
    text_add_text(out, query->argument_count == 0 ? ")</code></a></li>\n" : ")</code></li>\n");
}

static void write_views(struct text *out, struct views *views)
{
    text_add_text(out, "<section><h2><a href=\"/views\">Views</a></h2>\n");
    size_t count = views == NULL ? 0 : views_count(views);
    if (count == 0) {
        text_add_text(out, "<p class=\"soft\">None. A file views/NAME.sql makes one.</p>\n");
    }
    for (size_t i = 0; i < count; i++) {
        const struct view *view = views_at(views, i);
        struct view_status status;
        view_status(view, &status);
        text_printf(out,
                    "<p><a href=\"/views/%s\"><strong>%s</strong></a> <span class=\"state\">%s at "
                    "%llu</span></p>\n<ul>\n",
                    view_name(view), view_name(view), view_state_name(status.state),
                    (unsigned long long)status.position);
        for (size_t k = 0; k < view_query_count(view); k++) {
            write_query(out, view_name(view), view_query_at(view, k));
        }
        text_add_text(out, "</ul>\n");
    }
    text_add_text(out, "</section>\n");
}

static void write_flows(struct text *out, struct flows *flows)
{
    text_add_text(out, "<section><h2><a href=\"/flows\">Flows</a></h2>\n");
    size_t count = flows == NULL ? 0 : flows_count(flows);
    if (count == 0) {
        text_add_text(out, "<p class=\"soft\">None. A file flows/NAME.js declares some.</p>\n");
    }
    for (size_t i = 0; i < count; i++) {
        const struct flow *flow = flows_at(flows, i);
        struct flow_status status;
        flow_status(flow, &status);
        text_printf(out,
                    "<p><a href=\"/flows/%s\"><strong>%s</strong></a> <span class=\"state\">%s at "
                    "%llu</span><br><a href=\"/flows/%s/events\">its events</a></p>\n",
                    flow_info(flow)->name, flow_info(flow)->name, flow_state_name(status.state),
                    (unsigned long long)status.position, flow_info(flow)->name);
    }
    text_add_text(out, "</section>\n");
}

static void write_route(struct text *out, const struct route *route)
{
    text_printf(out, "<tr><td><code>%s</code></td><td><code>", method_name(route->method));
    markup_write(out, route->pattern);
    text_add_text(out, "</code></td><td class=\"soft\">");
    if (route->decider != NULL) {
        text_printf(out, "command %s.", route->decider->name);
        markup_write(out, route->command);
    } else {
        text_printf(out, "query %s.", view_name(route->view));
        markup_write(out, slice_of_text(route->query->name));
    }
    text_add_text(out, "</td></tr>\n");
}

static void write_routes(struct text *out, const struct routes *routes)
{
    if (routes_count(routes) == 0) {
        return;
    }
    text_add_text(out, "<section class=\"wide\"><h2>Routes</h2>\n<table>\n");
    for (size_t i = 0; i < routes_count(routes); i++) {
        write_route(out, routes_at(routes, i));
    }
    text_add_text(out, "</table></section>\n");
}

static void write_first_steps(struct text *out, struct ever_slice host)
{
    text_add_text(out, "<section class=\"wide\"><h2>Append an event, read it back</h2>\n"
                       "<pre>curl -i ");
    write_address(out, host);
    text_add_text(out, "/streams/note-1 -H 'Content-Type: application/json' \\\n"
                       "     -d '{\"type\":\"Noted\",\"data\":{\"text\":\"hello\"}}'\n"
                       "curl -i ");
    write_address(out, host);
    text_add_text(out, "/streams/note-1</pre></section>\n");
}

void index_page_write(struct text *out, const struct gateway *gateway, struct ever_slice host)
{
    struct ever_stats stats;
    ever_stats(gateway->parts.store, &stats);
    html_begin(out, "Everfold");
    write_header(out, &stats);
    text_add_text(out, "<div class=\"cards\">\n");
    write_log(out, host);
    write_server(out);
    write_deciders(out, gateway->parts.deciders);
    write_views(out, gateway->parts.views);
    write_flows(out, gateway->parts.flows);
    write_routes(out, gateway->routes);
    write_first_steps(out, host);
    text_add_text(out, "</div>\n");
    html_end(out);
}
