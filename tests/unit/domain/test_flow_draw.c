/* Catches: pictures that change from run to run, lines that seem to join what is not joined, words
 * of a flow that break out of the picture. */
#include "unit/unit.h"

#include "base/json.h"
#include "base/utf8.h"
#include "domain/flow/draw.h"

#include <stdlib.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state; /* cmocka's signature */
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* cmocka's signature */
    arena_deinit(&arena);
    return 0;
}

static struct flow_drawing *draw(struct ever_slice graph)
{
    struct flow_drawing *drawing;
    struct json_fault fault;
    if (!json_check(graph, &fault)) {
        fail_msg("the test's JSON: %s at %zu", fault.reason, fault.offset);
    }
    assert_ok(flow_drawing_create(graph, &arena, &drawing));
    return drawing;
}

/* --- Golden files ---------------------------------------------------------------------------- */

static void read_file(const char *name, struct text *out)
{
    char path[512];
    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    FILE *file = fopen(path, "rb");
    char bytes[4096];
    for (size_t size; file != NULL && (size = fread(bytes, 1, sizeof bytes, file)) > 0;) {
        text_add(out, slice_of(bytes, size));
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void expect_file(const char *name, const struct text *got)
{
    struct text want = {0};
    read_file(name, &want);
    if (!slice_equal(text_slice(&want), text_slice(got))) {
        FILE *file = fopen(name, "wb"); /* beside the test program, to be looked at */
        assert_non_null(file);
        fwrite(got->data, 1, got->size, file);
        fclose(file);
        fail_msg("the picture is not as in tests/golden/flow-draw/%s; look at %s", name, name);
    }
    text_deinit(&want);
}

static void pictures_are_as_they_were(void **state)
{
    (void)state; /* cmocka's signature */
    struct text graphs = {0};
    struct text text = {0};
    struct text svg = {0};
    struct flow_drawing *drawings[8];
    size_t count = 0;
    read_file("graphs.json", &graphs);
    assert_true(json_check(text_slice(&graphs), NULL));
    for (struct json_iter i = json_iter(json_value_of(text_slice(&graphs))); json_next(&i);) {
        drawings[count] = draw(i.value.text);
        flow_drawing_note(drawings[count], 0, SLICE_LITERAL("12,345"));
        flow_drawing_text(drawings[count++], &text);
        text_add_byte(&text, '\n');
    }
    flow_drawings_svg(drawings, count, &svg);
    expect_file("graphs.txt", &text);
    expect_file("graphs.svg", &svg);
    text_deinit(&graphs);
    text_deinit(&text);
    text_deinit(&svg);
}

/* --- What is written ------------------------------------------------------------------------- */

static void words_stay_inside(void **state)
{
    (void)state; /* cmocka's signature */
    struct flow_drawing *drawing = draw(SLICE_LITERAL(
        "{\"name\":\"a\",\"nodes\":[{\"op\":\"from\",\"name\":\"x\\u001b[31m\\u0085y\",\"stream\":"
        "\"<script>&\\n\"},{\"op\":\"script\",\"in\":[0],\"ops\":[{\"op\":\"map\",\"source\":\"(x) "
        "=>\\n  '\\\"<b>ééééééééééééééééééééééééééééééééééééééééééééééé'\"}]}]}"));
    struct text text = {0};
    flow_drawing_text(drawing, &text);
    assert_null(strchr(text.data, '\x1b'));
    assert_null(strstr(text.data, "\xc2\x85"));
    assert_non_null(strstr(text.data, "│ from stream <script>&"));
    assert_non_null(strstr(text.data, "éé…"));
    assert_true(utf8_check(text_slice(&text)));
    text_clear(&text);
    flow_drawings_svg(&drawing, 1, &text);
    assert_null(strstr(text.data, "<script>"));
    assert_null(strstr(text.data, "<b>"));
    assert_non_null(strstr(text.data, "from stream &lt;script&gt;&amp;"));
    assert_non_null(strstr(text.data, "map (x) =&gt; &#39;&quot;&lt;b&gt;éé")); /* the tooltip */
    text_deinit(&text);
}

static void the_words_of_operators(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *node;
        const char *words;
    } cases[] = {
        {"{\"op\":\"from\"}", "from the log"},
        {"{\"op\":\"from\",\"flow\":\"b\"}", "from flow b"},
        {"{\"op\":\"keyBy\",\"paths\":[\"@id\",\"data.x\"]}", "keyBy @id, data.x"},
        {"{\"op\":\"where\",\"where\":{\"path\":\"@type\",\"cmp\":\"in\",\"value\":[\"A\",\"B\"]}}",
         "ofType A, B"},
        {"{\"op\":\"take\",\"count\":5}", "take 5"},
        {"{\"op\":\"bufferCount\",\"size\":3,\"every\":2}", "bufferCount 3 every 2"},
        {"{\"op\":\"distinct\",\"path\":null,\"ttl\":90061001}", "distinct 1d1h1m1s1ms"},
        {"{\"op\":\"joinWithin\",\"within\":600000,\"join\":\"left\"}", "joinWithin 10m join left"},
        {"{\"op\":\"aggregate\",\"window\":{\"kind\":\"tumbling\",\"size\":86400000,\"offset\":"
         "14400000},\"folds\":[]}",
         "tumbling 1d offset 4h"},
        {"{\"op\":\"aggregate\",\"window\":{\"kind\":\"count\",\"size\":10},\"folds\":[]}",
         "count window 10"},
        {"{\"op\":\"script\",\"ops\":[{\"op\":\"map\"},{\"op\":\"scan\"}]}", "map → scan"},
        {"{\"op\":\"emit\",\"type\":\"Done\"}", "emit Done"},
        {"{\"op\":7,\"where\":1,\"select\":[1],\"in\":[]}", "select [1]"},
        {"{\"op\":\"where\",\"where\":1,\"in\":[]}", "where"},
        {"{\"op\":\"aggregate\",\"window\":1,\"folds\":[1,[],[1]],\"in\":[]}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char graph[400];
        snprintf(graph, sizeof graph, "{\"name\":\"a\",\"nodes\":[%s]}", cases[i].node);
        struct flow_drawing *drawing = draw(slice_of_text(graph));
        struct text text = {0};
        flow_drawing_text(drawing, &text);
        if (strstr(text.data, cases[i].words) == NULL) {
            fail_msg("%s: no \"%s\" in\n%s", cases[i].node, cases[i].words, text.data);
        }
        text_deinit(&text);
    }
}

static void what_is_no_graph_is_refused(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {
        "1",
        "{}",
        "{\"nodes\":[]}",
        "{\"nodes\":[1]}",
        "{\"nodes\":[{\"in\":1}]}",
        "{\"nodes\":[{\"in\":[0]}]}",
        "{\"nodes\":[{},{\"in\":[-1]}]}",
        "{\"nodes\":[{},{\"in\":[0.5]}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct flow_drawing *drawing;
        assert_err(flow_drawing_create(slice_of_text(bad[i]), &arena, &drawing), EVER_INVALID);
    }
}

/* --- Lines: read back from the picture ------------------------------------------------------- */

enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8 };
#define PICTURE_ROWS 400
#define PICTURE_COLUMNS 1200

#define PICTURE_NODES 24

struct box {
    int left;
    int top;
    int right; /* 0: there is none */
    int bottom;
};

struct picture {
    struct box boxes[PICTURE_NODES]; /* by the number in their name */
    int box_count;
    char cells[PICTURE_ROWS][PICTURE_COLUMNS][5]; /* one character each */
    int rows;
};

static unsigned lines_of(const char *cell)
{
    static const char *const glyphs[16] = {" ", "",  "",  "└", "",  "│", "┌", "├",
                                           "",  "┘", "─", "┴", "┐", "┤", "┬", "┼"};
    for (unsigned i = 1; i < 16; i++) {
        if (strcmp(cell, glyphs[i]) == 0) {
            return i;
        }
    }
    return 0;
}

static void parse_picture(struct picture *picture, struct ever_slice text)
{
    int x = 0;
    int y = 0;
    memset(picture, 0, sizeof *picture);
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_sequence(text.data + at, text.data + text.size);
        assert_in_range(size, 1, 4);
        if (text.data[at] == '\n') {
            y++;
            x = 0;
        } else {
            assert_in_range(x, 0, PICTURE_COLUMNS - 1);
            assert_in_range(y, 0, PICTURE_ROWS - 1);
            memcpy(picture->cells[y][x++], text.data + at, size);
        }
        at += size;
    }
    picture->rows = y;
}

