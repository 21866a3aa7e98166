/* declare.h - what an APP's flows/ declare, without running any flow. */
#pragma once
#include "domain/app.h"

/* Runs the declarations in a worker and appends its answer, checked JSON with the graphs in the
 * array "flows". `worker_path` NULL: "everfold-js" beside this program. EVER_INVALID: `report` has
 * a line "flows/x.js:12: what is wrong" for each fault. */
struct ever_err flow_graphs_declared(const struct app *app, const char *worker_path,
                                     struct text *report, struct text *out_answer);
