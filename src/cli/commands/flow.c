/* everfold flow: what concerns flows, a word for each thing. */
#include "cli/commands/flow.h"

#include "base/slice.h"
#include "cli/output/terminal.h"

static const struct command_option options[] = {
    SESSION_OPTIONS,
    [FLOW_OPTION_SVG] = {.name = "svg", .help = "draw: as an SVG picture, not as text"},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "WORD", .help = "list, draw or verify"},
    {.name = "...", .help = "as the word wants it, see below", .optional = true, .repeats = true},
    {.name = NULL},
};

struct word {
    const char *name;
    const char *takes;
    size_t least; /* parameters behind the word */
    size_t most;
    enum exit_code (*run)(const struct arguments *arguments);
};

static const struct word words[] = {
    {"list", " [--url URL | --app APP]", 0, 0, flow_list_run},
    {"draw", " APP|FILE [FLOW] [--svg]", 1, 2, flow_draw_run},
    {"verify", " APP [FLOW]", 1, 2, flow_verify_run},
};

static enum exit_code run(const struct arguments *arguments)
{
    size_t count = arguments->parameter_count - 1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const struct word *word = &words[i];
        if (strcmp(word->name, arguments->parameters[0]) != 0) {
            continue;
        }
        if (count < word->least || count > word->most) {
            return terminal_usage(arguments->command, "it is: everfold flow %s%s", word->name,
                                  word->takes);
        }
        return word->run(arguments);
    }
    return terminal_usage(arguments->command, "there is no word '%s': list, draw, verify",
                          arguments->parameters[0]);
}

const struct command cli_flow = {
    .name = "flow",
    .summary = "List or draw the flows, or prove that the log holds what they say",
    .parameters = parameters,
    .options = options,
    .notes = "  everfold flow list               the flows of a server and how far they are\n"
             "  everfold flow draw APP [FLOW]    the graphs of the flows of APP, or of one file\n"
             "                                   APP/flows/NAME.js, without running them\n"
             "  everfold flow verify APP [FLOW]  runs the flows of APP over the log, from its\n"
             "                                   first event, in memory, and compares every event\n"
             "                                   with the one in the log; beside a running server\n"
             "                                   or without one; --data when it is not\n"
             "                                   APP/.everfold. Exit code 1: a flow differs\n",
    .run = run,
};
