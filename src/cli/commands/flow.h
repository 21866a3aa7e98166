/* flow.h - the words of `everfold flow`, one file for each. */
#pragma once
#include "cli/arguments.h"
#include "cli/client/session.h"

enum { FLOW_OPTION_SVG = SESSION_OPTION_COUNT };

/* The parameters behind the word begin with index 1. */
enum exit_code flow_list_run(const struct arguments *arguments);
enum exit_code flow_draw_run(const struct arguments *arguments);
enum exit_code flow_verify_run(const struct arguments *arguments);
