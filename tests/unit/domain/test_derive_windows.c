/* Catches: an item in the wrong window, a window that closes too early, too late or never, an item
 * that is neither in a window nor late, results in another order than (end, key). */
#include "unit/domain/derive_case.h"

#define SOURCE FROM("in", ",'category':'a'")
#define KEYED NODE("k", "keyBy", "0", ",'paths':['data.k']")
#define POSITIONS "['at',{'fold':'collect','path':'@position','limit':9}]"
#define WINDOW(options, window)                                                                    \
    FLOW("'time':'data.t'" options,                                                                \
         SOURCE "," KEYED                                                                          \
                "," NODE("win", "aggregate", "1",                                                  \
                         ",'window':{" window "},'folds':[" POSITIONS "]") "," EMIT("out", "2"))

/* An event for key `k` at `ms`; the log's own time is far ahead. */
#define E(key, ms) "a-1 E {'k':'" key "','t':" ms "} @9999\n"
#define SECOND(s) "'1970-01-01T00:00:" s "Z'"
/* The window [start, end) of `key` has the events at these positions. */
#define R(place, key, start, end, at)                                                              \
    place " Out {'key':'" key "','start':" SECOND(start) ",'end':" SECOND(end) ",'at':[" at "]}\n"
#define LATE(place, position, key, ms, start, end)                                                 \
    place " $Late {'position':" position ",'node':'win','key':'" key                               \
          "','start':" SECOND(start) ",'end':" SECOND(                                             \
              end) ",'value':{'type':'E','data':{'k':'" key "','t':" ms                            \
                   "},'metadata':null,'stream':'a-1','id':'1','position':" position                \
                   ",'revision':0,'time':" ms ",'tags':[]}}\n"

static void tumbling_windows_lie_fixed(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(WINDOW(",'lateness':2000", "'kind':'tumbling','size':10000,'offset':1000"),
                 E("y", "1000") E("x", "10999") E("x", "11000") E("y", "9000") E("x", "13000")
                     E("x", "10999") E("y", "31000"),
                 R("5.0", "x", "01.000", "11.000", "2") R("5.1", "y", "01.000", "11.000", "1,4")
                     LATE("6.0", "6", "x", "10999", "01.000", "11.000")
                         R("7.0", "x", "11.000", "21.000", "3,5"));
}

static void hopping_windows_overlap(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(WINDOW("", "'kind':'hopping','size':4000,'every':2000"),
                 E("x", "5000") E("x", "6000") E("x", "5999") E("x", "9000"),
                 R("2.0", "x", "02.000", "06.000", "1")
                     LATE("3.0", "3", "x", "5999", "02.000", "06.000")
                         R("4.0", "x", "04.000", "08.000", "1,2,3"));
    derive_check(WINDOW("", "'kind':'hopping','size':1000,'every':3000"),
                 E("x", "2999") E("x", "3000") E("x", "3999") E("x", "4000"),
                 R("4.0", "x", "03.000", "04.000", "2,3"));
}

static void sessions_end_with_a_gap(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(WINDOW(",'lateness':5000", "'kind':'session','gap':2000"),
                 E("x", "1000") E("x", "4000") E("y", "4500") E("x", "2500") /* joins both of x */
                 E("x", "11000") E("x", "3000") E("x", "30000"),
                 R("5.0", "x", "01.000", "06.000", "1,2,4") //
                 LATE("6.0", "6", "x", "3000", "03.000", "05.000")
                     R("7.0", "y", "04.500", "06.500", "3") R("7.1", "x", "11.000", "13.000", "5"));
}

static void sliding_windows_end_with_each_item(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(WINDOW(",'lateness':3000", "'kind':'sliding','size':2000"),
                 E("x", "5000") E("x", "6000") E("y", "7000") E("x", "7000") E("x", "5500")
                     E("x", "3999"),
                 R("1.0", "x", "03.000", "05.000", "1") R("2.0", "x", "04.000", "06.000", "1,2")
                     R("3.0", "y", "05.000", "07.000", "3") R("4.0", "x", "05.000", "07.000", "2,4")
                         R("5.0", "x", "03.500", "05.500", "1,5")
                             LATE("6.0", "6", "x", "3999", "01.999", "03.999"));
}

