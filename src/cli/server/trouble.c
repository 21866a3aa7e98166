#include "cli/server/trouble.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS 1000u
#define SENTENCE_BYTES 1200u

struct told { /* of one view or flow */
    bool is_stopped;
    uint64_t skipped;
    char *failure; /* NULL: all was well */
};

struct trouble {
    uv_timer_t timer;
    struct trouble_parts parts;
    struct told *views;
    struct told *flows;
    uint32_t workers_replaced;
    uint64_t refused_full;
    uint32_t write_error;
    bool is_full;
};

static void tell(struct trouble *trouble, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void tell(struct trouble *trouble, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments); /* a longer one is cut */
    va_end(arguments);
    trouble->parts.tell(trouble->parts.arg, sentence);
}

/* --- Views and flows ------------------------------------------------------------------------- */

struct look { /* at one of them */
    const char *kind;
    const char *name;
    bool is_stopped;
    uint64_t failed_position; /* 0: no event's fault */
    uint64_t skipped;
    const char *failure; /* "": all is well */
};

static void tell_stopped(struct trouble *trouble, const struct look *look)
{
    struct text place = {0};
    if (look->failed_position > 0) {
        text_printf(&place, " at position %llu", (unsigned long long)look->failed_position);
    }
    tell(trouble, "the %s %s has stopped%s: %s; the next start tries again", look->kind, look->name,
         place.size == 0 ? "" : place.data, look->failure);
    text_deinit(&place);
}

static void compare(struct trouble *trouble, const struct look *look, struct told *told)
{
    const char *before = told->failure == NULL ? "" : told->failure;
    bool is_same = look->is_stopped == told->is_stopped && look->skipped == told->skipped &&
                   strcmp(look->failure, before) == 0;
    if (is_same) {
        return;
    }
    if (look->is_stopped) {
        tell_stopped(trouble, look);
    } else if (look->skipped > told->skipped) {
        tell(trouble, "the %s %s has passed over an event, %llu in all: %s", look->kind, look->name,
             (unsigned long long)look->skipped, look->failure);
    } else if (look->failure[0] != '\0') {
        tell(trouble, "the %s %s waits: %s", look->kind, look->name, look->failure);
    } else {
        tell(trouble, "the %s %s goes on", look->kind, look->name);
    }
    told->is_stopped = look->is_stopped;
    told->skipped = look->skipped;
    free(told->failure);
    told->failure = look->failure[0] == '\0' ? NULL : mem_copy_text(slice_of_text(look->failure));
}

static void look_at_view(struct trouble *trouble, size_t index)
{
    struct view *view = views_at(trouble->parts.views, index);
    struct view_status status;
    view_status(view, &status);
    struct look look = {
        .kind = "view",
        .name = view_name(view),
        .is_stopped = status.state == VIEW_STOPPED,
        .failed_position = status.failed_position,
        .skipped = status.skipped,
        .failure = status.failure,
    };
    compare(trouble, &look, &trouble->views[index]);
}

static void look_at_flow(struct trouble *trouble, size_t index)
{
    struct flow *flow = flows_at(trouble->parts.flows, index);
    struct flow_status status;
    flow_status(flow, &status);
    struct look look = {
        .kind = "flow",
        .name = flow_info(flow)->name,
        .is_stopped = status.state == FLOW_STOPPED,
        .failed_position = status.failed_position,
        .failure = status.failure,
    };
    compare(trouble, &look, &trouble->flows[index]);
}

static size_t view_count(const struct trouble *trouble)
{
    return trouble->parts.views == NULL ? 0 : views_count(trouble->parts.views);
}

static size_t flow_count(const struct trouble *trouble)
{
    return trouble->parts.flows == NULL ? 0 : flows_count(trouble->parts.flows);
}

/* --- Store and workers ----------------------------------------------------------------------- */

static void look_at_store(struct trouble *trouble)
{
    struct ever_stats stats;
    ever_stats(trouble->parts.store, &stats);
    bool was_refused = stats.refused_full > trouble->refused_full;
    if (was_refused && !trouble->is_full) {
        tell(trouble, "the disk is full: appends are refused until there is room; nothing is lost");
        trouble->is_full = true;
    } else if (trouble->is_full && !stats.is_full) {
        tell(trouble, "the disk has room again: appends are taken");
        trouble->is_full = false;
    }
    if (stats.write_error != 0 && trouble->write_error == 0) {
        tell(trouble, "writing has ended, for the disk failed: reading goes on; start again when "
                      "the disk is sound");
    }
    trouble->refused_full = stats.refused_full;
    trouble->write_error = stats.write_error;
}

static void look_at_workers(struct trouble *trouble)
{
    if (trouble->parts.deciders == NULL) {
        return;
    }
    struct decider_stats stats;
    deciders_stats(trouble->parts.deciders, &stats);
    if (stats.workers_replaced > trouble->workers_replaced) {
        tell(trouble,
             "a worker process was replaced, for it crashed or passed a limit: %u since the start",
             stats.workers_replaced);
    }
    trouble->workers_replaced = stats.workers_replaced;
}

/* --- Looking --------------------------------------------------------------------------------- */

static void look(struct trouble *trouble)
{
    for (size_t i = 0; i < view_count(trouble); i++) {
        look_at_view(trouble, i);
    }
    for (size_t i = 0; i < flow_count(trouble); i++) {
        look_at_flow(trouble, i);
    }
    look_at_store(trouble);
    look_at_workers(trouble);
}

static void on_time(uv_timer_t *timer)
{
    look(timer->data);
}

/* What was so before this start is no news: events passed over then, and a log found damaged. */
static void remember(struct trouble *trouble)
{
    struct ever_stats stats;
    ever_stats(trouble->parts.store, &stats);
    trouble->write_error = stats.write_error;
    for (size_t i = 0; i < view_count(trouble); i++) {
        struct view_status status;
        view_status(views_at(trouble->parts.views, i), &status);
        trouble->views[i].skipped = status.skipped;
        if (status.state != VIEW_STOPPED && status.failure[0] != '\0') {
            trouble->views[i].failure = mem_copy_text(slice_of_text(status.failure));
        }
    }
}

struct trouble *trouble_start(const struct trouble_parts *parts)
{
    struct trouble *trouble = mem_alloc_zero(sizeof *trouble);
    trouble->parts = *parts;
    trouble->views = mem_alloc_zero((view_count(trouble) + 1) * sizeof *trouble->views);
    trouble->flows = mem_alloc_zero((flow_count(trouble) + 1) * sizeof *trouble->flows);
    ASSERT(uv_timer_init(parts->loop, &trouble->timer) == 0);
    trouble->timer.data = trouble;
    ASSERT(uv_timer_start(&trouble->timer, on_time, LOOK_EVERY_MS, LOOK_EVERY_MS) == 0);
    remember(trouble);
    return trouble;
}

static void timer_closed(uv_handle_t *handle)
{
    struct trouble *trouble = handle->data;
    for (size_t i = 0; i < view_count(trouble); i++) {
        free(trouble->views[i].failure);
    }
    for (size_t i = 0; i < flow_count(trouble); i++) {
        free(trouble->flows[i].failure);
    }
    free(trouble->views);
    free(trouble->flows);
    free(trouble);
}

void trouble_stop(struct trouble *trouble)
{
    if (trouble == NULL) {
        return;
    }
    look(trouble);
    uv_close((uv_handle_t *)&trouble->timer, timer_closed);
}
