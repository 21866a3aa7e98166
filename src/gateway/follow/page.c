#include "gateway/follow/page.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"
#include "gateway/follow/damage.h"
#include "gateway/gateway_priv.h"
#include "gateway/links.h"
#include "gateway/wire/event_json.h"

struct page { /* in the call's arena */
    struct turn turn;
    struct call *call;
    struct reading reading;
    struct ever_cursor *cursor;
    struct text body;
    uint64_t count;
    struct page_bounds bounds;
    struct damage damage; /* where it failed */
    bool abandoned;       /* nobody waits for it any more */
};

enum slice_end { PAGE_COMPLETE, PAGE_GOES_ON, PAGE_FAILED };

static void write_head(struct page *page)
{
    if (page->reading.of_stream) {
        text_add(&page->body, SLICE_LITERAL("{\"stream\":"));
        json_write_string(&page->body, page->reading.read.stream);
        text_add(&page->body, SLICE_LITERAL(",\"events\":["));
    } else {
        text_add(&page->body, SLICE_LITERAL("{\"events\":["));
    }
}

static void write_tail(struct page *page, struct ever_slice next)
{
    text_add_byte(&page->body, ']');
    if (!page->reading.of_stream) {
        text_add(&page->body, SLICE_LITERAL(",\"position\":"));
        text_add_u64(&page->body, page->reading.position);
    }
    if (next.size > 0) {
        text_add(&page->body, SLICE_LITERAL(",\"next\":"));
        json_write_string(&page->body, next);
    }
    text_add_byte(&page->body, '}');
}

static uint64_t number_of(const struct page *page, const struct ever_event *event)
{
    return page->reading.of_stream ? event->revision : event->position;
}

static void add_event(struct page *page, const struct ever_event *event)
{
    if (page->count > 0) {
        text_add_byte(&page->body, ',');
    }
    event_write(&page->body, event, EVENT_AS_STORED);
    page->count++;
    page->bounds.last = number_of(page, event);
    if (page->bounds.empty) {
        page->bounds.first = page->bounds.last;
        page->bounds.empty = false;
    }
}

static bool is_full(const struct page *page)
{
    return page->count == page->reading.limit || page->body.size >= PAGE_BYTES_MAX;
}

/* A page ends before damage, so that all before it can be read. The next page begins at it, and can
 * only say where it is. */
static enum slice_end stop_at_fault(struct page *page, struct ever_err err)
{
    if (err.code != EVER_CORRUPT || !damage_find(page->cursor, &page->reading, &page->damage)) {
        return PAGE_FAILED;
    }
    if (page->damage.from == 0) {
        return PAGE_COMPLETE; /* it lies behind the page */
    }
    page->bounds.cut = page->count > 0;
    return page->bounds.cut ? PAGE_COMPLETE : PAGE_FAILED;
}

/* A cursor that has caught up stands behind everything that belongs to the page: what came since
 * the request was read is beyond reading.last. */
static enum slice_end read_slice(struct page *page, struct ever_err *out_err)
{
    size_t start = page->body.size;
    ever_cursor_allow(page->cursor, TURN_LOOKS_MAX, TURN_LOOK_BYTES_MAX);
    for (unsigned i = 0; i < TURN_EVENTS_MAX && page->body.size - start < TURN_BYTES_MAX; i++) {
        const struct ever_event *event;
        struct ever_err err = ever_next(page->cursor, &event);
        if (err.code == EVER_END) {
            return PAGE_COMPLETE;
        }
        if (err.code == EVER_AGAIN) {
            return reading_is_over(&page->reading, page->cursor) ? PAGE_COMPLETE : PAGE_GOES_ON;
        }
        if (!IS_OK(err)) {
            *out_err = err;
            return stop_at_fault(page, err);
        }
        if (!page->reading.read.backward && number_of(page, event) > page->reading.last) {
            return PAGE_COMPLETE;
        }
        add_event(page, event);
        if (is_full(page)) {
            page->bounds.cut = true;
            return PAGE_COMPLETE;
        }
    }
    return PAGE_GOES_ON;
}

static void finish(struct page *page, enum slice_end end, struct ever_err err)
{
    struct text body = page->body; /* the page goes with its call */
    ever_cursor_close(page->cursor);
    if (end == PAGE_FAILED && page->damage.from != 0) {
        damage_answer(page->call, page->damage);
    } else if (end == PAGE_FAILED) {
        call_read_failed(page->call, err);
    } else {
        write_tail(page, links_add(page->call, &page->reading, &page->bounds));
        body = page->body;
        call_answer_text(page->call, 200, &body);
    }
    text_deinit(&body);
}

static void run(struct turn *turn)
{
    struct page *page = (struct page *)((char *)turn - offsetof(struct page, turn));
    struct ever_err err = ERR_OK;
    enum slice_end end = page->abandoned ? PAGE_COMPLETE : read_slice(page, &err);
    if (end == PAGE_GOES_ON) {
        turns_add(&page->call->gateway->turns, &page->turn);
    } else {
        finish(page, end, err);
    }
}

static void abandon(void *arg)
{
    struct page *page = arg;
    page->abandoned = true;
}

void page_start(struct call *call, const struct reading *reading)
{
    struct page *page = arena_alloc_zero(call->arena, sizeof *page);
    page->turn.run = run;
    page->call = call;
    page->reading = *reading;
    page->bounds.empty = true;
    struct ever_err err =
        ever_cursor_open(call->gateway->parts.store, &reading->read, &page->cursor);
    if (!IS_OK(err)) {
        call_read_failed(call, err);
        return;
    }
    http_on_abandoned(call->exchange, abandon, page);
    write_head(page);
    run(&page->turn);
}
