/* Catches: events read that should not be or the other way round, a wrong comparison, a lost or
 * rounded number, state that depends on batches or does not survive being saved, a failure that
 * leaves half of its event behind. */
#include "unit/domain/derive_case.h"

#define ACCOUNTS FROM("in", ",'category':'account'")

static void reads_what_it_says(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = "account-a Opened {'n':1}\n"
                         "accounting-a Opened {'n':2}\n"
                         "account-b Closed {'n':3}\n"
                         "flow-f.1 Out {'n':4}\n"
                         "$command-1 Opened {'n':5}\n"
                         "$tick $Tick {'time':'2026-01-01T00:00:00Z'}\n"
                         "order-a Opened {'n':7}";
    derive_check(FLOW("", ACCOUNTS "," EMIT("out", "0")), events,
                 "1.0 Out {'n':1}\n3.0 Out {'n':3}");
    derive_check(FLOW("", FROM("in", "") "," EMIT("out", "0")), events,
                 "1.0 Out {'n':1}\n2.0 Out {'n':2}\n3.0 Out {'n':3}\n7.0 Out {'n':7}");
    derive_check(
        FLOW("", FROM("in", ",'prefix':'account','types':['Opened']") "," EMIT("out", "0")), events,
        "1.0 Out {'n':1}\n2.0 Out {'n':2}");
    derive_check(FLOW("", FROM("in", ",'stream':'account-b'") "," EMIT("out", "0")), events,
                 "3.0 Out {'n':3}");
}

#define WHERE(predicate)                                                                           \
    FLOW("", ACCOUNTS "," NODE("w", "where", "0", ",'where':" predicate) "," EMIT("out", "1"))
#define LEAF(path, cmp, value) "{'path':'" path "','cmp':'" cmp "','value':" value "}"

static void compares(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = "account-a A {'x':10}\n"
                         "account-b A {'x':10.5}\n"
                         "account-c A {'x':9007199254740993}\n"
                         "account-d A {'x':'10'}\n"
                         "account-e A {'y':{'z':[1,{'w':true}]}}\n"
                         "account-f A {'x':null}\n"
                         "account-g A {'x':123456789012345678901234567890}";
    derive_check(WHERE(LEAF("data.x", "gt", "10")), events,
                 "2.0 Out {'x':10.5}\n3.0 Out {'x':9007199254740993}\n"
                 "7.0 Out {'x':123456789012345678901234567890}");
    derive_check(WHERE(LEAF("data.x", "eq", "9007199254740992")), events, "");
    derive_check(WHERE(LEAF("data.x", "eq", "1.05e1")), events, "2.0 Out {'x':10.5}");
    derive_check(WHERE(LEAF("data.x", "in", "['10',10]")), events,
                 "1.0 Out {'x':10}\n4.0 Out {'x':'10'}");
    derive_check(WHERE(LEAF("data.x", "startsWith", "'1'")), events, "4.0 Out {'x':'10'}");
    derive_check(WHERE(LEAF("data.x", "exists", "false")), events,
                 "5.0 Out {'y':{'z':[1,{'w':true}]}}");
    derive_check(WHERE(LEAF("data.y.z.1.w", "eq", "true")), events,
                 "5.0 Out {'y':{'z':[1,{'w':true}]}}");
    derive_check(WHERE(LEAF("data.y.z", "eq", "[1,{'w':true}]")), events,
                 "5.0 Out {'y':{'z':[1,{'w':true}]}}");
    derive_check(
        WHERE("{'all':[" LEAF("data.x", "gte", "10") ",{'not':" LEAF("@id", "eq", "'a'") "}]}"),
        events,
        "2.0 Out {'x':10.5}\n3.0 Out {'x':9007199254740993}\n"
        "7.0 Out {'x':123456789012345678901234567890}");
    derive_check(WHERE("{'any':[" LEAF("@stream", "eq", "'account-a'") "," //
                       LEAF("@position", "eq", "6") "]}"),
                 events, "1.0 Out {'x':10}\n6.0 Out {'x':null}");
}

