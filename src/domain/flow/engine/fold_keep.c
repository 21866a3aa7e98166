/* fold_keep.c - first, latest, collect and countDistinct: what was there, and when. */
#include "domain/flow/engine/fold_kinds_priv.h"

#include "base/checksum.h"

/* --- first and latest ------------------------------------------------------------------------- */

struct moment {
    int64_t time_us;
    uint64_t position;
    struct ever_slice text;
};

static struct moment read_moment(struct state_reader *reader)
{
    struct moment moment = {.time_us = state_get_i64(reader)};
    moment.position = state_get_u64(reader);
    moment.text = state_get_bytes(reader);
    return moment;
}

static void write_moment(struct text *out, const struct moment *moment)
{
    state_put_i64(out, moment->time_us);
    state_put_u64(out, moment->position);
    state_put_bytes(out, moment->text);
}

/* Of items at the same moment the one that came later is the later one. */
static bool is_later(const struct moment *next, const struct moment *held)
{
    if (next->time_us != held->time_us) {
        return next->time_us > held->time_us;
    }
    return next->position >= held->position;
}

static bool moment_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                        struct state_reader *before, struct text *out)
{
    struct moment next = {step->time_us, step->position, SLICE_NONE};
    struct moment held = {0};
    if (!fresh) {
        held = read_moment(before);
    }
    if (fresh || is_later(&next, &held) == fold->latest) {
        next.text = fold_step_json(step);
        held = next;
    }
    write_moment(out, &held);
    return true;
}

static bool moment_join(const struct derive_fold *fold, const struct fold_step *step,
                        struct state_reader *a, struct state_reader *b, struct text *out)
{
    (void)step; /* moments can always be joined */
    struct moment held = read_moment(a);
    struct moment next = read_moment(b);
    write_moment(out, is_later(&next, &held) == fold->latest ? &next : &held);
    return true;
}

static struct derive_value moment_result(const struct derive_fold *fold, struct derive_node *node,
                                         struct state_reader *state)
{
    (void)fold; /* the signature of all kinds */
    return fold_kept_json(node, read_moment(state).text);
}
/* --- collect: all values, in the order of the log --------------------------------------------- */

static bool too_many(const struct derive_fold *fold, const struct fold_step *step)
{
    node_stop(step->node, step->root,
              "it would collect more than %llu values; raise the option limit, or take a smaller "
              "window or another fold",
              (unsigned long long)fold->limit);
    return false;
}

static bool collect_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                         struct state_reader *before, struct text *out)
{
    uint64_t count = fresh ? 0 : state_get_u64(before);
    if (count == fold->limit) {
        return too_many(fold, step);
    }
    state_put_u64(out, count + 1);
    const char *start = before->at;
    for (uint64_t i = 0; i < count; i++) {
        (void)state_get_u64(before); /* only its end is wanted */
        (void)state_get_bytes(before);
    }
    text_add(out, slice_of(start, (size_t)(before->at - start)));
    state_put_u64(out, step->position);
    state_put_bytes(out, fold_step_json(step));
    return true;
}

static bool collect_join(const struct derive_fold *fold, const struct fold_step *step,
                         struct state_reader *a, struct state_reader *b, struct text *out)
{
    uint64_t a_left = state_get_u64(a);
    uint64_t b_left = state_get_u64(b);
    if (a_left + b_left > fold->limit) {
        return too_many(fold, step);
    }
    state_put_u64(out, a_left + b_left);
    uint64_t a_position = a_left > 0 ? state_get_u64(a) : 0;
    uint64_t b_position = b_left > 0 ? state_get_u64(b) : 0;
    while (a_left + b_left > 0) {
        bool from_a = b_left == 0 || (a_left > 0 && a_position <= b_position);
        struct state_reader *from = from_a ? a : b;
        uint64_t *left = from_a ? &a_left : &b_left;
        uint64_t *position = from_a ? &a_position : &b_position;
        state_put_u64(out, *position);
        state_put_bytes(out, state_get_bytes(from));
        *left -= 1;
        *position = *left > 0 ? state_get_u64(from) : 0;
    }
    return true;
}
struct derive_value fold_list_result(const struct derive_fold *fold, struct derive_node *node,
                                     struct state_reader *state)
{
    (void)fold; /* the signature of all kinds */
    struct text *text = &node->flow->program->text;
    uint64_t count = state_get_u64(state);
    text_clear(text);
    text_add_byte(text, '[');
    for (uint64_t i = 0; i < count; i++) {
        (void)state_get_u64(state); /* its position */
        if (i > 0) {
            text_add_byte(text, ',');
        }
        text_add(text, state_get_bytes(state));
    }
    text_add_byte(text, ']');
    return fold_kept_json(node, text_slice(text));
}

