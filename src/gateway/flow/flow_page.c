#include "gateway/flow/flow_page.h"

#include "base/markup.h"
#include "base/slice.h"
#include "gateway/flow/flow_picture.h"
#include "gateway/html.h"

static const char style[] =
    "<style>"
    "main{max-width:84rem}"
    "h1 .state{font-size:.85rem;vertical-align:middle;margin-left:.5rem;letter-spacing:0}"
    ".live{color:#2c9a4b;border-color:#2c9a4b}.stopped{color:#d13b3b;border-color:#d13b3b}"
    ".building{color:#c2710c;border-color:#c2710c}"
    ".failure{margin-top:1rem;padding:.8rem 1rem;border:1px solid #d13b3b;border-radius:10px;"
    "background:var(--card);white-space:pre-wrap}"
    "[hidden]{display:none!important}"
    ".facts{display:flex;flex-wrap:wrap;gap:.5rem 2.2rem;margin:1.2rem 0 0}"
    ".facts div{min-width:4.5rem}.facts dt{color:var(--soft);font-size:.8rem}"
    ".facts dd{margin:0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}"
    "section{margin-top:1.2rem}"
    ".head{display:flex;align-items:baseline;gap:1rem;flex-wrap:wrap}.head h2{flex:1}"
    "button,select{font:inherit;font-size:.85rem;color:inherit;background:var(--back);"
    "border:1px solid var(--line);border-radius:8px;padding:.15rem .6rem}"
    ".marbles{display:grid;grid-template-columns:minmax(9rem,19rem) 1fr;position:relative}"
    ".marbles ol{list-style:none;margin:0;padding:0}"
    ".marbles li{height:44px;padding:4px .6rem 0 .7rem;border-left:4px solid var(--kind);"
    "line-height:1.2;overflow:hidden}"
    ".marbles li b{display:block;font-size:.86rem;white-space:nowrap;overflow:hidden;"
    "text-overflow:ellipsis}"
    ".marbles li span{font-size:.76rem;color:var(--soft)}"
    ".marbles li output{float:right;font-size:.76rem;font-variant-numeric:tabular-nums}"
    ".marbles canvas{width:100%;display:block}"
    "#tip{position:absolute;pointer-events:none;z-index:1;max-width:26rem;padding:.5rem .7rem;"
    "background:var(--card);border:1px solid var(--line);border-radius:8px;font-size:.8rem;"
    "box-shadow:0 6px 20px #0003}#tip pre{margin:.3rem 0 0;padding:.4rem .5rem;font-size:.75rem;"
    "white-space:pre-wrap;word-break:break-word}"
    ".graph{overflow-x:auto}.graph svg{display:block;margin:-44px auto 0}"
    ".graph .ff-back{fill:none}.graph .ff-flow,.graph .ff-soft{display:none}"
    ":root{--source:#2f6fde;--plain:#7a869a;--state:#8a56d6;--time:#c2710c;--join:#0e8f83;"
    "--script:#b4862b;--emit:#2c9a4b;--bad:#d13b3b}"
    "@media(prefers-color-scheme:dark){:root{--source:#6ea0ff;--plain:#8c98ad;--state:#b48bff;"
    "--time:#f0a24a;--join:#44c4b6;--script:#d9b25a;--emit:#5cc97a;--bad:#ff7b72}}"
    "</style>\n";

static void write_state(struct text *out, const struct flow_status *status)
{
    const char *name = flow_state_name(status->state);
    text_printf(out, "<span class=\"state %s\">%s</span>", name, name);
}

/* --- The list -------------------------------------------------------------------------------- */

static void write_row(struct text *out, const struct flow *flow)
{
    struct flow_status status;
    flow_status(flow, &status);
    text_printf(out, "<tr><td><a href=\"/flows/%s\"><strong>%s</strong></a></td><td>",
                flow_info(flow)->name, flow_info(flow)->name);
    write_state(out, &status);
    text_add_text(out, "</td><td>");
    flow_write_grouped(out, status.events);
    text_add_text(out, "</td><td>");
    flow_write_grouped(out, status.lag);
    text_add_text(out, "</td><td class=\"soft\">");
    markup_write(out, slice_of_text(status.failure));
    text_add_text(out, "</td></tr>\n");
}

void flows_page_write(struct text *out, struct flows *flows)
{
    size_t count = flows == NULL ? 0 : flows_count(flows);
    html_begin(out, "Flows");
    text_add_text(out, style);
    text_add_text(out, "<h1>Flows</h1>\n<p class=\"soft\">Streams made of other streams. "
                       "<a href=\"/\">Home</a></p>\n");
    if (count == 0) {
        text_add_text(out, "<p>None. A file flows/NAME.js declares some.</p>\n");
    } else {
        text_add_text(out, "<section><table>\n<tr class=\"soft\"><td>flow</td><td>state</td>"
                           "<td>events</td><td>lag</td><td></td></tr>\n");
        for (size_t i = 0; i < count; i++) {
            write_row(out, flows_at(flows, i));
        }
        text_add_text(out, "</table></section>\n");
    }
    html_end(out);
}

/* --- One flow -------------------------------------------------------------------------------- */

