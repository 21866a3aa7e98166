/* main.c - the program: finds the command in the table, checks its words, runs it. */
#include "cli/arguments.h"
#include "cli/help.h"
#include "cli/output/terminal.h"

#include "base/slice.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum exit_code print_text(struct text *text)
{
    terminal_write(text_slice(text));
    text_deinit(text);
    return EXIT_DONE;
}

static enum exit_code unknown_command(const char *name)
{
    const char *nearest = cli_nearest(name);
    if (nearest == NULL) {
        (void)terminal_fail("there is no command '%s'; everfold --help lists them", name);
    } else {
        (void)terminal_fail("there is no command '%s'; did you mean '%s'?", name, nearest);
    }
    return EXIT_USAGE; /* rather than the code above */
}

static enum exit_code run_command(const struct command *command, size_t word_count,
                                  const char *const *words)
{
    struct text text = {0};
    struct arguments arguments;
    struct ever_err err = arguments_parse(command, word_count, words, getenv, &text, &arguments);
    if (!IS_OK(err)) {
        enum exit_code code = terminal_usage(command, "%s", text.data);
        text_deinit(&text);
        return code;
    }
    if (arguments.help) {
        help_command(&text, command);
        return print_text(&text);
    }
    return command->run(&arguments);
}

/* "everfold help", "everfold help NAME", "everfold --help". */
static enum exit_code help(const char *name)
{
    const struct command *command = name == NULL ? NULL : cli_find(name);
    struct text text = {0};
    if (name != NULL && command == NULL) {
        return unknown_command(name);
    }
    if (command != NULL) {
        help_command(&text, command);
    } else {
        help_program(&text);
    }
    return print_text(&text);
}

/* A standard descriptor that the caller closed would be given to the next file that is opened here:
 * to a segment of the log, say, into which the output would then be written. */
static void fill_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

int main(int count, char **words)
{
    fill_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a write that fails says so itself */
    const char *name = count > 1 ? words[1] : NULL;
    if (name == NULL) {
        struct text text = {0};
        help_program(&text);
        (void)fputs(text.data, stderr); /* the exit code tells too */
        text_deinit(&text);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        terminal_write(SLICE_LITERAL("everfold " EVERFOLD_VERSION "\n"));
        return EXIT_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return (int)help(count > 2 ? words[2] : NULL);
    }
    const struct command *command = cli_find(name);
    if (command == NULL) {
        return (int)unknown_command(name);
    }
    return (int)run_command(command, (size_t)count - 2, (const char *const *)words + 2);
}
