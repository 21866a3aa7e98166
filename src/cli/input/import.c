#include "cli/input/import.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cli/output/interrupt.h"
#include "cli/output/progress.h"
#include "cli/output/terminal.h"

#include <stdlib.h>

struct batch {
    struct text body;
    struct record_place places[IMPORT_BATCH_EVENTS]; /* in the input, of each event */
    uint32_t events;
};

struct run {
    const struct import *import;
    struct batch batches[IMPORT_BATCHES_UNDER_WAY]; /* a ring: oldest, ..., the one being filled */
    unsigned oldest;
    unsigned under_way; /* sent and not answered */
    uint64_t appended;
    uint64_t repeated;        /* were there already */
    struct record_place last; /* up to here all is appended */
    uint64_t behind;          /* appended though something before them was refused */
    uint64_t left_out;        /* of streams that the server alone writes */
    struct progress_bar bar;
    bool refused; /* a batch was */
    bool failed;  /* and reported */
};

static struct batch *filling(struct run *run)
{
    return &run->batches[(run->oldest + run->under_way) % IMPORT_BATCHES_UNDER_WAY];
}

/* The first of "errors" in a problem document that names a line of the body. */
static bool find_error(struct json_value problem, struct json_value *out_error, int64_t *out_line)
{
    struct json_value errors;
    if (!json_member(problem, SLICE_LITERAL("errors"), &errors) || errors.kind != JSON_ARRAY) {
        return false;
    }
    for (struct json_iter i = json_iter(errors); json_next(&i);) {
        struct json_value line;
        if (json_member(i.value, SLICE_LITERAL("line"), &line) && json_integer(line, out_line)) {
            *out_error = i.value;
            return true;
        }
    }
    return false;
}

/* Adds the input's line and the server's words about it. False: the server named no line. */
static bool explain_line(const struct batch *batch, struct ever_slice body, struct text *out)
{
    struct json_value error;
    struct json_value detail;
    int64_t line;
    bool named = body.size > 0 && json_check(body, NULL) &&
                 find_error(json_value_of(body), &error, &line) && line >= 1 &&
                 line <= batch->events && json_member(error, SLICE_LITERAL("detail"), &detail) &&
                 detail.kind == JSON_STRING;
    if (named) {
        struct arena arena;
        arena_init(&arena);
        record_place_add(out, batch->places[line - 1]);
        text_printf(out, ": %.*s", SLICE_PRINT(json_string(detail, &arena)));
        arena_deinit(&arena);
    }
    return named;
}

/* A whole number of the answer; -1: it has none of this name. */
static int64_t number_of(const struct run *run, const char *name)
{
    struct ever_slice body = text_slice(&run->import->session->response.body);
    struct json_value value;
    int64_t number;
    bool is_there = body.size > 0 && json_check(body, NULL) &&
                    json_member(json_value_of(body), slice_of_text(name), &value) &&
                    json_integer(value, &number);
    return is_there ? number : -1;
}

static void report_refusal(const struct run *run, const struct batch *batch)
{
    const struct session *session = run->import->session;
    struct text why = {0};
    int64_t event = number_of(run, "event");
    if (event >= 0 && event < batch->events) {
        record_place_add(&why, batch->places[event]);
        text_add_text(&why, ": ");
        client_explain(session->client, &session->response, &why);
    } else if (!explain_line(batch, text_slice(&session->response.body), &why)) {
        record_place_add(&why, batch->places[0]);
        text_add_text(&why, " to ");
        record_place_add(&why, batch->places[batch->events - 1]);
        text_add_text(&why, " were refused together: ");
        client_explain(session->client, &session->response, &why);
    }
    (void)terminal_fail("%s", why.data); /* run->failed says it */
    text_deinit(&why);
}

/* What a signal would say: of batches under way nobody knows yet. */
static void prepare_interrupt(const struct run *run)
{
    const struct event_shape *shape = &run->import->shape;
    struct text line = {0};
    text_add_text(&line, run->bar.on_terminal ? "\r\x1b[K" : ""); /* the bar's place */
    text_add_text(&line, "everfold: interrupted: ");
    text_add_grouped(&line, run->appended + run->repeated);
    text_add_text(&line, " events are acknowledged");
    if (run->last.line != 0) {
        text_add_text(&line, ", all up to ");
        record_place_add(&line, run->last);
    }
    if (shape->make_ids) {
        text_add_text(&line, "; the same import again adds what is missing\n");
    } else if (shape->stream == NULL) {
        text_add_text(&line, "; the same import again adds what is missing, if its events have "
                             "ids, and all others a second time\n");
    } else {
        text_add_text(&line, "; without --ids the same import again adds them a second time\n");
    }
    interrupt_says(text_slice(&line));
    text_deinit(&line);
}

static void note_done(struct run *run, const struct batch *batch)
{
    int64_t known = number_of(run, "known");
    uint64_t repeated = known < 0 || known > batch->events ? 0 : (uint64_t)known;
    run->repeated += repeated;
    run->appended += batch->events - repeated;
    if (run->refused) {
        run->behind += batch->events; /* was under way when an earlier batch was refused */
    } else {
        run->last = batch->places[batch->events - 1];
    }
    prepare_interrupt(run);
}

/* Takes the answer to the oldest batch. */
static void take_answer(struct run *run)
{
    ASSERT(run->under_way > 0);
    struct session *session = run->import->session;
    struct batch *batch = &run->batches[run->oldest];
    run->oldest = (run->oldest + 1) % IMPORT_BATCHES_UNDER_WAY;
    run->under_way--;
    struct ever_err err =
        client_receive(session->client, NULL, NULL, &session->response, &session->report);
    if (!IS_OK(err)) {
        (void)session_fail(session); /* run->failed says it */
        run->failed = true;
        run->under_way = 0; /* the connection is gone */
    } else if (session->response.status >= 300) {
        report_refusal(run, batch);
        run->refused = true;
        run->failed = true;
    } else {
        note_done(run, batch);
    }
    text_clear(&batch->body);
    batch->events = 0;
}