static void count_windows_look_at_no_time(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(WINDOW("", "'kind':'count','size':2"),
                 E("x", "9000") E("y", "1000") E("x", "2000") E("x", "3000"),
                 R("3.0", "x", "02.000", "09.000", "1,3"));
    derive_check(WINDOW("", "'kind':'count','size':1"), E("x", "9000"),
                 R("1.0", "x", "09.000", "09.000", "1"));
}

static void updates_show_every_change(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(FLOW("'time':'data.t'",
                      SOURCE "," NODE("win", "aggregate", "0",
                                      ",'window':{'kind':'tumbling','size':1000},'mode':'updates',"
                                      "'folds':[['n',{'fold':'count'}]]") "," EMIT("out", "1")),
                 E("x", "1000") E("x", "1500") E("x", "2000"),
                 "1.0 Out {'start':'1970-01-01T00:00:01.000Z','end':'1970-01-01T00:00:02.000Z',"
                 "'rev':1,'final':false,'n':1}\n"
                 "2.0 Out {'start':'1970-01-01T00:00:01.000Z','end':'1970-01-01T00:00:02.000Z',"
                 "'rev':2,'final':false,'n':2}\n"
                 "3.0 Out {'start':'1970-01-01T00:00:02.000Z','end':'1970-01-01T00:00:03.000Z',"
                 "'rev':1,'final':false,'n':1}\n"
                 "3.1 Out {'start':'1970-01-01T00:00:01.000Z','end':'1970-01-01T00:00:02.000Z',"
                 "'rev':3,'final':true,'n':2}");
}

static void windows_of_windows_fit(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        FLOW("'time':'data.t'",
             SOURCE "," NODE("s", "aggregate", "0",
                             ",'window':{'kind':'tumbling','size':1000},'folds':[['n',{'fold'"
                             ":'count'}]]") "," NODE("m", "aggregate", "1",
                                                     ",'window':{'kind':'tumbling','size':"
                                                     "2000},"
                                                     "'folds':[['n',{'fold':'sum','path':'n'}"
                                                     "]]") "," EMIT("out", "2")),
        E("x", "2000") E("x", "2999") E("x", "3999") E("x", "4000") E("x", "9000"),
        "4.0 Out {'start':'1970-01-01T00:00:02.000Z','end':'1970-01-01T00:00:04.000Z','n':3}\n"
        "5.0 Out {'start':'1970-01-01T00:00:04.000Z','end':'1970-01-01T00:00:06.000Z','n':1}");
}

/* --- Time ------------------------------------------------------------------------------------- */

#define TWO(options)                                                                               \
    FLOW("'time':'data.t'" options,                                                                \
         SOURCE "," FROM("in2", ",'category':'b'") "," NODE("m", "merge", "0,1", "") "," NODE(     \
             "win", "aggregate", "2",                                                              \
             ",'window':{'kind':'tumbling','size':1000},'folds':[" POSITIONS                       \
             "]") "," EMIT("out", "3"))
#define B(ms) "b-1 E {'t':" ms "} @9999\n"
#define W(place, start, end, at)                                                                   \
    place " Out {'start':" SECOND(start) ",'end':" SECOND(end) ",'at':[" at "]}\n"

static void the_watermark_is_held_back_by_a_silent_input(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1000") E("x", "2000") B("1500") E("x", "9000") B("9000");
    derive_check(
        TWO(",'idle':0"), events,
        W("2.0", "01.000", "02.000",
          "1") "3.0 $Late {'position':3,'node':'win','start':'1970-01-01T00:00:01.000Z','end':"
               "'1970-01-01T00:00:02.000Z','value':{'type':'E','data':{'t':1500},'metadata':"
               "null,'stream':'b-1','id':'1','position':3,'revision':0,'time':1500,'tags':[]}}\n" W(
                   "4.0", "02.000", "03.000", "2"));
    derive_check(TWO(",'idle':60000"), events,
                 W("5.0", "01.000", "02.000", "1,3") W("5.1", "02.000", "03.000", "2"));
    derive_check(TWO(",'idle':7000"), events,
                 W("4.0", "01.000", "02.000", "1,3") W("5.0", "02.000", "03.000", "2"));
}

