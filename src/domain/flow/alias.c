#include "domain/flow/alias_priv.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/slice.h"

#include <string.h>

/* --- Reading ---------------------------------------------------------------------------------- */

/* What others may have written there is passed over: it names no version. */
static void read_event(const struct ever_event *event, struct flow_serving *serving)
{
    struct json_value root = json_value_of(event->data);
    struct json_value version;
    struct json_value position;
    int64_t number;
    serving->revision = (int64_t)event->revision;
    if (!slice_is(event->type, FLOW_SERVING_TYPE) ||
        !json_member(root, SLICE_LITERAL("version"), &version) ||
        !json_member(root, SLICE_LITERAL("position"), &position)) {
        return;
    }
    const size_t size = sizeof serving->version - 1;
    if (version.kind == JSON_STRING && version.text.size == size + 2) {
        memcpy(serving->version, version.text.data + 1, size);
    }
    if (position.kind == JSON_NUMBER && json_integer(position, &number) && number >= 0) {
        serving->position = (uint64_t)number;
    }
}

struct ever_err flow_alias_read(struct ever *store, const struct flow_info *info,
                                struct flow_serving *out_serving)
{
    struct flow_serving serving = {.revision = EVER_NO_REVISION};
    struct ever_read read = {
        .stream = slice_of_text(info->alias), .from = UINT64_MAX, .backward = true};
    struct ever_cursor *cursor;
    TRY(ever_cursor_open(store, &read, &cursor));
    const struct ever_event *event;
    struct ever_err err = ever_next(cursor, &event);
    if (IS_OK(err) && event->content == EVER_JSON) {
        read_event(event, &serving);
    }
    ever_cursor_close(cursor);
    if (!IS_OK(err) && err.code != EVER_END) {
        return err;
    }
    *out_serving = serving;
    return ERR_OK;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static struct ever_slice data_of(struct arena *arena, const struct flow_info *info,
                                 uint64_t position)
{
    return arena_printf(arena, "{\"version\":\"%s\",\"stream\":\"%s\",\"position\":%llu}",
                        info->version, info->stream, (unsigned long long)position);
}

static void settle(const struct flow_info *const *infos, struct flow_serving *const *servings,
                   size_t count, uint64_t position)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(servings[i]->version, infos[i]->version, sizeof servings[i]->version);
        servings[i]->position = position;
        servings[i]->revision++;
    }
}

struct ever_err flow_alias_write(struct ever *store, const struct flow_info *const *infos,
                                 struct flow_serving *const *servings, size_t count,
                                 uint64_t position)
{
    struct arena arena;
    arena_init(&arena);
    struct ever_write *writes = arena_alloc_zero(&arena, count * sizeof *writes);
    struct ever_new_event *events = arena_alloc_zero(&arena, count * sizeof *events);
    for (size_t i = 0; i < count; i++) {
        bool is_first = servings[i]->revision == EVER_NO_REVISION;
        events[i].type = SLICE_LITERAL(FLOW_SERVING_TYPE);
        events[i].data = data_of(&arena, infos[i], position);
        writes[i] = (struct ever_write){
            .stream = slice_of_text(infos[i]->alias),
            .expect = is_first ? EVER_NO_STREAM : EVER_EXACT,
            .revision = is_first ? 0 : (uint64_t)servings[i]->revision,
            .events = &events[i],
            .event_count = 1,
        };
    }
    struct ever_result result;
    struct ever_err err = ever_append(store, writes, (uint32_t)count, &result, NULL);
    arena_deinit(&arena);
    TRY(err);
    if (result.outcome != EVER_APPENDED) {
        return FAIL(EVER_BUSY, "say which version of a flow serves");
    }
    settle(infos, servings, count, position);
    return ERR_OK;
}
