/* everfold export: every event of the log, as NDJSON that import takes. */
#include "base/slice.h"
#include "cli/client/event_stream.h"
#include "cli/output/interrupt.h"
#include "cli/output/progress.h"
#include "cli/output/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FROM = SESSION_OPTION_COUNT };

static const struct command_option options[] = {
    SESSION_OPTIONS,
    [FROM] = {.name = "from",
              .value = "POSITION",
              .help = "begin there; 1 unless given",
              .number_max = INT64_MAX},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "FILE", .help = "where to; standard output for - and unless given", .optional = true},
    {.name = NULL},
};

struct export
{
    FILE *file;
    int failure; /* errno of the first write that failed */
    uint64_t events;
    uint64_t first;
    struct progress_bar bar;
};

static void write_event(void *arg, struct ever_slice event)
{
    struct export *export = arg;
    if (export->failure != 0) {
        return;
    }
    bool written = fwrite(event.data, 1, event.size, export->file) == event.size &&
                   fputc('\n', export->file) != EOF;
    if (!written) {
        export->failure = errno;
    }
    export->events++;
    progress_update(&export->bar, event_number(event, "position") - export->first, export->events);
}

static void print_summary(uint64_t events, int64_t elapsed_ms)
{
    struct text line = {0};
    text_add_grouped(&line, events);
    text_printf(&line, " events in %.1f s", (double)elapsed_ms / 1000);
    (void)fprintf(stderr, "%s\n", line.data); /* the file tells too */
    text_deinit(&line);
}

static enum event_stream_end copy_events(struct session *session, const struct arguments *arguments,
                                         struct export *export)
{
    uint64_t last;
    if (!event_stream_last_position(session, &last)) {
        return EVENT_STREAM_FAILED;
    }
    uint64_t from = arguments_number(arguments, FROM, 1);
    export->first = from > 0 ? from - 1 : 0;
    progress_begin(&export->bar, last > export->first ? last - export->first : 0);
    char target[64];
    (void)snprintf(target, sizeof target, "/events?from=%llu",
                   (unsigned long long)from); /* a number always fits */
    enum event_stream_end end = event_stream_read(session, target, write_event, export);
    int64_t elapsed_ms = progress_end(&export->bar);
    if (export->failure == 0 && (fflush(export->file) != 0 || ferror(export->file) != 0)) {
        export->failure = errno;
    }
    if (end != EVENT_STREAM_FAILED && export->failure == 0) {
        print_summary(export->events, elapsed_ms);
    }
    return end;
}

static bool write_failed(const struct export *export, const char *path)
{
    if (export->failure != 0) {
        (void)terminal_fail("writing %s: %s", path, strerror(export->failure)); /* true says it */
    }
    return export->failure != 0;
}

static bool finish_file(struct export *export, const char *path)
{
    if (export->failure == 0 && (fflush(export->file) != 0 || fsync(fileno(export->file)) != 0)) {
        export->failure = errno; /* the bytes are on disk before the name is */
    }
    if (fclose(export->file) != 0 && export->failure == 0) {
        export->failure = errno;
    }
    return !write_failed(export, path);
}

/* Writes beside the file and takes its place at the end: half an export never looks like one. Of a
 * damaged log that is all there is, and the exit code says so. */
static enum exit_code export_to_file(struct session *session, const struct arguments *arguments,
                                     const char *path)
{
    struct text beside = {0};
    text_printf(&beside, "%s.part", path);
    interrupt_removes(beside.data);
    struct export export = {.file = fopen(beside.data, "we")};
    enum exit_code code = EXIT_FAILED;
    if (export.file == NULL) {
        code = terminal_fail("cannot write %s: %s", beside.data, strerror(errno));
    } else {
        enum event_stream_end end = copy_events(session, arguments, &export);
        bool placed = finish_file(&export, path) && end != EVENT_STREAM_FAILED;
        if (placed && rename(beside.data, path) != 0) {
            placed = false;
            (void)terminal_fail("cannot write %s: %s", path, strerror(errno)); /* code says it */
        }
        if (!placed) {
            (void)unlink(beside.data); /* is of no use */
        }
        code = placed && end == EVENT_STREAM_WHOLE ? EXIT_DONE : EXIT_FAILED;
    }
    interrupt_removes(NULL);
    text_deinit(&beside);
    return code;
}

static enum exit_code export_to_stream(struct session *session, const struct arguments *arguments,
                                       FILE *file, const char *name)
{
    struct export export = {.file = file};
    enum event_stream_end end = copy_events(session, arguments, &export);
    if (export.failure == EPIPE) {
        return EXIT_FAILED; /* nobody reads any more: no reason to complain */
    }
    return !write_failed(&export, name) && end == EVENT_STREAM_WHOLE ? EXIT_DONE : EXIT_FAILED;
}

/* A pipe or device, whose place nothing may take. */
static enum exit_code export_to_device(struct session *session, const struct arguments *arguments,
                                       const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return terminal_fail("cannot write %s: %s", path, strerror(errno));
    }
    enum exit_code code = export_to_stream(session, arguments, file, path);
    (void)fclose(file); /* was flushed, with its errors told */
    return code;
}

/* Through links, so that they stay what they are. */
static enum exit_code export_to_path(struct session *session, const struct arguments *arguments,
                                     const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return export_to_file(session, arguments, path);
    }
    if (S_ISDIR(status.st_mode)) {
        return terminal_fail("cannot write %s: it is a folder", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return export_to_device(session, arguments, path);
    }
    char *target = realpath(path, NULL);
    if (target == NULL) {
        return terminal_fail("cannot write %s: %s", path, strerror(errno));
    }
    enum exit_code code = export_to_file(session, arguments, target);
    free(target);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    const char *path = arguments->parameters[0];
    enum exit_code code = path == NULL || strcmp(path, "-") == 0
                              ? export_to_stream(&session, arguments, stdout, "standard output")
                              : export_to_path(&session, arguments, path);
    session_close(&session);
    return code;
}

const struct command cli_export = {
    .name = "export",
    .summary = "Write every event as NDJSON, which import reads",
    .parameters = parameters,
    .options = options,
    .notes = "Examples:\n"
             "  everfold export all.ndjson\n"
             "  everfold export --data copy/.everfold | gzip >all.ndjson.gz\n",
    .run = run,
};
