/* life.c - the two runs take turns; the building one takes over; both are saved. */
#include "base/assert.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/slice.h"
#include "domain/flow/flows_priv.h"

#include <stdlib.h>

#define LIVE_BATCHES_PER_BUILDING 8u /* while the live run never rests */

/* --- Saving ----------------------------------------------------------------------------------- */

static struct flow_saved saved_part(const struct flow_run *run, size_t index,
                                    struct ever_slice state)
{
    const struct flow_part *part = &run->parts[index];
    struct flow_saved saved = {
        .name = slice_of_text(part->info->name),
        .version = slice_of_text(part->info->version),
        .position = run->position,
        .hash = part->hash,
        .state = state,
    };
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        saved.counts[i] = part->sides[i].count;
    }
    return saved;
}

static struct flow_saved saved_kept(const struct flow *flow)
{
    const struct flow_kept *kept = &flow->kept;
    struct flow_saved saved = {
        .name = slice_of_text(flow->info.name),
        .version = slice_of_text(flow->info.version),
        .position = kept->position,
        .hash = kept->hash,
        .state = text_slice(&kept->state),
    };
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        saved.counts[i] = kept->counts[i];
    }
    return saved;
}

/* Flows that stopped are saved as they were before the event, with the run that wrote them; when
 * that is gone, with the live one. */
static bool is_kept_with(struct flows *flows, struct flow_run *run, const struct flow *flow)
{
    if (!flow->kept.is_set) {
        return false;
    }
    struct flow_part *building =
        flows->building == NULL ? NULL : flow_run_part(flows->building, flow);
    bool with_building = building != NULL && building->is_written;
    return run == flows->building ? with_building : !with_building;
}

static struct ever_err write_snapshot(struct flows *flows, struct flow_run *run, const char *name)
{
    struct flow_snapshot snapshot = {.position = run->position};
    snapshot.flows = mem_alloc((run->count + flows->count) * sizeof snapshot.flows[0]);
    struct text *states = mem_alloc_zero(run->count * sizeof *states);
    for (size_t i = 0; i < run->count; i++) {
        if (!run->parts[i].stop.is_set) {
            derive_flow_save(run->program, i, &states[i]);
            snapshot.flows[snapshot.count++] = saved_part(run, i, text_slice(&states[i]));
        }
    }
    for (size_t i = 0; i < flows->count; i++) {
        if (is_kept_with(flows, run, &flows->list[i])) {
            snapshot.flows[snapshot.count++] = saved_kept(&flows->list[i]);
        }
    }
    struct ever_err err =
        flow_snapshot_write(flows->vfs, flows->store, flows->dir, name, &snapshot);
    run->saved_bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        run->saved_bytes += states[i].size;
        text_deinit(&states[i]);
    }
    free(states);
    free(snapshot.flows);
    return err;
}

/* A snapshot that cannot be written costs time at the next start, nothing else. */
static void save_run(struct flows *flows, struct flow_run *run, const char *name)
{
    if (flows->dir == NULL || run == NULL || !flow_run_is_settled(run)) {
        return;
    }
    run->roots_since_save = 0;
    run->bytes_since_save = 0;
    (void)write_snapshot(flows, run, name);
}

/* A large state is saved more seldom: no more is written than was read. */
static void save_when_due(struct flows *flows, struct flow_run *run, const char *name)
{
    bool is_due = run->roots_since_save >= flows->options.snapshot_events ||
                  run->bytes_since_save >= flows->options.snapshot_bytes;
    if (is_due && run->bytes_since_save >= run->saved_bytes) {
        save_run(flows, run, name);
    }
}

void flow_life_save(struct flows *flows)
{
    if (!flows->script_abandoned) {
        save_run(flows, flows->live, FLOW_LIVE_SNAPSHOT);
        save_run(flows, flows->building, FLOW_BUILDING_SNAPSHOT);
    }
}

/* --- Takeover --------------------------------------------------------------------------------- */

/* The live run, when it goes on: nobody need wait for one whose flows have all stopped. */
static struct flow_run *running_live(const struct flows *flows)
{
    return flows->live == NULL || flow_run_is_dead(flows->live) ? NULL : flows->live;
}

/* The building run has passed what the live one has, or the end of the log. */
static bool has_caught_up(const struct flows *flows)
{
    const struct flow_run *building = flows->building;
    const struct flow_run *live = running_live(flows);
    if (flow_run_is_dead(building) || !flow_run_is_settled(building)) {
        return false;
    }
    return live == NULL ? building->is_at_end
                        : flow_run_is_settled(live) && building->position == live->position;
}

static bool takes_over(const struct flow_run *building, size_t index)
{
    const struct flow_part *part = &building->parts[index];
    return part->is_written && !part->stop.is_set &&
           strcmp(building->flows[index]->serving.version, part->info->version) != 0;
}

static struct ever_err read_aliases_again(struct flow_run *building)
{
    for (size_t i = 0; i < building->count; i++) {
        struct flow *flow = building->flows[i];
        TRY(flow_alias_read(building->store, &flow->info, &flow->serving));
    }
    return ERR_OK;
}

static struct ever_err switch_aliases(struct flow_run *building)
{
    const struct flow_info **infos = mem_alloc(building->count * sizeof *infos);
    struct flow_serving **servings = mem_alloc(building->count * sizeof *servings);
    size_t count = 0;
    for (size_t i = 0; i < building->count; i++) {
        if (takes_over(building, i)) {
            infos[count] = &building->flows[i]->info;
            servings[count++] = &building->flows[i]->serving;
        }
    }
    struct ever_err err =
        count == 0 ? ERR_OK
                   : flow_alias_write(building->store, infos, servings, count, building->position);
    free(infos);
    free(servings);
    if (err.code == EVER_BUSY) { /* another hand wrote there, or our last try did get through */
        TRY(read_aliases_again(building));
    }
    return err;
}

