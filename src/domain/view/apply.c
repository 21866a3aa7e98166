/* apply.c - a batch of events.
 *
 *     begin  event event event ...  checkpoint commit
 *
 * An event that fails takes its transaction back, and with it those before it. They are applied
 * again, up to the one that failed, which then begins a transaction: when it fails alone, the
 * view's policy decides. So a view without failures pays nothing for the possibility. */
#include "domain/view/apply_priv.h"
#include "domain/view/origin_priv.h"

#include "base/assert.h"
#include "base/env.h"
#include "base/slice.h"

#include <stdio.h>

#define EVENTS_BETWEEN_LOOKS 32 /* at the clock */
#define NS_PER_MS INT64_C(1000000)

struct batch {
    struct view_version *version;
    struct ever *store;
    bool in_transaction;
    uint32_t transaction_events; /* applied in the running transaction */
    uint32_t events;             /* applied in all */
    int64_t end_ns;
    struct view_checkpoint next; /* what the transaction will have reached */
    enum view_step step;         /* how it ended */
};

static void note_failure(struct view_version *version, uint64_t position, const char *message)
{
    version->failed_position = position;
    (void)snprintf(version->failure, sizeof version->failure, "%s", message); /* may be cut */
}

/* The cursor goes back to where the database is. */
static void rewind_cursor(struct view_version *version)
{
    ever_cursor_close(version->cursor);
    version->cursor = NULL;
    version->alone_position = 0;
}

/* --- What is not an event's fault ------------------------------------------------------------- */

static const char *retry_reason(struct ever_err err)
{
    switch (err.code) {
    case EVER_NO_SPACE:
        return "the disk is full; trying again";
    case EVER_NO_MEMORY:
        return "out of memory; trying again";
    case EVER_BUSY:
        return "another program holds the view's database; trying again";
    default:
        return "a file cannot be read or written; trying again";
    }
}

static void give_up(struct batch *batch, struct ever_err err)
{
    struct view_version *version = batch->version;
    view_database_rollback(&version->database);
    rewind_cursor(version);
    batch->step = err.code == EVER_CLOSED ? VIEW_STEP_CLOSED : VIEW_STEP_RETRY;
    if (batch->step == VIEW_STEP_RETRY) {
        note_failure(version, 0, retry_reason(err));
    }
}

static void database_failed(struct batch *batch, struct ever_err err)
{
    give_up(batch, err);
    if (err.code == EVER_CORRUPT || err.code == EVER_INVALID) { /* not the tables we made */
        batch->step = VIEW_STEP_DAMAGED;
    }
}

/* --- Transactions ----------------------------------------------------------------------------- */

static struct ever_err begin(struct batch *batch)
{
    ASSERT(!batch->in_transaction);
    TRY(view_database_begin(&batch->version->database));
    batch->in_transaction = true;
    batch->transaction_events = 0;
    return ERR_OK;
}

static struct ever_err commit(struct batch *batch)
{
    struct view_version *version = batch->version;
    ASSERT(batch->in_transaction);
    batch->in_transaction = false;
    TRY(view_database_commit(&version->database, &batch->next));
    version->reached = batch->next;
    version->applied += batch->transaction_events;
    return ERR_OK;
}

/* Every event of the view's types up to `position` is applied. A version that has caught up for the
 * first time may answer from then on: that is written at once. */
static struct ever_err finish(struct batch *batch, uint64_t position)
{
    struct view_version *version = batch->version;
    bool completes = batch->step == VIEW_STEP_IDLE && !batch->next.complete;
    batch->next.complete |= completes;
    if (position > batch->next.position) {
        batch->next.position = position;
    }
    if (version->failed_position == 0) {
        version->failure[0] = '\0'; /* what was waited for has come */
    }
    if (batch->in_transaction) {
        return commit(batch);
    }
    uint64_t behind = batch->next.position - version->database.checkpoint.position;
    if (behind < VIEW_CHECKPOINT_STRIDE && !completes) {
        version->reached = batch->next; /* the next commit will write it */
        return ERR_OK;
    }
    TRY(begin(batch));
    return commit(batch);
}

