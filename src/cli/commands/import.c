/* everfold import: rows of a file or pipe become events, in batches that are each appended whole.
 */
#include "cli/input/import.h"
#include "base/slice.h"
#include "cli/input/event_line.h"
#include "cli/input/input.h"
#include "cli/input/records.h"
#include "cli/output/terminal.h"

enum {
    STREAM = SESSION_OPTION_COUNT,
    TYPE,
    FORMAT,
    SEPARATOR,
    TEXT,
    IDS,
};

static const struct command_option options[] = {
    SESSION_OPTIONS,
    [STREAM] = {.name = "stream",
                .value = "NAME",
                .help = "rows are data, not events: append them to this stream; fields of the row "
                        "stand in braces: flight-{origin}"},
    [TYPE] = {.name = "type", .value = "NAME", .help = "with --stream: the type of the events"},
    [FORMAT] = {.name = "format",
                .value = "NAME",
                .help = "ndjson, json (an array) or csv; the first byte tells unless given"},
    [SEPARATOR] = {.name = "separator",
                   .value = "CHAR",
                   .help = "of CSV fields; a comma unless given; tab for tabs"},
    [TEXT] = {.name = "text", .help = "CSV: numbers stay text"},
    [IDS] = {.name = "ids",
             .help = "make event ids from place and content, so that the same import again "
                     "adds nothing"},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "FILE",
     .help = "what to read; standard input for - and unless given",
     .optional = true},
    {.name = NULL},
};

static bool read_format(const char *name, enum records_format *out_format)
{
    static const char *const names[] = {
        [RECORDS_NDJSON] = "ndjson", [RECORDS_JSON] = "json", [RECORDS_CSV] = "csv"};
    *out_format = RECORDS_GUESS;
    if (name == NULL) {
        return true;
    }
    for (size_t i = RECORDS_NDJSON; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out_format = (enum records_format)i;
            return true;
        }
    }
    return false;
}

static bool read_separator(const char *text, char *out_separator)
{
    *out_separator = strcmp(text, "tab") == 0 ? '\t' : text[0];
    bool single = strcmp(text, "tab") == 0 || (text[0] != '\0' && text[1] == '\0');
    return single && *out_separator != '"' && *out_separator != '\n' && *out_separator != '\r';
}

static enum exit_code import_from(struct session *session, const struct arguments *arguments,
                                  const struct records_options *records)
{
    int fd = input_open(arguments->parameters[0]);
    if (fd == -1) {
        return EXIT_FAILED;
    }
    struct import import = {
        .session = session,
        .shape = {.stream = arguments_text(arguments, STREAM, NULL),
                  .type = arguments_text(arguments, TYPE, NULL),
                  .make_ids = arguments_has(arguments, IDS)},
        .input_bytes = input_size(fd),
    };
    records_open(fd, records, &import.records);
    enum exit_code code = import_run(&import);
    records_close(import.records);
    input_close(fd);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct records_options records = {.as_text = arguments_has(arguments, TEXT)};
    if (!read_format(arguments_text(arguments, FORMAT, NULL), &records.format)) {
        return terminal_usage(arguments->command, "--format is ndjson, json or csv, not '%s'",
                              arguments->values[FORMAT]);
    }
    if (!read_separator(arguments_text(arguments, SEPARATOR, ","), &records.separator)) {
        return terminal_usage(arguments->command, "--separator is one character, or tab");
    }
    if (arguments_has(arguments, STREAM) != arguments_has(arguments, TYPE)) {
        return terminal_usage(arguments->command, "--stream and --type go together");
    }
    struct session session;
    if (!session_open(arguments, SESSION_WRITES, &session)) {
        return EXIT_FAILED;
    }
    enum exit_code code = import_from(&session, arguments, &records);
    session_close(&session);
    return code;
}

const struct command cli_import = {
    .name = "import",
    .summary = "Append the rows of a file as events: NDJSON, a JSON array or CSV",
    .parameters = parameters,
    .options = options,
    .notes =
        "Without --stream each row is an event, as export writes it: an object with \"stream\", "
        "\"type\",\n\"data\" and, if wanted, \"id\", \"metadata\" and \"tags\".\n\n"
        "Rows go in batches of up to 1000, all or nothing. An event whose \"id\" is in the log "
        "already is\npassed over when it says the same, and refused when it does not: the same "
        "file again adds nothing,\none that has grown since adds what is new. A refused batch ends "
        "the import.\n\n"
        "Programs (--json, or no terminal) get one line: \"events\" that are in the log now, "
        "\"repeated\" of\nthem that were there before, \"leftOut\" of streams that the server "
        "alone writes ($..., flow-...),\n\"behindRefused\" that were on their way when a batch "
        "before "
        "them was refused, and were appended;\nall rows up to \"lastLine\" (of a JSON array, "
        "\"lastElement\") are in the log.\n\n"
        "Examples:\n"
        "  everfold import all.ndjson\n"
        "  everfold import flights.csv --stream 'flight-{origin}' --type Flight\n"
        "  zcat rows.json.gz | everfold import --stream rows-1 --type Row --ids\n",
    .run = run,
};