/* --- countDistinct: hashes of 128 bits, sorted ------------------------------------------------ */

#define DISTINCT_BYTES 16u

static void write_hash(char out[static DISTINCT_BYTES], struct ever_slice bytes)
{
    struct hash128 hash = hash128(bytes);
    for (unsigned i = 0; i < 8; i++) { /* the highest byte first, so that memcmp() is their order */
        out[i] = (char)(unsigned char)(hash.high >> (56 - 8 * i));
        out[8 + i] = (char)(unsigned char)(hash.low >> (56 - 8 * i));
    }
}

static struct ever_slice read_hashes(struct state_reader *reader)
{
    return state_get_bytes(reader);
}

static bool distinct_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                          struct state_reader *before, struct text *out)
{
    (void)fold; /* any value will do */
    char hash[DISTINCT_BYTES];
    write_hash(hash, node_canonical(step->node, &step->value, step->time_us));
    struct ever_slice held = fresh ? SLICE_NONE : read_hashes(before);
    size_t low = 0;
    size_t high = held.size / DISTINCT_BYTES;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool below = memcmp(held.data + middle * DISTINCT_BYTES, hash, DISTINCT_BYTES) < 0;
        low = below ? middle + 1 : low;
        high = below ? high : middle;
    }
    size_t at = low * DISTINCT_BYTES;
    if (at < held.size && memcmp(held.data + at, hash, DISTINCT_BYTES) == 0) {
        state_put_bytes(out, held);
        return true;
    }
    state_put_u64(out, held.size + DISTINCT_BYTES);
    text_add(out, slice_first(held, at));
    text_add(out, slice_of(hash, DISTINCT_BYTES));
    text_add(out, slice_from(held, at));
    return true;
}

static bool distinct_join(const struct derive_fold *fold, const struct fold_step *step,
                          struct state_reader *a, struct state_reader *b, struct text *out)
{
    (void)fold; /* any value will do */
    struct ever_slice left = read_hashes(a);
    struct ever_slice right = read_hashes(b);
    char *both = arena_alloc(node_arena(step->node), left.size + right.size);
    size_t size = 0;
    while (left.size + right.size > 0) {
        int order = left.size == 0    ? 1
                    : right.size == 0 ? -1
                                      : memcmp(left.data, right.data, DISTINCT_BYTES);
        memcpy(both + size, order <= 0 ? left.data : right.data, DISTINCT_BYTES);
        size += DISTINCT_BYTES;
        left = order <= 0 ? slice_from(left, DISTINCT_BYTES) : left;
        right = order >= 0 ? slice_from(right, DISTINCT_BYTES) : right;
    }
    state_put_bytes(out, slice_of(both, size));
    return true;
}

static struct derive_value distinct_result(const struct derive_fold *fold, struct derive_node *node,
                                           struct state_reader *state)
{
    (void)fold, (void)node; /* the signature of all kinds */
    return value_whole((int64_t)(read_hashes(state).size / DISTINCT_BYTES));
}
/* --- The kinds -------------------------------------------------------------------------------- */

const struct fold_kind fold_first = {"first", false, true, moment_step, moment_join, moment_result};
const struct fold_kind fold_latest = {"latest",    false,       true,
                                      moment_step, moment_join, moment_result};
const struct fold_kind fold_distinct = {"countDistinct", true,          false,
                                        distinct_step,   distinct_join, distinct_result};
const struct fold_kind fold_collect = {"collect",    false,        true,
                                       collect_step, collect_join, fold_list_result};