/* --- Events that fail ------------------------------------------------------------------------- */

static void pass_event(struct batch *batch, const struct ever_event *event)
{
    ASSERT(event->position > batch->next.event_position);
    batch->next.position = event->position;
    batch->next.event_position = event->position;
    batch->next.event_id = event->id;
}

/* Notes the event in a transaction of its own, which reaches what `next` says. */
static void skip_event(struct batch *batch, const struct ever_event *event)
{
    struct view_version *version = batch->version;
    bool is_new = false;
    struct ever_err err = begin(batch);
    if (IS_OK(err)) {
        err = view_database_skip(&version->database, event, version->failure, &is_new);
    }
    if (IS_OK(err)) {
        err = commit(batch);
    }
    batch->step = VIEW_STEP_MORE;
    version->database.skipped += IS_OK(err) && is_new;
    if (!IS_OK(err)) {
        database_failed(batch, err);
    }
}

/* The view has reached what `next` says, and stays there. */
static void stop_view(struct batch *batch)
{
    struct view_version *version = batch->version;
    version->stopped = true;
    version->reached = batch->next;
    batch->step = VIEW_STEP_IDLE;
    rewind_cursor(version);
}

/* The event failed, and nothing else stood in its transaction. */
static void apply_policy(struct batch *batch, const struct ever_event *event, const char *message)
{
    note_failure(batch->version, event->position, message);
    if (batch->version->source->policy == VIEW_POLICY_SKIP) {
        pass_event(batch, event);
        skip_event(batch, event);
    } else {
        batch->next.position = event->position - 1; /* all before it are applied */
        stop_view(batch);
    }
}

static void event_failed(struct batch *batch, const struct ever_event *event, int result)
{
    struct view_version *version = batch->version;
    struct ever_err err = view_guard_fail(&version->database.guard, result);
    if (err.code != EVER_INVALID) {
        database_failed(batch, err);
        return;
    }
    char message[sizeof version->failure];
    (void)snprintf(message, sizeof message, "%s",
                   view_guard_message(&version->database.guard)); /* may be cut */
    view_database_rollback(&version->database);
    batch->in_transaction = false;
    if (batch->transaction_events == 0) {
        apply_policy(batch, event, message);
        return;
    }
    uint64_t position = event->position; /* lent by the cursor, which goes */
    rewind_cursor(version);
    version->alone_position = position;
    batch->step = VIEW_STEP_MORE;
}

/* --- Events ----------------------------------------------------------------------------------- */

/* A stretch of the log cannot be read, which may have held events of the view. Where it ends, the
 * cursor may know or not; the events around it are given in any case. */
static void log_damaged(struct batch *batch)
{
    struct view_version *version = batch->version;
    struct ever_err err = batch->in_transaction ? commit(batch) : ERR_OK;
    if (!IS_OK(err)) {
        database_failed(batch, err);
        return;
    }
    uint64_t behind = ever_cursor_position(version->cursor);
    bool known = behind > batch->next.position;
    struct ever_event lost = {.position = known ? behind : batch->next.position + 1,
                              .stream = SLICE_LITERAL(""),
                              .type = SLICE_LITERAL("")};
    note_failure(version, lost.position, "a part of the log from here on cannot be read");
    if (version->source->policy == VIEW_POLICY_STOP) {
        stop_view(batch);
        return;
    }
    batch->next.position = known ? behind : batch->next.position;
    skip_event(batch, &lost);
}

