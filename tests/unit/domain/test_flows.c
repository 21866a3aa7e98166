/* test_flows.c - what flows leave in the log: once, the same, over restarts, changes and intruders.
 */
#include "flow_store.h"

#define ALL FLOWS_3(LARGE(100), TOTALS, LARGE_COUNT)

static int set_up(void **state)
{
    static struct flow_world world;
    flow_world_init(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    flow_world_deinit(*state);
    return 0;
}

/* The stream of a flow's version, lent until the flows close. */
static const char *stream_of(struct flow_world *world, const char *name)
{
    return flow_info(flow_world_flow(world, name))->stream;
}

static void expect_flow(struct flow_world *world, const char *name, const char *want)
{
    flow_world_expect(world, stream_of(world, name), want);
}

static void withdraw_some(struct flow_world *world)
{
    flow_world_withdraw(world, "alice", 100);
    flow_world_withdraw(world, "bob", 7);
    flow_world_withdraw(world, "alice", 250);
}

static const char some_large[] = "{\"account\":\"alice\",\"amount\":100}\n"
                                 "{\"account\":\"alice\",\"amount\":250}\n";
static const char some_totals[] = "{\"key\":\"alice\",\"total\":100}\n"
                                  "{\"key\":\"bob\",\"total\":7}\n"
                                  "{\"key\":\"alice\",\"total\":350}\n";

/* --- Once ------------------------------------------------------------------------------------- */

static void test_events_are_derived(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "large", some_large);
    expect_flow(world, "totals", some_totals);
    expect_flow(world, "large-count", "{\"n\":1}\n{\"n\":2}\n");
    struct flow_status status = flow_world_status(world, "totals");
    assert_int_equal(status.state, FLOW_LIVE);
    assert_int_equal(status.events, 3);
    assert_int_equal(status.keys, 2);
    assert_int_equal(status.lag, 0);
    assert_string_equal(status.failure, "");
    assert_string_equal(status.serving, flow_info(flow_world_flow(world, "totals"))->version);
}

/* A restart, with its snapshot or without, adds nothing that is there already. */
static void test_restarts_add_nothing(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_pass(world, ALL);
    uint64_t last = ever_last_position(world->store);
    flow_world_pass(world, ALL);
    flow_world_forget(world);
    flow_world_pass(world, ALL);
    assert_int_equal(ever_last_position(world->store), last);
    flow_world_withdraw(world, "bob", 100);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "totals",
                "{\"key\":\"alice\",\"total\":100}\n{\"key\":\"bob\",\"total\":7}\n"
                "{\"key\":\"alice\",\"total\":350}\n{\"key\":\"bob\",\"total\":107}\n");
    expect_flow(world, "large-count", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    assert_int_equal(ever_last_position(world->store), last + 4); /* the cause and three events */
}

/* The state goes on from the snapshot: events before it are not looked at again. */
static void test_a_snapshot_is_used(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_pass(world, ALL);
    flow_world_open(world, ALL);
    assert_non_null(world->flows->live);
    assert_null(world->flows->building);
    assert_true(world->flows->live->position >= 3);
}

/* The commit time is in the metadata, so the event time is a part of the data here. */
#define TIMED_NODES FROM("\"category\":\"thing\"") THEN("emit", "emit1", "0", "\"type\":\"Seen\"")
#define TIMED FLOW("timed", "{\"time\":\"data.at\"}", TIMED_NODES)

static void test_the_same_log_gives_the_same_bytes(void **state)
{
    struct flow_world other;
    flow_world_init(&other);
    struct flow_world *worlds[] = {*state, &other};
    struct text derived[2] = {{0}};
    other.options.batch_roots = 1;
    for (int w = 0; w < 2; w++) {
        for (int i = 0; i < 20; i++) {
            (void)flow_world_append(worlds[w], "thing-1", "T", "{\"at\":\"2026-01-01T00:00:00Z\"}");
        }
        flow_world_pass(worlds[w], FLOWS_1(TIMED));
        flow_read_derived(worlds[w]->store, &derived[w]);
    }
    assert_true(derived[0].size > 0);
    assert_string_equal(derived[0].data, derived[1].data);
    text_deinit(&derived[0]);
    text_deinit(&derived[1]);
    flow_world_deinit(&other);
}

