/* event_target.h - which events a command is about: one stream, or the log with filters.
 *
 * For commands whose first parameter is an optional STREAM and whose options begin with
 * TARGET_OPTIONS. */
#pragma once
#include "cli/client/session.h"

enum target_option {
    TARGET_TYPE = SESSION_OPTION_COUNT,
    TARGET_CATEGORY,
    TARGET_PREFIX,
    TARGET_TAG,
    TARGET_OPTION_COUNT, /* a command's own options begin here */
};
#define TARGET_OPTIONS(session_options)                                                            \
    session_options,                                                                               \
        [TARGET_TYPE] = {.name = "type", .value = "A,B", .help = "only events of these types"},    \
        [TARGET_CATEGORY] = {.name = "category",                                                   \
                             .value = "NAME",                                                      \
                             .help = "only streams of this category (NAME-...)"},                  \
        [TARGET_PREFIX] = {.name = "prefix",                                                       \
                           .value = "TEXT",                                                        \
                           .help = "only streams whose name begins so"},                           \
        [TARGET_TAG] = {.name = "tag",                                                             \
                        .value = "TAG",                                                            \
                        .help =                                                                    \
                            "only events with this tag; may be repeated, then with all of them",   \
                        .repeats = true}

/* Filters do not go with a stream. False: it was reported as wrong usage. */
bool event_target_check(const struct arguments *arguments);

/* Puts "/streams/NAME" or "/events?..." into `target`. */
void event_target_begin(const struct arguments *arguments, struct text *target);
/* Adds one more parameter to it. */
void event_target_add(struct text *target, const char *name, const char *value);
