/* Random graphs over random logs: what comes out must not depend on batches or restarts, whatever
 * the graph. Catches state that is not saved, an operator that looks at where a batch ends, an undo
 * that leaves something behind. test_derive_model.c says what is right; this says that it is one
 * thing. */
#include "unit/domain/derive_case.h"

#define NODES_MAX 12
#define GRAPHS 200

struct maker {
    uint64_t seed;
    struct text text;
    int keyed[NODES_MAX]; /* by how many values */
    size_t count;
};

static unsigned pick(struct maker *maker, unsigned below)
{
    maker->seed = maker->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(maker->seed >> 33) % below;
}

static const char *one_of(struct maker *maker, const char *const *texts, unsigned count)
{
    return texts[pick(maker, count)];
}

static const char *path(struct maker *maker)
{
    static const char *const paths[] = {"data.n", "data.k",    "data.deep.0.x", "n",  "key",
                                        "@id",    "@position", "0.data.n",      "0.n"};
    return one_of(maker, paths, sizeof paths / sizeof paths[0]);
}

/* --- Nodes ------------------------------------------------------------------------------------ */

static void add_fold(struct maker *maker, unsigned index)
{
    static const char *const folds[] = {"'fold':'count'",
                                        "'fold':'sum','path':'%s'",
                                        "'fold':'avg','path':'%s'",
                                        "'fold':'min','path':'%s'",
                                        "'fold':'max','path':'%s'",
                                        "'fold':'first','path':'%s'",
                                        "'fold':'latest'",
                                        "'fold':'minBy','path':'%s'",
                                        "'fold':'topK','path':'%s','k':2",
                                        "'fold':'countDistinct','path':'%s'",
                                        "'fold':'collect','limit':50"};
    const char *fold = one_of(maker, folds, sizeof folds / sizeof folds[0]);
    text_printf(&maker->text, "%s['%c',{", index == 0 ? "" : ",", 'n' + (char)index);
    for (const char *at = fold; *at != '\0'; at++) {
        if (*at == '%') {
            text_add_text(&maker->text, path(maker));
            at++;
        } else {
            text_add_byte(&maker->text, *at);
        }
    }
    text_add_text(&maker->text, "}]");
}

static void add_aggregate(struct maker *maker)
{
    static const char *const windows[] = {"",
                                          ",'window':{'kind':'tumbling','size':3000}",
                                          ",'window':{'kind':'tumbling','size':2000,'offset':500}",
                                          ",'window':{'kind':'hopping','size':4000,'every':1500}",
                                          ",'window':{'kind':'session','gap':1500}",
                                          ",'window':{'kind':'count','size':3}",
                                          ",'window':{'kind':'sliding','size':2500}"};
    text_add_text(&maker->text, one_of(maker, windows, sizeof windows / sizeof windows[0]));
    text_printf(&maker->text, ",'mode':'%s','folds':[", pick(maker, 3) == 0 ? "updates" : "final");
    unsigned folds = 1 + pick(maker, 3);
    for (unsigned i = 0; i < folds; i++) {
        add_fold(maker, i);
    }
    text_add_byte(&maker->text, ']');
}

static void add_where(struct maker *maker)
{
    static const char *const comparisons[] = {"eq", "ne", "gt", "gte", "lt", "lte"};
    text_printf(&maker->text, ",'where':{'%s':[{'path':'%s','cmp':'%s','value':%u},",
                pick(maker, 2) == 0 ? "any" : "all", path(maker), one_of(maker, comparisons, 6),
                pick(maker, 6));
    text_printf(&maker->text, "{'path':'%s','cmp':'exists','value':true}]}", path(maker));
}

struct op {
    const char *name;
    const char *rest; /* NULL: made by a function */
    unsigned inputs;
};
static const struct op ops[] = {
    {"where", NULL, 1},
    {"aggregate", NULL, 1},
    {"aggregate", NULL, 1},
    {"keyBy", NULL, 1},
    {"select", NULL, 1},
    {"take", ",'count':7", 1},
    {"skip", ",'count':2", 1},
    {"pairwise", "", 1},
    {"distinctUntilChanged", "", 1},
    {"distinct", ",'ttl':2000,'path':'@position'", 1},
    {"distinct", "", 1},
    {"bufferCount", ",'size':3,'every':2", 1},
    {"slidingWindow", ",'size':3,'min':2", 1},
    {"startWith", ",'values':[0,{'n':1}]", 1},
    {"debounceTime", ",'due':900", 1},
    {"throttleTime", ",'due':900", 1},
    {"delay", ",'due':1200", 1},
    {"merge", "", 2},
    {"combineLatest", "", 2},
    {"withLatestFrom", "", 2},
    {"joinWithin", ",'within':1500,'join':'outer'", 2},
    {"joinWithin", ",'within':700,'join':'left'", 2},
};

