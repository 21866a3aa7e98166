/* terminal.h - what the program writes, and for whom.
 *
 * People at a terminal get aligned text, with colours unless NO_COLOR is set; programs get NDJSON.
 * Data from a server is never trusted with a terminal: its control characters are shown as escapes.
 */
#pragma once
#include "base/text.h"
#include "cli/command.h"

enum terminal_colour { TERMINAL_PLAIN, TERMINAL_DIM, TERMINAL_BOLD, TERMINAL_RED, TERMINAL_GREEN };

/* For a person: standard output is a terminal. */
bool terminal_is_for_people(void);
unsigned terminal_columns(int fd); /* 80 when it cannot be known */

/* Columns a text takes: one for each character, which is near enough. */
unsigned terminal_width(struct ever_slice text);

/* Adds `bytes` in the colour, if standard output shows colours. Control characters are escaped. */
void terminal_add(struct text *out, enum terminal_colour colour, struct ever_slice bytes);

/* Writes to standard output, at once. When nobody reads it any more (a closed pipe) the program
 * ends quietly with EXIT_FAILED; another failure is reported, with the same end. */
void terminal_write(struct ever_slice bytes);

/* Writes "everfold: SENTENCE" to standard error and returns EXIT_FAILED. Control characters are
 * escaped, line ends kept. */
enum exit_code terminal_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for each line of `report`. */
void terminal_report(const struct text *report);
/* The same for a wrong command line: points to the command's help and returns EXIT_USAGE. */
enum exit_code terminal_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
