/* Catches: a file taken for the wrong kind or missed, a link that leads out of the folder followed,
 * a limit or a bad name let through, a fault reported without its file. */
#include "unit/unit.h"

#include "domain/app.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static const char *below(const char *path)
{
    static char full[256];
    (void)snprintf(full, sizeof full, "%s/%s", root, path); /* short paths only */
    return full;
}

static void write_file(const char *path, const char *content, size_t size)
{
    FILE *file = fopen(below(path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *path, const char *content)
{
    write_file(path, content, strlen(content));
}

static int make_root(void **state)
{
    (void)state; /* cmocka's signature */
    strcpy(root, "/tmp/everfold-app-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    static const char *const folders[] = {"deciders", "views",    "flows",     "tests",
                                          "lib",      "lib/deep", ".everfold", "node_modules"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (mkdir(below(folders[i]), 0700) != 0) {
            return -1;
        }
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state; /* cmocka's signature */
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void says(struct text *report, const char *want)
{
    if (report->data == NULL || strstr(report->data, want) == NULL) {
        fail_msg("report is \"%s\", want \"%s\"", report->data == NULL ? "" : report->data, want);
    }
    text_deinit(report);
}

static void knows_each_kind_by_its_path(void **state)
{
    (void)state; /* cmocka's signature */
    put("deciders/account.js", "a");
    put("deciders/notes.txt", "not ours");
    put("views/by-owner_2.sql", "select 1");
    put("flows/large.js", "f");
    put("tests/account.test.js", "");
    put("tests/helper.js", "");
    put("deciders/typed.ts", "t");
    put("flows/typed.ts", "t");
    put("tests/typed.test.ts", "t");
    put("lib/types.d.ts", "types only");
    put("lib/money.ts", "t");
    put("routes.js", "r");
    put("lib/deep/money.js", "m");
    put(".everfold/secret.js", "hidden");
    put("node_modules/left-pad.js", "not read");
    put(".hidden.js", "hidden");
    static const struct {
        enum app_file_kind kind;
        const char *path, *name, *content;
    } want[] = {
        {APP_DECIDER, "deciders/account.js", "account", "a"},
        {APP_DECIDER, "deciders/typed.ts", "typed", "t"},
        {APP_FLOW, "flows/large.js", "large", "f"},
        {APP_FLOW, "flows/typed.ts", "typed", "t"},
        {APP_MODULE, "lib/deep/money.js", "lib/deep/money.js", "m"},
        {APP_MODULE, "lib/money.ts", "lib/money.ts", "t"},
        {APP_ROUTES, "routes.js", "routes.js", "r"},
        {APP_TEST, "tests/account.test.js", "account", ""},
        {APP_MODULE, "tests/helper.js", "tests/helper.js", ""},
        {APP_TEST, "tests/typed.test.ts", "typed", "t"},
        {APP_VIEW, "views/by-owner_2.sql", "by-owner_2", "select 1"},
    };
    struct text report = {0};
    struct app *app = NULL;
    assert_ok(app_load(root, &report, &app));
    assert_int_equal(app->file_count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < app->file_count; i++) {
        assert_int_equal(app->files[i].kind, want[i].kind);
        assert_string_equal(app->files[i].path, want[i].path);
        assert_string_equal(app->files[i].name, want[i].name);
        assert_slice(app->files[i].content, want[i].content);
    }
    assert_null(report.data);
    app_free(app);
}

static void refuses_one_thing_in_two_languages(void **state)
{
    (void)state; /* cmocka's signature */
    put("deciders/account.js", "");
    put("deciders/account.ts", "");
    put("deciders/account-2.js", "");
    put("routes.js", "");
    put("routes.ts", "");
    struct text report = {0};
    struct app *app = NULL;
    assert_err(app_load(root, &report, &app), EVER_INVALID);
    assert_non_null(strstr(report.data, "deciders/account.ts: stands there as .js too"));
    says(&report, "routes.ts: stands there as .js too");
}

static void refuses_bad_names(void **state)
{
    (void)state; /* cmocka's signature */
    put("views/Big.sql", "");
    put("deciders/a b.js", "");
    put("flows/a.b.js", "");
    struct text report = {0};
    struct app *app = NULL;
    assert_err(app_load(root, &report, &app), EVER_INVALID);
    assert_null(app);
    assert_non_null(strstr(report.data, "views/Big.sql: the name may have"));
    assert_non_null(strstr(report.data, "flows/a.b.js: the name may have"));
    says(&report, "deciders/a b.js: the name may have");
}

static void follows_links_inside_only(void **state)
{
    (void)state; /* cmocka's signature */
    put("lib/real.js", "x");
    assert_int_equal(symlink("../lib/real.js", below("deciders/linked.js")), 0);
    assert_int_equal(symlink("..", below("lib/up")), 0); /* a circle, were it followed */
    struct text report = {0};
    struct app *app = NULL;
    assert_ok(app_load(root, &report, &app));
    assert_int_equal(app->file_count, 2);
    app_free(app);

    assert_int_equal(symlink("/etc/hostname", below("lib/leak.js")), 0);
    assert_err(app_load(root, &report, &app), EVER_INVALID);
    says(&report, "lib/leak.js: is a link that leads out of the folder");
}

static void refuses_what_cannot_be_read(void **state)
{
    (void)state; /* cmocka's signature */
    assert_int_equal(mkdir(below("lib/folder.js"), 0700), 0);
    assert_int_equal(mkfifo(below("lib/pipe.js"), 0600), 0);
    assert_int_equal(symlink("nowhere.js", below("lib/dangling.js")), 0);
    struct text report = {0};
    struct app *app = NULL;
    assert_false(IS_OK(app_load(root, &report, &app)));
    assert_null(strstr(report.data, "folder.js"));
    assert_non_null(strstr(report.data, "lib/pipe.js: is not a regular file"));
    says(&report, "lib/dangling.js: No such file");
}

static void holds_its_limits(void **state)
{
    (void)state; /* cmocka's signature */
    char *big = calloc(1, APP_FILE_BYTES_MAX + 1);
    write_file("lib/big.js", big, APP_FILE_BYTES_MAX);
    struct text report = {0};
    struct app *app = NULL;
    assert_ok(app_load(root, &report, &app));
    app_free(app);
    app = NULL;
    write_file("lib/big.js", big, APP_FILE_BYTES_MAX + 1);
    free(big);
    assert_err(app_load(root, &report, &app), EVER_LIMIT);
    says(&report, "lib/big.js: is larger than 1 MiB");
}

static void counts_files(void **state)
{
    (void)state; /* cmocka's signature */
    for (int i = 0; i < APP_FILES_MAX; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "lib/m%d.js", i);
        put(path, "");
    }
    struct text report = {0};
    struct app *app = NULL;
    assert_ok(app_load(root, &report, &app));
    assert_int_equal(app->file_count, APP_FILES_MAX);
    app_free(app);
    put("lib/more.js", "");
    assert_err(app_load(root, &report, &app), EVER_LIMIT);
    says(&report, "is one file too many");
}

static void names_a_missing_folder(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct app *app = NULL;
    assert_err(app_load(below("absent"), &report, &app), EVER_NOT_FOUND);
    says(&report, "absent: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_each_kind_by_its_path, make_root, remove_root),
        cmocka_unit_test_setup_teardown(refuses_one_thing_in_two_languages, make_root, remove_root),
        cmocka_unit_test_setup_teardown(refuses_bad_names, make_root, remove_root),
        cmocka_unit_test_setup_teardown(follows_links_inside_only, make_root, remove_root),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_read, make_root, remove_root),
        cmocka_unit_test_setup_teardown(holds_its_limits, make_root, remove_root),
        cmocka_unit_test_setup_teardown(counts_files, make_root, remove_root),
        cmocka_unit_test_setup_teardown(names_a_missing_folder, make_root, remove_root),
    };
    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
