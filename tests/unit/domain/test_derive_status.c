/* Catches: a wrong count, a tap that misses an item or shows one of a root that stopped, a flow
 * that goes on after it was stopped from outside, an event that is taken twice when flows are at
 * different positions. */
#include "unit/domain/derive_case.h"

#define IN FROM("in", ",'category':'a'")

static void counts_and_bounds_are_told(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_program *program = case_program(FLOW(
        "'lateness':1000",
        IN "," NODE("w", "where", "0", ",'where':{'path':'data.n','cmp':'gt','value':1}") "," NODE(
            "k", "keyBy", "1",
            ",'paths':['@id']") "," NODE("win", "aggregate", "2",
                                         ",'window':{'kind':'tumbling','size':1000},'folds':[['n',{"
                                         "'fold':'count'}]]") "," EMIT("out", "3")));
    struct derive_case_events *all = case_read_events("a-1 E {'n':1} @10\na-1 E {'n':2} @11\n"
                                                      "b-1 E {'n':9} @12\na-2 E {'n':3} @13\n"
                                                      "a-2 E {'n':3} @99");
    struct derive_flow_status status;
    struct derive_node_status node;
    struct derive_result result;
    derive_flow_status(program, 0, &status);
    assert_false(status.has_watermark);
    assert_false(status.pending);
    derive_program_run(program, all->events, 4, NULL, &result);
    derive_flow_status(program, 0, &status);
    assert_int_equal(status.position, 4);
    assert_int_equal(status.in, 3);
    assert_int_equal(status.out, 1); /* 13 - 1 closes what ends at 12 */
    assert_int_equal(status.keys, 1);
    assert_true(status.pending);
    assert_true(status.has_watermark);
    assert_int_equal(status.watermark_us, 12000000);
    derive_node_status(program, 0, 1, &node);
    assert_slice(node.name, "w");
    assert_slice(node.op, "where");
    assert_int_equal(node.in, 3);
    assert_int_equal(node.out, 2);
    derive_node_status(program, 0, 3, &node);
    assert_int_equal(node.keys, 1);
    assert_true(node.bytes > 0);
    derive_program_destroy(program);
    case_free_events(all);
}

/* --- Taps ------------------------------------------------------------------------------------- */

static void note(void *arg, const struct derive_tap_item *item)
{
    text_printf(arg, "%llu %zu %.*s %.*s\n", (unsigned long long)item->position, item->node,
                SLICE_PRINT(item->key), SLICE_PRINT(item->value));
}

static void taps_show_what_passes(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_program *program = case_program(
        FLOW("", IN "," NODE("k", "keyBy", "0", ",'paths':['@id']") "," NODE(
                     "s", "aggregate", "1",
                     ",'folds':[['sum',{'fold':'sum','path':'data.n'}]]") "," EMIT("out", "2")));
    struct derive_case_events *all =
        case_read_events("a-1 E {'n':1}\na-2 E {'n':2}\na-1 E {'n':true}\na-1 E {'n':4}");
    struct derive_result result;
    struct text seen = {0};
    derive_program_run(program, all->events, 1, NULL, &result); /* nobody listens */
    derive_flow_tap(program, 0, note, &seen);
    derive_program_run(program, all->events + 1, 3, NULL, &result);
    assert_string_equal(
        seen.data,
        "2 0  {\"type\":\"E\",\"data\":{\"n\":2},\"metadata\":null,\"stream\":\"a-2\",\"id\":\"2\","
        "\"position\":2,\"revision\":0,\"time\":2000,\"tags\":[]}\n"
        "2 1 [\"2\"] "
        "{\"type\":\"E\",\"data\":{\"n\":2},\"metadata\":null,\"stream\":\"a-2\",\"id\":"
        "\"2\",\"position\":2,\"revision\":0,\"time\":2000,\"tags\":[]}\n"
        "2 2 [\"2\"] {\"key\":\"2\",\"sum\":2}\n"
        "2 3 [\"2\"] {\"key\":\"2\",\"sum\":2}\n");
    text_deinit(&seen);
    derive_program_destroy(program);
    case_free_events(all);
}

/* --- Flows of a program on their own ---------------------------------------------------------- */

#define COUNTER(name)                                                                              \
    "{'name':'" name "','options':{},'nodes':[" IN                                                 \
    "," NODE("n", "aggregate", "0", ",'folds':[['n',{'fold':'count'}]]") "," EMIT("out", "1") "]}"
#define READER(name, other)                                                                        \
    "{'name':'" name "','options':{},'nodes':[" FROM(                                              \
        "in", ",'flow':'" other "','tags':['3']") "," EMIT("out", "0") "]}"

static void run_all(struct derive_program *program, const struct derive_case_events *all,
                    struct text *out)
{
    struct derive_result result;
    derive_program_run(program, all->events, all->count, NULL, &result);
    case_write_outputs(program, &result, out);
}

