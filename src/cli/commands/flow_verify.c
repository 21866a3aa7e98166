/* everfold flow verify: runs the flows over the log again and compares. */
#include "base/json.h"
#include "base/slice.h"
#include "cli/commands/flow.h"
#include "cli/output/progress.h"
#include "cli/output/terminal.h"
#include "cli/server/start_report.h"
#include "domain/flow/flows.h"

struct verifying {
    struct progress_bar bar;
    struct text out; /* below the bar: written when it is gone */
    bool has_begun;
    bool for_people;
    bool all_same;
};

static void on_progress(void *arg, uint64_t position, uint64_t last)
{
    struct verifying *verifying = arg;
    if (!verifying->has_begun) {
        verifying->has_begun = true;
        progress_begin(&verifying->bar, last);
    }
    progress_update(&verifying->bar, position, position);
}

/* --- Printing --------------------------------------------------------------------------------- */

static const char *const verdicts[] = {
    [FLOW_SAME] = "ok", [FLOW_DIFFERENT] = "different", [FLOW_FAILED] = "failed"};

static void add_json(const struct flow_proof *proof, struct text *out)
{
    text_printf(out,
                "{\"flow\":\"%s\",\"verdict\":\"%s\",\"version\":\"%s\",\"serving\":\"%s\","
                "\"compared\":%llu,\"missing\":%llu,\"hash\":\"%s\",\"difference\":",
                proof->info->name, verdicts[proof->verdict], proof->info->version, proof->serving,
                (unsigned long long)proof->compared, (unsigned long long)proof->missing,
                proof->hash);
    json_write_string(out, slice_of_text(proof->difference));
    text_add_text(out, "}\n");
}

static void add_count(struct text *out, uint64_t count)
{
    text_add_grouped(out, count);
    text_add_text(out, count == 1 ? " event" : " events");
}

static void add_note(struct text *out, const char *note)
{
    text_add_text(out, "    ");
    terminal_add(out, TERMINAL_PLAIN, slice_of_text(note));
    text_add_byte(out, '\n');
}

static void add_notes(const struct flow_proof *proof, struct text *out)
{
    struct text note = {0};
    if (proof->difference[0] != '\0') {
        add_note(out, proof->difference);
    }
    if (proof->missing > 0) {
        add_count(&note, proof->missing);
        text_add_text(&note, " more: the server has yet to write what follows from the log");
        add_note(out, note.data);
    }
    if (strcmp(proof->serving, proof->info->version) != 0) {
        text_clear(&note);
        text_printf(&note, "%s serves; this version has yet to take over",
                    proof->serving[0] == '\0' ? "no version" : proof->serving);
        add_note(out, note.data);
    }
    text_deinit(&note);
}

static void add_line(const struct flow_proof *proof, struct text *out)
{
    bool same = proof->verdict == FLOW_SAME;
    terminal_add(out, same ? TERMINAL_GREEN : TERMINAL_RED,
                 slice_of_text(verdicts[proof->verdict]));
    text_add_byte(out, ' ');
    terminal_add(out, TERMINAL_BOLD, slice_of_text(proof->info->name));
    text_printf(out, "  version %s  ", proof->info->version);
    add_count(out, proof->compared);
    text_printf(out, "  hash %s\n", proof->hash);
    add_notes(proof, out);
}

static void on_proof(void *arg, const struct flow_proof *proof)
{
    struct verifying *verifying = arg;
    verifying->all_same &= proof->verdict == FLOW_SAME;
    if (verifying->for_people) {
        add_line(proof, &verifying->out);
    } else {
        add_json(proof, &verifying->out);
    }
}

/* --- Running ---------------------------------------------------------------------------------- */

static struct ever_err open_store(const char *data_dir, struct text *report,
                                  struct ever **out_store)
{
    struct ever_options options = {.read_only = true};
    struct ever_err err = ever_open(data_dir, &options, out_store);
    if (err.code == EVER_CORRUPT && *out_store != NULL) {
        start_report_damage(*out_store, data_dir, report);
    } else if (!IS_OK(err)) {
        start_report_store(err, data_dir, report);
    }
    return err;
}

static struct ever_err verify(const struct arguments *arguments, const char *data_dir,
                              struct verifying *verifying, struct text *report)
{
    struct flows_verify_options options = {.only = arguments->parameters[2],
                                           .progress = on_progress,
                                           .proof = on_proof,
                                           .arg = verifying};
    struct app *app = NULL;
    struct ever *store = NULL;
    TRY(app_load(arguments->parameters[1], report, &app));
    struct ever_err err = ERR_OK;
    if (!flows_wanted(app)) {
        text_printf(report, "%s has no flows/*.js: there is nothing to verify\n",
                    arguments->parameters[1]);
        err = FAIL(EVER_NOT_FOUND, "verify flows");
    } else {
        err = open_store(data_dir, report, &store);
    }
    if (IS_OK(err)) {
        err = flows_verify(store, app, &options, report);
    }
    ever_close(store);
    app_free(app);
    return err;
}

enum exit_code flow_verify_run(const struct arguments *arguments)
{
    struct text data_dir = {0};
    struct text report = {0};
    if (arguments_has(arguments, SESSION_DATA)) {
        text_add_text(&data_dir, arguments->values[SESSION_DATA]);
    } else {
        text_printf(&data_dir, "%s/.everfold", arguments->parameters[1]);
    }
    struct verifying verifying = {.all_same = true};
    verifying.for_people = terminal_is_for_people() && !arguments_has(arguments, SESSION_JSON);
    struct ever_err err = verify(arguments, data_dir.data, &verifying, &report);
    if (verifying.has_begun) {
        (void)progress_end(&verifying.bar); /* how long it took is not said */
    }
    terminal_write(text_slice(&verifying.out));
    terminal_report(&report);
    enum exit_code code = IS_OK(err) && verifying.all_same ? EXIT_DONE : EXIT_FAILED;
    if (!IS_OK(err) && report.size == 0) {
        code = terminal_fail("the flows of %s cannot be verified: %s", arguments->parameters[1],
                             err.what);
    }
    text_deinit(&verifying.out);
    text_deinit(&data_dir);
    text_deinit(&report);
    return code;
}
