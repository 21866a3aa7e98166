/* store_world.c - opening, comparing with the history, appending what comes next. */
#include "sim/store_world.h"

#include "base/slice.h"
#include "unit/unit.h"

#include <string.h>

static void blame(struct world *world, const char *violation)
{
    if (world->violation == NULL) {
        world->violation = violation;
    }
}

struct world world_clone(const struct world *world)
{
    struct world clone = *world;
    clone.disk = disk_clone(world->disk);
    return clone;
}

static int64_t tick(struct env *env)
{
    static int64_t now = 1;
    (void)env; /* one clock for all worlds */
    return now++;
}

static void same_bytes(struct env *env, void *bytes, size_t size)
{
    (void)env; /* only the store's id is random here: all ids of events are given */
    memset(bytes, 7, size);
}

struct ever_err world_open(struct world *world, struct ever **out_store)
{
    static struct env env = {.wall_ns = tick, .monotonic_ns = tick, .random = same_bytes};
    struct store_options options = {
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .no_threads = true};
    return store_open(disk_vfs(world->disk), &env, STORE_DIR, &options, out_store);
}

/* Appends what comes next in the history. */
static struct ever_err append_next(struct world *world, struct ever *store)
{
    uint32_t append = world->acked;
    int64_t revisions[WRITES_MAX];
    struct ever_result result;
    struct ever_err err =
        ever_append(store, history.writes[append], history.write_count[append], &result, revisions);
    world->is_pending = err.code == EVER_UNKNOWN;
    if (!IS_OK(err)) {
        return err;
    }
    if (result.outcome != EVER_APPENDED || result.first_position != history.end[append] + 1 ||
        result.last_position != history.end[append + 1] ||
        memcmp(revisions, history.revisions[append],
               history.write_count[append] * sizeof revisions[0]) != 0) {
        blame(world, "an append was answered wrongly");
    }
    world->acked++;
    return ERR_OK;
}

/* --- Comparing with the history -------------------------------------------------------------- */

static bool is_event(const struct ever_event *event, uint32_t index)
{
    const struct happened *want = &history.events[index];
    return event->position == index + 1 && event->revision == want->revision &&
           event->continues == want->continues && event->content == want->event.content &&
           memcmp(&event->id, &want->event.id, sizeof event->id) == 0 &&
           slice_equal(event->stream, history_stream(want->stream)) &&
           slice_equal(event->type, want->event.type) &&
           slice_equal(event->data, want->event.data) &&
           slice_equal(event->metadata, want->event.metadata) &&
           event->tag_count == want->event.tag_count;
}

/* A disk that fails once fails the call, and no more: the same event comes when it is asked again.
 */
static struct ever_err next_surely(struct world *world, struct ever_cursor *cursor,
                                   const struct ever_event **out_event)
{
    struct ever_err err = ever_next(cursor, out_event);
    return err.code == EVER_IO && world->expects_fault ? ever_next(cursor, out_event) : err;
}

void world_compare_reading(struct world *world, struct ever *store, const struct ever_read *read,
                           bool (*wanted)(uint32_t index, uint32_t arg), uint32_t arg)
{
    uint32_t count = history.end[world->acked];
    struct ever_cursor *cursor;
    const struct ever_event *event;
    assert_ok(ever_cursor_open(store, read, &cursor));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = read->backward ? count - 1 - i : i;
        if (wanted(index, arg) &&
            (!IS_OK(next_surely(world, cursor, &event)) || !is_event(event, index))) {
            blame(world, "a reader misses an event, or gets another one");
            break;
        }
    }
    if (world->violation == NULL && next_surely(world, cursor, &event).code != EVER_END) {
        blame(world, "a reader gets an event too many");
    }
    ever_cursor_close(cursor);
}

static void compare_stream(struct world *world, struct ever *store, uint32_t stream)
{
    struct ever_read read = {.stream = history_stream(stream)};
    int64_t want = EVER_NO_REVISION;
    int64_t last;
    for (uint32_t i = 0; i < history.end[world->acked]; i++) {
        want += history_wants_stream(i, stream) ? 1 : 0;
    }
    if (!IS_OK(ever_last_revision(store, read.stream, &last)) || last != want) {
        blame(world, "a stream has another revision than it should");
    }
    world_compare_reading(world, store, &read, history_wants_stream, stream);
}

