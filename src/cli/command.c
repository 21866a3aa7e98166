#include "cli/command.h"

#include "base/slice.h"

const struct command *const cli_commands[] = {
    &cli_serve, &cli_new,   &cli_test, &cli_append, &cli_read,   &cli_tail,
    &cli_state, &cli_views, &cli_flow, &cli_import, &cli_export, NULL,
};

const struct command *cli_find(const char *name)
{
    for (const struct command *const *at = cli_commands; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

/* --- The nearest name ------------------------------------------------------------------------ */

#define NAME_BYTES_MAX 24 /* longer than any name of ours: nothing is near to a longer one */

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added, dropped or swapped with their neighbour to make one
 * from the other. Both are at most NAME_BYTES_MAX long. */
static unsigned distance(const char *from, const char *to)
{
    unsigned rows[3][NAME_BYTES_MAX + 1]; /* of the table, the last three */
    size_t to_size = strlen(to);
    for (unsigned j = 0; j <= to_size; j++) {
        rows[0][j] = j;
    }
    unsigned i = 0;
    for (; from[i] != '\0'; i++) {
        const unsigned *above = rows[i % 3];
        const unsigned *two_above = rows[(i + 2) % 3];
        unsigned *row = rows[(i + 1) % 3];
        row[0] = i + 1;
        for (unsigned j = 0; j < to_size; j++) {
            unsigned change = above[j] + (from[i] != to[j]);
            row[j + 1] = smaller(change, smaller(above[j + 1], row[j]) + 1);
            bool swapped = i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j];
            if (swapped) {
                row[j + 1] = smaller(row[j + 1], two_above[j - 1] + 1);
            }
        }
    }
    return rows[i % 3][to_size];
}

/* Remembers the nearest name so far. */
struct nearest {
    const char *typed;
    const char *name;
    unsigned distance;
};

static struct nearest nearest_begin(const char *typed)
{
    size_t size = strlen(typed);
    /* A third of the letters may be wrong; more is another word. */
    unsigned limit = size > NAME_BYTES_MAX ? 0 : (unsigned)(size + 2) / 3;
    return (struct nearest){.typed = typed, .distance = limit + 1};
}

static void nearest_offer(struct nearest *nearest, const char *name)
{
    if (strlen(nearest->typed) > NAME_BYTES_MAX || strlen(name) > NAME_BYTES_MAX) {
        return;
    }
    unsigned far = distance(nearest->typed, name);
    if (far < nearest->distance) {
        nearest->distance = far;
        nearest->name = name;
    }
}

const char *cli_nearest(const char *typed)
{
    struct nearest nearest = nearest_begin(typed);
    for (const struct command *const *at = cli_commands; *at != NULL; at++) {
        nearest_offer(&nearest, (*at)->name);
    }
    return nearest.name;
}

const char *cli_nearest_option(const struct command *command, const char *typed)
{
    struct nearest nearest = nearest_begin(typed);
    for (const struct command_option *at = command->options; at != NULL && at->name != NULL; at++) {
        nearest_offer(&nearest, at->name);
    }
    return nearest.name;
}
