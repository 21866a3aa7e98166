/* first_steps.h - three lines to paste into a shell, for who starts a server the first time. */
#pragma once
#include "base/text.h"

/* The first lines of APP/README.md that begin with "curl ", sent to `url` instead of the default
 * address. Without an APP or such lines: some that work with any server. */
void first_steps_add(struct text *out, const char *app_dir, const char *url);
