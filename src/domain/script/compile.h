/* compile.h - an APP's JavaScript and TypeScript, made ready for workers to load.
 *
 * Done once at start, in a worker process of its own that ends behind it: the compiler takes time
 * and memory that the workers should not spend again at every replacement. */
#pragma once
#include "base/arena.h"
#include "domain/app.h"
#include "domain/script/process.h"

struct script_program {
    struct arena arena;         /* of all below */
    struct ever_slice load;     /* the request that every worker begins with */
    struct json_value *modules; /* {path, imports: {specifier: path}, ...} */
    size_t module_count;
};

enum script_entries { /* files to begin with; what they import comes with them */
                      SCRIPT_COMMANDS = 1, /* deciders and routes.js */
                      SCRIPT_FLOWS = 2,
                      SCRIPT_TESTS = 4,
};

/* Compiles the files of `entries`, a sum of the above, and what they import. Runs the loop until it
 * is done. EVER_INVALID: `report` has a line "path:line: what is wrong" for each fault. */
struct ever_err script_compile(uv_loop_t *loop, const struct script_process_options *options,
                               const struct app *app, unsigned entries, struct text *report,
                               struct script_program *out_program);
void script_program_deinit(struct script_program *program);

#define SCRIPT_VERSION_BYTES 33 /* 32 hexadecimal digits and a NUL */
/* The hash of the file's source and of all it imports. */
void script_program_version(const struct script_program *program, const struct app *app,
                            const char *path, char out_version[static SCRIPT_VERSION_BYTES]);
