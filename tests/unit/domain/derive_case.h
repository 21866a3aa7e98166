/* derive_case.h - a flow, events and what must come out, as text.
 *
 * Graphs are written with ' for ". Events are lines "STREAM TYPE DATA [@SECONDS]", the position is
 * the number of the line, and @SECONDS is the time of commit (else the position). What comes out is
 * lines "POSITION.K TYPE DATA", for a stop "stop POSITION NODE: MESSAGE". Every case is run as one
 * batch, in batches of 1 and of 3, and with the state saved and loaded into another program behind
 * each event. */
#pragma once
#include "unit/unit.h"

#include "base/arena.h"
#include "domain/flow/engine/derive.h"

#include <stdlib.h>

#define CASE_EVENTS_MAX 256

struct derive_case_events {
    struct arena arena;
    struct ever_event events[CASE_EVENTS_MAX];
    size_t count;
};

static inline struct ever_slice case_quotes(const char *text, struct arena *arena)
{
    struct ever_slice copy = arena_copy(arena, slice_of_text(text));
    for (char *at = (char *)(uintptr_t)copy.data; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return copy;
}

static inline struct ever_slice case_word(struct ever_slice *line)
{
    size_t space = slice_find_byte(*line, ' ');
    struct ever_slice word = slice_first(*line, space);
    *line = slice_from(*line, space == line->size ? space : space + 1);
    return word;
}

static inline void case_read_event(struct derive_case_events *all, struct ever_slice line)
{
    assert_true(all->count < CASE_EVENTS_MAX);
    struct ever_event *event = &all->events[all->count++];
    *event = (struct ever_event){.position = all->count};
    event->stream = case_word(&line);
    event->type = case_word(&line);
    double seconds = (double)all->count;
    for (size_t i = line.size; i-- > 0;) {
        if (line.data[i] == ' ' && i + 1 < line.size && line.data[i + 1] == '@') {
            seconds = strtod(line.data + i + 2, NULL);
            line = slice_first(line, i);
            break;
        }
    }
    event->content = line.size > 0 && line.data[0] == '!' ? EVER_BYTES : EVER_JSON;
    event->time_ns = (int64_t)(seconds * 1000) * 1000000;
    event->data = line;
}

static inline struct derive_case_events *case_read_events(const char *text)
{
    struct derive_case_events *all = calloc(1, sizeof *all);
    assert_non_null(all);
    arena_init(&all->arena);
    struct ever_slice rest = case_quotes(text, &all->arena);
    while (rest.size > 0) {
        size_t end = slice_find_byte(rest, '\n');
        case_read_event(all, slice_first(rest, end));
        rest = slice_from(rest, end == rest.size ? end : end + 1);
    }
    return all;
}

static inline void case_free_events(struct derive_case_events *all)
{
    arena_deinit(&all->arena);
    free(all);
}

static inline struct derive_program *case_program(const char *graphs)
{
    struct arena arena;
    struct text report = {0};
    struct derive_program *program = NULL;
    arena_init(&arena);
    struct ever_err err = derive_program_create(case_quotes(graphs, &arena), &report, &program);
    if (err.code != EVER_OK) {
        fail_msg("refused: %s", report.data);
    }
    text_deinit(&report);
    arena_deinit(&arena);
    return program;
}

static inline void case_write_outputs(const struct derive_program *program,
                                      const struct derive_result *result, struct text *out)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct derive_output *output = &result->outputs[i];
        struct derive_flow_info info;
        derive_flow_info(program, output->flow, &info);
        if (derive_flow_count(program) > 1) {
            text_printf(out, "%.*s ", SLICE_PRINT(info.name));
        }
        text_printf(out, "%llu.%u %.*s %.*s", (unsigned long long)output->cause, output->k,
                    SLICE_PRINT(output->type), SLICE_PRINT(output->data));
        for (uint32_t j = 0; j < output->tag_count; j++) {
            text_printf(out, " #%.*s", SLICE_PRINT(output->tags[j]));
        }
        text_add_byte(out, '\n');
    }
}

static inline void case_write_stops(const struct derive_program *program, struct text *out)
{
    for (size_t i = 0; i < derive_flow_count(program); i++) {
        struct derive_flow_status status;
        derive_flow_status(program, i, &status);
        if (status.stopped) {
            size_t start = out->size;
            text_printf(out, "stop %llu %.*s: %.*s\n", (unsigned long long)status.stop_position,
                        SLICE_PRINT(status.stop_node), SLICE_PRINT(status.stop_message));
            for (size_t j = start; j < out->size; j++) {
                out->data[j] = out->data[j] == '\'' ? '"' : out->data[j]; /* as in what is wanted */
            }
        }
    }
}

