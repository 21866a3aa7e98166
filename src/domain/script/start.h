/* start.h - a pool whose workers have loaded an APP. */
#pragma once
#include "domain/script/pool.h"

/* Opens a pool and runs the loop until its first worker has loaded. `out_loaded`, an empty text,
 * gets what runtime.js answered: {deciders, data, flows}, checked JSON. On failure the pool is
 * closed and `report` says why, one line each: EVER_INVALID for faults in the APP's files. */
struct ever_err script_start(uv_loop_t *loop, const struct script_pool_options *options,
                             struct text *report, struct script_pool **out_pool,
                             struct text *out_loaded);
/* Closes the pool and runs the loop until that is done. */
void script_stop(uv_loop_t *loop, struct script_pool *pool);
