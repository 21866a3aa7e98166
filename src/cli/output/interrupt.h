/* interrupt.h - what a command still does when a signal ends it (SIGINT, SIGTERM, SIGHUP): removes a
 * file that is half written, says how far it came. The process then ends by that signal, as a shell
 * expects. One thread prepares; the signal may come to any. */
#pragma once
#include "base/slice.h"

/* The file is removed; NULL: none is any more. Copies the path; one that is longer than PATH_MAX
 * stays. */
void interrupt_removes(const char *path);
/* The line goes to standard error, with its end. Copies up to INTERRUPT_LINE_BYTES_MAX. */
#define INTERRUPT_LINE_BYTES_MAX 512
void interrupt_says(struct ever_slice line);