static void write_heading(struct text *out, const struct flow_info *info,
                          const struct flow_status *status)
{
    text_printf(out, "<h1>%s", info->name);
    write_state(out, status);
    text_add_text(out, "</h1>\n<p class=\"soft\">");
    markup_write(out, slice_of_text(info->file));
    text_printf(out,
                ":%u · version <code>%s</code> · <a href=\"/flows\">All flows</a> · "
                "<a href=\"/\">Home</a></p>\n<div class=\"failure\" id=\"failure\"%s>",
                info->line, info->version, status->failure[0] == '\0' ? " hidden" : "");
    if (status->failed_position > 0) {
        text_printf(out, "<strong>At position <a href=\"/events/%llu\">%llu</a>",
                    (unsigned long long)status->failed_position,
                    (unsigned long long)status->failed_position);
        text_add_text(out, status->failed_node[0] == '\0' ? "" : ", ");
        markup_write(out, slice_of_text(status->failed_node));
        text_add_text(out, ": </strong>");
    }
    markup_write(out, slice_of_text(status->failure));
    text_add_text(out, "</div>\n");
}

static void write_fact(struct text *out, const char *id, const char *label, uint64_t number)
{
    text_printf(out, "<div><dt>%s</dt><dd id=\"%s\">", label, id);
    flow_write_grouped(out, number);
    text_add_text(out, "</dd></div>\n");
}

static void write_facts(struct text *out, const struct flow_status *status)
{
    text_add_text(out, "<dl class=\"facts\">\n");
    write_fact(out, "events", "events made", status->events);
    write_fact(out, "taken", "events taken in", status->roots);
    write_fact(out, "lag", "lag", status->lag);
    write_fact(out, "position", "position", status->position);
    write_fact(out, "late", "late", status->late);
    write_fact(out, "errors", "errors", status->errors);
    write_fact(out, "keys", "keys", status->keys);
    write_fact(out, "bytes", "bytes of state", status->bytes);
    text_add_text(out, "<div><dt>watermark</dt><dd id=\"watermark\">–</dd></div>\n</dl>\n");
}

static void write_marble_row(struct text *out, const struct flow_drawing *drawing, size_t node)
{
    const char *kind = flow_drawing_node_kind(drawing, node);
    text_printf(out, "<li style=\"--kind:var(--%s)\" data-kind=\"%s\" data-node=\"", kind, kind);
    markup_write(out, flow_drawing_node_name(drawing, node));
    text_add_text(out, "\"><b>");
    markup_write(out, flow_drawing_node_title(drawing, node));
    struct ever_slice detail = flow_drawing_node_detail(drawing, node);
    if (strcmp(kind, "source") == 0 && detail.size > 0) { /* tells one source from another */
        text_add_text(out, " · ");
        markup_write(out, detail);
    }
    text_add_text(out, "</b><output></output><span>");
    markup_write(out, flow_drawing_node_name(drawing, node));
    text_add_text(out, "</span></li>\n");
}

static void write_marbles(struct text *out, const struct flow_drawing *drawing)
{
    text_add_text(
        out, "<section><div class=\"head\"><h2>What passes now</h2><span class=\"soft\" "
             "id=\"note\">The diagram needs JavaScript.</span>"
             "<label class=\"soft\">shown <select id=\"span\"><option value=\"0\">as fits</option>"
             "<option value=\"10000\">10 seconds</option><option value=\"60000\">1 minute</option>"
             "<option value=\"600000\">10 minutes</option><option value=\"3600000\">1 hour</option>"
             "<option value=\"86400000\">1 day</option><option value=\"2592000000\">30 days"
             "</option><option value=\"31536000000\">1 year</option></select></label>"
             "<button id=\"pause\">Pause</button></div>\n"
             "<div class=\"marbles\"><ol id=\"rows\">\n");
    for (size_t i = 0; i < flow_drawing_node_count(drawing); i++) {
        write_marble_row(out, drawing, i);
    }
    text_add_text(out, "<li style=\"--kind:var(--bad)\" data-side=\"late\" hidden><b>late</b>"
                       "<output></output><span>missed their window</span></li>\n"
                       "<li style=\"--kind:var(--bad)\" data-side=\"errors\" hidden><b>errors</b>"
                       "<output></output><span>failed and passed over</span></li>\n"
                       "</ol><div id=\"stage\"><canvas></canvas></div><div id=\"tip\" hidden></div>"
                       "</div></section>\n");
}

static void write_links(struct text *out, const char *name)
{
    text_printf(out,
                "<section><h2>Elsewhere</h2><ul>\n"
                "<li><a href=\"/flows/%s/events?direction=backward&amp;limit=20\">The newest 20 "
                "events it has made</a></li>\n"
                "<li><a href=\"/flows/%s/events?side=late\">What came too late</a></li>\n"
                "<li><a href=\"/flows/%s/events?side=errors\">What failed and was passed over"
                "</a></li>\n</ul>\n"
                "<pre>curl -N -H 'Accept: text/event-stream' .../flows/%s/events\n"
                "curl -H 'Accept: text/plain' .../flows/%s</pre></section>\n",
                name, name, name, name, name);
}

void flow_page_write(struct text *out, const struct flow_shown *shown, struct arena *arena)
{
    const struct flow_info *info = flow_info(shown->flow);
    struct flow_drawing *drawing = flow_picture(shown, arena);
    struct flow_status status;
    flow_status(shown->flow, &status);
    html_begin(out, info->name);
    text_add_text(out, style);
    write_heading(out, info, &status);
    write_facts(out, &status);
    if (drawing != NULL) {
        write_marbles(out, drawing);
        text_add_text(out, "<section><h2>How it is made</h2><div class=\"graph\">\n");
        flow_drawings_svg(&drawing, 1, out);
        text_add_text(out, "</div></section>\n");
    }
    write_links(out, info->name);
    text_printf(out, "<script src=\"/assets/flow.js\" data-flow=\"%s\"></script>\n", info->name);
    html_end(out);
}
