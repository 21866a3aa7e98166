/* arguments.h - the words of a command line, checked against a command's row.
 *
 *     --name VALUE   --name=VALUE   --switch   -h, --help   -- (no options behind it)   - (a
 * parameter)
 *
 * An option that was not given takes its environment variable. */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "cli/command.h"

#define ARGUMENTS_PARAMETERS_MAX 64
#define ARGUMENTS_REPEATED_MAX 64

struct arguments { /* lends the words it was made from */
    const struct command *command;
    bool help;                               /* --help was asked for; nothing else was checked */
    const char *values[COMMAND_OPTIONS_MAX]; /* by option; NULL: not given; a switch: "" */
    uint64_t numbers[COMMAND_OPTIONS_MAX];   /* of number options that were given */
    const char *repeated[ARGUMENTS_REPEATED_MAX]; /* every value of the option that repeats */
    size_t repeated_count;
    const char *parameters[ARGUMENTS_PARAMETERS_MAX]; /* NULL: not given */
    size_t parameter_count;
};

/* `words` are those behind the command's name. `variable` is getenv() or a test's. EVER_INVALID:
 * `report` says in one line what is wrong. */
struct ever_err arguments_parse(const struct command *command, size_t word_count,
                                const char *const *words, char *(*variable)(const char *name),
                                struct text *report, struct arguments *out_arguments);

static inline bool arguments_has(const struct arguments *arguments, size_t option)
{
    return arguments->values[option] != NULL;
}
static inline const char *arguments_text(const struct arguments *arguments, size_t option,
                                         const char *otherwise)
{
    return arguments_has(arguments, option) ? arguments->values[option] : otherwise;
}
static inline uint64_t arguments_number(const struct arguments *arguments, size_t option,
                                        uint64_t otherwise)
{
    return arguments_has(arguments, option) ? arguments->numbers[option] : otherwise;
}