static void send_batch(struct run *run)
{
    struct session *session = run->import->session;
    struct batch *batch = filling(run);
    if (batch->events == 0) {
        return;
    }
    struct client_request request = {.method = "POST",
                                     .target = "/append?known=pass",
                                     .content_type = "application/x-ndjson",
                                     .body = text_slice(&batch->body)};
    struct ever_err err = client_send(session->client, &request, &session->report);
    if (!IS_OK(err)) {
        (void)session_fail(session); /* run->failed says it */
        run->failed = true;
        run->under_way = 0; /* the connection is gone */
        return;
    }
    run->under_way++;
    if (run->under_way == IMPORT_BATCHES_UNDER_WAY) {
        take_answer(run); /* makes room for the next batch */
    }
}

static void add_record(struct run *run, const struct record *record)
{
    struct batch *batch = filling(run);
    struct text problem = {0};
    struct text place = {0};
    switch (event_line_add(&run->import->shape, record, &batch->body, &problem)) {
    case EVENT_LINE_ADDED:
        batch->places[batch->events++] = record->place;
        break;
    case EVENT_LINE_CLOSING:
        break;
    case EVENT_LINE_OWN:
        run->left_out++;
        break;
    case EVENT_LINE_REFUSED:
        record_place_add(&place, record->place);
        (void)terminal_fail("%s: %s", place.data, problem.data); /* run->failed says it */
        run->failed = true;
        break;
    }
    text_deinit(&problem);
    text_deinit(&place);
}

static void read_all(struct run *run)
{
    struct session *session = run->import->session;
    while (!run->failed) {
        struct record record;
        struct ever_err err = records_next(run->import->records, &session->report, &record);
        if (err.code == EVER_END) {
            return;
        }
        if (!IS_OK(err)) {
            (void)session_fail(session); /* run->failed says it */
            run->failed = true;
            return;
        }
        add_record(run, &record);
        struct batch *batch = filling(run);
        if (!run->failed &&
            (batch->events == IMPORT_BATCH_EVENTS || batch->body.size >= IMPORT_BATCH_BYTES)) {
            send_batch(run);
        }
        progress_update(&run->bar, records_bytes(run->import->records),
                        run->appended + run->repeated);
    }
}

static void add_for_people(const struct run *run, int64_t elapsed_ms, uint64_t rate,
                           struct text *out)
{
    text_add_grouped(out, run->appended + run->repeated);
    text_printf(out, " events in %.1f s, ", (double)elapsed_ms / 1000);
    text_add_grouped(out, rate);
    text_add_text(out, " events/s");
    if (run->repeated > 0) {
        text_add_text(out, "; ");
        text_add_grouped(out, run->repeated);
        text_add_text(out, " of them were there already");
    }
    if (run->left_out > 0) {
        text_printf(out,
                    "; %llu of streams that the server alone writes ($..., flow-...) were left out",
                    (unsigned long long)run->left_out);
    }
    if (run->failed && run->last.line == 0) {
        text_add_text(out, "; nothing before the failure is imported");
    } else if (run->failed) {
        text_add_text(out, "; all up to ");
        record_place_add(out, run->last);
        text_add_text(out, " is imported");
    }
    if (run->behind > 0) {
        text_printf(out, ", and %llu events behind the refused lines",
                    (unsigned long long)run->behind);
    }
}

static void add_for_programs(const struct run *run, int64_t elapsed_ms, uint64_t rate,
                             struct text *out)
{
    text_printf(out,
                "{\"events\":%llu,\"repeated\":%llu,\"leftOut\":%llu,\"behindRefused\":%llu,"
                "\"lastLine\":%llu,\"lastElement\":%llu,"
                "\"seconds\":%.3f,\"eventsPerSecond\":%llu}",
                (unsigned long long)(run->appended + run->repeated),
                (unsigned long long)run->repeated, (unsigned long long)run->left_out,
                (unsigned long long)run->behind, (unsigned long long)run->last.line,
                (unsigned long long)run->last.element, (double)elapsed_ms / 1000,
                (unsigned long long)rate);
}

static void print_summary(const struct run *run, int64_t elapsed_ms)
{
    uint64_t ms = elapsed_ms > 0 ? (uint64_t)elapsed_ms : 1;
    uint64_t rate = (run->appended + run->repeated) * 1000 / ms;
    struct text line = {0};
    (run->import->session->for_people ? add_for_people : add_for_programs)(run, elapsed_ms, rate,
                                                                           &line);
    text_add_byte(&line, '\n');
    terminal_write(text_slice(&line));
    text_deinit(&line);
}

enum exit_code import_run(const struct import *import)
{
    struct run *run = mem_alloc_zero(sizeof *run); /* a little large for the stack */
    run->import = import;
    progress_begin(&run->bar, import->input_bytes);
    prepare_interrupt(run);
    read_all(run);
    if (!run->failed) {
        send_batch(run);
    }
    while (run->under_way > 0) {
        take_answer(run); /* after a failure too: the summary must be true */
    }
    print_summary(run, progress_end(&run->bar));
    enum exit_code code = run->failed ? EXIT_FAILED : EXIT_DONE;
    for (size_t i = 0; i < IMPORT_BATCHES_UNDER_WAY; i++) {
        text_deinit(&run->batches[i].body);
    }
    free(run);
    return code;
}
