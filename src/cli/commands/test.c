/* everfold test: the given/when/then tests of an APP, without a server. */
#include "base/slice.h"
#include "cli/arguments.h"
#include "cli/output/terminal.h"
#include "domain/app_test.h"

enum { TIME_LIMIT };

#define TIME_LIMIT_MS_MAX 3600000
#define INDENT "    "

static const struct command_option options[] = {
    [TIME_LIMIT] = {.name = "time-limit",
                    .value = "MS",
                    .help = "the longest a call of a decider may take; 100 unless given",
                    .number_max = TIME_LIMIT_MS_MAX},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "APP", .help = "a folder with tests/*.test.js and what they test"},
    {.name = NULL},
};

/* Each line of the message below its test. */
static void add_message(struct text *out, const char *message)
{
    for (struct ever_slice rest = slice_of_text(message); rest.size > 0;) {
        size_t size = slice_find_byte(rest, '\n');
        text_add_text(out, INDENT);
        terminal_add(out, TERMINAL_PLAIN, slice_first(rest, size));
        text_add_byte(out, '\n');
        rest = slice_from(rest, size < rest.size ? size + 1 : size);
    }
}

static void add_result(struct text *out, const struct app_test_result *result)
{
    terminal_add(out, result->passed ? TERMINAL_GREEN : TERMINAL_RED,
                 slice_of_text(result->passed ? "ok  " : "FAIL"));
    text_add_byte(out, ' ');
    terminal_add(out, TERMINAL_PLAIN, slice_of_text(result->name));
    text_add_byte(out, '\n');
    if (!result->passed) {
        add_message(out, result->message);
    }
}

static enum exit_code print_results(const struct app_test *test)
{
    struct text out = {0};
    size_t count = app_test_count(test);
    size_t passed = 0;
    const char *file = "";
    for (size_t i = 0; i < count; i++) {
        const struct app_test_result *result = app_test_at(test, i);
        if (strcmp(file, result->file) != 0) {
            file = result->file;
            terminal_add(&out, TERMINAL_BOLD, slice_of_text(file));
            text_add_byte(&out, '\n');
        }
        add_result(&out, result);
        passed += result->passed;
    }
    text_printf(&out, "%zu passed, %zu failed\n", passed, count - passed);
    terminal_write(text_slice(&out));
    text_deinit(&out);
    return passed == count ? EXIT_DONE : EXIT_FAILED;
}

static struct ever_err run_tests(const struct arguments *arguments, struct text *report,
                                 struct app_test **out_test)
{
    struct decider_options decider_options = {
        .time_limit_ms = (uint32_t)arguments_number(arguments, TIME_LIMIT, 0)};
    struct app *app = NULL;
    TRY(app_load(arguments->parameters[0], report, &app));
    struct ever_err err = app_test_run(app, &decider_options, report, out_test);
    app_free(app);
    return err;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct text report = {0};
    struct app_test *test = NULL;
    struct ever_err err = run_tests(arguments, &report, &test);
    enum exit_code code = EXIT_FAILED;
    if (IS_OK(err) && app_test_count(test) == 0) {
        code = terminal_fail("%s has no tests: they stand in tests/NAME.test.js",
                             arguments->parameters[0]);
    } else if (IS_OK(err)) {
        code = print_results(test);
    } else if (report.size > 0) {
        terminal_report(&report);
    } else {
        code = terminal_fail("the tests of %s cannot run: %s", arguments->parameters[0], err.what);
    }
    app_test_free(test);
    text_deinit(&report);
    return code;
}

const struct command cli_test = {
    .name = "test",
    .summary = "Run the tests of an APP, without a server",
    .parameters = parameters,
    .options = options,
    .notes =
        "It prints a line for each test and closes with 'N passed, N failed'; the exit code is 0 "
        "when\nnone failed.\n",
    .run = run,
};
