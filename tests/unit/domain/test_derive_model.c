/* Windows and joins against a naive model that takes one event after the other and looks at
 * everything it has. Event times lie within and beyond the lateness. Catches a window or pair that
 * is missing, there twice, in another order, and an event that is neither in a window nor late. */
#include "unit/domain/derive_case.h"

#define EVENTS_MAX 200
#define KEYS 3
#define NONE INT64_MIN

struct sample {
    int side; /* 0: stream a, 1: stream b */
    unsigned key;
    int64_t ms;
};
struct run {
    uint64_t seed;
    struct sample samples[EVENTS_MAX];
    unsigned count;
    struct text events;
    struct text want;
};

static unsigned pick(struct run *run, unsigned below)
{
    run->seed = run->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(run->seed >> 33) % below;
}

static void make_log(struct run *run, uint64_t seed, int64_t late_ms)
{
    run->seed = seed * 104729;
    run->count = 20 + pick(run, 100);
    text_clear(&run->events);
    text_clear(&run->want);
    for (unsigned i = 0; i < run->count; i++) {
        struct sample *sample = &run->samples[i];
        sample->side = (int)pick(run, 2);
        sample->key = pick(run, KEYS);
        /* Most of them in order, some a little late, some too late. */
        unsigned back = pick(run, 2) == 0 ? pick(run, (unsigned)late_ms / 50 + 1) * 100 : 0;
        sample->ms = 100000 + (int64_t)i * 400 - back;
        if (i + 1 == run->count) {
            sample->ms += 1000000; /* closes all that is open */
        }
        text_printf(&run->events, "%c-1 E {'k':%u,'t':%lld} @999999\n", "ab"[sample->side],
                    sample -> key, (long long)sample -> ms);
    }
}

static void add_time(struct text *out, const char *name, int64_t ms)
{
    text_printf(out, ",'%s':'1970-01-01T00:%02lld:%02lld.%03lldZ'", name,
                (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60), (long long)(ms % 1000));
}

static void check(struct run *run, const char *graph)
{
    derive_check(graph, run->events.data, run->want.data == NULL ? "" : run->want.data);
}

/* --- Windows ---------------------------------------------------------------------------------- */

struct window { /* [start, end) of a key, with the positions of its events */
    bool open;
    unsigned key;
    int64_t start;
    int64_t end;
    unsigned positions[EVENTS_MAX];
    unsigned count;
};
struct windows {
    struct window all[EVENTS_MAX * 4];
    unsigned count;
};
struct shape {
    const char *json;
    int64_t size;
    int64_t every;
    int64_t offset;
    int64_t gap; /* of a session, else 0 */
};

static void add_late(struct run *run, unsigned position, unsigned *k, const struct sample *sample,
                     int64_t start, int64_t end)
{
    text_printf(&run->want, "%u.%u $Late {'position':%u,'node':'w','key':%u", position, (*k)++,
                position, sample->key);
    add_time(&run->want, "start", start);
    add_time(&run->want, "end", end);
    text_printf(&run->want, ",'value':{'p':%u,'ms':%lld}}\n", position, (long long)sample->ms);
}

static void add_to_window(struct windows *windows, const struct sample *sample, unsigned position,
                          int64_t start, int64_t end)
{
    struct window *window = NULL;
    for (unsigned i = 0; i < windows->count; i++) {
        struct window *one = &windows->all[i];
        if (one->open && one->key == sample->key && one->start == start && one->end == end) {
            window = one;
        }
    }
    if (window == NULL) {
        window = &windows->all[windows->count++];
        *window = (struct window){.open = true, .key = sample->key, .start = start, .end = end};
    }
    window->positions[window->count++] = position;
}

static void put_in_fixed(struct run *run, struct windows *windows, const struct shape *shape,
                         unsigned position, unsigned *k, int64_t watermark)
{
    const struct sample *sample = &run->samples[position - 1];
    int64_t first = shape->offset - 100 * shape->every;
    for (int64_t start = first; start <= sample->ms; start += shape->every) {
        int64_t end = start + shape->size;
        if (sample->ms >= end) {
            continue;
        }
        if (end <= watermark) {
            add_late(run, position, k, sample, start, end);
        } else {
            add_to_window(windows, sample, position, start, end);
        }
    }
}

