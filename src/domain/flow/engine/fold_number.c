/* fold_number.c - count, sum and avg. */
#include "domain/flow/engine/fold_kinds_priv.h"

#include <math.h>

/* --- count ------------------------------------------------------------------------------------ */

static bool count_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                       struct state_reader *before, struct text *out)
{
    (void)fold, (void)step; /* it looks at nothing */
    state_put_u64(out, fresh ? 1 : state_get_u64(before) + 1);
    return true;
}

static bool count_join(const struct derive_fold *fold, const struct fold_step *step,
                       struct state_reader *a, struct state_reader *b, struct text *out)
{
    (void)fold, (void)step; /* it looks at nothing */
    uint64_t first = state_get_u64(a);
    state_put_u64(out, first + state_get_u64(b));
    return true;
}

static struct derive_value count_result(const struct derive_fold *fold, struct derive_node *node,
                                        struct state_reader *state)
{
    (void)fold, (void)node; /* the signature of all kinds */
    return value_whole((int64_t)state_get_u64(state));
}

/* --- sum and avg ------------------------------------------------------------------------------ */

struct sum {
    int64_t whole;
    bool has_fractions;
    double fractions; /* sum of the numbers that are not whole */
    double error;     /* what rounding took away from it (Neumaier) */
};

static struct sum read_sum(struct state_reader *reader)
{
    struct sum sum = {.has_fractions = state_get_u64(reader) != 0};
    sum.whole = state_get_i64(reader);
    if (sum.has_fractions) {
        sum.fractions = state_get_f64(reader);
        sum.error = state_get_f64(reader);
    }
    return sum;
}

static void write_sum(struct text *out, const struct sum *sum)
{
    state_put_u64(out, sum->has_fractions);
    state_put_i64(out, sum->whole);
    if (sum->has_fractions) {
        state_put_f64(out, sum->fractions);
        state_put_f64(out, sum->error);
    }
}

static void add_fraction(struct sum *sum, double value)
{
    double total = sum->fractions + value;
    double larger = fabs(sum->fractions) >= fabs(value) ? sum->fractions : value;
    double smaller = fabs(sum->fractions) >= fabs(value) ? value : sum->fractions;
    sum->error += (larger - total) + smaller;
    sum->fractions = total;
    sum->has_fractions = true;
}

static bool add_whole(const struct derive_fold *fold, const struct fold_step *step, struct sum *sum,
                      int64_t value)
{
    int64_t total;
    if (!__builtin_add_overflow(sum->whole, value, &total)) {
        sum->whole = total;
        return true;
    }
    node_stop(
        step->node, step->root,
        "the sum of %.*s is beyond 64 bits (%lld and %lld more); sum smaller units or shorter "
        "windows",
        SLICE_PRINT(fold_path_text(fold)), (long long)sum->whole, (long long)value);
    return false;
}

static bool fail_number(const struct derive_fold *fold, const struct fold_step *step)
{
    struct ever_slice json = fold_step_json(step);
    bool cut = json.size > 60;
    node_fail(step->node, step->root,
              "%.*s is %.*s%s: not a number that can be summed, which is a "
              "fraction or a whole number of up to 64 bits",
              SLICE_PRINT(fold_path_text(fold)), cut ? 60 : (int)json.size, json.data,
              cut ? "..." : "");
    return false;
}

static bool add_to_sum(const struct derive_fold *fold, const struct fold_step *step,
                       struct sum *sum)
{
    struct derive_number number;
    if (!value_number(&step->value, &number) || (!number.is_whole && !isfinite(number.real))) {
        return fail_number(fold, step);
    }
    if (number.is_whole) {
        return add_whole(fold, step, sum, number.whole);
    }
    add_fraction(sum, number.real);
    return true;
}

static bool sum_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                     struct state_reader *before, struct text *out)
{
    struct sum sum = {0};
    if (!fresh) {
        sum = read_sum(before);
    }
    if (!add_to_sum(fold, step, &sum)) {
        return false;
    }
    write_sum(out, &sum);
    return true;
}

static bool join_sums(const struct derive_fold *fold, const struct fold_step *step,
                      struct state_reader *a, struct state_reader *b, struct sum *out_sum)
{
    struct sum sum = read_sum(a);
    struct sum other = read_sum(b);
    if (!add_whole(fold, step, &sum, other.whole)) {
        return false;
    }
    if (other.has_fractions) {
        add_fraction(&sum, other.fractions);
        add_fraction(&sum, other.error);
    }
    *out_sum = sum;
    return true;
}

static bool sum_join(const struct derive_fold *fold, const struct fold_step *step,
                     struct state_reader *a, struct state_reader *b, struct text *out)
{
    struct sum sum;
    if (!join_sums(fold, step, a, b, &sum)) {
        return false;
    }
    write_sum(out, &sum);
    return true;
}

static double fractions_of(const struct sum *sum)
{
    return sum->fractions + sum->error;
}

static struct derive_value sum_result(const struct derive_fold *fold, struct derive_node *node,
                                      struct state_reader *state)
{
    (void)fold, (void)node; /* the signature of all kinds */
    struct sum sum = read_sum(state);
    return sum.has_fractions ? value_real((double)sum.whole + fractions_of(&sum))
                             : value_whole(sum.whole);
}

static bool avg_step(const struct derive_fold *fold, const struct fold_step *step, bool fresh,
                     struct state_reader *before, struct text *out)
{
    state_put_u64(out, fresh ? 1 : state_get_u64(before) + 1);
    return sum_step(fold, step, fresh, before, out);
}

static bool avg_join(const struct derive_fold *fold, const struct fold_step *step,
                     struct state_reader *a, struct state_reader *b, struct text *out)
{
    uint64_t count = state_get_u64(a);
    state_put_u64(out, count + state_get_u64(b));
    return sum_join(fold, step, a, b, out);
}

static struct derive_value avg_result(const struct derive_fold *fold, struct derive_node *node,
                                      struct state_reader *state)
{
    (void)fold, (void)node; /* the signature of all kinds */
    double count = (double)state_get_u64(state);
    struct sum sum = read_sum(state);
    return value_real(((double)sum.whole + fractions_of(&sum)) / count);
}
/* --- The kinds -------------------------------------------------------------------------------- */

const struct fold_kind fold_count = {"count", false, false, count_step, count_join, count_result};
const struct fold_kind fold_sum = {"sum", true, false, sum_step, sum_join, sum_result};
const struct fold_kind fold_avg = {"avg", true, false, avg_step, avg_join, avg_result};
