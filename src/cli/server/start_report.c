#include "cli/server/start_report.h"

#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>

/* The process that wrote its number into the lock file; 0: not known. */
static unsigned long lock_holder(const char *data_dir)
{
    struct text path = {0};
    text_printf(&path, "%s/lock", data_dir);
    FILE *file = fopen(path.data, "re");
    text_deinit(&path);
    unsigned long holder = 0;
    char line[32];
    if (file != NULL && fgets(line, sizeof line, file) != NULL) {
        holder = strtoul(line, NULL, 10);
    }
    if (file != NULL) {
        (void)fclose(file); /* was read only */
    }
    return holder;
}

static void report_busy(const char *data_dir, struct text *report)
{
    unsigned long holder = lock_holder(data_dir);
    text_printf(report, "another server works in %s", data_dir);
    if (holder != 0) {
        text_printf(report, " (process %lu)", holder);
    }
    text_add_text(report, ": stop it first, or say --data with another folder\n");
}

void start_report_failure(struct ever_err err, const char *doing, const char *what,
                          struct text *report)
{
    const char *cause =
        err.sys_errno != 0 ? strerror(err.sys_errno) : ever_code_name((enum ever_code)err.code);
    text_printf(report, "%s %s: %s (%s)\n", doing, what, cause, err.what);
}

static void add_lost(const struct ever_damage *damage, struct text *report)
{
    if (damage->to_position < damage->from_position) {
        text_add_text(report, "no event is lost");
    } else if (damage->to_position == UINT64_MAX) {
        text_printf(report, "no event from position %llu on can be read, if there were any",
                    (unsigned long long)damage->from_position);
    } else {
        text_printf(report, "of the events %llu to %llu some cannot be read",
                    (unsigned long long)damage->from_position,
                    (unsigned long long)damage->to_position);
    }
}

void start_report_damage(const struct ever *store, const char *data_dir, struct text *report)
{
    struct ever_damage damage;
    text_printf(report, "the log in %s is damaged", data_dir);
    if (ever_damage(store, &damage)) {
        text_printf(report, ": bytes %llu to %llu of log/%010u.seg; ",
                    (unsigned long long)damage.from_offset, (unsigned long long)damage.to_offset,
                    damage.segment);
        add_lost(&damage, report);
    }
    text_add_text(report,
                  ". All else can be read; nothing is written until a whole copy of the file "
                  "takes its place\n");
}

void start_report_store(struct ever_err err, const char *data_dir, struct text *report)
{
    switch (err.code) {
    case EVER_BUSY:
        report_busy(data_dir, report);
        return;
    case EVER_FOREIGN:
        text_printf(report,
                    "%s is not a data folder of Everfold; it was left as it is: say --data with a "
                    "new or empty folder\n",
                    data_dir);
        return;
    case EVER_UNSUPPORTED:
        text_printf(report,
                    "%s was written by a newer Everfold than this one (" EVERFOLD_VERSION ")\n",
                    data_dir);
        return;
    case EVER_NOT_FOUND:
        text_printf(
            report,
            "the log is gone: %s/log has no segment file, and had one. Nothing was written: "
            "put log/ back from a copy, or begin anew with --data and another folder\n",
            data_dir);
        return;
    default:
        start_report_failure(err, "cannot open the data folder", data_dir, report);
    }
}

void start_report_listen(struct ever_err err, const char *host, uint16_t port, struct text *report)
{
    switch (err.code) {
    case EVER_BUSY:
        text_printf(report,
                    "port %u on %s is taken, maybe by another server: say --port with another "
                    "number (0: any free one)\n",
                    port, host);
        return;
    case EVER_INVALID:
        text_printf(report, "'%s' is no address of this machine: say --host 127.0.0.1\n", host);
        return;
    default: {
        struct text where = {0};
        text_printf(&where, "%s port %u", host, port);
        start_report_failure(err, "cannot listen on", where.data, report);
        text_deinit(&where);
    }
    }
}
