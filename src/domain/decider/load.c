#include "domain/decider/load.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

/* A piece is folded in one call, which has to keep the time limit. */
#define PIECE_EVENTS_MAX 512u
#define PIECE_BYTES_MAX (256u << 10)

void event_loader_restart(struct event_loader *loader, uint64_t from)
{
    ever_cursor_close(loader->cursor);
    loader->cursor = NULL;
    loader->from = from;
    loader->last = (int64_t)from - 1;
    loader->complete = false;
    text_clear(&loader->events);
}

void event_loader_deinit(struct event_loader *loader)
{
    ever_cursor_close(loader->cursor);
    text_deinit(&loader->events);
}

static bool is_handled(const struct decider_info *decider, struct ever_slice type)
{
    for (size_t i = 0; i < decider->event_type_count; i++) {
        if (slice_is(type, decider->event_types[i])) {
            return true;
        }
    }
    return false;
}

static void write_tags(struct text *out, const struct ever_event *event)
{
    text_add_text(out, ",\"tags\":[");
    for (uint32_t i = 0; i < event->tag_count; i++) {
        text_add_text(out, i == 0 ? "" : ",");
        json_write_string(out, event->tags[i]);
    }
    text_add_byte(out, ']');
}

static void write_event(struct text *out, const struct decider_info *decider,
                        const struct ever_event *event)
{
    text_add_text(out, "{\"type\":");
    json_write_string(out, event->type);
    /* Programs that embed the store can have said JSON of what is none. */
    if (is_handled(decider, event->type) && event->content == EVER_JSON &&
        json_check(event->data, NULL)) {
        text_add_text(out, ",\"data\":");
        text_add(out, event->data);
    }
    if (event->tag_count > 0) {
        write_tags(out, event);
    }
    text_add_byte(out, '}');
}

static struct ever_err open_cursor(struct event_loader *loader)
{
    if (loader->cursor != NULL) {
        return ERR_OK;
    }
    struct ever_read read = {.stream = loader->stream, .from = loader->from};
    return ever_cursor_open(loader->store, &read, &loader->cursor);
}

/* Adds one event; EVER_END when it has none for this piece. */
static struct ever_err read_one(struct event_loader *loader)
{
    const struct ever_event *event;
    struct ever_err err = ever_next(loader->cursor, &event);
    if (err.code == EVER_END && loader->until_revision == INT64_MAX) {
        loader->complete = true;
        return err;
    }
    if (err.code == EVER_END) {
        return FAIL(EVER_CORRUPT, "an event of the stream is missing");
    }
    TRY(err);
    if (event->position > loader->until_position) {
        loader->complete = true;
        return FAIL(EVER_END, "events behind the position wanted");
    }
    if (event->revision != (uint64_t)(loader->last + 1)) {
        return FAIL(EVER_CORRUPT, "revisions of the stream are not dense");
    }
    text_add_text(&loader->events, loader->events.size == 1 ? "" : ",");
    write_event(&loader->events, loader->decider, event);
    loader->last = (int64_t)event->revision;
    loader->complete = loader->last == loader->until_revision;
    return ERR_OK;
}

static struct ever_err read_piece(struct event_loader *loader)
{
    TRY(open_cursor(loader));
    for (uint32_t count = 0; count < PIECE_EVENTS_MAX && !loader->complete; count++) {
        struct ever_err err = read_one(loader);
        if (err.code == EVER_END) {
            return ERR_OK;
        }
        TRY(err);
        if (loader->events.size > PIECE_BYTES_MAX) {
            return ERR_OK;
        }
    }
    return ERR_OK;
}

void event_loader_read(struct event_loader *loader)
{
    ASSERT(!loader->complete);
    loader->from = (uint64_t)(loader->last + 1);
    text_clear(&loader->events);
    text_add_byte(&loader->events, '[');
    loader->err = read_piece(loader);
    text_add_byte(&loader->events, ']');
}