static int compare_positions(const void *a, const void *b)
{
    unsigned left = *(const unsigned *)a;
    unsigned right = *(const unsigned *)b;
    return (left > right) - (left < right);
}

static void put_in_session(struct run *run, struct windows *windows, const struct shape *shape,
                           unsigned position, unsigned *k, int64_t watermark)
{
    const struct sample *sample = &run->samples[position - 1];
    struct window merged = {.open = true,
                            .key = sample->key,
                            .start = sample->ms,
                            .end = sample->ms + shape->gap,
                            .positions = {position},
                            .count = 1};
    unsigned touched[EVENTS_MAX];
    unsigned touched_count = 0;
    for (unsigned i = 0; i < windows->count; i++) {
        struct window *one = &windows->all[i];
        if (!one->open || one->key != sample->key || one->end <= sample->ms ||
            one->start >= sample->ms + shape->gap) {
            continue;
        }
        touched[touched_count++] = i;
        merged.start = one->start < merged.start ? one->start : merged.start;
        merged.end = one->end > merged.end ? one->end : merged.end;
        memcpy(merged.positions + merged.count, one->positions, one->count * sizeof(unsigned));
        merged.count += one->count;
    }
    if (merged.end <= watermark) {
        add_late(run, position, k, sample, sample->ms, merged.end);
        return;
    }
    for (unsigned i = 0; i < touched_count; i++) {
        windows->all[touched[i]].open = false;
    }
    qsort(merged.positions, merged.count, sizeof merged.positions[0], compare_positions);
    windows->all[windows->count++] = merged;
}

static struct window *first_due(struct windows *windows, int64_t watermark)
{
    struct window *first = NULL;
    for (unsigned i = 0; i < windows->count; i++) {
        struct window *one = &windows->all[i];
        if (one->open && one->end <= watermark &&
            (first == NULL || one->end < first->end ||
             (one->end == first->end && one->key < first->key))) {
            first = one;
        }
    }
    return first;
}

/* Of the window's events, whose positions are in order. */
static void add_folds(struct run *run, const struct window *window)
{
    int64_t sum = 0;
    unsigned first = window->positions[0];
    unsigned last = first;
    for (unsigned i = 0; i < window->count; i++) {
        unsigned position = window->positions[i];
        int64_t ms = run->samples[position - 1].ms;
        sum += ms;
        first = ms < run->samples[first - 1].ms ? position : first;
        last = ms >= run->samples[last - 1].ms ? position : last;
    }
    text_printf(&run->want, ",'sum':%lld,'lo':%lld,'hi':%lld,'first':%u,'last':%u", (long long)sum,
                (long long)run->samples[first - 1].ms, (long long)run->samples[last - 1].ms, first,
                last);
}

static void close_windows(struct run *run, struct windows *windows, unsigned position, unsigned *k,
                          int64_t watermark, unsigned *seen)
{
    for (struct window *window; (window = first_due(windows, watermark)) != NULL;) {
        text_printf(&run->want, "%u.%u Out {'key':%u", position, (*k)++, window->key);
        add_time(&run->want, "start", window->start);
        add_time(&run->want, "end", window->end);
        text_printf(&run->want, ",'n':%u", window->count);
        add_folds(run, window);
        text_add_text(&run->want, ",'at':[");
        for (unsigned i = 0; i < window->count; i++) {
            text_printf(&run->want, "%s%u", i == 0 ? "" : ",", window->positions[i]);
            seen[window->positions[i]]++;
        }
        text_add_text(&run->want, "]}\n");
        window->open = false;
    }
}

