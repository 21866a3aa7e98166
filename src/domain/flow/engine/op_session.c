/* op_session.c - session windows: items of a key that follow each other within the gap. */
#include "domain/flow/engine/window_priv.h"

struct session {
    int64_t start_us; /* of its first item */
    int64_t last_us;  /* of its last item */
    uint64_t rev;
    struct ever_slice folds;
};
struct sessions { /* of one key, by start; they do not touch */
    struct session *all;
    uint64_t count;
};

static struct sessions read_sessions(const struct derive_node *node, struct ever_slice state,
                                     struct arena *arena)
{
    struct sessions sessions = {0};
    (void)node; /* all kinds of state are read alike */
    if (state.size == 0) {
        sessions.all = arena_alloc(arena, sizeof sessions.all[0]);
        return sessions;
    }
    struct state_reader reader = state_reader(state);
    sessions.count = state_get_u64(&reader);
    sessions.all = arena_alloc(arena, (sessions.count + 1) * sizeof sessions.all[0]);
    for (uint64_t i = 0; i < sessions.count; i++) {
        struct session *session = &sessions.all[i];
        session->start_us = state_get_i64(&reader);
        session->last_us = session->start_us + (int64_t)state_get_u64(&reader);
        session->rev = state_get_u64(&reader);
        session->folds = state_get_bytes(&reader);
    }
    return sessions;
}

static void write_sessions(struct text *out, const struct sessions *sessions)
{
    text_clear(out);
    state_put_u64(out, sessions->count);
    for (uint64_t i = 0; i < sessions->count; i++) {
        const struct session *session = &sessions->all[i];
        state_put_i64(out, session->start_us);
        state_put_u64(out, (uint64_t)(session->last_us - session->start_us));
        state_put_u64(out, session->rev);
        state_put_bytes(out, session->folds);
    }
}

static int64_t end_of(const struct derive_node *node, const struct session *session)
{
    return session->last_us + ((const struct aggregate *)node->own)->size_us;
}

int64_t session_due(const struct derive_node *node, struct ever_slice state)
{
    struct arena arena;
    arena_init(&arena);
    struct sessions sessions = read_sessions(node, state, &arena);
    ASSERT(sessions.count > 0);
    int64_t due_us = end_of(node, &sessions.all[0]); /* the first to start is the first to end */
    arena_deinit(&arena);
    return due_us;
}

static void give(struct derive_node *node, uint32_t root, struct ever_slice key,
                 const struct session *session, bool final, int64_t time_us)
{
    struct window_result result = {
        .root = root,
        .key = key,
        .start_us = session->start_us,
        .end_us = end_of(node, session),
        .time_us = time_us,
        .rev = session->rev + final,
        .final = final,
        .folds = session->folds,
    };
    window_give(node, &result);
}

/* The sessions that an item joins: [*out_first, *out_end). */
static void find_touched(const struct derive_node *node, const struct sessions *sessions,
                         int64_t time_us, uint64_t *out_first, uint64_t *out_end)
{
    int64_t gap_us = ((const struct aggregate *)node->own)->size_us;
    uint64_t first = 0;
    while (first < sessions->count && end_of(node, &sessions->all[first]) <= time_us) {
        first++;
    }
    uint64_t end = first;
    while (end < sessions->count && sessions->all[end].start_us < time_us + gap_us) {
        end++;
    }
    *out_first = first;
    *out_end = end;
}

static struct ever_slice keep(const struct derive_node *node, const struct text *text)
{
    return arena_copy(node_arena(node), text_slice(text));
}

/* The sessions [first, end) and the item as one. False after a failure or stop. */
static bool join(struct derive_node *node, const struct derive_item *item,
                 const struct sessions *sessions, uint64_t first, uint64_t end,
                 struct session *out_joined)
{
    const struct aggregate *aggregate = node->own;
    struct text *text = &node->flow->program->state;
    struct session joined = {.start_us = item->time_us, .last_us = item->time_us};
    for (uint64_t i = first; i < end; i++) {
        const struct session *session = &sessions->all[i];
        joined.start_us = session->start_us < joined.start_us ? session->start_us : joined.start_us;
        joined.last_us = session->last_us > joined.last_us ? session->last_us : joined.last_us;
        joined.rev = session->rev > joined.rev ? session->rev : joined.rev;
        if (i == first) {
            joined.folds = session->folds;
            continue;
        }
        text_clear(text);
        if (!folds_join(&aggregate->folds, node, item->root, state_reader(joined.folds),
                        state_reader(session->folds), text)) {
            return false;
        }
        joined.folds = keep(node, text);
    }
    text_clear(text);
    if (!folds_step(&aggregate->folds, node, item, state_reader(joined.folds), text)) {
        return false;
    }
    joined.folds = keep(node, text);
    joined.rev += aggregate->updates;
    *out_joined = joined;
    return true;
}

/* Whether the item comes too late for the session it would make or join. */
static bool is_late(struct derive_node *node, const struct derive_item *item,
                    const struct sessions *sessions, uint64_t first, uint64_t end)
{
    int64_t gap_us = ((const struct aggregate *)node->own)->size_us;
    int64_t end_us = item->time_us + gap_us;
    if (end > first && end_of(node, &sessions->all[end - 1]) > end_us) {
        end_us = end_of(node, &sessions->all[end - 1]);
    }
    if (end_us > node_watermark_before(node, item->root)) {
        return false;
    }
    node_late(node, item, item->time_us, end_us);
    return true;
}

void session_each(struct derive_node *node, const struct derive_item *item)
{
    const struct aggregate *aggregate = node->own;
    struct table_place place = table_find(&node->table, item_key(item), item->hash);
    struct ever_slice state = place.entry == NULL ? SLICE_NONE : table_state(place.entry);
    struct sessions sessions = read_sessions(node, state, node_arena(node));
    uint64_t first;
    uint64_t end;
    struct session joined;
    find_touched(node, &sessions, item->time_us, &first, &end);
    if (is_late(node, item, &sessions, first, end) ||
        !join(node, item, &sessions, first, end, &joined)) {
        return;
    }
    memmove(&sessions.all[first + 1], &sessions.all[end],
            (sessions.count - end) * sizeof sessions.all[0]);
    sessions.all[first] = joined;
    sessions.count = sessions.count - (end - first) + 1;
    struct text *text = &node->flow->program->state;
    write_sessions(text, &sessions);
    int64_t due_us = end_of(node, &sessions.all[0]);
    if (node_set_state(node, item->root, place, item_key(item), item->hash, text_slice(text),
                       due_us) &&
        aggregate->updates) {
        give(node, item->root, item_key(item), &joined, false, item->time_us);
    }
}

void session_fire(struct derive_node *node, uint32_t root, const struct alarm_at *alarm)
{
    struct ever_slice key = arena_copy(node_arena(node), slice_of(alarm->key, alarm->key_size));
    uint64_t hash = table_hash(key);
    struct table_place place = table_find(&node->table, key, hash);
    /* The state in the table goes away below. */
    struct ever_slice state = arena_copy(node_arena(node), table_state(place.entry));
    struct sessions sessions = read_sessions(node, state, node_arena(node));
    const struct session *ended = &sessions.all[0];
    give(node, root, key, ended, true, window_last_us(end_of(node, ended)));
    if (sessions.count == 1) {
        table_remove(&node->table, place, hash);
        return;
    }
    struct sessions left = {sessions.all + 1, sessions.count - 1};
    struct text *text = &node->flow->program->state;
    write_sessions(text, &left);
    (void)node_set_state(node, root, place, key, hash, text_slice(text),
                         end_of(node, &left.all[0])); /* smaller than before: it fits */
}
