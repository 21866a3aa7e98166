/* Catches: an example in docs/flows.md that does not load, or a fault that reads otherwise than it
 * is shown. */
#include "unit/domain/flow_script_app.h"

static char *read_page(void)
{
    FILE *file = fopen(FLOWS_PAGE, "r");
    assert_non_null(file);
    struct text page = {0};
    char chunk[4096];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        text_add(&page, slice_of(chunk, size));
    }
    assert_int_equal(fclose(file), 0);
    return page.data;
}

/* The content of the next block that begins with `fence` behind *at, NUL-terminated; NULL at the
 * end. */
static char *next_block(char **at, const char *fence)
{
    char *start = strstr(*at, fence);
    if (start == NULL) {
        return NULL;
    }
    start += strlen(fence);
    char *end = strstr(start, "```");
    assert_non_null(end);
    *end = '\0';
    *at = end + 1;
    return start;
}

static void its_examples_load(void **state)
{
    (void)state; /* cmocka's signature */
    char *page = read_page();
    char *at = page;
    size_t count = 0;
    for (char *block; (block = next_block(&at, "```js\n")) != NULL; count++) {
        struct script_source files[] = {{APP_FLOW, "flows/x.js", block}};
        struct flow_script_app app;
        if (!IS_OK(flow_script_app_open(&app, files, 1))) {
            fail_msg("%s\n%s", app.report.data, block);
        }
        flow_script_app_close(&app);
    }
    assert_in_range(count, 2, 100);
    free(page);
}

static void its_mistakes_are_told_as_shown(void **state)
{
    (void)state; /* cmocka's signature */
    char *page = read_page();
    char *at = page;
    char *source = next_block(&at, "```js-fault\n");
    char *report = next_block(&at, "```text\n");
    assert_non_null(source);
    assert_non_null(report);
    struct script_source files[] = {{APP_FLOW, "flows/x.js", source}};
    struct flow_script_app app;
    assert_err(flow_script_app_open(&app, files, 1), EVER_INVALID);
    assert_slice(text_slice(&app.report), report);
    flow_script_app_close(&app);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_examples_load),
        cmocka_unit_test(its_mistakes_are_told_as_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
