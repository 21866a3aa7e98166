/* verify.c - runs the flows from position 0 in memory and compares with what the log holds. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Which flows ------------------------------------------------------------------------------ */

/* The one named, or all; with what they read. */
static struct ever_err choose(struct flows *flows, const char *only, struct text *report,
                              bool *wanted)
{
    if (only == NULL) {
        memset(wanted, true, flows->count * sizeof *wanted);
        return ERR_OK;
    }
    const struct flow *flow = flows_find(flows, slice_of_text(only));
    if (flow == NULL) {
        text_printf(report, "there is no flow %s; there are:", only);
        for (size_t i = 0; i < flows->count; i++) {
            text_printf(report, " %s", flows->list[i].info.name);
        }
        text_add_byte(report, '\n');
        return FAIL(EVER_NOT_FOUND, "verify a flow");
    }
    flow_mark_with_upstreams(flows, (size_t)(flow - flows->list), wanted);
    return ERR_OK;
}

static struct ever_err open_run(struct flows *flows, const bool *wanted, struct flow_run **out_run)
{
    struct flow **list = mem_alloc(flows->count * sizeof(struct flow *));
    size_t count = flow_list_marked(flows, wanted, list);
    struct flow_run *run = flow_run_create(flows, list, count, "proof");
    free(list);
    run->is_proof = true;
    for (size_t i = 0; i < run->count; i++) {
        struct ever_err err =
            flow_part_open(flows->store, &run->flows[i]->info, true, &run->parts[i]);
        if (!IS_OK(err)) {
            flow_run_destroy(run);
            return err;
        }
    }
    *out_run = run;
    return ERR_OK;
}

/* --- Running ---------------------------------------------------------------------------------- */

/* The end is where the log ended at the beginning: beside a running server it moves on. */
static struct ever_err run_to(struct flow_run *run, uint64_t last,
                              const struct flows_verify_options *options)
{
    struct derive_script script = flow_script_of(run);
    for (bool more = true; more;) {
        TRY(flow_run_step(run, last, &script, &more));
        if (options->progress != NULL) {
            options->progress(options->arg, run->position, last);
        }
    }
    for (size_t i = 0; i < run->count; i++) {
        if (!run->parts[i].stop.is_set) {
            TRY(flow_part_check_end(&run->parts[i], last));
        }
    }
    return ERR_OK;
}

/* --- Telling ---------------------------------------------------------------------------------- */

static uint64_t missing(const struct flow_part *part)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        const struct flow_side_stream *side = &part->sides[i];
        missing += side->count > side->logged ? side->count - side->logged : 0;
    }
    return missing;
}

static enum flow_verdict verdict_of(const struct flow_run *run, size_t index)
{
    struct derive_flow_status status;
    derive_flow_status(run->program, index, &status);
    if (!run->parts[index].stop.is_set) {
        return FLOW_SAME;
    }
    return status.stopped ? FLOW_FAILED : FLOW_DIFFERENT;
}

static struct ever_err tell(const struct flow_run *run, size_t index,
                            const struct flows_verify_options *options)
{
    const struct flow_part *part = &run->parts[index];
    struct flow_serving serving;
    TRY(flow_alias_read(run->store, part->info, &serving));
    struct flow_proof proof = {
        .info = part->info,
        .verdict = verdict_of(run, index),
        .compared = part->compared,
        .missing = missing(part),
        .serving = serving.version,
        .difference = part->stop.why,
    };
    (void)snprintf(proof.hash, sizeof proof.hash, "%016llx", (unsigned long long)part->hash);
    options->proof(options->arg, &proof);
    return ERR_OK;
}

static struct ever_err verify(struct flows *flows, const struct flows_verify_options *options,
                              const bool *wanted)
{
    struct flow_run *run;
    TRY(open_run(flows, wanted, &run));
    struct ever_err err = run_to(run, ever_last_position(flows->store), options);
    for (size_t i = 0; i < run->count && IS_OK(err); i++) {
        err = tell(run, i, options);
    }
    flow_run_destroy(run);
    return err;
}

struct ever_err flow_prove(struct flows *flows, const struct flows_verify_options *options,
                           struct text *report)
{
    bool *wanted = mem_alloc_zero((flows->count + 1) * sizeof *wanted);
    struct ever_err err = choose(flows, options->only, report, wanted);
    if (IS_OK(err) && flows->count > 0) {
        err = verify(flows, options, wanted);
    }
    free(wanted);
    return err;
}

struct ever_err flows_verify(struct ever *store, const struct app *app,
                             const struct flows_verify_options *options, struct text *report)
{
    struct flows *flows;
    TRY(flows_declare(store, app, NULL, options->flows, report, &flows));
    struct ever_err err = flow_prove(flows, options, report);
    flows_close(flows);
    return err;
}
