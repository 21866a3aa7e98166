/* Catches: an operator that mixes keys, forgets across a restart, gives twice or mixed values for
 * one root, or loses what came late; a flow that reads another and sees it in the wrong order. */
#include "unit/domain/derive_case.h"

#define SOURCE FROM("in", ",'category':'a'")
#define KEYED NODE("k", "keyBy", "0", ",'paths':['data.k']")
#define OP(op, rest)                                                                               \
    FLOW("'time':'data.t'",                                                                        \
         SOURCE "," KEYED                                                                          \
                "," NODE("v", "select", "1", ",'select':[['n',{'path':'@position'}]]") "," NODE(   \
                    "op", op, "2", rest) "," EMIT("out", "3"))
#define E(key, ms) "a-1 E {'k':'" key "','t':" ms "} @9999\n"
#define N(n) "{'n':" n "}"

static void cuts_by_key(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1") E("y", "2") E("x", "3") E("x", "4") E("y", "5");
    derive_check(OP("take", ",'count':2"), events,
                 "1.0 Out {'n':1}\n2.0 Out {'n':2}\n3.0 Out {'n':3}\n5.0 Out {'n':5}");
    derive_check(OP("take", ",'count':0"), events, "");
    derive_check(OP("skip", ",'count':2"), events, "4.0 Out {'n':4}");
    derive_check(OP("skip", ",'count':0"), E("x", "1"), "1.0 Out {'n':1}");
}

static void tells_items_apart(void **state)
{
    (void)state; /* cmocka's signature */
#define APART(op, rest)                                                                            \
    FLOW("'time':'data.t'", SOURCE "," NODE("op", op, "0", rest) "," EMIT("out", "1"))
    derive_check(APART("distinctUntilChanged", ",'path':'data.v'"),
                 "a-1 E {'t':1,'v':1}\na-1 E {'t':2,'v':1.0}\na-1 E {'t':3,'v':{'a':1,'b':2}}\n"
                 "a-1 E {'t':4,'v':{ 'b': 2, 'a': 1 }}\na-1 E {'t':5,'v':1}",
                 "1.0 Out {'t':1,'v':1}\n3.0 Out {'t':3,'v':{'a':1,'b':2}}\n5.0 Out {'t':5,'v':1}");
    derive_check(APART("distinct", ",'path':'data.v'"),
                 "a-1 E {'t':1,'v':1}\na-1 E {'t':2,'v':2}\na-1 E {'t':3,'v':1}",
                 "1.0 Out {'t':1,'v':1}\n2.0 Out {'t':2,'v':2}");
    derive_check(APART("distinct", ",'path':'data.v','ttl':10"),
                 "a-1 E {'t':1,'v':1}\na-1 E {'t':10,'v':1}\na-1 E {'t':11,'v':1}\n"
                 "a-1 E {'t':20,'v':1}",
                 "1.0 Out {'t':1,'v':1}\n3.0 Out {'t':11,'v':1}");
}

static void keeps_the_last_ones(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1") E("x", "2") E("y", "3") E("x", "4") E("x", "5") E("x", "6");
    derive_check(OP("pairwise", ""), events,
                 "2.0 Out [{'n':1},{'n':2}]\n4.0 Out [{'n':2},{'n':4}]\n"
                 "5.0 Out [{'n':4},{'n':5}]\n6.0 Out [{'n':5},{'n':6}]");
    derive_check(OP("bufferCount", ",'size':2,'every':2"), events,
                 "2.0 Out [{'n':1},{'n':2}]\n5.0 Out [{'n':4},{'n':5}]");
    derive_check(OP("bufferCount", ",'size':3,'every':2"), events,
                 "4.0 Out [{'n':1},{'n':2},{'n':4}]\n6.0 Out [{'n':4},{'n':5},{'n':6}]");
    derive_check(OP("bufferCount", ",'size':1,'every':3"), events,
                 "1.0 Out [{'n':1}]\n3.0 Out [{'n':3}]\n5.0 Out [{'n':5}]");
    derive_check(OP("slidingWindow", ",'size':2,'min':0"), E("x", "1") E("x", "2") E("x", "3"),
                 "1.0 Out [{'n':1}]\n2.0 Out [{'n':1},{'n':2}]\n3.0 Out [{'n':2},{'n':3}]");
    derive_check(OP("slidingWindow", ",'size':2,'min':2"), E("x", "1") E("x", "2"),
                 "2.0 Out [{'n':1},{'n':2}]");
    derive_check(OP("startWith", ",'values':[0,{'n':'none'}]"), E("x", "1") E("x", "2") E("y", "3"),
                 "1.0 Out 0\n1.1 Out {'n':'none'}\n1.2 Out {'n':1}\n2.0 Out {'n':2}\n"
                 "3.0 Out 0\n3.1 Out {'n':'none'}\n3.2 Out {'n':3}");
}

