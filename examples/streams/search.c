/* search.c - a search box: ask when the typing pauses, and forget answers to old questions.
 *
 *     keys     -c-ca-cat------cats------------
 *     paused   ------------cat-----cats-------     debounce_time(30ms), distinct_until_changed
 *     answers  -----------------------------A-     switch_map: the answer for "cat" came too late
 *
 * The server is a timer here: it answers after 100 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

static flow_val answer_for(struct flow_loop *loop, void *ud, flow_val v)
{
    const char *question = ud;
    char *text = flow_alloc(loop, 64);
    (void)v; /* the timer's number */
    snprintf(text, 64, "results for \"%s\"", question);
    return flow_ptr(text);
}

/* The question outlives the event that asked it: it is copied into the request's region. */
static struct flow_stream *ask_server(struct flow_loop *loop, void *ud, flow_val question)
{
    struct flow_region *request = flow_here(loop);
    char *kept = strdup(question.p);
    (void)ud; /* none */
    flow_own(request, kept, free);
    struct flow_stream *reply = flow_timer(request, FLOW_MS(100), FLOW_NEVER);
    return flow_map(reply, &flow_text, answer_for, kept);
}

static bool is_long_enough(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)loop; /* nothing to make */
    (void)ud;
    return strlen(v.p) >= 2;
}

static void show(struct flow_loop *loop, void *ud, flow_val v)
{
    (void)ud; /* none */
    printf("%3d ms: %s\n", (int)(flow_now(loop) / 1000), (const char *)v.p);
}

int main(void)
{
    static const struct {
        int at_ms;
        const char *text;
    } typed[] = {{0, "c"}, {10, "ca"}, {20, "cat"}, {70, "cats"}, {80, "cat"}, {90, "cats"}};
    struct flow_loop *loop = flow_loop_new();
    struct flow_region *region = flow_region_new(loop);
    struct flow_subject *keys = flow_subject_new(region, &flow_text, NULL);

    struct flow_stream *s = flow_subject_stream(keys);
    s = flow_debounce_time(s, FLOW_MS(30));
    s = flow_filter(s, is_long_enough, NULL);
    s = flow_distinct_until_changed(s, NULL, NULL);
    s = flow_switch_map(s, &flow_text, ask_server, NULL);
    flow_subscribe(s, &(struct flow_observer){.next = show});

    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        flow_advance(loop, FLOW_MS(typed[i].at_ms));
        flow_next(keys, flow_ptr(typed[i].text));
    }
    flow_advance(loop, FLOW_MS(500));
    int failed = flow_region_error(region);
    flow_loop_free(loop);
    return failed;
}
