/* Catches: a word of the command line that is taken for another, dropped, or refused without saying
 * which; an environment variable that beats an option; a help text that lacks what is taken. */
#include "unit/unit.h"

#include "cli/arguments.h"
#include "cli/help.h"

enum { PORT, HOST, LOUD, TAG, FILE_OPTION };
static const struct command_option options[] = {
    [PORT] = {.name = "port",
              .value = "N",
              .variable = "TEST_PORT",
              .help = "where",
              .number_max = 65535},
    [HOST] = {.name = "host", .value = "ADDRESS", .help = "which"},
    [LOUD] = {.name = "loud", .variable = "TEST_LOUD", .help = "shout"},
    [TAG] = {.name = "tag", .value = "TAG", .help = "mark", .repeats = true},
    [FILE_OPTION] = {.name = "file", .value = "F", .help = "from it", .not_with = "port"},
    {.name = NULL},
};
static const struct command_parameter parameters[] = {
    {.name = "STREAM", .help = "the stream"},
    {.name = "DATA", .help = "the data", .optional = true},
    {.name = NULL},
};
static const struct command command = {
    .name = "try", .summary = "Try it", .parameters = parameters, .options = options};

static const char *variable_port;
static const char *variable_loud;

static char *variable(const char *name)
{
    const char *value = strcmp(name, "TEST_PORT") == 0   ? variable_port
                        : strcmp(name, "TEST_LOUD") == 0 ? variable_loud
                                                         : NULL;
    return (char *)(uintptr_t)value; /* getenv() gives a char * that nobody may change either */
}

static struct ever_err parse(const char *const *words, struct text *report,
                             struct arguments *out_arguments)
{
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return arguments_parse(&command, count, words, variable, report, out_arguments);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void takes_options_in_both_forms_and_anywhere(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct arguments got;
    assert_ok(parse(WORDS("a-1", "--port", "99", "--loud", "--host=x=y", "-"), &report, &got));
    assert_string_equal(got.parameters[0], "a-1");
    assert_string_equal(got.parameters[1], "-");
    assert_int_equal(got.parameter_count, 2);
    assert_int_equal(arguments_number(&got, PORT, 5), 99);
    assert_string_equal(arguments_text(&got, HOST, "?"), "x=y");
    assert_true(arguments_has(&got, LOUD));
    assert_false(arguments_has(&got, TAG));
}

static void two_dashes_end_the_options(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct arguments got;
    assert_ok(parse(WORDS("--loud", "--", "--port", "-h"), &report, &got));
    assert_string_equal(got.parameters[0], "--port");
    assert_string_equal(got.parameters[1], "-h");
    assert_false(got.help);
}

static void keeps_every_value_of_an_option_that_repeats(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct arguments got;
    assert_ok(parse(WORDS("--tag", "a", "s", "--tag=b"), &report, &got));
    assert_int_equal(got.repeated_count, 2);
    assert_string_equal(got.repeated[0], "a");
    assert_string_equal(got.repeated[1], "b");
}

static void an_option_beats_its_variable(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct arguments got;
    variable_port = "7";
    variable_loud = "1";
    assert_ok(parse(WORDS("s"), &report, &got));
    assert_int_equal(arguments_number(&got, PORT, 5), 7);
    assert_true(arguments_has(&got, LOUD));
    assert_ok(parse(WORDS("s", "--port", "8"), &report, &got));
    assert_int_equal(arguments_number(&got, PORT, 5), 8);
    variable_loud = "0";
    variable_port = "";
    assert_ok(parse(WORDS("s"), &report, &got));
    assert_int_equal(arguments_number(&got, PORT, 5), 5);
    assert_false(arguments_has(&got, LOUD));
    variable_loud = NULL;
    variable_port = NULL;
}

static void refuses_and_says_what(void **state)
{
    (void)state; /* cmocka's signature */
    const struct {
        const char *const *words;
        const char *report;
    } bad[] = {
        {WORDS("s", "--prot", "1"), "there is no option --prot; did you mean --port?"},
        {WORDS("s", "--zzzzzz"), "there is no option --zzzzzz"},
        {WORDS("s", "--port"), "--port needs a value: --port N"},
        {WORDS("s", "--port", "x"), "--port must be a whole number from 0 to 65535, not 'x'"},
        {WORDS("s", "--port=65536"), "--port must be a whole number from 0 to 65535, not '65536'"},
        {WORDS("s", "--loud=1"), "--loud takes no value"},
        {WORDS("s", "--host", "a", "--host", "b"), "--host was given twice"},
        {WORDS("s", "--file", "a", "--port", "1"),
         "--file and --port do not go together: say one of them"},
        {WORDS("s", "t", "u"), "'u' is one word too many"},
        {WORDS(), "STREAM is missing"},
        {WORDS("-p", "3"), "there is no option -p (options begin with two dashes; if it is meant "
                           "as a parameter, put -- before it)"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct text report = {0};
        struct arguments got;
        assert_err(parse(bad[i].words, &report, &got), EVER_INVALID);
        assert_slice(text_slice(&report), bad[i].report);
        text_deinit(&report);
    }
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    struct arguments got;
    assert_ok(parse(WORDS("--nonsense", "-h"), &report, &got));
    assert_true(got.help);
}

static void help_says_all_that_is_taken(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    help_command(&out, &command);
    assert_slice(text_slice(&out), "Usage: everfold try STREAM [DATA] [options]\n"
                                   "\n"
                                   "Try it.\n"
                                   "\n"
                                   "  STREAM  the stream\n"
                                   "  DATA    the data\n"
                                   "\n"
                                   "Options:\n"
                                   "  --port N        where (or TEST_PORT)\n"
                                   "  --host ADDRESS  which\n"
                                   "  --loud          shout (or TEST_LOUD)\n"
                                   "  --tag TAG       mark\n"
                                   "  --file F        from it\n"
                                   "  --help          print this\n");
    text_deinit(&out);
}

static void help_of_every_command_fits_a_screen(void **state)
{
    (void)state; /* cmocka's signature */
    for (const struct command *const *at = cli_commands; *at != NULL; at++) {
        struct text out = {0};
        help_command(&out, *at);
        size_t column = 0;
        for (size_t i = 0; i < out.size; i++) {
            column = out.data[i] == '\n' ? 0 : column + 1;
            if (column > 100) {
                fail_msg("%s: a line is wider than 100 columns", (*at)->name);
            }
        }
        text_deinit(&out);
    }
}

static void suggests_what_is_near_and_nothing_else(void **state)
{
    (void)state; /* cmocka's signature */
    assert_string_equal(cli_nearest("sevre"), "serve");
    assert_string_equal(cli_nearest("improt"), "import");
    assert_string_equal(cli_nearest("veiws"), "views");
    assert_string_equal(cli_nearest("tests"), "test");
    assert_string_equal(cli_nearest("nwe"), "new");
    assert_null(cli_nearest("subscribe"));
    assert_null(cli_nearest("xyz"));
    assert_null(cli_nearest("a-very-long-word-that-is-no-command-of-ours"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_in_both_forms_and_anywhere),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(keeps_every_value_of_an_option_that_repeats),
        cmocka_unit_test(an_option_beats_its_variable),
        cmocka_unit_test(refuses_and_says_what),
        cmocka_unit_test(help_is_given_whatever_else_is_wrong),
        cmocka_unit_test(help_says_all_that_is_taken),
        cmocka_unit_test(help_of_every_command_fits_a_screen),
        cmocka_unit_test(suggests_what_is_near_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
