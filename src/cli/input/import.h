/* import.h - events from an input to a server, in batches that are each appended whole.
 *
 * Some batches are under way at once on one connection; the server appends them in order. An
 * event whose id is in the log already is passed over, so that the same import again, or one of a
 * file that has grown since, appends what is missing. */
#pragma once
#include "cli/client/session.h"
#include "cli/input/event_line.h"
#include "cli/input/records.h"

#define IMPORT_BATCH_EVENTS 1000
#define IMPORT_BATCH_BYTES (1u << 20) /* a batch is sent when it reaches either */
#define IMPORT_BATCHES_UNDER_WAY 4

struct import {
    struct session *session; /* borrowed, like `records` */
    struct records *records;
    struct event_shape shape;
    uint64_t input_bytes; /* 0: not known */
};

/* Runs to the end of the input, shows progress, prints a summary. What fails is reported with the
 * lines of the input it is about. */
enum exit_code import_run(const struct import *import);
