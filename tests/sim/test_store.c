/* Catches: an acknowledged event that a crash, a power cut, a failing or full disk takes away; half
 * an append; a revision or position twice or left out; an index that lost what the log has; an
 * append that is written twice when it is sent again; a reader that loses its place when the disk
 * fails once.
 *
 * One fixed history, of appends to several streams at once, is written on a simulated disk. At each
 * of its I/O calls in turn something befalls it: the call fails, having done all, some or none of
 * its work; the disk is full; the process dies before, in or behind the call, or some calls later.
 * What that leaves is recovered as it is; after power was lost, in every combination of what was
 * not synced or, where those are many, in some; and with recovery itself befallen at its calls.
 *
 * A store may only ever hold the beginning of that history: all that was acknowledged, and the one
 * append after it whose outcome nobody heard, or not. */
#include "unit/unit.h"

#include "sim/disk.h"
#include "store/store.h"

#include <string.h>

#define DIR_NAME "disk/data" /* the test's own folder, "disk", is always there */
#define STREAMS 4u
#define APPENDS 16u
#define WRITES_MAX 3u
#define EVENTS_PER_WRITE_MAX 2u
#define EVENTS_MAX (APPENDS * WRITES_MAX * EVENTS_PER_WRITE_MAX)
#define LARGE_BYTES 32000u

/* --- The history ----------------------------------------------------------------------------- */

struct happened {
    struct ever_new_event event;
    uint32_t stream;
    uint64_t revision;
    bool continues;
};

static struct {
    struct happened events[EVENTS_MAX]; /* at its position - 1 */
    uint32_t event_count;
    struct ever_write writes[APPENDS][WRITES_MAX];
    int64_t revisions[APPENDS][WRITES_MAX]; /* what the append answers */
    uint32_t write_count[APPENDS];
    uint32_t end[APPENDS + 1]; /* last position after so many appends */
    struct ever_new_event new_events[EVENTS_MAX];
    char noise[EVENTS_MAX + LARGE_BYTES]; /* data of event i begins at i, so all differ */
} history;

static struct ever_slice stream_name(uint32_t stream)
{
    static const char *const names[STREAMS] = {"order-1", "order-2", "cart-1", "cart"};
    return slice_of_text(names[stream]);
}

static bool is_tagged(uint32_t index)
{
    return index % 2 == 0;
}

static struct ever_new_event make_event(uint32_t append, uint32_t index)
{
    static const char *const types[] = {"Added", "Removed", "Sent"};
    static struct ever_slice tag = {.data = "red", .size = 3};
    bool is_large = append % 3 == 2;
    struct ever_new_event event = {
        .content = EVER_BYTES,
        .type = slice_of_text(types[index % 3]),
        .data = slice_of(history.noise + index, is_large ? LARGE_BYTES / 2 : 40),
        .metadata = index % 3 == 0 ? slice_of_text("{\"by\":\"test\"}") : SLICE_NONE,
        .tags = is_tagged(index) ? &tag : NULL,
        .tag_count = is_tagged(index) ? 1 : 0,
    };
    uint32_t number = index + 1;
    memcpy(event.id.bytes, &number, sizeof number);
    return event;
}

static void make_write(uint32_t append, uint32_t number, uint64_t next_revision[STREAMS],
                       const uint64_t before[STREAMS])
{
    uint32_t stream = (append + number) % STREAMS;
    uint32_t first = history.event_count;
    uint32_t count = 1 + (append + number) % EVENTS_PER_WRITE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = history.event_count++;
        history.new_events[index] = make_event(append, index);
        history.events[index] = (struct happened){
            .event = history.new_events[index],
            .stream = stream,
            .revision = next_revision[stream]++,
            .continues = number + i > 0,
        };
    }
    history.writes[append][number] = (struct ever_write){
        .stream = stream_name(stream),
        .expect = before[stream] == 0 ? EVER_NO_STREAM : EVER_EXACT,
        .revision = before[stream] == 0 ? 0 : before[stream] - 1,
        .events = &history.new_events[first],
        .event_count = count,
    };
    history.revisions[append][number] = (int64_t)next_revision[stream] - 1;
}

