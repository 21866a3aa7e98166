/* Catches: an example in docs/views.md that does not work as it is shown. */
#include "view_store.h"

#include "base/json.h"

enum block_kind { BLOCK_NONE, BLOCK_SQL, BLOCK_EVENTS, BLOCK_REQUEST };

static char *read_page(void)
{
    FILE *file = fopen(VIEWS_PAGE, "r");
    assert_non_null(file);
    struct text page = {0};
    char chunk[4096];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        text_add(&page, slice_of(chunk, size));
    }
    assert_int_equal(fclose(file), 0);
    return page.data;
}

static enum block_kind kind_of(struct ever_slice fence)
{
    return slice_is(fence, "```sql")      ? BLOCK_SQL
           : slice_is(fence, "```ndjson") ? BLOCK_EVENTS
           : slice_is(fence, "```http")   ? BLOCK_REQUEST
                                          : BLOCK_NONE;
}

static struct ever_slice take_line(struct ever_slice *rest)
{
    size_t size = slice_find_byte(*rest, '\n');
    struct ever_slice line = slice_first(*rest, size);
    *rest = slice_from(*rest, size < rest->size ? size + 1 : size);
    return line;
}

static struct ever_slice member(struct json_value object, const char *name)
{
    struct json_value value;
    assert_true(json_member(object, slice_of_text(name), &value));
    struct ever_slice text = value.text;
    return value.kind == JSON_STRING ? slice_of(text.data + 1, text.size - 2) : text;
}

/* --- The three kinds of blocks -----------------------------------------------------------------
 */

static void open_view(struct world *world, char *text)
{
    static const char start[] = "-- view ";
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    struct ever_slice rest = slice_of_text(text + strlen(start));
    char *name = strndup(rest.data, slice_find_byte(rest, '\n'));
    world_init(world);
    world_put_view(world, name, text);
    world_open_views(world, true);
    free(name);
}

static void append_events(struct world *world, struct ever_slice lines)
{
    while (lines.size > 0) {
        struct ever_slice line = take_line(&lines);
        assert_true(json_check(line, NULL));
        struct json_value object = json_value_of(line);
        struct ever_new_event event = {.type = member(object, "type"),
                                       .data = member(object, "data")};
        struct ever_write write = {
            .stream = member(object, "stream"), .events = &event, .event_count = 1};
        struct ever_result result;
        assert_ok(ever_append(world->store, &write, 1, &result, NULL));
    }
    assert_ok(views_run_to_end(world->open));
}

/* "GET /views/VIEW/QUERY?name=value", an empty line, the answer. One argument at most. */
static void request(struct world *world, struct ever_slice lines)
{
    char view[64];
    char query[64];
    char name[64] = "";
    char value[64] = "";
    struct ever_slice first = take_line(&lines);
    char *line = strndup(first.data, first.size);
    int parts = sscanf(line, "GET /views/%63[^/]/%63[^?]?%63[^=]=%63s", view, query, name, value);
    free(line);
    assert_true(parts == 2 || parts == 4);
    assert_int_equal(take_line(&lines).size, 0);
    struct view_argument argument = {slice_of_text(name), slice_of_text(value)};
    uint64_t position;
    char *rows = world_query(world, view, query, &argument, parts == 4 ? 1 : 0, &position);
    struct text answer = {0};
    text_printf(&answer, "{\"view\":\"%s\",\"query\":\"%s\",\"position\":%d,\"rows\":%s}", view,
                query, (int)position, rows);
    assert_slice(take_line(&lines), answer.data);
    text_deinit(&answer);
    free(rows);
}

static void every_example_works(void **state)
{
    (void)state; /* cmocka's signature */
    char *page = read_page();
    struct ever_slice rest = slice_of_text(page);
    struct world world = {0};
    char *sql = NULL;
    unsigned counts[4] = {0};
    while (rest.size > 0) {
        enum block_kind kind = kind_of(take_line(&rest));
        if (kind == BLOCK_NONE) {
            continue;
        }
        const char *end = strstr(rest.data, "\n```\n");
        assert_non_null(end);
        struct ever_slice block = slice_of(rest.data, (size_t)(end + 1 - rest.data));
        rest = slice_from(rest, block.size + strlen("```\n"));
        if (kind == BLOCK_SQL && sql != NULL) {
            world_deinit(&world);
            free(sql);
        }
        if (kind == BLOCK_SQL) {
            sql = strndup(block.data, block.size);
            open_view(&world, sql);
        } else if (kind == BLOCK_EVENTS) {
            append_events(&world, block);
        } else {
            request(&world, block);
        }
        counts[kind]++;
    }
    assert_int_equal(counts[BLOCK_SQL], 3);
    assert_int_equal(counts[BLOCK_EVENTS], 3);
    assert_int_equal(counts[BLOCK_REQUEST], 5);
    world_deinit(&world);
    free(sql);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_works),
    };
    return cmocka_run_group_tests_name("view docs", tests, NULL, NULL);
}