static bool goes_on_in(struct flow_run *run, const struct flow *flow)
{
    const struct flow_part *part = run == NULL ? NULL : flow_run_part(run, flow);
    return part != NULL && !part->stop.is_set;
}

/* The run that has the flow's part: for those that only read along in the building run, the live
 * one. */
static struct flow_run *source_of(const struct flows *flows, const struct flow *flow)
{
    return goes_on_in(flows->live, flow) ? flows->live : flows->building;
}

/* Takes state and part of a flow out of the run it was in. */
static void move_flow(struct flows *flows, struct flow_run *to, size_t index)
{
    const struct flow *flow = to->flows[index];
    struct flow_run *from = source_of(flows, flow);
    struct flow_part *part = flow_run_part(from, flow);
    CLEANUP(text_deinit) struct text state = {0};
    derive_flow_save(from->program, (size_t)(part - from->parts), &state);
    struct ever_err err = derive_flow_load(to->program, index, text_slice(&state));
    ASSERT(IS_OK(err)); /* written a moment ago, by the same rules */
    to->parts[index] = *part;
    part->names = NULL; /* closed with the run it is in now */
    for (size_t i = 0; i < FLOW_SIDES; i++) {
        part->sides[i].cursor = NULL;
    }
}

static struct flow_run *merge(struct flows *flows)
{
    struct flow **list = mem_alloc(flows->count * sizeof(struct flow *));
    size_t count = 0;
    for (size_t i = 0; i < flows->count; i++) {
        struct flow *flow = &flows->list[i];
        if (goes_on_in(flows->live, flow) || goes_on_in(flows->building, flow)) {
            list[count++] = flow;
        }
    }
    struct flow_run *run = NULL;
    if (count > 0) {
        run = flow_run_create(flows, list, count, "live");
        run->position = flows->building->position;
        run->durable = flows->building->position;
    }
    for (size_t i = 0; i < count; i++) {
        move_flow(flows, run, i);
    }
    free(list);
    return run;
}

/* There is nothing to merge: all its flows are its own and go on. */
static bool stands_alone(const struct flows *flows)
{
    const struct flow_run *building = flows->building;
    for (size_t i = 0; i < building->count; i++) {
        if (!building->parts[i].is_written || building->parts[i].stop.is_set) {
            return false;
        }
    }
    return running_live(flows) == NULL;
}

static struct ever_err take_over(struct flows *flows)
{
    TRY(switch_aliases(flows->building));
    flow_status_publish(flows, ERR_OK); /* flows that stopped on the way leave both runs */
    struct flow_run *next = flows->building;
    if (!stands_alone(flows)) {
        next = merge(flows);
        flow_run_destroy(flows->building);
    }
    flow_run_destroy(flows->live);
    flows->live = next;
    flows->building = NULL;
    save_run(flows, flows->live, FLOW_LIVE_SNAPSHOT);
    return ERR_OK;
}

/* --- Stepping --------------------------------------------------------------------------------- */

static struct ever_err step_run(struct flow_run *run, uint64_t limit, bool *out_more)
{
    flow_status_tap_run(run);
    struct derive_script script = flow_script_of(run);
    return flow_run_step(run, limit, &script, out_more);
}

static struct ever_err step_live(struct flows *flows, bool *out_more)
{
    *out_more = false;
    if (flows->live == NULL) {
        return ERR_OK;
    }
    TRY(step_run(flows->live, UINT64_MAX, out_more));
    save_when_due(flows, flows->live, FLOW_LIVE_SNAPSHOT);
    return ERR_OK;
}

/* Now and then while the live run is busy, else as fast as it goes. */
static struct ever_err step_building(struct flows *flows, bool live_is_busy, bool *out_more)
{
    *out_more = false;
    if (flows->building == NULL) {
        return ERR_OK;
    }
    if (live_is_busy && ++flows->live_batches < LIVE_BATCHES_PER_BUILDING) {
        return ERR_OK;
    }
    flows->live_batches = 0;
    struct flow_run *live = running_live(flows);
    if (live != NULL) {
        TRY(flow_run_flush(live)); /* so that the two can meet */
    }
    uint64_t limit = live == NULL ? UINT64_MAX : live->position;
    TRY(step_run(flows->building, limit, out_more));
    save_when_due(flows, flows->building, FLOW_BUILDING_SNAPSHOT);
    if (has_caught_up(flows)) {
        TRY(take_over(flows));
        *out_more = true;
    }
    return ERR_OK;
}

static struct ever_err step(struct flows *flows, bool *out_more)
{
    bool live_more = false;
    bool building_more = false;
    TRY(step_live(flows, &live_more));
    if (!flows->script_abandoned) {
        TRY(step_building(flows, live_more, &building_more));
    }
    *out_more = live_more || building_more;
    return ERR_OK;
}

enum flow_step flow_life_step(struct flows *flows)
{
    bool more = false;
    struct ever_err err = step(flows, &more);
    if (flows->script_abandoned || err.code == EVER_CLOSED) {
        return FLOW_STEP_CLOSED;
    }
    flow_status_publish(flows, err);
    if (!IS_OK(err)) {
        return FLOW_STEP_RETRY;
    }
    return more ? FLOW_STEP_MORE : FLOW_STEP_IDLE;
}

void flow_life_close(struct flows *flows)
{
    flow_run_destroy(flows->live);
    flow_run_destroy(flows->building);
    flows->live = NULL;
    flows->building = NULL;
    for (size_t i = 0; i < flows->count; i++) {
        text_deinit(&flows->list[i].kept.state);
    }
}