static int make_history(void **state)
{
    (void)state; /* cmocka's signature */
    uint64_t next_revision[STREAMS] = {0};
    uint32_t noise = 1;
    for (size_t i = 0; i < sizeof history.noise; i++) {
        noise = noise * 1664525 + 1013904223;
        history.noise[i] = (char)(noise >> 24);
    }
    for (uint32_t append = 0; append < APPENDS; append++) {
        uint64_t before[STREAMS];
        memcpy(before, next_revision, sizeof before);
        history.write_count[append] = 1 + append % WRITES_MAX;
        for (uint32_t i = 0; i < history.write_count[append]; i++) {
            make_write(append, i, next_revision, before);
        }
        history.end[append + 1] = history.event_count;
    }
    return 0;
}

/* --- The world ------------------------------------------------------------------------------- */

struct world {
    struct disk *disk;
    uint32_t acked;        /* appends that must be there */
    bool is_pending;       /* the outcome of the next one is unknown */
    bool expects_fault;    /* calls may fail: otherwise that is a violation */
    bool looked_closely;   /* at what the index says, the last time it was opened */
    const char *violation; /* the first promise that was broken */
};

static void blame(struct world *world, const char *violation)
{
    if (world->violation == NULL) {
        world->violation = violation;
    }
}

static struct world world_clone(const struct world *world)
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