/* Whatever the size of a batch, and wherever a restart falls. */
static void test_batches_and_restarts_do_not_show(void **state)
{
    struct flow_world *world = *state;
    static const uint32_t sizes[] = {1, 7, 4096};
    char hash[17] = "";
    for (int i = 0; i < 50; i++) {
        flow_world_withdraw(world, i % 3 == 0 ? "alice" : "bob", i * 7);
    }
    for (size_t s = 0; s < 3; s++) {
        world->options.batch_roots = sizes[s];
        flow_world_open(world, ALL);
        assert_ok(flows_run_to_end(world->flows));
        struct flow_status status = flow_world_status(world, "totals");
        assert_int_equal(status.state, FLOW_LIVE);
        assert_true(hash[0] == '\0' || strcmp(hash, status.hash) == 0);
        strcpy(hash, status.hash);
        flow_world_close(world);
        flow_world_forget(world);
    }
}

/* --- Change ----------------------------------------------------------------------------------- */

static char *alias_of(struct flow_world *world)
{
    return flow_world_read(world, "flow-large");
}

/* The changed flow is built beside; then the alias points to it, and the earlier stream stays. */
static void test_a_changed_flow_takes_over(void **state)
{
    struct flow_world *world = *state;
    char earlier[FLOW_STREAM_BYTES_MAX];
    withdraw_some(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    (void)snprintf(earlier, sizeof earlier, "%s", stream_of(world, "large"));
    flow_world_close(world);
    char *before = alias_of(world);

    flow_world_open(world, FLOWS_3(LARGE(200), TOTALS, LARGE_COUNT));
    assert_int_equal(flow_world_status(world, "large").state, FLOW_BUILDING);
    assert_non_null(world->flows->live); /* totals goes on */
    assert_ok(flows_run_to_end(world->flows));
    assert_string_not_equal(stream_of(world, "large"), earlier);
    expect_flow(world, "large", "{\"account\":\"alice\",\"amount\":250}\n");
    expect_flow(world, "large-count", "{\"n\":1}\n"); /* what reads it has changed with it */
    expect_flow(world, "totals", some_totals);
    flow_world_expect(world, earlier, some_large);
    struct flow_status status = flow_world_status(world, "large");
    assert_int_equal(status.state, FLOW_LIVE);
    assert_string_equal(status.serving, flow_info(flow_world_flow(world, "large"))->version);
    char *after = alias_of(world);
    assert_int_equal(strncmp(after, before, strlen(before)), 0);
    assert_non_null(strstr(after + strlen(before), status.serving));
    free(before);
    free(after);
    flow_world_withdraw(world, "bob", 300);
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "large-count", "{\"n\":1}\n{\"n\":2}\n");
}

/* Only the reader has changed: what it reads is computed beside it, and written once. */
static void test_a_new_reader_is_built_with_what_it_reads(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_pass(world, FLOWS_2(LARGE(100), TOTALS));
    flow_world_open(world, ALL);
    assert_int_equal(flow_world_status(world, "large-count").state, FLOW_BUILDING);
    assert_int_equal(world->flows->building->count, 2);
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "large-count", "{\"n\":1}\n{\"n\":2}\n");
    expect_flow(world, "large", some_large);
    assert_null(world->flows->building);
    flow_world_withdraw(world, "bob", 300);
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "large-count", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

static void test_an_earlier_version_may_come_back(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_pass(world, FLOWS_1(LARGE(100)));
    flow_world_pass(world, FLOWS_1(LARGE(200)));
    flow_world_withdraw(world, "bob", 150);
    flow_world_open(world, FLOWS_1(LARGE(100)));
    assert_ok(flows_run_to_end(world->flows));
    expect_flow(world, "large",
                "{\"account\":\"alice\",\"amount\":100}\n"
                "{\"account\":\"alice\",\"amount\":250}\n{\"account\":\"bob\",\"amount\":150}\n");
    assert_string_equal(flow_world_status(world, "large").serving,
                        flow_info(flow_world_flow(world, "large"))->version);
}

/* --- Snapshots that are of no use ------------------------------------------------------------- */

static void snapshot_path(const struct flow_world *world, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/" FLOW_LIVE_SNAPSHOT, world->snapshots);
}

static void flip_byte(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 0x10, file), EOF);
    assert_int_equal(fclose(file), 0);
}

static long size_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_int_equal(fclose(file), 0);
    return size;
}

