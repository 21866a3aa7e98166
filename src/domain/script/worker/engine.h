/* engine.h - JavaScriptCore for one APP: a context that compiles, a context that runs user code.
 *
 * One thread. Texts in and out are UTF-8; what they hold is said in js/compiler.js and
 * js/runtime.js. */
#pragma once
#include "base/text.h"

struct engine;

struct engine_options {
    uint32_t time_limit_ms;   /* of one engine_step(), _flow() or _live() */
    uint32_t memory_limit_mb; /* what scripts may add to the engine's own */
    uint32_t states_max;
};

struct engine *engine_create(const struct engine_options *options); /* never NULL */

enum engine_result {
    ENGINE_ANSWERED,     /* `out` has the answer */
    ENGINE_TIME_LIMIT,   /* stopped; the engine can go on */
    ENGINE_MEMORY_LIMIT, /* stopped; the process should end */
    ENGINE_WORN_OUT,     /* stopped for what calls before took; as above, and it deserves another */
    ENGINE_FAULT,        /* our own script failed; `out` says how */
};

/* `request` is NUL-terminated. The answer is appended to `out`. */
enum engine_result engine_compile(struct engine *engine, const char *request, struct text *out);
enum engine_result engine_load(struct engine *engine, const char *request, struct text *out);
enum engine_result engine_step(struct engine *engine, const char *request, struct text *out);
enum engine_result engine_flow(struct engine *engine, const char *request, struct text *out);
enum engine_result engine_live(struct engine *engine, const char *request, struct text *out);

/* What the process may hold in all, the engine included. */
uint64_t engine_memory_bytes_max(const struct engine *engine);

/* Between calls: drops cached states when memory is short. False: the process should end. */
bool engine_tidy(struct engine *engine);