static struct ever_err world_open(struct world *world, struct ever **out_store)
{
    static struct env env = {.wall_ns = tick, .monotonic_ns = tick, .random = same_bytes};
    struct store_options options = {
        .segment_bytes = 64 << 10, .tail_bytes = 8 << 10, .no_threads = true};
    return store_open(disk_vfs(world->disk), &env, DIR_NAME, &options, out_store);
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
           slice_equal(event->stream, stream_name(want->stream)) &&
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

/* The cursor gives just the events that are `wanted`, and nothing behind them. */
static void compare_reading(struct world *world, struct ever *store, const struct ever_read *read,
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

static bool wants_all(uint32_t index, uint32_t arg)
{
    (void)index; /* whichever */
    (void)arg;   /* for all alike */
    return true;
}

static bool wants_tagged(uint32_t index, uint32_t arg)
{
    (void)arg; /* there is one tag only */
    return is_tagged(index);
}

static bool wants_stream(uint32_t index, uint32_t arg)
{
    return history.events[index].stream == arg;
}

static void compare_stream(struct world *world, struct ever *store, uint32_t stream)
{
    struct ever_read read = {.stream = stream_name(stream)};
    int64_t want = EVER_NO_REVISION;
    int64_t last;
    for (uint32_t i = 0; i < history.end[world->acked]; i++) {
        want += wants_stream(i, stream) ? 1 : 0;
    }
    if (!IS_OK(ever_last_revision(store, read.stream, &last)) || last != want) {
        blame(world, "a stream has another revision than it should");
    }
    compare_reading(world, store, &read, wants_stream, stream);
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
    compare_reading(world, store, &everything, wants_all, 0);
    world->looked_closely = !world->looked_closely;
    if (!world->looked_closely) {
        return;
    }
    compare_reading(world, store, &tagged, wants_tagged, 0);
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

/* --- The workload ---------------------------------------------------------------------------- */

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

static void append_some(struct world *world, uint32_t count)
{
    struct ever *store = open_and_meet(world);
    for (uint32_t i = 0; i < count && store != NULL; i++) {
        store = append_surely(world, store);
    }
    ever_close(store);
}

/* Three segments, so two index files, and a restart. */
static void workload(struct world *world)
{
    append_some(world, 6);
    append_some(world, 4);
}

/* --- States that can be left ----------------------------------------------------------------- */

struct tally {
    uint64_t states;
    uint64_t violations;
    const char *first;
    uint64_t call; /* where the first one was */
};

/* Ends a world; what it found counts. */
static void settle(struct world *world, struct tally *tally)
{
    tally->states++;
    tally->violations += world->violation != NULL;
    if (tally->first == NULL) {
        tally->first = world->violation;
    }
    disk_destroy(world->disk);
}

/* Recovers, goes on, loses power once more and looks again. Takes the world. */
static void recover(struct world world, uint64_t seed, struct tally *tally)
{
    struct disk_random random;
    disk_random_init(&random, seed);
    world.expects_fault = false;
    world.looked_closely = seed % 2 == 0;
    append_some(&world, 1);
    disk_power_off(world.disk, &random.choices);
    append_some(&world, 0);
    settle(&world, tally);
}

/* Recovery and the append behind it are befallen themselves, at this call. Then power is lost. */
static void befall_recovery(const struct world *left, uint64_t call, enum disk_fault fault,
                            uint64_t seed, struct tally *tally, bool *out_befell)
{
    struct disk_random random;
    struct world world = world_clone(left);
    disk_random_init(&random, seed);
    disk_restart(world.disk);
    world.expects_fault = true;
    disk_arm(world.disk, fault, call, &random.choices);
    append_some(&world, 1);
    *out_befell = disk_calls(world.disk) > call;
    disk_power_off(world.disk, &random.choices);
    recover(world, seed, tally);
}

/* At every `stride`th of its calls, by each kind of fault in turn. */
static void befall_recoveries(const struct world *left, uint64_t stride, uint64_t seed,
                              struct tally *tally)
{
    static const enum disk_fault faults[] = {DISK_DIE, DISK_DIE_AFTER, DISK_FAIL, DISK_FULL};
    bool befell = true;
    for (uint64_t call = seed % stride; befell; call += stride) {
        enum disk_fault fault = faults[(seed + call / stride) % 4];
        befall_recovery(left, call, fault, seed + call, tally, &befell);
    }
}

#define SPAN_MAX 32u /* so many combinations of what was not synced are all tried, */
#define SAMPLES 4u   /* of more, so many */

static void power_off_all(const struct world *left, struct tally *tally)
{
    struct disk_tape tape;
    disk_tape_init(&tape);
    do {
        struct world off = world_clone(left);
        disk_power_off(off.disk, &tape.choices);
        recover(off, tally->states, tally);
    } while (disk_tape_next(&tape));
}

static void power_off_some(const struct world *left, struct tally *tally)
{
    for (uint64_t i = 0; i < SAMPLES; i++) {
        struct disk_random random;
        struct world off = world_clone(left);
        disk_random_init(&random, tally->states);
        disk_power_off(off.disk, &random.choices);
        recover(off, tally->states, tally);
    }
}

/* The process is gone, in the middle of something. It was killed alone, or power was lost. */
static void try_aftermaths(const struct world *left, uint64_t stride, uint64_t seed,
                           struct tally *tally)
{
    struct world killed = world_clone(left);
    disk_restart(killed.disk);
    recover(killed, seed, tally);
    befall_recoveries(left, stride, seed, tally);
    if (disk_power_off_span(left->disk) <= SPAN_MAX) {
        power_off_all(left, tally);
    } else {
        power_off_some(left, tally);
    }
}

#define RECOVERY_CALLS 60u /* recovery and one append, about */

/* The process survived the fault and came to its end: what it leaves is much the same each time. */
static void try_some_aftermaths(const struct world *left, uint64_t seed, struct tally *tally)
{
    struct disk_random random;
    struct world off = world_clone(left);
    bool befell;
    disk_random_init(&random, seed);
    disk_power_off(off.disk, &random.choices);
    recover(off, seed, tally);
    befall_recovery(left, seed % RECOVERY_CALLS, DISK_DIE, seed, tally, &befell);
}

/* --- Faults ---------------------------------------------------------------------------------- */

/* What is done of a write or sync that a fault befalls. */
enum half { HALF_ANY, HALF_NOTHING, HALF_ALL, HALF_BEGINNING };

struct choice { /* always the same, or the first `first_count` times the first */
    struct disk_choices choices;
    enum half half;
    uint32_t first_count;
};

static uint32_t choose(struct disk_choices *choices, uint32_t count)
{
    struct choice *choice = (struct choice *)choices;
    if (choice->half == HALF_BEGINNING && choice->first_count > 0) {
        choice->first_count--;
        return 0;
    }
    return choice->half == HALF_ALL ? 0 : count - 1;
}

struct way {
    const char *name;
    enum disk_fault fault;
    enum half half;
    uint32_t stride; /* when it dies: of the calls of recovery that are befallen in turn */
    bool then_dies;  /* the process dies some calls later */
};

static const struct way all_ways[] = {
    {"dies in the middle of a call", DISK_DIE, HALF_ANY, 3, false},
    {"dies before a call", DISK_DIE, HALF_NOTHING, 41, false},
    {"dies when a write is done, but not synced", DISK_DIE, HALF_ALL, 41, false},
    {"dies behind a call", DISK_DIE_AFTER, HALF_ANY, 41, false},
    {"a call fails, and did any part of its work", DISK_FAIL, HALF_ANY, 0, false},
    {"a call fails, and did nothing", DISK_FAIL, HALF_NOTHING, 0, false},
    {"a call fails, though all of it was done", DISK_FAIL, HALF_ALL, 0, false},
    {"a write is cut short", DISK_FAIL, HALF_BEGINNING, 0, false},
    {"the disk is full from a call on", DISK_FULL, HALF_ANY, 0, false},
    {"the disk is full, and takes no sector more", DISK_FULL, HALF_NOTHING, 0, false},
    {"a call fails, and the process dies later", DISK_FAIL, HALF_ANY, 41, true},
    {"the disk is full, and the process dies later", DISK_FULL, HALF_ANY, 41, true},
};

/* The workload, befallen at this call. False: it has no such call. */
static bool befall_workload(const struct way *way, uint64_t call, struct world *world)
{
    struct disk_random random;
    struct choice choice = {
        .choices = {.choose = choose}, .half = way->half, .first_count = 1 + call % 4};
    disk_random_init(&random, call);
    disk_arm(world->disk, way->fault, call,
             way->half == HALF_ANY ? &random.choices : &choice.choices);
    if (way->then_dies) {
        disk_arm_death(world->disk, call + 1 + call % 5);
    }
    workload(world);
    bool befell = disk_calls(world->disk) > call;
    disk_disarm(world->disk);
    return befell;
}

/* At each call in turn; with lies until one is found out. */
static struct tally enumerate(const struct way *way, unsigned lies)
{
    struct tally tally = {0};
    bool befell = true;
    for (uint64_t call = 0; befell && (lies == 0 || tally.violations == 0); call++) {
        uint32_t alignment = call % 2 == 0 ? 512 : 4096;
        struct world world = {.disk = disk_create(alignment), .expects_fault = true};
        disk_lie(world.disk, lies);
        befell = befall_workload(way, call, &world);
        if (tally.first == NULL) {
            tally.call = call;
        }
        if (disk_is_dead(world.disk)) {
            try_aftermaths(&world, way->stride, call, &tally);
        } else {
            try_some_aftermaths(&world, call, &tally);
        }
        settle(&world, &tally);
    }
    return tally;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void nothing_is_lost_whatever_befalls_a_call(void **state)
{
    const struct way *way = *state;
    struct tally tally = enumerate(way, 0);
    print_message("%llu states\n", (unsigned long long)tally.states);
    if (tally.violations > 0) {
        fail_msg("%s: %llu of %llu states, the first at call %llu: %s", way->name,
                 (unsigned long long)tally.violations, (unsigned long long)tally.states,
                 (unsigned long long)tally.call, tally.first);
    }
}

static void a_sync_left_out_is_noticed(void **state)
{
    (void)state; /* cmocka's signature */
    static const unsigned lies[] = {DISK_LIE_WRITE, DISK_LIE_SYNC, DISK_LIE_DIR};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct tally tally = enumerate(&all_ways[0], lies[i]);
        print_message("liar %zu: found out at call %llu: %s\n", i, (unsigned long long)tally.call,
                      tally.first == NULL ? "never" : tally.first);
        assert_true(tally.violations > 0);
    }
}

static void an_index_that_is_damaged_or_lost_is_made_again(void **state)
{
    (void)state; /* cmocka's signature */
    static const char path[] = DIR_NAME "/index/0000000001.idx";
    struct world world = {.disk = disk_create(512)};
    workload(&world);
    size_t size = disk_peek(world.disk, path).size;
    assert_true(size > 0);
    for (uint64_t at = 0; at < size; at += 61) {
        struct world rotten = world_clone(&world);
        char bad = (char)~disk_peek(rotten.disk, path).data[at];
        disk_poke(rotten.disk, path, at, slice_of(&bad, 1));
        append_some(&rotten, 1);
        if (rotten.violation != NULL) {
            fail_msg("byte %llu: %s", (unsigned long long)at, rotten.violation);
        }
        disk_destroy(rotten.disk);
    }
    disk_lose(world.disk, path);
    append_some(&world, 1);
    assert_null(world.violation);
    assert_int_equal(disk_peek(world.disk, path).size, size);
    disk_destroy(world.disk);
}

/* Each read call of a reader fails once, in turn; for each way there is to read. */
static void a_reader_goes_on_behind_a_failed_call(void **state)
{
    (void)state; /* cmocka's signature */
    struct slices {
        struct ever_read read;
        bool (*wanted)(uint32_t index, uint32_t arg);
    };
    struct ever_slice tag = slice_of_text("red");
    const struct slices ways[] = {
        {{.from = 1}, wants_all},
        {{.from = UINT64_MAX, .backward = true}, wants_all},
        {{.stream = stream_name(0)}, wants_stream},
        {{.stream = stream_name(0), .from = UINT64_MAX, .backward = true}, wants_stream},
        {{.tags = &tag, .tag_count = 1, .from = UINT64_MAX, .backward = true}, wants_tagged},
    };
    struct world world = {.disk = disk_create(512)};
    workload(&world);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        bool befell = true;
        for (uint64_t call = 0; befell && world.violation == NULL; call++) {
            struct disk_random random;
            struct ever *store;
            disk_restart(world.disk);
            world.expects_fault = false;
            assert_ok(world_open(&world, &store));
            disk_random_init(&random, call);
            world.expects_fault = true;
            uint64_t at = disk_calls(world.disk) + call;
            disk_arm(world.disk, DISK_FAIL, at, &random.choices);
            compare_reading(&world, store, &ways[i].read, ways[i].wanted, 0);
            befell = disk_calls(world.disk) > at;
            disk_disarm(world.disk);
            ever_close(store);
        }
        if (world.violation != NULL) {
            fail_msg("way %zu: %s", i, world.violation);
        }
    }
    disk_destroy(world.disk);
}

#define WAYS (sizeof all_ways / sizeof all_ways[0])

int main(void)
{
    struct CMUnitTest tests[WAYS + 3] = {
        cmocka_unit_test(a_sync_left_out_is_noticed),
        cmocka_unit_test(an_index_that_is_damaged_or_lost_is_made_again),
        cmocka_unit_test(a_reader_goes_on_behind_a_failed_call),
    };
    for (size_t i = 0; i < WAYS; i++) {
        tests[3 + i] = (struct CMUnitTest){.name = all_ways[i].name,
                                           .test_func = nothing_is_lost_whatever_befalls_a_call,
                                           .initial_state = (void *)(uintptr_t)&all_ways[i]};
    }
    return cmocka_run_group_tests_name("crashes of the store", tests, make_history, NULL);
}
