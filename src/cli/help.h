/* help.h - the text of --help, made from the table of commands. */
#pragma once
#include "base/text.h"
#include "cli/command.h"

void help_program(struct text *out);                                /* everfold --help */
void help_command(struct text *out, const struct command *command); /* everfold NAME --help */
void help_usage(struct text *out, const struct command *command);   /* its first line alone */