static void model_windows(struct run *run, const struct shape *shape, int64_t lateness)
{
    static struct windows windows;
    unsigned seen[EVENTS_MAX + 1] = {0};
    int64_t newest = NONE;
    windows.count = 0;
    for (unsigned position = 1; position <= run->count; position++) {
        unsigned k = 0;
        int64_t before = newest == NONE ? NONE : newest - lateness;
        (shape->gap > 0 ? put_in_session : put_in_fixed)(run, &windows, shape, position, &k,
                                                         before);
        seen[position] += k; /* it was late so often */
        int64_t ms = run->samples[position - 1].ms;
        newest = ms > newest ? ms : newest;
        close_windows(run, &windows, position, &k, newest - lateness, seen);
    }
    for (unsigned i = 1; i < run->count; i++) { /* the last one is still open */
        assert_int_equal(seen[i], shape->gap > 0 ? 1 : (unsigned)(shape->size / shape->every));
    }
}

#define VALUE "'select':[['p',{'path':'@position'}],['ms',{'path':'data.t'}]]"
#define FOLDS                                                                                      \
    "['n',{'fold':'count'}],['sum',{'fold':'sum','path':'ms'}],['lo',{'fold':'min','path':'ms'}]," \
    "['hi',{'fold':'max','path':'ms'}],['first',{'fold':'first','path':'p'}],"                     \
    "['last',{'fold':'latest','path':'p'}],['at',{'fold':'collect','path':'p','limit':200}]"
static const char window_graph[] =
    "{'flows':[{'name':'f','options':{'time':'data.t','lateness':%lld},'nodes':["
    "{'op':'from','name':'in'},"
    "{'op':'keyBy','name':'k','in':[0],'paths':['data.k']},"
    "{'op':'select','name':'v','in':[1]," VALUE "},"
    "{'op':'aggregate','name':'w','in':[2],'window':{%s},'folds':[" FOLDS "]},"
    "{'op':'emit','name':'out','in':[3],'type':'Out'}]}]}";

static void windows_are_as_in_the_model(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct shape shapes[] = {
        {"'kind':'tumbling','size':3000", 3000, 3000, 0, 0},
        {"'kind':'tumbling','size':700,'offset':300", 700, 700, 300, 0},
        {"'kind':'hopping','size':2000,'every':1000,'offset':100", 2000, 1000, 100, 0},
        {"'kind':'session','gap':900", 0, 0, 0, 900},
    };
    struct run run = {0};
    struct text graph = {0};
    for (uint64_t seed = 1; seed <= 80; seed++) {
        const struct shape *shape = &shapes[seed % 4];
        int64_t lateness = (int64_t)(seed / 4 % 3) * 1500;
        struct shape far = *shape; /* the model counts from there */
        far.offset += shape->every == 0 ? 0 : 100000 / shape->every * shape->every;
        text_clear(&graph);
        text_printf(&graph, window_graph, (long long)lateness, shape->json);
        make_log(&run, seed, lateness + 1000);
        model_windows(&run, &far, lateness);
        check(&run, graph.data);
    }
    text_deinit(&graph);
    text_deinit(&run.events);
    text_deinit(&run.want);
}

/* --- Joins ------------------------------------------------------------------------------------ */

struct waiting {
    bool there;
    bool matched;
};

static void add_side(struct run *run, unsigned position)
{
    if (position == 0) {
        text_add_text(&run->want, "null");
    } else {
        text_printf(&run->want, "{'p':%u,'ms':%lld}", position,
                    (long long)run->samples[position - 1].ms);
    }
}

static void add_pair(struct run *run, unsigned position, unsigned *k, unsigned left, unsigned right)
{
    text_printf(&run->want, "%u.%u Out {'left':", position, (*k)++);
    add_side(run, left);
    text_add_text(&run->want, ",'right':");
    add_side(run, right);
    text_add_text(&run->want, "}\n");
}

/* Events are 1 to count; waiting[0] is nobody. The next by (time, position) behind `after`, 0 at
 * the end. */
static unsigned next_waiting(const struct run *run, const struct waiting *waiting, int side,
                             int key, unsigned after)
{
    unsigned next = 0;
    for (unsigned i = 1; i <= run->count; i++) {
        const struct sample *one = &run->samples[i - 1];
        bool fits = waiting[i].there && one->side == side && (key < 0 || one->key == (unsigned)key);
        const struct sample *last = after == 0 ? NULL : &run->samples[after - 1];
        bool behind = last == NULL || one->ms > last->ms || (one->ms == last->ms && i > after);
        if (fits && behind && (next == 0 || one->ms < run->samples[next - 1].ms)) {
            next = i;
        }
    }
    return next;
}

