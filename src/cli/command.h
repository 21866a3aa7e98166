/* command.h - the commands of the program: a table of rows, one file (commands/NAME.c) for each.
 *
 * A row says all that --help prints and all that arguments.h checks, so neither can differ from
 * what the command takes. Its run function returns the exit code. */
#pragma once
#include "everfold_types.h"

/* Exit codes, the same for every command. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the cause is on standard error */
    EXIT_USAGE = 2,  /* the command line is wrong; nothing was done */
};

struct command_option {
    const char *name;     /* without the dashes; NULL ends the list */
    const char *value;    /* what stands behind it in the help: "MS"; NULL: a switch */
    const char *variable; /* environment variable that gives it too; may be NULL */
    const char *help;     /* NULL: not listed, since the command refuses it with a reason */
    uint64_t number_max;  /* not 0: the value is a whole number up to this */
    bool repeats;         /* may stand several times; at most one option of a command */
    const char *not_with; /* name of an option that may not stand beside it; may be NULL */
};

struct command_parameter {
    const char *name; /* "STREAM"; NULL ends the list */
    const char *help;
    bool optional; /* with all behind it */
    bool repeats;  /* the last one only */
};

struct arguments;
struct command {
    const char *name;
    const char *summary;                        /* one line */
    const struct command_parameter *parameters; /* NULL: none */
    const struct command_option *options;       /* at most COMMAND_OPTIONS_MAX; NULL: none */
    const char *notes;                          /* further lines of the help; may be NULL */
    enum exit_code (*run)(const struct arguments *arguments);
};

#define COMMAND_OPTIONS_MAX 16

extern const struct command *const cli_commands[]; /* NULL ends it */

const struct command *cli_find(const char *name); /* NULL: no such command */

/* The command or option of `command` whose name is nearest to what was typed; NULL when none is
 * near. */
const char *cli_nearest(const char *typed);
const char *cli_nearest_option(const struct command *command, const char *typed);

extern const struct command cli_serve;
extern const struct command cli_new;
extern const struct command cli_test;
extern const struct command cli_append;
extern const struct command cli_read;
extern const struct command cli_tail;
extern const struct command cli_state;
extern const struct command cli_views;
extern const struct command cli_flow;
extern const struct command cli_import;
extern const struct command cli_export;