static void each_flow_has_its_own_position(void **state)
{
    (void)state; /* cmocka's signature */
    const char *both = "{'flows':[" COUNTER("a") "," COUNTER("b") "]}";
    struct derive_case_events *all = case_read_events("a-1 E {}\na-1 E {}\na-1 E {}");
    struct derive_program *ahead = case_program(both);
    struct derive_program *program = case_program(both);
    struct derive_result result;
    struct text saved = {0};
    struct text out = {0};
    derive_program_run(ahead, all->events, 2, NULL, &result);
    derive_flow_save(ahead, 1, &saved);
    assert_ok(derive_flow_load(program, 1, text_slice(&saved)));
    run_all(program, all, &out);
    assert_string_equal(out.data, "a 1.0 Out {\"n\":1}\na 2.0 Out {\"n\":2}\na 3.0 Out {\"n\":3}\n"
                                  "b 3.0 Out {\"n\":3}\n");
    text_deinit(&saved);
    text_deinit(&out);
    derive_program_destroy(ahead);
    derive_program_destroy(program);
    case_free_events(all);
}

static void a_flow_can_be_stopped_from_outside(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_case_events *all = case_read_events("a-1 E {}\na-1 E {}");
    struct derive_program *program =
        case_program("{'flows':[" COUNTER("a") "," COUNTER("b") "," READER("c", "a") "]}");
    struct text out = {0};
    derive_flow_stop(program, 0, 7, SLICE_LITERAL("not deterministic"));
    run_all(program, all, &out);
    case_write_stops(program, &out);
    assert_string_equal(out.data, "b 1.0 Out {\"n\":1}\nb 2.0 Out {\"n\":2}\n"
                                  "stop 7 : not deterministic\n"
                                  "stop 7 : flow \"a\", which it reads, has stopped there\n");
    text_deinit(&out);
    derive_program_destroy(program);
    case_free_events(all);
}

static void derived_events_have_metadata_and_tags(void **state)
{
    (void)state; /* cmocka's signature */
    struct derive_program *program =
        case_program("{'flows':[{'name':'a','options':{'time':'data.t'},'nodes':[" IN
                     "," NODE("out", "emit", "0",
                              ",'type':'Out','tags':['data.n'],'select':[['n',{'path':'"
                              "data.n'}]]") "]}," READER("b", "a") "]}");
    struct derive_case_events *all =
        case_read_events("a-1 E {'n':3,'t':'1969-12-31T23:59:59.9996Z'}\na-1 E {'n':4,'t':5}");
    struct derive_result result;
    derive_flow_set_version(program, 0, SLICE_LITERAL("0123456789abcdef"));
    derive_program_run(program, all->events, all->count, NULL, &result);
    assert_int_equal(result.count, 3); /* both of a, and what has the tag 3 of b */
    assert_slice(result.outputs[0].metadata,
                 "{\"flow\":\"a\",\"version\":\"0123456789abcdef\",\"cause\":1,\"time\":"
                 "\"1969-12-31T23:59:59.999Z\"}");
    assert_int_equal(result.outputs[0].time_us, -400);
    assert_int_equal(result.outputs[1].flow, 1);
    assert_int_equal(result.outputs[1].cause, 1);
    assert_slice(result.outputs[1].data, "{\"n\":3}");
    assert_slice(result.outputs[2].data, "{\"n\":4}");
    derive_program_destroy(program);
    case_free_events(all);
}

static void windows_may_begin_before_time_does(void **state)
{
    (void)state; /* cmocka's signature */
    derive_check(
        FLOW("'time':'data.t'",
             IN "," NODE("s", "aggregate", "0",
                         ",'window':{'kind':'sliding','size':3155760000000},"
                         "'folds':[['n',{'fold':'count'}]]") "," EMIT("out", "1")),
        "a-1 E {'t':'1700-01-01T00:00:00Z'}",
        "1.0 Out {'start':'1678-01-01T00:00:00.000Z','end':'1700-01-01T00:00:00.000Z','n':1}");
}

/* More items than fit into a stretch at once: arrays that grow, for thousands of roots. */
static void large_items_take_short_stretches(void **state)
{
    (void)state; /* cmocka's signature */
    enum { EVENTS = 3000 };
    struct derive_program *program = case_program(FLOW(
        "",
        IN "," NODE("s", "slidingWindow", "0", ",'size':400,'min':0") "," NODE(
            "n", "aggregate", "1",
            ",'folds':[['n',{'fold':'count'}]]") "," NODE("w", "where", "2",
                                                          ",'where':{'path':'n','cmp':'in','value':"
                                                          "[1,3000]}") "," EMIT("out", "3")));
    struct ever_event *events = calloc(EVENTS, sizeof events[0]);
    assert_non_null(events);
    for (size_t i = 0; i < EVENTS; i++) {
        events[i] = (struct ever_event){.position = i + 1,
                                        .stream = SLICE_LITERAL("a-1"),
                                        .type = SLICE_LITERAL("E"),
                                        .data = SLICE_LITERAL("{\"some\":\"data\"}")};
    }
    struct derive_result result;
    struct text out = {0};
    derive_program_run(program, events, EVENTS, NULL, &result);
    case_write_outputs(program, &result, &out);
    assert_string_equal(out.data, "1.0 Out {\"n\":1}\n3000.0 Out {\"n\":3000}\n");
    text_deinit(&out);
    free(events);
    derive_program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_bounds_are_told),
        cmocka_unit_test(taps_show_what_passes),
        cmocka_unit_test(each_flow_has_its_own_position),
        cmocka_unit_test(a_flow_can_be_stopped_from_outside),
        cmocka_unit_test(derived_events_have_metadata_and_tags),
        cmocka_unit_test(windows_may_begin_before_time_does),
        cmocka_unit_test(large_items_take_short_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