static void compare_ids(struct world *world, struct ever *store)
{
    for (uint32_t i = 0; i < history.event_count; i++) {
        uint64_t position;
        struct ever_err err = ever_find(store, history.new_events[i].id, &position);
        bool is_there = i < history.end[world->acked];
        if (is_there ? !IS_OK(err) || position != i + 1 : err.code != EVER_NOT_FOUND) {
            blame(world, "an id is not found, or found too early");
        }
    }
}

/* Who did not hear the answer sends an append again. */
static void compare_repeated(struct world *world, struct ever *store)
{
    for (uint32_t append = 0; append < world->acked; append++) {
        struct ever_result result;
        struct ever_err err =
            ever_append(store, history.writes[append], history.write_count[append], &result, NULL);
        if (!IS_OK(err) || result.outcome != EVER_REPEATED ||
            result.first_position != history.end[append] + 1) {
            blame(world, "an append that was sent again is not recognised");
        }
    }
}

/* All that the log has; each second time also what the index makes of it, which takes longer. */
static void compare_all(struct world *world, struct ever *store)
{
    struct ever_slice tag = slice_of_text("red");
    struct ever_read everything = {.from = 1};
    struct ever_read tagged = {.tags = &tag, .tag_count = 1, .from = UINT64_MAX, .backward = true};
    world_compare_reading(world, store, &everything, history_wants_all, 0);
    world->looked_closely = !world->looked_closely;
    if (!world->looked_closely) {
        return;
    }
    world_compare_reading(world, store, &tagged, history_wants_tagged, 0);
    for (uint32_t stream = 0; stream < STREAMS; stream++) {
        compare_stream(world, store, stream);
    }
    compare_ids(world, store);
    compare_repeated(world, store);
}

/* Where the store ends now. From here on that counts as acknowledged: somebody has seen it. */
static void meet(struct world *world, struct ever *store)
{
    uint64_t last = ever_last_position(store);
    if (world->is_pending && last == history.end[world->acked + 1]) {
        world->acked++;
    }
    world->is_pending = false;
    if (last < history.end[world->acked]) {
        blame(world, "an acknowledged event is lost");
    } else if (last > history.end[world->acked]) {
        blame(world, "an event appeared, or half an append");
    } else if (!world->expects_fault) {
        compare_all(world, store);
    }
}

/* --- The world_work ---------------------------------------------------------------------------- */

/* NULL: the process is dead, or the store cannot be opened. */
static struct ever *open_and_meet(struct world *world)
{
    struct ever *store = NULL;
    struct ever_err err = world_open(world, &store);
    for (int tries = 0; !IS_OK(err) && store == NULL && world->expects_fault && tries < 2;
         tries++) {
        if (err.code == EVER_NO_SPACE) {
            disk_disarm(world->disk);
        }
        err = world_open(world, &store);
    }
    if (disk_is_dead(world->disk)) {
        ever_close(store);
        return NULL;
    }
    if (!IS_OK(err)) {
        blame(world, "the store cannot be opened");
        ever_close(store);
        return NULL;
    }
    meet(world, store);
    return store;
}

/* Where a write has failed nobody knows what the disk has: nothing is built on it. */
static void expect_refusal(struct world *world, struct ever *store)
{
    struct ever_result result;
    uint32_t append = world->acked;
    struct ever_err err =
        ever_append(store, history.writes[append], history.write_count[append], &result, NULL);
    if (IS_OK(err)) {
        blame(world, "a store whose disk has failed goes on writing");
    }
}

/* Appends, whatever it takes: space comes back, a failed disk means to open again. */
static struct ever *append_surely(struct world *world, struct ever *store)
{
    for (int tries = 0; store != NULL && tries < 3; tries++) {
        struct ever_err err = append_next(world, store);
        if (IS_OK(err)) {
            return store;
        }
        if (disk_is_dead(world->disk)) {
            break;
        }
        if (err.code == EVER_NO_SPACE) {
            disk_disarm(world->disk);
            continue;
        }
        if (err.code == EVER_UNKNOWN) {
            expect_refusal(world, store);
        }
        ever_close(store);
        store = open_and_meet(world);
    }
    if (!disk_is_dead(world->disk)) {
        blame(world, "an append never succeeds");
    }
    ever_close(store);
    return NULL;
}

void world_append_some(struct world *world, uint32_t count)
{
    struct ever *store = open_and_meet(world);
    for (uint32_t i = 0; i < count && store != NULL; i++) {
        store = append_surely(world, store);
    }
    ever_close(store);
}

void world_work(struct world *world)
{
    world_append_some(world, 6);
    world_append_some(world, 4);
}
