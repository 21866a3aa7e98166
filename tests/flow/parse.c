/* parse.c - marble text alone. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static void put_frame(struct text *text, flow_time at)
{
    if (at == FLOW_NEVER) {
        text_put(text, "null");
    } else {
        text_put(text, "%.15g", (double)at / 1000);
    }
}

static void print_messages(const char *diagram, struct text *text)
{
    size_t count = 0;
    struct flow_message *messages = calloc(strlen(diagram) + 1, sizeof *messages);
    if (!flow_marble_parse(diagram, messages, &count)) {
        text_put(text, "null");
        free(messages);
        return;
    }
    text_put(text, "[");
    for (size_t i = 0; i < count; i++) {
        text_put(text, "%s[", i == 0 ? "" : ",");
        put_frame(text, messages[i].at);
        if (messages[i].kind == FLOW_KIND_NEXT) {
            text_put(text, ",\"N\",\"%c\"]", (char)messages[i].v.i);
        } else if (messages[i].kind == FLOW_KIND_ERROR) {
            text_put(text, ",\"E\",\"error\"]");
        } else {
            text_put(text, ",\"C\"]");
        }
    }
    text_put(text, "]");
    free(messages);
}

static void print_subscription(const char *diagram, struct text *text)
{
    struct flow_span span = {0};
    bool readable = flow_marble_parse_sub(diagram, &span);
    text_put(text, "[");
    put_frame(text, readable ? span.from : FLOW_NEVER);
    text_put(text, ",");
    put_frame(text, readable ? span.to : FLOW_NEVER);
    text_put(text, "]");
}

static void print_wanted(const struct jv *line, bool subscription, struct text *text)
{
    const struct jv *null = &(const struct jv){.kind = JV_NULL};
    if (!subscription) {
        text_put_jv(text, jv_get(line, "messages") != NULL ? jv_get(line, "messages") : null);
        return;
    }
    const struct jv *ends[2] = {jv_get(line, "from"), jv_get(line, "to")};
    text_put(text, "[");
    for (size_t i = 0; i < 2; i++) {
        bool number = ends[i] != NULL && ends[i]->kind == JV_NUMBER;
        text_put(text, i == 0 ? "" : ",");
        text_put_jv(text, number ? ends[i] : null);
    }
    text_put(text, "]");
}

bool run_parse(const struct jv *line, struct text *report)
{
    bool subscription = jv_is(jv_get(line, "kind"), "subscription");
    const char *diagram = jv_get(line, "marble")->text;
    struct text got = {0};
    struct text wanted = {0};
    if (subscription) {
        print_subscription(diagram, &got);
    } else {
        print_messages(diagram, &got);
    }
    print_wanted(line, subscription, &wanted);
    bool same = strcmp(got.bytes, wanted.bytes) == 0;
    if (!same) {
        text_put(report, "  wanted %s\n  got    %s\n", wanted.bytes, got.bytes);
    }
    free(got.bytes);
    free(wanted.bytes);
    return same;
}