static void find_box(struct picture *picture, int left, int top)
{
    struct box box = {.left = left, .top = top, .right = left, .bottom = top};
    char number[8] = {0};
    for (int i = 0; i < 3; i++) { /* "┌─ #012 ─" */
        number[i] = picture->cells[top][left + 4 + i][0];
    }
    while (strcmp(picture->cells[top][box.right], "┐") != 0) {
        box.right++;
    }
    while (strcmp(picture->cells[box.bottom][left], "└") != 0) {
        box.bottom++;
    }
    int node = atoi(number);
    assert_in_range(node, 0, PICTURE_NODES - 1);
    assert_int_equal(picture->boxes[node].right, 0); /* each node once */
    picture->boxes[node] = box;
    picture->box_count++;
}

static void find_boxes(struct picture *picture)
{
    for (int y = 0; y < picture->rows; y++) {
        for (int x = 0; x + 4 < PICTURE_COLUMNS; x++) {
            if (strcmp(picture->cells[y][x + 3], "#") == 0 &&
                strcmp(picture->cells[y][x], "┌") == 0) {
                find_box(picture, x, y);
            }
        }
    }
}

static int box_at(const struct picture *picture, int x, int y)
{
    for (int i = 0; i < PICTURE_NODES; i++) {
        const struct box *box = &picture->boxes[i];
        if (x >= box->left && x <= box->right && y >= box->top && y <= box->bottom &&
            box->right > 0) {
            return i;
        }
    }
    return -1;
}