static void add_rest(struct maker *maker, const struct op *op)
{
    if (op->rest != NULL) {
        text_add_text(&maker->text, op->rest);
    } else if (strcmp(op->name, "where") == 0) {
        add_where(maker);
    } else if (strcmp(op->name, "aggregate") == 0) {
        add_aggregate(maker);
    } else if (strcmp(op->name, "keyBy") == 0) {
        text_printf(&maker->text, ",'paths':['%s']", path(maker));
        maker->keyed[maker->count] = 1;
    } else {
        text_printf(&maker->text, ",'select':[['n',{'path':'%s'}],['k',{'path':'%s'}]]",
                    path(maker), path(maker));
    }
}

/* False: there are no inputs that go together. */
static bool add_node(struct maker *maker)
{
    const struct op *op = &ops[pick(maker, sizeof ops / sizeof ops[0])];
    size_t first = pick(maker, (unsigned)maker->count);
    size_t second = pick(maker, (unsigned)maker->count);
    if (op->inputs == 2 && maker->keyed[first] != maker->keyed[second]) {
        return false;
    }
    maker->keyed[maker->count] = maker->keyed[first];
    text_printf(&maker->text, ",{'op':'%s','name':'n%zu','in':[%zu", op->name, maker->count, first);
    if (op->inputs == 2) {
        text_printf(&maker->text, ",%zu", second);
    }
    text_add_byte(&maker->text, ']');
    add_rest(maker, op);
    text_add_byte(&maker->text, '}');
    maker->count++;
    return true;
}

static void make_graph(struct maker *maker)
{
    text_clear(&maker->text);
    maker->count = 2;
    maker->keyed[0] = maker->keyed[1] = 0;
    text_printf(&maker->text,
                "{'flows':[{'name':'f','options':{'time':'data.t','lateness':%u,'idle':%u,"
                "'onError':'%s','tick':%u},'nodes':[{'op':'from','name':'a','category':'a'},"
                "{'op':'from','name':'b','types':['F','G']}",
                pick(maker, 3) * 700, pick(maker, 2) * 3000, pick(maker, 5) == 0 ? "stop" : "skip",
                pick(maker, 2) * 1000);
    size_t wanted = 4 + pick(maker, NODES_MAX - 4);
    while (maker->count < wanted) {
        (void)add_node(maker); /* another one then */
    }
    for (size_t i = 2; i < wanted; i++) { /* so that all that any node gives is seen */
        text_printf(&maker->text, ",{'op':'emit','name':'out%zu','in':[%zu],'type':'Out%zu'}", i, i,
                    i);
    }
    text_add_text(&maker->text, "]}]}");
}

/* --- Logs ------------------------------------------------------------------------------------- */

static void add_event(struct maker *maker, struct text *out, unsigned index)
{
    static const char *const numbers[] = {"1", "2", "3.5", "0.1", "-4", "2.0", "9007199254740993"};
    static const char *const types[] = {"E", "F", "G"};
    if (pick(maker, 15) == 0) {
        text_printf(out, "$tick $Tick {'time':'1970-01-01T00:00:%02u.500Z'} @9999\n", index / 2);
        return;
    }
    text_printf(out, "%s-%u %s ", pick(maker, 2) == 0 ? "a" : "b", pick(maker, 3),
                one_of(maker, types, 3));
    if (pick(maker, 40) == 0) {
        text_add_text(out, pick(maker, 2) == 0 ? "!bytes @9999\n" : "{'t':'?'} @9999\n");
        return;
    }
    text_printf(out, "{'t':%u,'k':'%u'", 3000 + index * 500 - pick(maker, 3000), pick(maker, 3));
    if (pick(maker, 6) > 0) {
        text_printf(out, ",'n':%s", one_of(maker, numbers, 7));
    }
    if (pick(maker, 4) == 0) {
        text_printf(out, ",'deep':[{'x':[%u]}]", pick(maker, 3));
    }
    text_add_text(out, "} @9999\n");
}

static void check_graph(struct maker *maker, uint64_t seed)
{
    static const struct {
        size_t batch;
        size_t reload_every;
    } ways[] = {{CASE_EVENTS_MAX, 0}, {1, 0}, {7, 0}, {1, 1}, {5, 2}};
    struct text events = {0};
    struct text first = {0};
    make_graph(maker);
    unsigned count = 20 + pick(maker, 60);
    for (unsigned i = 0; i < count; i++) {
        add_event(maker, &events, i);
    }
    struct derive_case_events *all = case_read_events(events.data);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct text got = {0};
        case_run(maker->text.data, all, ways[i].batch, ways[i].reload_every, NULL, &got, &got);
        if (i == 0) {
            text_add(&first, text_slice(&got));
        } else if (!slice_equal(text_slice(&got), text_slice(&first))) {
            fail_msg("seed %llu, batches of %zu, reloaded every %zu\n%s\n%s\ngot:\n%s\nwant:\n%s",
                     (unsigned long long)seed, ways[i].batch, ways[i].reload_every,
                     maker->text.data, events.data, got.data, first.data);
        }
        text_deinit(&got);
    }
    case_free_events(all);
    text_deinit(&events);
    text_deinit(&first);
}

static void batches_and_restarts_are_unseen(void **state)
{
    (void)state; /* cmocka's signature */
    struct maker maker = {0};
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        maker.seed = seed * 7919;
        check_graph(&maker, seed);
    }
    text_deinit(&maker.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(batches_and_restarts_are_unseen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