static void pair_up(struct run *run, struct waiting *waiting, unsigned position, unsigned *k,
                    int64_t within)
{
    const struct sample *mine = &run->samples[position - 1];
    unsigned other = 0;
    while ((other = next_waiting(run, waiting, 1 - mine->side, (int)mine->key, other)) != 0) {
        int64_t distance = run->samples[other - 1].ms - mine->ms;
        if (distance <= within && -distance <= within) {
            add_pair(run, position, k, mine->side == 0 ? position : other,
                     mine->side == 0 ? other : position);
            waiting[other].matched = waiting[position].matched = true;
        }
    }
    waiting[position].there = true;
}

/* The waiting one that leaves next: by time, key, side, position. */
static unsigned next_leaving(const struct run *run, const struct waiting *waiting, int64_t before)
{
    unsigned best = 0;
    for (unsigned i = 1; i <= run->count; i++) {
        const struct sample *one = &run->samples[i - 1];
        if (!waiting[i].there || one->ms >= before) {
            continue;
        }
        const struct sample *held = best == 0 ? NULL : &run->samples[best - 1];
        int64_t order = held == NULL ? -1 : one->ms - held->ms;
        order = order == 0 ? (int64_t)one->key - (int64_t)held->key : order;
        order = order == 0 ? one->side - held->side : order;
        best = order < 0 ? i : best;
    }
    return best;
}

static void model_join(struct run *run, int64_t within, int64_t lateness, int alone)
{
    struct waiting waiting[EVENTS_MAX + 1] = {0};
    int64_t newest = NONE;
    for (unsigned position = 1; position <= run->count; position++) {
        const struct sample *sample = &run->samples[position - 1];
        unsigned k = 0;
        if (newest != NONE && sample->ms < newest - lateness) {
            add_late(run, position, &k, sample, sample->ms - within, sample->ms + within);
        } else {
            pair_up(run, waiting, position, &k, within);
        }
        newest = sample->ms > newest ? sample->ms : newest;
        unsigned gone;
        while ((gone = next_leaving(run, waiting, newest - lateness - within)) != 0) {
            int side = run->samples[gone - 1].side;
            waiting[gone].there = false;
            if (!waiting[gone].matched && side < alone) {
                add_pair(run, position, &k, side == 0 ? gone : 0, side == 0 ? 0 : gone);
            }
        }
    }
}

static const char join_graph[] =
    "{'flows':[{'name':'f','options':{'time':'data.t','lateness':%lld},'nodes':["
    "{'op':'from','name':'a','category':'a'},"
    "{'op':'from','name':'b','category':'b'},"
    "{'op':'keyBy','name':'ka','in':[0],'paths':['data.k']},"
    "{'op':'keyBy','name':'kb','in':[1],'paths':['data.k']},"
    "{'op':'select','name':'va','in':[2]," VALUE "},"
    "{'op':'select','name':'vb','in':[3]," VALUE "},"
    "{'op':'joinWithin','name':'w','in':[4,5],'within':%lld,'join':'%s'},"
    "{'op':'emit','name':'out','in':[6],'type':'Out'}]}]}";

static void joins_are_as_in_the_model(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const joins[] = {"inner", "left", "outer"};
    struct run run = {0};
    struct text graph = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        int64_t lateness = (int64_t)(seed % 4) * 600;
        int64_t within = 300 + (int64_t)(seed % 5) * 400;
        text_clear(&graph);
        text_printf(&graph, join_graph, (long long)lateness, (long long)within, joins[seed % 3]);
        make_log(&run, seed, lateness + 500);
        model_join(&run, within, lateness, (int)(seed % 3));
        check(&run, graph.data);
    }
    text_deinit(&graph);
    text_deinit(&run.events);
    text_deinit(&run.want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_as_in_the_model),
        cmocka_unit_test(joins_are_as_in_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
