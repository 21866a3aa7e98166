#include "cli/help.h"

#include "base/slice.h"

#define HELP_COLUMNS 96

void help_usage(struct text *out, const struct command *command)
{
    text_printf(out, "Usage: everfold %s", command->name);
    for (const struct command_parameter *at = command->parameters; at != NULL && at->name != NULL;
         at++) {
        text_printf(out, at->optional ? " [%s%s]" : " %s%s", at->name, at->repeats ? " ..." : "");
    }
    text_add_text(out, command->options == NULL ? "\n" : " [options]\n");
}

/* Adds `words` wrapped, from column `indent`, where the line already stands. */
static void add_wrapped(struct text *out, size_t indent, const char *words)
{
    size_t column = indent;
    for (struct ever_slice rest = slice_of_text(words); rest.size > 0;) {
        size_t size = slice_find_byte(rest, ' ');
        if (column > indent && column + 1 + size > HELP_COLUMNS) {
            text_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) {
            text_add_byte(out, ' ');
            column++;
        }
        text_add(out, slice_first(rest, size));
        column += size;
        rest = slice_from(rest, size < rest.size ? size + 1 : size);
    }
    text_add_byte(out, '\n');
}

static size_t option_width(const struct command_option *option)
{
    return strlen("--") + strlen(option->name) +
           (option->value == NULL ? 0 : strlen(" ") + strlen(option->value));
}

static void add_row(struct text *out, const char *left, size_t width, const char *help)
{
    text_printf(out, "  %-*s  ", (int)width, left);
    add_wrapped(out, width + 4, help);
}

static void add_option(struct text *out, const struct command_option *option, size_t width)
{
    struct text left = {0};
    struct text help = {0};
    text_printf(&left, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                option->value == NULL ? "" : option->value);
    text_add_text(&help, option->help);
    if (option->variable != NULL) {
        text_printf(&help, " (or %s)", option->variable);
    }
    add_row(out, left.data, width, help.data);
    text_deinit(&left);
    text_deinit(&help);
}

static void add_options(struct text *out, const struct command_option *options)
{
    static const struct command_option help = {.name = "help", .help = "print this"};
    size_t width = option_width(&help);
    for (const struct command_option *at = options; at != NULL && at->name != NULL; at++) {
        width = option_width(at) > width ? option_width(at) : width;
    }
    text_add_text(out, "\nOptions:\n");
    for (const struct command_option *at = options; at != NULL && at->name != NULL; at++) {
        if (at->help != NULL) {
            add_option(out, at, width);
        }
    }
    add_option(out, &help, width);
}

static void add_parameters(struct text *out, const struct command_parameter *parameters)
{
    size_t width = 0;
    for (const struct command_parameter *at = parameters; at->name != NULL; at++) {
        width = strlen(at->name) > width ? strlen(at->name) : width;
    }
    text_add_byte(out, '\n');
    for (const struct command_parameter *at = parameters; at->name != NULL; at++) {
        add_row(out, at->name, width, at->help);
    }
}

void help_command(struct text *out, const struct command *command)
{
    help_usage(out, command);
    text_printf(out, "\n%s.\n", command->summary);
    if (command->parameters != NULL) {
        add_parameters(out, command->parameters);
    }
    add_options(out, command->options);
    if (command->notes != NULL) {
        text_printf(out, "\n%s", command->notes);
    }
}

void help_program(struct text *out)
{
    text_add_text(out, "Everfold records events for ever, decides commands and keeps views of "
                       "them.\n\nUsage: everfold COMMAND [options]\n\n");
    size_t width = 0;
    for (const struct command *const *at = cli_commands; *at != NULL; at++) {
        width = strlen((*at)->name) > width ? strlen((*at)->name) : width;
    }
    for (const struct command *const *at = cli_commands; *at != NULL; at++) {
        add_row(out, (*at)->name, width, (*at)->summary);
    }
    text_add_text(
        out, "\neverfold COMMAND --help tells more; everfold --version says which this is.\n"
             "Exit codes: 0 done, 1 failed (the cause is on standard error), 2 wrong usage.\n");
}