static void keeps_time(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1000") E("x", "1400") E("y", "1500") E("x", "2000") E("x", "2600");
    derive_check(OP("throttleTime", ",'due':1000"), events,
                 "1.0 Out {'n':1}\n3.0 Out {'n':3}\n4.0 Out {'n':4}");
    derive_check(OP("delay", ",'due':400"), events,
                 "2.0 Out {'n':1}\n4.0 Out {'n':2}\n4.1 Out {'n':3}\n5.0 Out {'n':4}");
    derive_check(OP("debounceTime", ",'due':500"), events,
                 "4.0 Out {'n':2}\n4.1 Out {'n':3}\n5.0 Out {'n':4}");
}

/* An account that is idle: the event that is given long after it came still says whose it was. */
static void a_kept_event_keeps_its_envelope(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        FLOW("'lateness':0",
             SOURCE "," NODE("k", "keyBy", "0", ",'paths':['@id']") "," NODE(
                 "idle", "debounceTime", "1",
                 ",'due':5000") "," NODE("out", "emit", "2",
                                         ",'type':'Idle','select':[['id',{'path':'@id'}],['type',{'"
                                         "path':'@type'}],"
                                         "['since',{'path':'@time'}],['p',{'path':'@position'}],"
                                         "['n',{'path':'data.n'}]]")),
        "a-1 E {'n':1} @1\na-2 F {'n':2} @3\na-1 E {'n':3} @5\na-3 E {'n':4} @20",
        "4.0 Idle {'id':'2','type':'F','since':'1970-01-01T00:00:03.000Z','p':2,'n':2}\n"
        "4.1 Idle {'id':'1','type':'E','since':'1970-01-01T00:00:05.000Z','p':3,'n':3}");
}

/* --- Several streams -------------------------------------------------------------------------- */

#define P NODE("p", "select", "0", ",'select':[['p',{'path':'data.n'}]]")
#define Q NODE("q", "where", "0", ",'where':{'path':'data.n','cmp':'gt','value':1}")
#define QN NODE("qn", "select", "2", ",'select':[['q',{'path':'data.n'}]]")
#define DIAMOND(op, in, rest)                                                                      \
    FLOW("", SOURCE "," P "," Q "," QN "," NODE("op", op, in, rest) "," EMIT("out", "4"))

static void combines_once_for_a_root(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = "a-1 E {'n':1}\na-1 E {'n':2}\na-1 E {'n':0}\na-1 E {'n':5}";
    derive_check(DIAMOND("merge", "1,3", ""), events,
                 "1.0 Out {'p':1}\n2.0 Out {'p':2}\n2.1 Out {'q':2}\n3.0 Out {'p':0}\n"
                 "4.0 Out {'p':5}\n4.1 Out {'q':5}");
    derive_check(DIAMOND("combineLatest", "1,3", ""), events,
                 "2.0 Out [{'p':2},{'q':2}]\n3.0 Out [{'p':0},{'q':2}]\n4.0 Out [{'p':5},{'q':5}]");
    derive_check(DIAMOND("withLatestFrom", "1,3", ""), events,
                 "2.0 Out [{'p':2},{'q':2}]\n3.0 Out [{'p':0},{'q':2}]\n4.0 Out [{'p':5},{'q':5}]");
    derive_check(DIAMOND("withLatestFrom", "3,1", ""), events,
                 "2.0 Out [{'q':2},{'p':2}]\n4.0 Out [{'q':5},{'p':5}]");
}

#define LEFT_RIGHT(join)                                                                                  \
    FLOW(                                                                                                 \
        "'time':'data.t','lateness':1000", SOURCE                                                         \
        "," FROM("in2", ",'category':'b'") "," NODE("ka", "keyBy", "0", ",'paths':['data.k']") "," NODE(  \
            "kb", "keyBy", "1",                                                                           \
            ",'paths':['data.k']") "," NODE("va", "select", "2",                                          \
                                            ",'select':[['a',{'path':'@position'}]"                       \
                                            "]") "," NODE("vb", "select", "3",                            \
                                                          ",'select':[['b',{'path':"                      \
                                                          "'@position'}]]") "," NODE("op",                \
                                                                                     "joinWithin",        \
                                                                                     "4,5",               \
                                                                                     ",'within':"         \
                                                                                     "500,'join':"        \
                                                                                     "'" join             \
                                                                                     "'") "," EMIT("out", \
                                                                                                   "6"))
#define B(key, ms) "b-1 E {'k':'" key "','t':" ms "} @9999\n"