/* Follows the lines from a cell upwards and sideways, as an eye does that looks for where an arrow
 * comes from, and notes the boxes it reaches. `back` is the way it came from. */
static void climb(const struct picture *picture, int x, int y, unsigned back, bool *reached)
{
    int box = box_at(picture, x, y);
    if (box >= 0) {
        reached[box] = true;
        return;
    }
    unsigned lines = lines_of(picture->cells[y][x]);
    bool is_over = lines == (UP | DOWN) && (back == LEFT || back == RIGHT);
    if ((lines & back) == 0 && !is_over) { /* the line ends at nothing: no graph looks so */
        memset(reached, true, PICTURE_NODES * sizeof *reached);
        return;
    }
    if (is_over) { /* a line lies over ours, which goes on behind it */
        climb(picture, back == LEFT ? x + 1 : x - 1, y, back, reached);
        return;
    }
    if ((lines & UP) != 0) {
        climb(picture, x, y - 1, DOWN, reached);
    }
    if ((lines & LEFT) != 0 && back != LEFT) {
        climb(picture, x - 1, y, RIGHT, reached);
    }
    if ((lines & RIGHT) != 0 && back != RIGHT) {
        climb(picture, x + 1, y, LEFT, reached);
    }
}

static void find_inputs(const struct picture *picture, int node, bool *reached)
{
    const struct box *box = &picture->boxes[node];
    for (int x = box->left; x <= box->right && box->top > 0; x++) {
        if (strcmp(picture->cells[box->top - 1][x], "▼") == 0) {
            climb(picture, x, box->top - 2, DOWN, reached);
        }
    }
}

/* --- Random graphs --------------------------------------------------------------------------- */

static uint64_t random_state;

static unsigned random_below(unsigned bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % bound;
}

/* inputs[n][i]: node n reads node i. */
static void make_graph(struct text *out, int count, bool inputs[PICTURE_NODES][PICTURE_NODES])
{
    text_add_text(out, "{\"name\":\"r\",\"nodes\":[");
    for (int n = 0; n < count; n++) {
        text_printf(out, "%s{\"op\":\"%.*s\",\"name\":\"#%03d\",\"in\":[", n == 0 ? "" : ",",
                    1 + (int)random_below(30), "abcdefghijklmnopqrstuvwxyzabcdef", n);
        unsigned wanted = n == 0 || random_below(6) == 0 ? 0 : 1 + random_below(3);
        for (unsigned i = 0; i < wanted; i++) {
            unsigned reach = random_below(3) == 0 ? (unsigned)n : n < 4 ? (unsigned)n : 4;
            unsigned input = (unsigned)n - 1 - random_below(reach);
            text_printf(out, "%s%u", i == 0 ? "" : ",", input);
            inputs[n][input] = true;
        }
        text_add_text(out, "]}");
    }
    text_add_text(out, "]}");
}

static void lines_join_what_is_joined(void **state)
{
    (void)state; /* cmocka's signature */
    struct picture *picture = malloc(sizeof *picture);
    assert_non_null(picture);
    for (uint64_t seed = 1; seed <= 400; seed++) {
        bool inputs[PICTURE_NODES][PICTURE_NODES] = {0};
        struct text graph = {0};
        struct text text = {0};
        random_state = seed;
        int count = 1 + (int)random_below(PICTURE_NODES);
        make_graph(&graph, count, inputs);
        flow_drawing_text(draw(text_slice(&graph)), &text);
        parse_picture(picture, text_slice(&text));
        find_boxes(picture);
        assert_int_equal(picture->box_count, count);
        for (int n = 0; n < count; n++) {
            bool reached[PICTURE_NODES] = {0};
            find_inputs(picture, n, reached);
            if (memcmp(reached, inputs[n], sizeof reached) != 0) {
                fprintf(stderr, "%s\n%s", graph.data, text.data); /* too long for cmocka */
                fail_msg("seed %llu: the arrows to #%03d come from elsewhere",
                         (unsigned long long)seed, n);
            }
        }
        text_deinit(&graph);
        text_deinit(&text);
        arena_reset(&arena);
    }
    free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pictures_are_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_stay_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_words_of_operators, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_graph_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_join_what_is_joined, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
