/* resume.c - where flows go on after a start: which run has which, and from which state. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"

#include <stdlib.h>

#define BUILDING_ROOTS_MAX 1024u /* beside a live run: so long its events wait */

/* --- Opening: the live run -------------------------------------------------------------------- */

struct opening {
    struct flows *flows;
    struct flow_snapshot live;
    struct flow_snapshot building;
    bool *is_live; /* by flow: in the live run */
};

/* It serves, and its state is that of the snapshot's position. */
static bool can_go_on(const struct opening *opening, const struct flow *flow)
{
    const struct flow_saved *saved = flow_snapshot_find(&opening->live, &flow->info);
    return saved != NULL && saved->position == opening->live.position &&
           strcmp(flow->serving.version, flow->info.version) == 0;
}

/* A flow that goes on needs what it reads to go on. Levels are few: repeat until nothing changes.
 */
static void choose_live(struct opening *opening)
{
    struct flows *flows = opening->flows;
    for (size_t i = 0; i < flows->count; i++) {
        opening->is_live[i] = can_go_on(opening, &flows->list[i]);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < flows->count; i++) {
            const struct flow *flow = &flows->list[i];
            for (size_t k = 0; k < flow->upstream_count && opening->is_live[i]; k++) {
                opening->is_live[i] = opening->is_live[flow->upstreams[k]];
                changed |= !opening->is_live[i];
            }
        }
    }
}

/* --- Opening: a run ----------------------------------------------------------------------------
 */

/* Gives the part what was saved. False when the state is of no use: it begins at 0 then. */
static bool load_part(struct flow_run *run, size_t index, const struct flow_saved *saved)
{
    struct flow_part *part = &run->parts[index];
    if (!IS_OK(derive_flow_load(run->program, index, saved->state))) {
        return false;
    }
    part->hash = saved->hash;
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        part->sides[i].count = saved->counts[i];
    }
    return true;
}

static struct ever_err open_run(struct flows *flows, struct flow *const *list, size_t count,
                                const bool *is_written, const char *instance,
                                struct flow_run **out_run)
{
    struct flow_run *run = flow_run_create(flows, list, count, instance);
    for (size_t i = 0; i < run->count; i++) {
        const struct flow *flow = run->flows[i];
        struct ever_err err = flow_part_open(flows->store, &flow->info,
                                             is_written[flow - flows->list], &run->parts[i]);
        if (!IS_OK(err)) {
            flow_run_destroy(run);
            return err;
        }
    }
    *out_run = run;
    return ERR_OK;
}

static void start_at(struct flow_run *run, uint64_t position)
{
    run->position = position;
    run->durable = position;
}

static struct ever_err open_live(struct opening *opening, struct flow **list)
{
    struct flows *flows = opening->flows;
    size_t count = flow_list_marked(flows, opening->is_live, list);
    if (count == 0) {
        return ERR_OK;
    }
    struct flow_run *run;
    TRY(open_run(flows, list, count, opening->is_live, "live", &run));
    bool fine = true;
    for (size_t i = 0; i < run->count && fine; i++) {
        fine = load_part(run, i, flow_snapshot_find(&opening->live, &run->flows[i]->info));
    }
    if (!fine) { /* as if there were no snapshot */
        flow_run_destroy(run);
        memset(opening->is_live, 0, flows->count * sizeof opening->is_live[0]);
        return ERR_OK;
    }
    start_at(run, opening->live.position);
    flows->live = run;
    return ERR_OK;
}

/* --- Opening: the building run ---------------------------------------------------------------- */

/* What a flow of the building run begins with; NULL: position 0. A flow that stopped has its state
 * among those of the live run. */
static const struct flow_saved *saved_of(const struct opening *opening, const struct flow *flow)
{
    const struct flow_saved *saved = flow_snapshot_find(&opening->building, &flow->info);
    if (saved == NULL && !opening->is_live[flow - opening->flows->list]) {
        saved = flow_snapshot_find(&opening->live, &flow->info);
    }
    return saved;
}

/* A flow cannot be ahead of one that reads it: it would not give it what lies between. Forgets what
 * does not fit, from the last level down. */