static void ticks_move_time_where_they_are_asked_for(void **state)
{
    (void)state; /* cmocka's signature */
    const char *events = E("x", "1000") "$tick $Tick {'time':'1970-01-01T00:00:02Z'} @9999\n" //
        E("x", "1500");
    const char *late =
        "3.0 $Late {'position':3,'node':'win','start':'1970-01-01T00:00:01.000Z','end':"
        "'1970-01-01T00:00:02.000Z','value':{'type':'E','data':{'k':'x','t':1500},"
        "'metadata':null,'stream':'a-1','id':'1','position':3,'revision':0,'time':"
        "1500,'tags':[]}}\n";
    struct text want = {0};
    text_add_text(&want, W("2.0", "01.000", "02.000", "1"));
    text_add_text(&want, late);
    derive_check(TWO(",'tick':1000"), events, want.data);
    derive_check(TWO(""), events, "");
    text_deinit(&want);
}

#define TIMED(options) FLOW("'time':'data.t'" options, SOURCE "," EMIT("out", "0"))
#define NO_TIME_AT                                                                                 \
    "the event has no data.t, where its time should be; choose events that have it, or leave the " \
    "option time out to use the time of commit"

static void times_that_are_none_are_failures(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(TIMED(""), "a-1 E {'t':'1970-01-01T00:00:00Z'}\na-1 E {}",
                 "1.0 Out {'t':'1970-01-01T00:00:00Z'}\nstop 2 in: " NO_TIME_AT);
    derive_check(
        TIMED(",'onError':'skip'"),
        "a-1 E {'t':'soon'}\n"
        "a-1 E {'t':'2300-01-01T00:00:00Z'}\n"
        "a-1 E {'t':1e300}\n"
        "a-1 E {'t':'1970-01-02T00:00:04.001Z'}\n"
        "a-1 E {'t':'1970-01-02T00:00:05Z'}\n"
        "a-1 E !not JSON",
        "1.0 $Error {'position':1,'node':'in','message':'data.t is \\'soon\\': not a time; "
        "RFC 3339 text, or ms since 1970, of the years 1678 to 2261 is needed'}\n"
        "2.0 $Error {'position':2,'node':'in','message':'data.t is "
        "\\'2300-01-01T00:00:00Z\\': not a time; RFC 3339 text, or ms since 1970, of the "
        "years 1678 to 2261 is needed'}\n"
        "3.0 $Error {'position':3,'node':'in','message':'data.t is 1e300: not a time; RFC "
        "3339 text, or ms since 1970, of the years 1678 to 2261 is needed'}\n"
        "4.0 $Error {'position':4,'node':'in','message':'data.t is "
        "\\'1970-01-02T00:00:04.001Z\\', more than 86400000 ms after the event was "
        "committed; the option ahead allows more'}\n"
        "5.0 Out {'t':'1970-01-02T00:00:05Z'}\n"
        "6.0 $Error {'position':6,'node':'in','message':'" NO_TIME_AT "'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tumbling_windows_lie_fixed),
        cmocka_unit_test(hopping_windows_overlap),
        cmocka_unit_test(sessions_end_with_a_gap),
        cmocka_unit_test(sliding_windows_end_with_each_item),
        cmocka_unit_test(count_windows_look_at_no_time),
        cmocka_unit_test(updates_show_every_change),
        cmocka_unit_test(windows_of_windows_fit),
        cmocka_unit_test(the_watermark_is_held_back_by_a_silent_input),
        cmocka_unit_test(ticks_move_time_where_they_are_asked_for),
        cmocka_unit_test(times_that_are_none_are_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
