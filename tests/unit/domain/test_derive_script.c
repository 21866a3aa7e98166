/* Catches: items of a root in different calls, a state that is lost, doubled or taken from a worker
 * that remembers another one, an output that gets another item's root or key, a failure that takes
 * its neighbours with it.
 *
 * The worker here is a counter for each key, written in C, that keeps to the rules of FRAME_FLOW:
 * it remembers states while the generation fits, asks for those it has not got, and forgets at
 * random. */
#include "unit/domain/derive_case.h"

#include "base/json.h"

#define CELLS_MAX 64

struct cell {
    char key[64];
    int64_t count; /* -1: known to have none */
};
struct worker {
    struct cell cells[CELLS_MAX];
    size_t cell_count;
    uint64_t generation; /* the next one, if cells are to be of use */
    uint64_t calls;
    bool complete; /* what is not in cells does not exist */
    struct text out;
    struct text states;
    struct text needs;
    struct arena arena;
};

static struct json_value at(struct json_value array, size_t index)
{
    struct json_iter i = json_iter(array);
    for (size_t n = 0; n <= index; n++) {
        assert_true(json_next(&i));
    }
    return i.value;
}

static struct cell *find_cell(struct worker *worker, struct ever_slice key, bool make)
{
    for (size_t i = 0; i < worker->cell_count; i++) {
        if (slice_is(key, worker->cells[i].key)) {
            return &worker->cells[i];
        }
    }
    if (!make) {
        return NULL;
    }
    assert_true(worker->cell_count < CELLS_MAX && key.size < sizeof worker->cells[0].key);
    struct cell *cell = &worker->cells[worker->cell_count++];
    memcpy(cell->key, key.data, key.size);
    cell->key[key.size] = '\0';
    cell->count = -1;
    return cell;
}

static struct ever_slice key_of(struct worker *worker, struct json_value item)
{
    struct json_value key = at(item, 2);
    return key.kind == JSON_NULL ? SLICE_NONE : json_string(key, &worker->arena);
}

static void take_states(struct worker *worker, struct json_value request)
{
    struct json_value states;
    if (!json_member(request, SLICE_LITERAL("states"), &states)) {
        return;
    }
    struct json_value cells;
    assert_true(json_member(states, SLICE_LITERAL("count1"), &cells));
    for (struct json_iter i = json_iter(cells); json_next(&i);) {
        struct cell *cell = find_cell(worker, json_string(i.key, &worker->arena), true);
        cell->count = -1;
        if (i.value.kind == JSON_ARRAY) {
            assert_true(json_integer(at(i.value, 0), &cell->count));
        }
    }
}

static void look_for_needs(struct worker *worker, struct json_value items)
{
    text_clear(&worker->needs);
    for (struct json_iter i = json_iter(items); json_next(&i);) {
        struct ever_slice key = key_of(worker, i.value);
        if (find_cell(worker, key, false) == NULL && !worker->complete) {
            text_add_text(&worker->needs, worker->needs.size == 0 ? "" : ",");
            json_write_string(&worker->needs, key);
        }
    }
}

/* The member n of an event's data. */
static int64_t number_of(struct json_value item)
{
    struct json_value n;
    int64_t number = 0;
    assert_true(json_member(at(item, 6), SLICE_LITERAL("n"), &n) && json_integer(n, &number));
    return number;
}

/* n: 0 gives nothing, 1 the event as it came under another key, 13 fails, others count. */
static bool count_item(struct worker *worker, size_t index, struct json_value item)
{
    int64_t number = number_of(item);
    if (number == 13) {
        return false;
    }
    struct cell *cell = find_cell(worker, key_of(worker, item), true);
    cell->count = cell->count < 0 ? 1 : cell->count + 1;
    if (number > 0) {
        text_add_text(&worker->out, worker->out.size == 0 ? "" : ",");
    }
    if (number == 1) {
        text_printf(&worker->out, "[%zu,\"[\\\"one\\\"]\"]", index);
    } else if (number > 1) {
        text_printf(&worker->out, "[%zu,0,{\"count\":%lld}]", index, (long long)cell->count);
    }
    return true;
}

static void write_states(struct worker *worker)
{
    text_clear(&worker->states);
    for (size_t i = 0; i < worker->cell_count; i++) {
        if (worker->cells[i].count >= 0) {
            text_add_text(&worker->states, worker->states.size == 0 ? "" : ",");
            json_write_string(&worker->states, slice_of_text(worker->cells[i].key));
            text_printf(&worker->states, ":[%lld]", (long long)worker->cells[i].count);
        }
    }
}