/* False when the batch has ended with it. */
static bool apply_event(struct batch *batch, const struct ever_event *event)
{
    struct view_version *version = batch->version;
    struct ever_err err = ERR_OK;
    if (batch->in_transaction && event->position == version->alone_position) {
        err = commit(batch);
    }
    if (IS_OK(err) && !batch->in_transaction) {
        err = begin(batch);
    }
    if (!IS_OK(err)) {
        database_failed(batch, err);
        return false;
    }
    struct view_handler *handler = view_program_find(version->program, event->type);
    ASSERT(handler != NULL); /* the cursor gives the view's types only */
    int result = view_handler_run(handler, &version->database.guard, event, &version->scratch);
    if (result != SQLITE_DONE) {
        event_failed(batch, event, result);
        return false;
    }
    pass_event(batch, event);
    batch->transaction_events++;
    batch->events++;
    return true;
}

static bool is_full(const struct batch *batch)
{
    if (batch->events >= VIEW_BATCH_EVENTS_MAX) {
        return true;
    }
    struct env *env = env_real();
    return batch->events % EVENTS_BETWEEN_LOOKS == 0 && env->monotonic_ns(env) >= batch->end_ns;
}

/* Applies what comes. True when the batch ended well, at *out_position. */
static bool read_events(struct batch *batch, uint64_t *out_position)
{
    struct view_version *version = batch->version;
    batch->step = VIEW_STEP_MORE;
    ever_cursor_allow(version->cursor, VIEW_BATCH_LOOKS_MAX, VIEW_BATCH_LOOK_BYTES_MAX);
    do {
        const struct ever_event *event;
        struct ever_err err = ever_next(version->cursor, &event);
        if (err.code == EVER_END || err.code == EVER_AGAIN) {
            *out_position = ever_cursor_position(version->cursor);
            batch->step = err.code == EVER_END ? VIEW_STEP_IDLE : VIEW_STEP_MORE;
            return true;
        }
        if (err.code == EVER_CORRUPT) {
            log_damaged(batch);
            return false;
        }
        if (!IS_OK(err)) {
            give_up(batch, err);
            return false;
        }
        if (view_origin_takes(version->source, event->stream) && !apply_event(batch, event)) {
            return false;
        }
    } while (!is_full(batch));
    *out_position = batch->next.position;
    return true;
}

static void run_batch(struct batch *batch)
{
    uint64_t position;
    if (!read_events(batch, &position)) {
        return;
    }
    struct ever_err err = finish(batch, position);
    if (!IS_OK(err)) {
        database_failed(batch, err);
    }
}

static struct ever_err open_cursor(struct view_version *version, struct ever *store)
{
    size_t count;
    const struct ever_slice *types = view_program_types(version->program, &count);
    struct ever_read read = {
        .types = types, .type_count = (uint32_t)count, .from = version->reached.position + 1};
    return ever_cursor_open(store, &read, &version->cursor);
}

static void judge_lag(struct view_version *version, struct ever *store, enum view_step step)
{
    uint64_t lag = ever_last_position(store) - version->reached.position;
    version->live = (version->live && lag <= VIEW_LIVE_LAG_MAX) || step == VIEW_STEP_IDLE;
}

enum view_step view_apply_batch(struct view_version *version, struct ever *store)
{
    if (version->stopped) {
        return VIEW_STEP_IDLE;
    }
    struct env *env = env_real();
    struct batch batch = {
        .version = version,
        .store = store,
        .end_ns = env->monotonic_ns(env) + VIEW_BATCH_TIME_MS * NS_PER_MS,
        .next = version->reached,
    };
    if (version->cursor == NULL) {
        struct ever_err err = open_cursor(version, store);
        if (!IS_OK(err)) {
            give_up(&batch, err);
            return batch.step;
        }
    }
    view_readers_pause(&version->readers);
    run_batch(&batch);
    view_readers_resume(&version->readers);
    view_readers_publish(&version->readers, version->database.checkpoint.position,
                         version->reached.position);
    judge_lag(version, store, batch.step);
    return batch.step;
}

struct ever_err view_apply_save(struct view_version *version)
{
    view_readers_pause(&version->readers);
    struct ever_err err = view_database_begin(&version->database);
    if (IS_OK(err)) {
        err = view_database_commit(&version->database, &version->reached);
    }
    view_readers_resume(&version->readers);
    return err;
}
