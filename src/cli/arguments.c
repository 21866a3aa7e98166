#include "cli/arguments.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdio.h>

struct parser {
    const char *const *words;
    size_t word_count;
    size_t at;
    bool options_over; /* "--" was seen */
    struct text *report;
    struct arguments *arguments;
};

static struct ever_err refuse_unknown(struct parser *parser, struct ever_slice name)
{
    char typed[64];
    size_t size = name.size < sizeof typed ? name.size : sizeof typed - 1;
    memcpy(typed, name.data, size);
    typed[size] = '\0';
    text_printf(parser->report, "there is no option --%.*s", SLICE_PRINT(name));
    const char *nearest = cli_nearest_option(parser->arguments->command, typed);
    if (nearest != NULL) {
        text_printf(parser->report, "; did you mean --%s?", nearest);
    }
    return FAIL(EVER_INVALID, "unknown option");
}

static bool find_option(const struct command *command, struct ever_slice name, size_t *out_index)
{
    if (command->options == NULL) {
        return false;
    }
    for (size_t i = 0; command->options[i].name != NULL; i++) {
        ASSERT(i < COMMAND_OPTIONS_MAX);
        if (slice_is(name, command->options[i].name)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

/* Keeps one value of an option, wherever it came from. `said` is how the user wrote it. */
static struct ever_err keep_value(struct parser *parser, size_t index, const char *said,
                                  const char *value)
{
    const struct command_option *option = &parser->arguments->command->options[index];
    struct arguments *arguments = parser->arguments;
    if (option->number_max != 0) {
        uint64_t number;
        bool fits = slice_parse_u64(slice_of_text(value), &number) && number <= option->number_max;
        if (!fits) {
            text_printf(parser->report, "%s must be a whole number from 0 to %llu, not '%s'", said,
                        (unsigned long long)option->number_max, value);
            return FAIL(EVER_INVALID, "option is no number");
        }
        arguments->numbers[index] = number;
    }
    if (option->repeats) {
        if (arguments->repeated_count == ARGUMENTS_REPEATED_MAX) {
            text_printf(parser->report, "%s may be given %d times at most", said,
                        ARGUMENTS_REPEATED_MAX);
            return FAIL(EVER_INVALID, "option repeated too often");
        }
        arguments->repeated[arguments->repeated_count++] = value;
    }
    arguments->values[index] = value;
    return ERR_OK;
}

static struct ever_err take_option(struct parser *parser, const char *word)
{
    struct ever_slice said = slice_of_text(word + 2);
    size_t equals = slice_find_byte(said, '=');
    struct ever_slice name = slice_first(said, equals);
    size_t index;
    if (!find_option(parser->arguments->command, name, &index)) {
        return refuse_unknown(parser, name);
    }
    const struct command_option *option = &parser->arguments->command->options[index];
    const char *value = equals < said.size ? word + 2 + equals + 1 : NULL;
    if (option->value == NULL) {
        if (value != NULL) {
            text_printf(parser->report, "--%s takes no value", option->name);
            return FAIL(EVER_INVALID, "switch with a value");
        }
        value = "";
    } else if (value == NULL) {
        if (parser->at == parser->word_count) {
            text_printf(parser->report, "--%s needs a value: --%s %s", option->name, option->name,
                        option->value);
            return FAIL(EVER_INVALID, "option without value");
        }
        value = parser->words[parser->at++];
    }
    if (arguments_has(parser->arguments, index) && !option->repeats) {
        text_printf(parser->report, "--%s was given twice", option->name);
        return FAIL(EVER_INVALID, "option given twice");
    }
    char shown[64];
    (void)snprintf(shown, sizeof shown, "--%s", option->name); /* our own names are short */
    return keep_value(parser, index, shown, value);
}

static struct ever_err take_parameter(struct parser *parser, const char *word)
{
    struct arguments *arguments = parser->arguments;
    const struct command_parameter *parameters = arguments->command->parameters;
    size_t count = 0;
    bool repeats = false;
    for (; parameters != NULL && parameters[count].name != NULL; count++) {
        repeats = parameters[count].repeats;
    }
    bool room = repeats ? arguments->parameter_count < ARGUMENTS_PARAMETERS_MAX
                        : arguments->parameter_count < count;
    if (!room) {
        text_printf(parser->report, "'%s' is one word too many", word);
        return FAIL(EVER_INVALID, "too many parameters");
    }
    arguments->parameters[arguments->parameter_count++] = word;
    return ERR_OK;
}

static struct ever_err take_word(struct parser *parser)
{
    const char *word = parser->words[parser->at++];
    if (parser->options_over || word[0] != '-' || word[1] == '\0') {
        return take_parameter(parser, word);
    }
    if (strcmp(word, "--") == 0) {
        parser->options_over = true;
        return ERR_OK;
    }
    if (word[1] != '-') {
        text_printf(parser->report,
                    "there is no option %s (options begin with two dashes; if it is meant as a "
                    "parameter, put -- before it)",
                    word);
        return FAIL(EVER_INVALID, "unknown option");
    }
    return take_option(parser, word);
}

static bool stands(const struct arguments *arguments, const char *name)
{
    const struct command_option *options = arguments->command->options;
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return arguments_has(arguments, i);
        }
    }
    return false;
}

/* Of what was typed: a variable stands aside. */
static struct ever_err check_together(struct parser *parser)
{
    const struct command_option *options = parser->arguments->command->options;
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        const char *other = options[i].not_with;
        if (other != NULL && arguments_has(parser->arguments, i) &&
            stands(parser->arguments, other)) {
            text_printf(parser->report, "--%s and --%s do not go together: say one of them",
                        options[i].name, other);
            return FAIL(EVER_INVALID, "options that do not go together");
        }
    }
    return ERR_OK;
}

static struct ever_err take_variables(struct parser *parser, char *(*variable)(const char *name))
{
    const struct command_option *options = parser->arguments->command->options;
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        if (options[i].variable == NULL || arguments_has(parser->arguments, i)) {
            continue;
        }
        const char *value = variable(options[i].variable);
        /* A switch is on unless its variable is empty or 0, as people expect of them. */
        bool off = value == NULL || value[0] == '\0' ||
                   (options[i].value == NULL && strcmp(value, "0") == 0);
        if (!off) {
            TRY(keep_value(parser, i, options[i].variable, value));
        }
    }
    return ERR_OK;
}

static struct ever_err check_enough(struct parser *parser)
{
    const struct command_parameter *parameters = parser->arguments->command->parameters;
    for (size_t i = 0; parameters != NULL && parameters[i].name != NULL; i++) {
        if (i >= parser->arguments->parameter_count && !parameters[i].optional) {
            text_printf(parser->report, "%s is missing", parameters[i].name);
            return FAIL(EVER_INVALID, "parameter missing");
        }
        if (parameters[i].optional) {
            break;
        }
    }
    return ERR_OK;
}

struct ever_err arguments_parse(const struct command *command, size_t word_count,
                                const char *const *words, char *(*variable)(const char *name),
                                struct text *report, struct arguments *out_arguments)
{
    *out_arguments = (struct arguments){.command = command};
    struct parser parser = {
        .words = words, .word_count = word_count, .report = report, .arguments = out_arguments};
    for (size_t i = 0; i < word_count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            out_arguments->help = true; /* whatever else is wrong */
            return ERR_OK;
        }
    }
    while (parser.at < parser.word_count) {
        TRY(take_word(&parser));
    }
    TRY(check_together(&parser));
    TRY(take_variables(&parser, variable));
    return check_enough(&parser);
}