static void forget_what_is_ahead(const struct flow_run *run, const struct flow_saved **saved)
{
    for (size_t i = run->count; i-- > 0;) {
        uint64_t position = saved[i] == NULL ? 0 : saved[i]->position;
        struct derive_flow_info info;
        derive_flow_info(run->program, i, &info);
        for (size_t k = 0; k < info.upstream_count; k++) {
            const struct flow_saved **upstream = &saved[info.upstreams[k]];
            *upstream = *upstream != NULL && (*upstream)->position > position ? NULL : *upstream;
        }
    }
}

/* False: a state is of no use, and the run with it. */
static bool load_building(const struct opening *opening, struct flow_run *run)
{
    const struct flow_saved **saved = mem_alloc(run->count * sizeof *saved);
    for (size_t i = 0; i < run->count; i++) {
        saved[i] = saved_of(opening, run->flows[i]);
    }
    forget_what_is_ahead(run, saved);
    bool fine = true;
    uint64_t start = UINT64_MAX;
    for (size_t i = 0; i < run->count && fine; i++) {
        uint64_t position = saved[i] == NULL ? 0 : saved[i]->position;
        fine = saved[i] == NULL || load_part(run, i, saved[i]);
        start = position < start ? position : start;
    }
    free(saved);
    start_at(run, start);
    return fine;
}

static size_t choose_building(const struct opening *opening, struct flow **list, bool *is_written)
{
    struct flows *flows = opening->flows;
    bool *wanted = mem_alloc_zero(flows->count * sizeof *wanted);
    for (size_t i = 0; i < flows->count; i++) {
        is_written[i] = !opening->is_live[i];
        if (is_written[i]) {
            flow_mark_with_upstreams(flows, i, wanted);
        }
    }
    size_t count = flow_list_marked(flows, wanted, list);
    free(wanted);
    return count;
}

static struct ever_err open_building(struct opening *opening, struct flow **list, bool *is_written)
{
    struct flows *flows = opening->flows;
    size_t count = choose_building(opening, list, is_written);
    if (count == 0) {
        return ERR_OK;
    }
    struct flow_run *run;
    TRY(open_run(flows, list, count, is_written, "building", &run));
    if (!load_building(opening, run)) { /* as if there were no snapshots */
        flow_run_destroy(run);
        TRY(open_run(flows, list, count, is_written, "building", &run));
    }
    if (flows->live != NULL && run->root_max > BUILDING_ROOTS_MAX) {
        run->root_max = BUILDING_ROOTS_MAX;
    }
    flows->building = run;
    return ERR_OK;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static struct ever_err read_aliases(struct flows *flows)
{
    for (size_t i = 0; i < flows->count; i++) {
        struct flow *flow = &flows->list[i];
        TRY(flow_alias_read(flows->store, &flow->info, &flow->serving));
    }
    return ERR_OK;
}

static void read_snapshots(struct opening *opening)
{
    struct flows *flows = opening->flows;
    if (flows->dir != NULL) {
        (void)flow_snapshot_read(flows->vfs, flows->store, flows->dir, FLOW_LIVE_SNAPSHOT,
                                 &opening->live); /* without it: from position 0 */
        (void)flow_snapshot_read(flows->vfs, flows->store, flows->dir, FLOW_BUILDING_SNAPSHOT,
                                 &opening->building);
    }
}

struct ever_err flow_resume(struct flows *flows)
{
    if (flows->count == 0) {
        return ERR_OK;
    }
    TRY(read_aliases(flows));
    struct opening opening = {.flows = flows};
    opening.is_live = mem_alloc_zero(flows->count * sizeof opening.is_live[0]);
    struct flow **list = mem_alloc(flows->count * sizeof(struct flow *));
    bool *is_written = mem_alloc_zero(flows->count * sizeof *is_written);
    read_snapshots(&opening);
    choose_live(&opening);
    struct ever_err err = open_live(&opening, list);
    if (IS_OK(err)) {
        err = open_building(&opening, list, is_written);
    }
    flow_snapshot_deinit(&opening.live);
    flow_snapshot_deinit(&opening.building);
    free(opening.is_live);
    free(list);
    free(is_written);
    if (IS_OK(err)) {
        flow_status_publish(flows,
                            ERR_OK); /* who asks before the thread runs is told which serves */
    }
    return err;
}