static void joins_within_a_time(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1000") B("x", "1500") B("x", "1501") B("y", "1000") E("x", "1700")
        E("x", "9000") B("x", "7999");
    const char *pairs = "2.0 Out {'left':{'a':1},'right':{'b':2}}\n"
                        "5.0 Out {'left':{'a':5},'right':{'b':2}}\n"
                        "5.1 Out {'left':{'a':5},'right':{'b':3}}\n";
    const char *late =
        "7.0 $Late {'position':7,'node':'op','key':'x','start':"
        "'1970-01-01T00:00:07.499Z','end':'1970-01-01T00:00:08.499Z','value':{'b':7}}\n";
    struct text want = {0};
    text_printf(&want, "%s%s", pairs, late);
    derive_check(LEFT_RIGHT("inner"), events, want.data);
    derive_check(LEFT_RIGHT("left"), events, want.data);
    text_clear(&want);
    text_printf(&want, "%s6.0 Out {'left':null,'right':{'b':4}}\n%s", pairs, late);
    derive_check(LEFT_RIGHT("outer"), events, want.data);
    text_deinit(&want);
    derive_check(LEFT_RIGHT("left"), E("x", "1000") E("y", "5000"),
                 "2.0 Out {'left':{'a':1},'right':null}");
}

/* --- Several flows ---------------------------------------------------------------------------- */

#define TWO_FLOWS                                                                                              \
    "{'flows':[{'name':'high','options':{},'nodes':[" FROM("own", ",'category':'a'") "," FROM(                 \
        "low",                                                                                                 \
        ",'flow':'low'") "," NODE("m", "merge", "0,1",                                                         \
                                  "") "," NODE("v", "select", "2",                                             \
                                               ",'select':[['type',{'path':'@type'}],['n',{'path'"             \
                                               ":'data.n'}],['c',{'path':"                                     \
                                               "'metadata.cause'}]]") "," EMIT("out",                          \
                                                                               "3") "]},"                      \
                                                                                    "{'name':'"                \
                                                                                    "low','"                   \
                                                                                    "options':{},"             \
                                                                                    "'nodes':"                 \
                                                                                    "[" SOURCE                 \
                                                                                    "," NODE(                  \
                                                                                        "sum",                 \
                                                                                        "aggregat"             \
                                                                                        "e",                   \
                                                                                        "0",                   \
                                                                                        ",'folds'"             \
                                                                                        ":[['n',{"             \
                                                                                        "'fold':'"             \
                                                                                        "sum','"               \
                                                                                        "path':'"              \
                                                                                        "data.n'}"             \
                                                                                        "]]") "," NODE("out",  \
                                                                                                       "emit", \
                                                                                                       "1",    \
                                                                                                       ",'type':'Sum'") "]}]}"

static void flows_run_by_level(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(TWO_FLOWS, "a-1 E {'n':1}\na-1 E {'n':2}",
                 "low 1.0 Sum {'n':1}\nhigh 1.0 Out {'type':'E','n':1}\n"
                 "high 1.1 Out {'type':'Sum','n':1,'c':1}\n"
                 "low 2.0 Sum {'n':3}\nhigh 2.0 Out {'type':'E','n':2}\n"
                 "high 2.1 Out {'type':'Sum','n':3,'c':2}");
    derive_check(
        TWO_FLOWS, "a-1 E {'n':1}\na-1 E {'n':'?'}\na-1 E {'n':2}",
        "low 1.0 Sum {'n':1}\nhigh 1.0 Out {'type':'E','n':1}\n"
        "high 1.1 Out {'type':'Sum','n':1,'c':1}\n"
        "stop 2 sum: data.n is '?': not a number that can be summed, which is a fraction or "
        "a whole number of up to 64 bits\n"
        "stop 2 : flow 'low', which it reads, has stopped there");
}

static void keys_are_bounded(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(FLOW("'keys':2", SOURCE
                      "," KEYED "," NODE("t", "take", "1", ",'count':1") "," EMIT("out", "2")),
                 "a-1 E {'k':1}\na-1 E {'k':2}\na-1 E {'k':1}\na-1 E {'k':3}\na-1 E {'k':4}",
                 "1.0 Out {'k':1}\n2.0 Out {'k':2}\n"
                 "stop 4 t: it would hold more than 2 keys or 268435456 bytes; let keys end (a "
                 "window, a ttl, fewer paths in keyBy), or raise the options keys and bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_by_key),
        cmocka_unit_test(tells_items_apart),
        cmocka_unit_test(keeps_the_last_ones),
        cmocka_unit_test(keeps_time),
        cmocka_unit_test(a_kept_event_keeps_its_envelope),
        cmocka_unit_test(combines_once_for_a_root),
        cmocka_unit_test(joins_within_a_time),
        cmocka_unit_test(flows_run_by_level),
        cmocka_unit_test(keys_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