static void answer(struct worker *worker, struct json_value items, uint64_t generation,
                   struct text *out)
{
    size_t done = 0;
    size_t most = 1 + worker->calls % 3; /* time runs short */
    bool failed = false;
    text_clear(&worker->out);
    for (struct json_iter i = json_iter(items); !failed && done < most && json_next(&i);) {
        failed = !count_item(worker, done, i.value);
        done += !failed;
    }
    write_states(worker);
    worker->generation = generation + 1;
    text_printf(out, "{\"done\":%zu,\"out\":[%s],\"states\":{\"count1\":{%s}}%s}", done,
                worker->out.size == 0 ? "" : worker->out.data,
                worker->states.size == 0 ? "" : worker->states.data,
                failed ? ",\"failed\":\"flows/f.js:7: thirteen\"" : "");
}

static enum derive_script_result run(void *arg, struct ever_slice segment, struct ever_slice text,
                                     struct text *out)
{
    struct worker *worker = arg;
    struct json_value request = json_value_of(text);
    struct json_value items;
    struct json_value number;
    int64_t generation;
    assert_slice(segment, "f/2");
    assert_true(json_check(text, NULL));
    assert_true(json_member(request, SLICE_LITERAL("items"), &items));
    assert_true(json_member(request, SLICE_LITERAL("generation"), &number));
    assert_true(json_integer(number, &generation));
    bool fresh = json_member(request, SLICE_LITERAL("fresh"), &number);
    worker->calls++;
    if ((uint64_t)generation != worker->generation || fresh) {
        worker->cell_count = 0;
        worker->complete = fresh;
    }
    take_states(worker, request);
    look_for_needs(worker, items);
    if (worker->needs.size > 0) {
        worker->generation = (uint64_t)generation;
        text_printf(out, "{\"need\":{\"count1\":[%s]}}", worker->needs.data);
    } else {
        answer(worker, items, (uint64_t)generation, out);
    }
    if (worker->calls % 5 == 0) {
        worker->generation = UINT64_MAX; /* restarted */
    }
    arena_reset(&worker->arena);
    return DERIVE_SCRIPT_ANSWERED;
}

#define SCRIPT(options)                                                                            \
    FLOW(                                                                                          \
        options,                                                                                   \
        FROM("in", ",'category':'a'") "," NODE("k", "keyBy", "0", ",'paths':['data.k']") "," NODE( \
            "s", "script", "1",                                                                    \
            ",'segment':'f/"                                                                       \
            "2','keyed':true,'ops':[{'op':'scan','name':'"                                         \
            "count1'}]") "," NODE("n", "aggregate", "2",                                           \
                                  ",'folds':[['n',{'fold':'"                                       \
                                  "count'}],"                                                      \
                                  "['v',{'fold':'latest'}]"                                        \
                                  "]") "," EMIT("out", "3"))

static void check(const char *graph, const char *events, const char *want)
{
    struct worker *worker = calloc(1, sizeof *worker);
    assert_non_null(worker);
    struct derive_script script = {.run = run, .arg = worker};
    derive_check_script(graph, events, want, &script);
    text_deinit(&worker->out);
    text_deinit(&worker->states);
    text_deinit(&worker->needs);
    arena_deinit(&worker->arena);
    free(worker);
}

#define E(key, n) "a-1 E {'k':'" key "','n':" n "}\n"
#define ONE(position)                                                                              \
    "{'type':'E','data':{'k':'x','n':1},'metadata':null,'stream':'a-1','id':'1','position'"        \
    ":" position ",'revision':0,'time':" position "000,'tags':[]}"

static void items_pass_through_a_worker(void **state)
{
    (void)state; /* cmocka's signature */
    check(SCRIPT(""),
          E("x", "5") E("y", "6") E("x", "0") E("x", "1") E("x", "5") E("y", "7") E("z", "8"),
          "1.0 Out {'key':'x','n':1,'v':{'count':1}}\n"
          "2.0 Out {'key':'y','n':1,'v':{'count':1}}\n"
          "4.0 Out {'key':'one','n':1,'v':" ONE("4") "}\n"
                                                     "5.0 Out {'key':'x','n':2,'v':{'count':4}}\n"
                                                     "6.0 Out {'key':'y','n':2,'v':{'count':2}}\n"
                                                     "7.0 Out {'key':'z','n':1,'v':{'count':1}}");
}