/* A program that embeds the store may have written anything as JSON. */
static void looks_into_damaged_data(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = "account-a A {'x':{'y':1,'z' 2},'n':5}\n"
                         "account-b A {'n':01,'x':{'y':1}}\n"
                         "account-c A {'x':{'y':1},'n':5\n"
                         "account-d A {'x':1,'n':5,'n':6}\n"
                         "account-e A not JSON\n"
                         "account-f A !{'n':5}";
    const char *graph =
        FLOW("", ACCOUNTS "," NODE("o", "emit", "0",
                                   ",'type':'Seen','select':[['id',{'path':'@id'}],"
                                   "['y',{'path':'data.x.y'}],['n',{'path':'data.n'}]"
                                   ",['x',{'path':'data.x'}]]"));
    derive_check(graph, events,
                 "1.0 Seen {'id':'a','y':1,'n':5}\n"
                 "2.0 Seen {'id':'b','y':1,'x':{'y':1}}\n"
                 "3.0 Seen {'id':'c','y':1,'n':5,'x':{'y':1}}\n"
                 "4.0 Seen {'id':'d','n':5,'x':1}\n"
                 "5.0 Seen {'id':'e'}\n"
                 "6.0 Seen {'id':'f'}");
#define NOT_JSON(position)                                                                         \
    position ".0 $Error {'position':" position ",'node':'in','message':'its data is not JSON'}\n"
    derive_check(FLOW("'onError':'skip'", ACCOUNTS "," EMIT("out", "0")), events,
                 NOT_JSON("1") NOT_JSON("2") NOT_JSON("3") NOT_JSON("4")
                     NOT_JSON("5") "6.0 $Error {'position':6,'node':'out','message':'its data is "
                                   "not JSON, so it cannot "
                                   "be emitted as it is; select what to emit'}");
}

static void selects(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        FLOW("",
             ACCOUNTS "," NODE(
                 "s", "select", "0",
                 ",'select':[['id',{'path':'@id'}],['at',{'path':'@time'}],"
                 "['n',{'path':'data.n'}],['no',{'path':'data.no'}],"
                 "['c',{'value':{'k':[1, 2]}}]]") "," NODE("w", "where", "1",
                                                           ",'where':" LEAF(
                                                               "n", "gt",
                                                               "1")) "," NODE("out", "emit", "2",
                                                                              ",'type':'Seen','"
                                                                              "tags':['id','n'],'"
                                                                              "select':[['who',{'"
                                                                              "path':'id'}],"
                                                                              "['k',{'path':'c.k.1'"
                                                                              "}],['all',{'path':'"
                                                                              "c'}],['at',{'path':'"
                                                                              "at'}]]")),
        "account-x A {'n':1}\naccount-y A {'n':2.50}",
        "2.0 Seen {'who':'y','k':2,'all':{'k':[1, 2]},'at':'1970-01-01T00:00:02.000Z'} #y "
        "#2.5");
}

#define RUNNING(folds)                                                                             \
    FLOW("",                                                                                       \
         ACCOUNTS "," NODE("k", "keyBy", "0", ",'paths':['data.a']") "," NODE(                     \
             "agg", "aggregate", "1", ",'mode':'final','folds':[" folds "]") "," EMIT("out", "2"))
#define SUM "['sum',{'fold':'sum','path':'data.n'}]"

static void folds_by_key(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(RUNNING("['n',{'fold':'count'}]," SUM ",['avg',{'fold':'avg','path':'data.n'}]"),
                 "account-1 A {'a':'x','n':10}\n"
                 "account-2 A {'a':'y','n':0.1}\n"
                 "account-3 A {'a':'x','n':-3}\n"
                 "account-4 A {'a':'y','n':0.2}\n"
                 "account-5 A {'a':1,'n':9007199254740993}\n"
                 "account-6 A {'a':1.0,'n':1}",
                 "1.0 Out {'key':'x','n':1,'sum':10,'avg':10}\n"
                 "2.0 Out {'key':'y','n':1,'sum':0.1,'avg':0.1}\n"
                 "3.0 Out {'key':'x','n':2,'sum':7,'avg':3.5}\n"
                 "4.0 Out {'key':'y','n':2,'sum':0.30000000000000004,'avg':0.15000000000000002}\n"
                 "5.0 Out {'key':1,'n':1,'sum':9007199254740993,'avg':9007199254740992}\n"
                 "6.0 Out {'key':1,'n':2,'sum':9007199254740994,'avg':4503599627370497}");
}

