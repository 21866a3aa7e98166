/* program_priv.h - the handlers of a view, ready to run: statements prepared once, and for each of
 * their parameters where its value comes from.
 *
 * The life of an event: its type finds the handler; one pass over its data finds all members that
 * any statement of the handler names; the statements are bound and run in the file's order. */
#pragma once
#include "domain/view/compile_priv.h"

struct view_program;
struct view_handler;

/* Prepares all handlers on the compiler's connection. NULL when there were faults. */
struct view_program *view_program_build(struct view_compiler *compiler);
void view_program_free(struct view_program *program); /* NULL-safe. */

/* All types it handles, sorted. */
const struct ever_slice *view_program_types(const struct view_program *program, size_t *out_count);

/* NULL when the type is not handled. */
struct view_handler *view_program_find(const struct view_program *program, struct ever_slice type);

/* Runs the handler's statements for `event`. `scratch` is reset. SQLite's result code, SQLITE_DONE
 * when all is well; view_guard_message() says what was wrong. */
int view_handler_run(struct view_handler *handler, struct view_guard *guard,
                     const struct ever_event *event, struct arena *scratch);