/* Moves the state of all flows that have not stopped to a new program. */
static inline struct derive_program *case_reload(const char *graphs, struct derive_program *program)
{
    struct derive_program *fresh = case_program(graphs);
    for (size_t i = 0; i < derive_flow_count(program); i++) {
        struct text saved = {0};
        struct text again = {0};
        derive_flow_save(program, i, &saved);
        assert_ok(derive_flow_load(fresh, i, text_slice(&saved)));
        derive_flow_save(fresh, i, &again);
        assert_true(slice_equal(text_slice(&saved), text_slice(&again)));
        text_deinit(&saved);
        text_deinit(&again);
    }
    derive_program_destroy(program);
    return fresh;
}

static inline bool case_stopped(const struct derive_program *program)
{
    struct text stops = {0};
    case_write_stops(program, &stops);
    bool any = stops.size > 0;
    text_deinit(&stops);
    return any;
}

/* What comes out with this size of batches, and the state at the end. `reload_every` so many
 * batches the state moves to another program; 0: never. */
static inline void case_run(const char *graphs, const struct derive_case_events *all, size_t batch,
                            size_t reload_every, const struct derive_script *script,
                            struct text *out, struct text *out_state)
{
    struct derive_program *program = case_program(graphs);
    size_t runs = 0;
    for (size_t i = 0; i < all->count; i += batch) {
        size_t count = all->count - i < batch ? all->count - i : batch;
        struct derive_result result;
        derive_program_run(program, all->events + i, count, script, &result);
        case_write_outputs(program, &result, out);
        if (reload_every > 0 && ++runs % reload_every == 0 && !case_stopped(program)) {
            program = case_reload(graphs, program);
        }
    }
    case_write_stops(program, out);
    for (size_t i = 0; i < derive_flow_count(program); i++) {
        derive_flow_save(program, i, out_state);
    }
    derive_program_destroy(program);
}

static inline void case_compare(const char *how, const struct text *got, struct ever_slice want)
{
    if (!slice_equal(slice_trim(text_slice(got)), want)) {
        fail_msg("%s, got:\n%.*swant:\n%.*s", how, (int)got->size,
                 got->data == NULL ? "" : got->data, SLICE_PRINT(want));
    }
}

static inline void derive_check_script(const char *graphs, const char *events, const char *want,
                                       const struct derive_script *script)
{
    static const struct {
        const char *how;
        size_t batch;
        size_t reload_every;
    } ways[] = {{"one batch", CASE_EVENTS_MAX, 0},
                {"batches of 1", 1, 0},
                {"batches of 3", 3, 0},
                {"reloaded after each", 1, 1}};
    struct derive_case_events *all = case_read_events(events);
    struct text wanted = {0};
    struct text first_state = {0};
    text_add(&wanted, case_quotes(want, &all->arena));
    if (wanted.size > 0 && wanted.data[wanted.size - 1] != '\n') {
        text_add_byte(&wanted, '\n');
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct text got = {0};
        struct text state = {0};
        case_run(graphs, all, ways[i].batch, ways[i].reload_every, script, &got, &state);
        case_compare(ways[i].how, &got, text_slice(&wanted));
        if (i == 0) {
            text_add(&first_state, text_slice(&state));
        } else if (!slice_equal(text_slice(&state), text_slice(&first_state))) {
            fail_msg("%s: another state", ways[i].how);
        }
        text_deinit(&got);
        text_deinit(&state);
    }
    text_deinit(&wanted);
    text_deinit(&first_state);
    case_free_events(all);
}

static inline void derive_check(const char *graphs, const char *events, const char *want)
{
    derive_check_script(graphs, events, want, NULL);
}

/* {"flows":[one flow named f]}. Nodes get names n0, n1 ... in the text itself. */
#define FLOW(options, nodes)                                                                       \
    "{'flows':[{'name':'f','file':'flows/f.js','line':1,'version':1,'options':{" options           \
    "},'nodes':[" nodes "]}]}"
#define NODE(name, op, in, rest) "{'op':'" op "','name':'" name "','line':2,'in':[" in "]" rest "}"
#define FROM(name, rest) "{'op':'from','name':'" name "','line':2" rest "}"
#define EMIT(name, in) NODE(name, "emit", in, ",'type':'Out'")