static void test_a_tampered_snapshot_is_passed_over(void **state)
{
    struct flow_world *world = *state;
    char path[160];
    withdraw_some(world);
    flow_world_pass(world, ALL);
    snapshot_path(world, path, sizeof path);
    long size = size_of(path);
    for (long offset = 0; offset < size; offset += 7) {
        flip_byte(path, offset);
        flow_world_open(world, ALL);
        assert_null(world->flows->live);
        assert_int_equal(world->flows->building->position, 0);
        flows_close(TAKE(world->flows)); /* writes another file, the live one stays */
        flip_byte(path, offset);
    }
    flow_world_withdraw(world, "bob", 1);
    flip_byte(path, size / 2);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    assert_int_equal(flow_world_status(world, "totals").state, FLOW_LIVE);
    assert_int_equal(flow_world_status(world, "totals").events, 4);
}

static void copy_tree(const char *from, const char *to)
{
    char command[256];
    (void)snprintf(command, sizeof command, "cp -r %s %s", from, to);
    assert_int_equal(system(command), 0);
}

/* Puts the log back to where it was when `copy` was made. */
static void go_back(struct flow_world *world, const char *copy)
{
    ever_close(world->store);
    assert_int_equal(nftw(world->data, flow_world_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    copy_tree(copy, world->data);
    flow_world_open_store(world);
}

/* The log came back from a copy, older than the snapshot, and went on otherwise: first so that it
 * is shorter than the snapshot says, then longer. */
static void test_a_log_that_went_back_is_built_again(void **state)
{
    struct flow_world *world = *state;
    char copy[128];
    char snapshots[sizeof world->snapshots];
    (void)snprintf(copy, sizeof copy, "%s/copy", world->dir);
    flow_world_withdraw(world, "alice", 100);
    flow_world_pass(world, ALL);
    ever_close(world->store);
    copy_tree(world->data, copy);
    flow_world_open_store(world);
    flow_world_withdraw(world, "alice", 250);
    flow_world_pass(world, ALL); /* its snapshot knows of what will be lost */

    go_back(world, copy);
    flow_world_open(world, ALL);
    assert_null(world->flows->live);
    flows_close(TAKE(world->flows)); /* without a run: the snapshot stays */

    memcpy(snapshots, world->snapshots, sizeof snapshots);
    (void)snprintf(world->snapshots, sizeof world->snapshots, "%s/others", world->dir);
    for (int i = 0; i < 10; i++) {
        flow_world_withdraw(world, "bob", 100);
    }
    flow_world_pass(world, ALL);
    memcpy(world->snapshots, snapshots, sizeof snapshots);
    flow_world_open(world, ALL);
    assert_null(world->flows->live);
    flow_world_withdraw(world, "alice", 1);
    assert_ok(flows_run_to_end(world->flows));
    assert_int_equal(flow_world_status(world, "large").events, 11);
    assert_int_equal(flow_world_status(world, "totals").events, 12);
    assert_string_equal(flow_world_status(world, "totals").failure, "");
}

/* --- Stopping --------------------------------------------------------------------------------- */

static void intrude(struct flow_world *world, const char *stream)
{
    (void)flow_world_append(world, stream, "LargeWithdrawal", "{\"account\":\"mallory\"}");
}

static void expect_intruder_seen(struct flow_world *world)
{
    struct flow_status status = flow_world_status(world, "large");
    assert_int_equal(status.state, FLOW_STOPPED);
    assert_non_null(strstr(status.failure, "mallory"));
    assert_non_null(strstr(status.failure, "Another hand wrote to the stream"));
    status = flow_world_status(world, "large-count");
    assert_int_equal(status.state, FLOW_STOPPED);
    assert_non_null(strstr(status.failure, "reads the flow large, which has stopped"));
    assert_int_equal(flow_world_status(world, "totals").state, FLOW_LIVE);
}

static void test_a_foreign_event_stops_the_flow(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    intrude(world, stream_of(world, "large"));
    flow_world_withdraw(world, "alice", 500); /* its event finds the place taken */
    assert_ok(flows_run_to_end(world->flows));
    expect_intruder_seen(world);
    assert_int_equal(flow_world_status(world, "totals").events, 4);
    flow_world_close(world);
    flow_world_open(world, ALL); /* and again after a restart */
    assert_ok(flows_run_to_end(world->flows));
    expect_intruder_seen(world);
}

/* Nothing follows that would meet it: it is found at the end of the log. */
static void test_a_foreign_event_is_found_after_a_restart(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    intrude(world, stream_of(world, "large"));
    flow_world_close(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    expect_intruder_seen(world);
}

/* Needs a number where one withdrawal has none. */
#define FRAGILE_NODES                                                                              \
    FROM("\"category\":\"account\"")                                                               \
    THEN("keyBy", "byAmount", "0", "\"paths\":[\"data.amount\"]")                                  \
    THEN("emit", "emit1", "1", "\"type\":\"Copy\"")
#define FRAGILE FLOW("fragile", "{}", FRAGILE_NODES)

/* It keeps what it made before, says why it stopped, and tries again after a restart. */
static void test_a_failing_event_stops_its_flow_only(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    uint64_t bad = flow_world_append(world, "account-eve", "Closed", "{}");
    flow_world_withdraw(world, "bob", 100);
    for (int start = 0; start < 3; start++) {
        flow_world_open(world, FLOWS_2(FRAGILE, TOTALS));
        if (start > 0) { /* from where it stopped, not from the beginning */
            assert_int_equal(world->flows->building->position, bad - 1);
        }
        assert_ok(flows_run_to_end(world->flows));
        struct flow_status status = flow_world_status(world, "fragile");
        assert_int_equal(status.state, FLOW_STOPPED);
        assert_int_equal(status.failed_position, bad);
        assert_string_equal(status.failed_node, "byAmount");
        assert_int_equal(status.position, bad - 1);
        assert_int_equal(status.events, 3);
        assert_int_equal(flow_world_status(world, "totals").state, FLOW_LIVE);
        assert_int_equal(flow_world_status(world, "totals").events, 4);
        flow_world_close(world);
    }
}

/* A byte of the first segment is another than was written. */
static void damage_log(const struct flow_world *world)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/log/0000000001.seg", world->data);
    assert_int_equal(chmod(path, 0600), 0); /* it is sealed */
    flip_byte(path, 300000);
}

/* What the damaged stretch held cannot be known: no flow goes past it, and each says where it is.
 */
static void test_damage_in_the_log_stops_flows(void **state)
{
    struct flow_world *world = *state;
    struct text data = {0};
    text_printf(&data, "{\"amount\":100,\"note\":\"%01500d\"}", 0);
    for (int i = 0; i < 900; i++) {
        (void)flow_world_append(world, "account-a", "Withdrawn", data.data);
    }
    text_deinit(&data);
    ever_close(world->store);
    damage_log(world);
    flow_world_open_store(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    static const char *const names[] = {"large", "totals", "large-count"};
    for (size_t i = 0; i < 3; i++) {
        struct flow_status status = flow_world_status(world, names[i]);
        assert_int_equal(status.state, FLOW_STOPPED);
        assert_non_null(strstr(status.failure, "the log is damaged at position"));
        assert_true(status.events > 100 && status.events < 300);
        assert_int_equal(status.events, status.position);
        assert_true(status.failed_position > status.position);
    }
}

/* --- Proof ------------------------------------------------------------------------------------ */

struct proofs {
    struct text lines; /* "totals same 3 0\n" */
    struct text differences;
    char hash[17]; /* of totals */
};

static void note_proof(void *arg, const struct flow_proof *proof)
{
    static const char *const verdicts[] = {
        [FLOW_SAME] = "same", [FLOW_DIFFERENT] = "different", [FLOW_FAILED] = "failed"};
    struct proofs *proofs = arg;
    text_printf(&proofs->lines, "%s %s %llu %llu\n", proof->info->name, verdicts[proof->verdict],
                (unsigned long long)proof->compared, (unsigned long long)proof->missing);
    text_add_text(&proofs->differences, proof->difference);
    if (strcmp(proof->info->name, "totals") == 0) {
        memcpy(proofs->hash, proof->hash, sizeof proofs->hash);
    }
}

static struct proofs prove(struct flow_world *world, const char *only)
{
    struct proofs proofs = {0};
    struct text report = {0};
    struct flows_verify_options options = {.only = only, .proof = note_proof, .arg = &proofs};
    uint64_t before = ever_last_position(world->store);
    assert_ok(flow_prove(world->flows, &options, &report));
    assert_int_equal(ever_last_position(world->store), before);
    text_add_text(&proofs.differences, "");
    return proofs;
}

static void proofs_deinit(struct proofs *proofs)
{
    text_deinit(&proofs->lines);
    text_deinit(&proofs->differences);
}

/* It sees what is there, what is yet to come, and what somebody else put there. */
static void test_a_proof_sees_every_difference(void **state)
{
    struct flow_world *world = *state;
    withdraw_some(world);
    flow_world_open(world, FLOWS_2(LARGE(100), TOTALS));
    struct proofs proofs = prove(world, NULL);
    assert_string_equal(proofs.lines.data, "large same 0 2\ntotals same 0 3\n");
    proofs_deinit(&proofs);
    assert_ok(flows_run_to_end(world->flows));
    flow_world_withdraw(world, "alice", 900);
    proofs = prove(world, "totals");
    assert_string_equal(proofs.lines.data, "totals same 3 1\n");
    char hash[17];
    memcpy(hash, proofs.hash, sizeof hash);
    proofs_deinit(&proofs);
    assert_ok(flows_run_to_end(world->flows));
    assert_string_equal(flow_world_status(world, "totals").hash, hash);
    intrude(world, stream_of(world, "large"));
    proofs = prove(world, NULL);
    assert_string_equal(proofs.lines.data, "large different 3 0\ntotals same 4 0\n");
    assert_non_null(strstr(proofs.differences.data, "mallory"));
    assert_string_equal(proofs.hash, hash);
    proofs_deinit(&proofs);
    struct text report = {0};
    struct flows_verify_options options = {.only = "lorge"};
    assert_err(flow_prove(world->flows, &options, &report), EVER_NOT_FOUND);
    assert_string_equal(report.data, "there is no flow lorge; there are: large totals\n");
    text_deinit(&report);
}

/* --- The thread ------------------------------------------------------------------------------- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t count;
};

static void note_move(void *arg)
{
    struct waiter *waiter = arg;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->count++;
    (void)pthread_cond_broadcast(&waiter->moved);
    (void)pthread_mutex_unlock(&waiter->lock);
}

static void wait_for(struct flow_world *world, struct waiter *waiter, const char *name,
                     uint64_t position)
{
    struct flow *flow = flow_world_flow(world, name);
    (void)pthread_mutex_lock(&waiter->lock);
    while (flow_position(flow) < position) {
        uint64_t seen = waiter->count;
        while (waiter->count == seen && flow_position(flow) < position) {
            (void)pthread_cond_wait(&waiter->moved, &waiter->lock);
        }
    }
    (void)pthread_mutex_unlock(&waiter->lock);
}

struct marks {
    pthread_mutex_t lock;
    size_t count;
};

static void note_mark(void *arg, const struct flow_mark *mark)
{
    struct marks *marks = arg;
    (void)pthread_mutex_lock(&marks->lock);
    marks->count += mark->node == 3;
    (void)pthread_mutex_unlock(&marks->lock);
}

/* The thread follows the log; who has seen a position finds its events; a tap sees what passes. */
static void test_the_thread_follows(void **state)
{
    struct flow_world *world = *state;
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct marks marks = {.lock = PTHREAD_MUTEX_INITIALIZER};
    withdraw_some(world);
    flow_world_open(world, ALL);
    flows_watch(world->flows, note_move, &waiter);
    assert_ok(flows_start(world->flows));
    wait_for(world, &waiter, "totals", 3);
    struct flow_tap *tap = flow_tap(flow_world_flow(world, "totals"), note_mark, &marks);
    for (uint64_t i = 1; i <= 50; i++) {
        flow_world_withdraw(world, "carol", 1);
        uint64_t position = ever_last_position(world->store);
        wait_for(world, &waiter, "totals", position);
        int64_t revision;
        assert_ok(
            ever_last_revision(world->store, slice_of_text(stream_of(world, "totals")), &revision));
        assert_int_equal(revision + 1, 3 + i);
    }
    flow_untap(tap);
    flows_watch(world->flows, NULL, NULL);
    assert_true(marks.count >= 49); /* from the next batch on */
    flow_world_close(world);
    flow_world_open(world, ALL);
    assert_ok(flows_run_to_end(world->flows));
    assert_int_equal(flow_world_status(world, "totals").events, 53);
}

/* --- Windows ---------------------------------------------------------------------------------- */

#define WINDOW(size) "\"window\":{\"kind\":\"tumbling\",\"size\":" #size ",\"offset\":0}," COUNT
#define PER_WINDOW_NODES(size)                                                                     \
    FROM(WITHDRAWN)                                                                                \
    THEN("keyBy", "keyBy1", "0", "\"paths\":[\"@id\"]")                                            \
    THEN("aggregate", "aggregate1", "1", WINDOW(size))                                             \
    THEN("emit", "emit1", "2", "\"type\":\"Counted\"")

static bool has_events(struct flow_world *world, uint64_t count)
{
    return flow_world_status(world, "waiting").events >= count;
}

/* No event follows that would close the window: a tick does, and none comes when nothing waits. */
static void test_ticks_close_windows(void **state)
{
    struct flow_world *world = *state;
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    const char *graphs = FLOWS_1(FLOW("waiting", "{\"tick\":20}", PER_WINDOW_NODES(10)));
    flow_world_withdraw(world, "alice", 1);
    flow_world_open(world, graphs);
    flows_watch(world->flows, note_move, &waiter);
    assert_ok(flows_start(world->flows));
    (void)pthread_mutex_lock(&waiter.lock);
    while (!has_events(world, 1)) {
        uint64_t seen = waiter.count;
        while (waiter.count == seen && !has_events(world, 1)) {
            (void)pthread_cond_wait(&waiter.moved, &waiter.lock);
        }
    }
    (void)pthread_mutex_unlock(&waiter.lock);
    flows_watch(world->flows, NULL, NULL);
    flow_world_close(world);

    flow_world_open(world, graphs);
    assert_ok(flows_run_to_end(world->flows));
    uint64_t wait_ms;
    assert_ok(flow_tick(world->flows, &wait_ms));
    assert_int_equal(wait_ms, 0);
    struct proofs proofs = prove(world, NULL); /* a rebuild sees the same ticks */
    assert_non_null(strstr(proofs.lines.data, "waiting same"));
    proofs_deinit(&proofs);
}

/* One event closes more windows than an append may hold events. */
static void test_a_cause_may_have_more_events_than_an_append(void **state)
{
    enum { KEYS = 12000, PER_APPEND = 1000 };
    struct flow_world *world = *state;
    static char streams[PER_APPEND][24];
    static struct ever_new_event event = {.type = SLICE_LITERAL("Withdrawn"),
                                          .data =
                                              SLICE_LITERAL("{\"at\":\"2026-01-01T00:00:00Z\"}")};
    static struct ever_write writes[PER_APPEND];
    struct ever_result result;
    for (unsigned first = 0; first < KEYS; first += PER_APPEND) {
        for (unsigned i = 0; i < PER_APPEND; i++) {
            (void)snprintf(streams[i], sizeof streams[i], "account-%u", first + i);
            writes[i] = (struct ever_write){
                .stream = slice_of_text(streams[i]), .events = &event, .event_count = 1};
        }
        assert_ok(ever_append(world->store, writes, PER_APPEND, &result, NULL));
    }
    uint64_t cause =
        flow_world_append(world, "account-last", "Withdrawn", "{\"at\":\"2026-01-01T02:00:00Z\"}");
    flow_world_open(world,
                    FLOWS_1(FLOW("many", "{\"time\":\"data.at\"}", PER_WINDOW_NODES(3600000))));
    assert_ok(flows_run_to_end(world->flows));
    struct flow_status status = flow_world_status(world, "many");
    assert_string_equal(status.failure, "");
    assert_int_equal(status.events, KEYS);
    assert_int_equal(status.position, ever_last_position(world->store));
    assert_true(status.position >= cause + KEYS);
    struct proofs proofs = prove(world, NULL);
    assert_string_equal(proofs.lines.data, "many same 12000 0\n");
    proofs_deinit(&proofs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_events_are_derived),
        TEST(test_restarts_add_nothing),
        TEST(test_a_snapshot_is_used),
        TEST(test_the_same_log_gives_the_same_bytes),
        TEST(test_batches_and_restarts_do_not_show),
        TEST(test_a_changed_flow_takes_over),
        TEST(test_a_new_reader_is_built_with_what_it_reads),
        TEST(test_an_earlier_version_may_come_back),
        TEST(test_a_tampered_snapshot_is_passed_over),
        TEST(test_a_log_that_went_back_is_built_again),
        TEST(test_a_foreign_event_stops_the_flow),
        TEST(test_a_foreign_event_is_found_after_a_restart),
        TEST(test_a_failing_event_stops_its_flow_only),
        TEST(test_damage_in_the_log_stops_flows),
        TEST(test_a_proof_sees_every_difference),
        TEST(test_the_thread_follows),
        TEST(test_ticks_close_windows),
        TEST(test_a_cause_may_have_more_events_than_an_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