static void a_failure_is_one_items_own(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "5") E("x", "13") E("x", "6") E("y", "7");
    check(SCRIPT(""), events,
          "1.0 Out {'key':'x','n':1,'v':{'count':1}}\nstop 2 s: flows/f.js:7: thirteen");
    check(SCRIPT("'onError':'skip'"), events,
          "1.0 Out {'key':'x','n':1,'v':{'count':1}}\n"
          "2.0 $Error {'position':2,'node':'s','message':'flows/f.js:7: thirteen'}\n"
          "3.0 Out {'key':'x','n':2,'v':{'count':2}}\n"
          "4.0 Out {'key':'y','n':1,'v':{'count':1}}");
}

static void keys_of_scripts_are_bounded(void **state)
{
    (void)state; /* cmocka's signature */
    check(
        SCRIPT("'keys':2"), E("x", "5") E("y", "5") E("x", "5") E("z", "5") E("x", "5"),
        "1.0 Out {'key':'x','n':1,'v':{'count':1}}\n"
        "2.0 Out {'key':'y','n':1,'v':{'count':1}}\n"
        "3.0 Out {'key':'x','n':2,'v':{'count':2}}\n"
        "stop 4 s: it would hold more than 2 keys or 268435456 bytes; use fewer keys, or raise the "
        "options keys and bytes");
}

/* --- A worker that breaks --------------------------------------------------------------------- */

/* Breaks at the event at position 3, in whatever company it comes. */
static enum derive_script_result break_at_three(void *arg, struct ever_slice segment,
                                                struct ever_slice text, struct text *out)
{
    struct json_value items;
    assert_true(json_member(json_value_of(text), SLICE_LITERAL("items"), &items));
    for (struct json_iter i = json_iter(items); json_next(&i);) {
        if (slice_is(at(i.value, 0).text, "3")) {
            text_add_text(out, "it ran longer than 2000 ms");
            return DERIVE_SCRIPT_BROKEN;
        }
    }
    return run(arg, segment, text, out);
}

static enum derive_script_result nonsense(void *arg, struct ever_slice segment,
                                          struct ever_slice text, struct text *out)
{
    (void)arg, (void)segment, (void)text; /* the callback's signature */
    text_add_text(out, "{\"done\":1,\"out\":[[5,0,1]],\"states\":{}}");
    return DERIVE_SCRIPT_ANSWERED;
}

static void a_broken_worker_stops_the_flow_at_its_event(void **state)
{
    (void)state; /* cmocka's signature */
    struct worker *worker = calloc(1, sizeof *worker);
    assert_non_null(worker);
    struct derive_script script = {.run = break_at_three, .arg = worker};
    derive_check_script(SCRIPT("'onError':'skip'"), E("x", "5") E("x", "5") E("x", "5") E("x", "5"),
                        "1.0 Out {'key':'x','n':1,'v':{'count':1}}\n"
                        "2.0 Out {'key':'x','n':2,'v':{'count':2}}\n"
                        "stop 3 s: it ran longer than 2000 ms",
                        &script);
    script.run = nonsense;
    derive_check_script(
        SCRIPT(""), E("x", "5"),
        "stop 1 s: the worker's answer cannot be used: an output is not in the order "
        "of the items",
        &script);
    text_deinit(&worker->out);
    text_deinit(&worker->states);
    text_deinit(&worker->needs);
    arena_deinit(&worker->arena);
    free(worker);
}

static enum derive_script_result closed(void *arg, struct ever_slice segment,
                                        struct ever_slice text, struct text *out)
{
    (void)arg, (void)segment, (void)text, (void)out; /* the callback's signature */
    return DERIVE_SCRIPT_CLOSED;
}

static void a_run_can_be_abandoned(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_case_events *all = case_read_events(E("x", "5"));
    struct derive_program *program = case_program(SCRIPT(""));
    struct derive_script script = {.run = closed};
    struct derive_result result;
    derive_program_run(program, all->events, all->count, &script, &result);
    assert_true(result.abandoned);
    derive_program_destroy(program);
    case_free_events(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_pass_through_a_worker),
        cmocka_unit_test(a_failure_is_one_items_own),
        cmocka_unit_test(keys_of_scripts_are_bounded),
        cmocka_unit_test(a_broken_worker_stops_the_flow_at_its_event),
        cmocka_unit_test(a_run_can_be_abandoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
