/* Catches: a file that cannot be used but is taken, or is refused without its place and a reason;
 * imports that lead elsewhere; a version that misses a change or sees one that is none. */
#include "unit/unit.h"

#include "domain/script/compile.h"
#include "unit/domain/script_app.h"

static const struct script_process_options options_of_process = {
    .time_limit_ms = 1000, .memory_limit_mb = 256, .states_max = 100};

static struct ever_err compile(const struct script_source *files, size_t count, struct text *report,
                               struct script_program *out_program)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct script_process_options options = options_of_process;
    options.worker_path = script_worker_path();
    struct app app = script_app(files, count);
    struct ever_err err =
        script_compile(&loop, &options, &app, SCRIPT_COMMANDS, report, out_program);
    script_app_deinit(&app);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    return err;
}

/* Compiles `source` as deciders/a.js beside a library, and wants exactly this report. */
static void assert_fault(const char *source, const char *want)
{
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.js", source},
        {APP_MODULE, "lib/loop1.js", "import './loop2.js';\n"},
        {APP_MODULE, "lib/loop2.js", "\nimport './loop1.js';\n"},
        {APP_MODULE, "lib/money.js", "export const one = 1;\nexport default function () {}\n"},
    };
    struct text report = {0};
    struct script_program program;
    struct ever_err err = compile(files, 4, &report, &program);
    if (IS_OK(err)) {
        fail_msg("accepted: %s", source);
    }
    assert_int_equal(err.code, EVER_INVALID);
    assert_slice(text_slice(&report), want);
    text_deinit(&report);
}

#define AT_ONCE                                                                                    \
    "this code runs to its end at once and waits for nothing: let a program that reads the "       \
    "events do what takes time\n"

static void refuses_with_file_and_line(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *source;
        const char *report;
    } bad[] = {
        {"export const a = ;", "deciders/a.js:1: Unexpected token\n"},
        {"\n\nfor (", "deciders/a.js:3: Unexpected token\n"},
        {"\nasync function f() {}", "deciders/a.js:2: async functions are closed: " AT_ONCE},
        {"const f = async () => 1;", "deciders/a.js:1: async functions are closed: " AT_ONCE},
        {"const o = {\n async m() {} };", "deciders/a.js:2: async functions are closed: " AT_ONCE},
        {"await 1;", "deciders/a.js:1: await is closed: " AT_ONCE},
        {"import('./x.js');",
         "deciders/a.js:1: import() is closed: import the file at the top of this one\n"},
        {"import.meta.url;",
         "deciders/a.js:1: import.meta is closed: a file does not know where it runs\n"},
        {"import fs from 'node:fs';",
         "deciders/a.js:1: \"node:fs\" is not a file of this APP: imports begin with ./ or ../ and "
         "name one, or are everfold/flow (packages cannot be imported)\n"},
        {"import x from '../../etc/passwd';",
         "deciders/a.js:1: \"../../etc/passwd\" leads out of the APP\n"},
        {"import x from '../lib/money';", "deciders/a.js:1: there is no file lib/money; did you "
                                          "mean \"../lib/money.js\"?\n"},
        {"\nimport { two } from '../lib/money.js';",
         "deciders/a.js:2: lib/money.js does not export two\n"},
        {"import '../lib/loop1.js';",
         "lib/loop2.js:2: these files import each other in a circle: lib/loop1.js -> lib/loop2.js "
         "-> lib/loop1.js\n"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fault(bad[i].source, bad[i].report);
    }
}

static void reports_every_fault(void **state)
{
    (void)state; /* cmocka's signature */
    assert_fault("import { two } from '../lib/money.js';\nawait 1;\nimport 'x';",
                 "deciders/a.js:2: await is closed: " AT_ONCE
                 "deciders/a.js:3: \"x\" is not a file of this APP: imports begin with ./ or ../ "
                 "and name one, or are everfold/flow (packages cannot be imported)\n"
                 "deciders/a.js:1: lib/money.js does not export two\n");
}

static void takes_every_form_of_import_and_export(void **state)
{
    (void)state; /* cmocka's signature */
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.js",
         "import def, { one, default as same } from '../lib/money.js';\n"
         "import * as all from '../lib/money.js';\n"
         "export { one as uno, 'a b' as other } from '../lib/more.js';\n"
         "export * from '../lib/money.js';\n"
         "export const { x, y: [z = 1, ...rest] } = {}, fn = () => def(one, same, all);\n"
         "export class K { static #p = 1; static has(o) { return #p in o; } }\n"},
        {APP_MODULE, "lib/money.js", "export const one = 1;\nexport default function () {}\n"},
        {APP_MODULE, "lib/more.js",
         "export * from './money.js';\nconst q = 2;\nexport { q as 'a b' };\n"},
        {APP_MODULE, "public/unused.js", "this is not even JavaScript\n"},
    };
    struct text report = {0};
    struct script_program program;
    struct ever_err err = compile(files, 4, &report, &program);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    assert_int_equal(program.module_count, 3); /* what nobody imports is not looked at */
    script_program_deinit(&program);
    text_deinit(&report);
}

static void version_of(const char *decider, const char *library, const char *other,
                       char out_version[static SCRIPT_VERSION_BYTES])
{
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.js", decider},
        {APP_DECIDER, "deciders/b.js", other},
        {APP_MODULE, "lib/inner.js", library},
        {APP_MODULE, "lib/outer.js", "export * from './inner.js';"},
    };
    struct text report = {0};
    struct script_program program;
    assert_ok(compile(files, 4, &report, &program));
    struct app app = script_app(files, 4);
    script_program_version(&program, &app, "deciders/a.js", out_version);
    script_app_deinit(&app);
    script_program_deinit(&program);
    text_deinit(&report);
}

static void version_changes_with_the_source_and_its_imports_only(void **state)
{
    (void)state; /* cmocka's signature */
    const char *decider = "import '../lib/outer.js';";
    char first[SCRIPT_VERSION_BYTES];
    char again[SCRIPT_VERSION_BYTES];
    char other[SCRIPT_VERSION_BYTES];
    char own[SCRIPT_VERSION_BYTES];
    char imported[SCRIPT_VERSION_BYTES];
    version_of(decider, "export const x = 1;", "", first);
    version_of(decider, "export const x = 1;", "", again);
    version_of(decider, "export const x = 1;", "let unrelated;", other);
    version_of("import '../lib/outer.js'; ", "export const x = 1;", "", own);
    version_of(decider, "export const x = 2;", "", imported);
    assert_int_equal(strlen(first), 32);
    assert_string_equal(first, again);
    assert_string_equal(first, other);
    assert_string_not_equal(first, own);
    assert_string_not_equal(first, imported);
}

static void says_when_the_worker_program_is_missing(void **state)
{
    (void)state; /* cmocka's signature */
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct script_process_options options = options_of_process;
    options.worker_path = "/nowhere/everfold-js";
    struct app app = {0};
    struct text report = {0};
    struct script_program program;
    assert_err(script_compile(&loop, &options, &app, SCRIPT_COMMANDS, &report, &program),
               EVER_NOT_FOUND);
    assert_slice(text_slice(&report),
                 "the program that runs JavaScript, /nowhere/everfold-js, cannot be started\n");
    text_deinit(&report);
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_file_and_line),
        cmocka_unit_test(reports_every_fault),
        cmocka_unit_test(takes_every_form_of_import_and_export),
        cmocka_unit_test(version_changes_with_the_source_and_its_imports_only),
        cmocka_unit_test(says_when_the_worker_program_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