static void equal_values_are_one_key(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(RUNNING("['n',{'fold':'count'}]"),
                 "account-1 A {'a':'a\\n'}\naccount-1 A {'a':'\\u0061\\u000a'}\n"
                 "account-1 A {'a':{'x':[1, 2],'y':null}}\n"
                 "account-1 A {'a':{ 'y': null, 'x': [1e0,2.0] }}\naccount-1 A {'a':'1'}",
                 "1.0 Out {'key':'a\\n','n':1}\n2.0 Out {'key':'a\\n','n':2}\n"
                 "3.0 Out {'key':{'x':[1,2],'y':null},'n':1}\n"
                 "4.0 Out {'key':{'x':[1,2],'y':null},'n':2}\n5.0 Out {'key':'1','n':1}");
}

static void folds_of_all_kinds(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        RUNNING("['min',{'fold':'min','path':'data.n'}],['max',{'fold':'max','path':'data.n'}],"
                "['first',{'fold':'first','path':'data.n'}],"
                "['last',{'fold':'latest','path':'data.n'}],"
                "['top',{'fold':'topK','path':'data.n','k':2}],"
                "['kinds',{'fold':'countDistinct','path':'data.n'}],"
                "['all',{'fold':'collect','path':'data.n','limit':9}]"),
        "account-1 A {'a':'x','n':5}\n"
        "account-2 A {'a':'x','n':7}\n"
        "account-3 A {'a':'x','n':5.0}\n"
        "account-4 A {'a':'x','n':-1}",
        "1.0 Out {'key':'x','min':5,'max':5,'first':5,'last':5,'top':[5],'kinds':1,'all':[5]}\n"
        "2.0 Out {'key':'x','min':5,'max':7,'first':5,'last':7,'top':[7,5],'kinds':2,"
        "'all':[5,7]}\n"
        "3.0 Out {'key':'x','min':5,'max':7,'first':5,'last':5.0,'top':[7,5],'kinds':2,"
        "'all':[5,7,5.0]}\n"
        "4.0 Out {'key':'x','min':-1,'max':7,'first':5,'last':-1,'top':[7,5],'kinds':3,"
        "'all':[5,7,5.0,-1]}");
    derive_check(RUNNING("['best',{'fold':'maxBy','path':'data.n'}]"),
                 "account-1 A {'a':'x','n':5}\naccount-2 A {'a':'x','n':5}",
                 "1.0 Out {'key':'x','best':{'type':'A','data':{'a':'x','n':5},'metadata':null,"
                 "'stream':'account-1','id':'1','position':1,'revision':0,'time':1000,'tags':[]}}\n"
                 "2.0 Out {'key':'x','best':{'type':'A','data':{'a':'x','n':5},'metadata':null,"
                 "'stream':'account-1','id':'1','position':1,'revision':0,'time':1000,'tags':[]}}");
}

static void a_failure_stops_and_leaves_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        RUNNING(SUM),
        "account-1 A {'a':'x','n':1}\naccount-2 A {'a':'x'}\n"
        "account-3 A {'a':'x','n':3}",
        "1.0 Out {'key':'x','sum':1}\n"
        "stop 2 agg: there is no data.n, which sum needs; choose items that have it, as in "
        ".where({ \"data.n\": { exists: true } })");
    derive_check(
        RUNNING(SUM),
        "account-1 A {'a':'x','n':9223372036854775807}\n"
        "account-2 A {'a':'y','n':5}\naccount-3 A {'a':'x','n':1}",
        "1.0 Out {'key':'x','sum':9223372036854775807}\n2.0 Out {'key':'y','sum':5}\n"
        "stop 3 agg: the sum of data.n is beyond 64 bits (9223372036854775807 and 1 more); "
        "sum smaller units or shorter windows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_says),
        cmocka_unit_test(compares),
        cmocka_unit_test(looks_into_damaged_data),
        cmocka_unit_test(selects),
        cmocka_unit_test(folds_by_key),
        cmocka_unit_test(equal_values_are_one_key),
        cmocka_unit_test(folds_of_all_kinds),
        cmocka_unit_test(a_failure_stops_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
