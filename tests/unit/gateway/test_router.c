/* Catches: a path that runs the wrong operation, loses a variable, or forgets which methods it
 * knows; patterns and templates of routes.js that are wrong and pass; problems without a page. */
#include "unit/unit.h"

#include "base/json.h"
#include "gateway/problem.h"
#include "gateway/router.h"
#include "gateway/routes.h"

static struct arena arena;
static struct router *router;

static const struct operation one = {.id = "one"};
static const struct operation two = {.id = "two"};
static const struct operation three = {.id = "three"};

static int begin(void **state)
{
    (void)state; /* cmocka's signature */
    arena_init(&arena);
    router = router_create();
    return 0;
}

static int end(void **state)
{
    (void)state; /* cmocka's signature */
    router_destroy(router);
    arena_deinit(&arena);
    return 0;
}

static const char *add(enum method method, const char *pattern, const struct operation *operation)
{
    return router_add(router, method, slice_of_text(pattern), operation, NULL);
}

static struct match find(enum method method, const char *raw)
{
    struct path path;
    struct ever_slice culprit;
    struct match match;
    assert_null(path_split(slice_of_text(raw), &arena, &path, &culprit));
    router_find(router, &path, method, &match);
    return match;
}

static void variables_are_taken_from_the_path(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(add(METHOD_GET, "/", &one));
    assert_null(add(METHOD_GET, "/streams/{stream}/{revision}", &two));
    assert_ptr_equal(find(METHOD_GET, "/").operation, &one);
    struct match match = find(METHOD_GET, "/streams/a%20b/7");
    assert_ptr_equal(match.operation, &two);
    assert_int_equal(match.variable_count, 2);
    assert_slice(match.variables[0], "a b");
    assert_slice(match.variables[1], "7");
    assert_null(find(METHOD_GET, "/streams/a").operation);
    assert_int_equal(find(METHOD_GET, "/streams/a").allowed, 0);
    assert_int_equal(find(METHOD_GET, "/Streams/a/7").allowed, 0);
}

static void what_is_written_out_goes_before_a_variable(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(add(METHOD_GET, "/api/{kind}/{id}", &one));
    assert_null(add(METHOD_GET, "/api/accounts/{id}", &two));
    assert_null(add(METHOD_GET, "/api/{kind}/mine", &three));
    assert_ptr_equal(find(METHOD_GET, "/api/orders/7").operation, &one);
    assert_ptr_equal(find(METHOD_GET, "/api/accounts/7").operation, &two);
    assert_ptr_equal(find(METHOD_GET, "/api/accounts/mine").operation, &two);
    assert_ptr_equal(find(METHOD_GET, "/api/orders/mine").operation, &three);
}

static void all_methods_of_a_path_are_known(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(add(METHOD_GET, "/a/{x}", &one));
    assert_null(add(METHOD_POST, "/a/b", &two));
    struct match match = find(METHOD_DELETE, "/a/b");
    assert_null(match.operation);
    assert_int_equal(match.allowed, 1u << METHOD_GET | 1u << METHOD_POST);
    assert_ptr_equal(find(METHOD_GET, "/a/b").operation, &one);
    assert_int_equal(find(METHOD_POST, "/a/c").allowed, 1u << METHOD_GET);
}

static void bad_patterns_are_refused(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(add(METHOD_GET, "/a/{x}", &one));
    static const char *const bad[] = {
        "",       "a",     "/a/",     "//a", "/a/{x}",
        "/a/{y}", "/a/{}", "/a/b{c}", "/{a", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (add(METHOD_GET, bad[i], &two) == NULL) {
            fail_msg("%s was accepted", bad[i]);
        }
    }
    assert_null(add(METHOD_POST, "/a/{y}", &two));
}

static void too_long_a_path_matches_nothing(void **state)
{
    (void)state; /* cmocka's signature */
    assert_null(
        add(METHOD_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}", &one));
    assert_ptr_equal(find(METHOD_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16").operation, &one);
    assert_int_equal(find(METHOD_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17").allowed, 0);
}

/* --- Templates ------------------------------------------------------------------------------- */

static const char *fill(const char *text, uint32_t *used)
{
    struct ever_slice pattern = SLICE_LITERAL("/api/{user}/orders/{id}");
    struct template template;
    struct ever_slice unknown;
    *used = 0;
    if (!template_parse(slice_of_text(text), pattern, &template, used, &unknown)) {
        return NULL;
    }
    struct call call = {.arena = &arena,
                        .variables = {SLICE_LITERAL("bob"), SLICE_LITERAL("7")},
                        .variable_count = 2};
    struct ever_slice filled = template_fill(&template, &call);
    return arena_copy(&arena, filled).data;
}

static void templates_are_filled_from_the_path(void **state)
{
    (void)state; /* cmocka's signature */
    uint32_t used;
    assert_string_equal(fill("{id}", &used), "7");
    assert_int_equal(used, 2);
    assert_string_equal(fill("fixed", &used), "fixed");
    assert_int_equal(used, 0);
    assert_string_equal(fill("{user}-o{id}x", &used), "bob-o7x");
    assert_int_equal(used, 3);
    assert_null(fill("{nobody}", &used));
    assert_null(fill("{id", &used));
    assert_null(fill("a{}b", &used));
    assert_non_null(fill("a{id}b{id}c{id}d{id}", &used));
    assert_null(fill("a{id}b{id}c{id}d{id}e", &used));
}

/* --- Problems -------------------------------------------------------------------------------- */

static void every_problem_is_complete_and_found_by_its_name(void **state)
{
    (void)state; /* cmocka's signature */
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        const struct problem_info *info = problem_info((enum problem)i);
        assert_true(info->status >= 400 && info->status < 600);
        assert_true(strlen(info->title) > 0 && strlen(info->explanation) > 0);
        assert_ptr_equal(problem_find(slice_of_text(info->name)), info);
    }
    assert_null(problem_find(SLICE_LITERAL("no-such-problem")));
}

static void a_problem_document_is_json_whatever_the_detail(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    problem_write(&out, problem_info(PROBLEM_BUSY), 429, SLICE_LITERAL("a \"quoted\"\n\xff word"),
                  SLICE_NONE, SLICE_LITERAL(",\"limit\":3"));
    assert_true(json_check(text_slice(&out), NULL));
    assert_non_null(strstr(out.data, "\"type\":\"/problems/busy\""));
    assert_non_null(strstr(out.data, "\"status\":429"));
    assert_non_null(strstr(out.data, "\"limit\":3}"));
    text_deinit(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(variables_are_taken_from_the_path),
        TEST(what_is_written_out_goes_before_a_variable),
        TEST(all_methods_of_a_path_are_known),
        TEST(bad_patterns_are_refused),
        TEST(too_long_a_path_matches_nothing),
        TEST(templates_are_filled_from_the_path),
        TEST(every_problem_is_complete_and_found_by_its_name),
        TEST(a_problem_document_is_json_whatever_the_detail),
    };
    return cmocka_run_group_tests_name("gateway router", tests, NULL, NULL);
}
