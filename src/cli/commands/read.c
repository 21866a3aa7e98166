/* everfold read: events of one stream or of the whole log, to their end. */
#include "cli/client/event_stream.h"
#include "cli/client/event_target.h"
#include "cli/output/event_text.h"
#include "cli/output/terminal.h"

enum {
    FROM = TARGET_OPTION_COUNT,
    LIMIT,
    BACKWARD,
};

#define WRITE_BYTES (64u << 10)

static const struct command_option options[] = {
    TARGET_OPTIONS(SESSION_OPTIONS),
    [FROM] = {.name = "from",
              .value = "N",
              .help = "begin at this position, or at this revision of the stream",
              .number_max = INT64_MAX},
    [LIMIT] = {.name = "limit",
               .value = "N",
               .help = "at most so many events",
               .number_max = INT64_MAX},
    [BACKWARD] = {.name = "backward", .help = "the newest first"},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "STREAM", .help = "the stream to read; the whole log unless given", .optional = true},
    {.name = NULL},
};

struct printing {
    struct text out;
    bool for_people;
};

static void flush(struct printing *printing)
{
    terminal_write(text_slice(&printing->out));
    text_clear(&printing->out);
}

static void print(void *arg, struct ever_slice event)
{
    struct printing *printing = arg;
    event_text_add(&printing->out, event, printing->for_people);
    if (printing->out.size >= WRITE_BYTES) {
        flush(printing);
    }
}

static void add_range(const struct arguments *arguments, struct text *target)
{
    if (arguments_has(arguments, FROM)) {
        event_target_add(target, "from", arguments->values[FROM]);
    }
    if (arguments_has(arguments, LIMIT)) {
        event_target_add(target, "limit", arguments->values[LIMIT]);
    }
    if (arguments_has(arguments, BACKWARD)) {
        event_target_add(target, "direction", "backward");
    }
}

static enum exit_code read_and_print(struct session *session, const struct arguments *arguments)
{
    struct text target = {0};
    event_target_begin(arguments, &target);
    add_range(arguments, &target);
    struct printing printing = {.for_people = session->for_people};
    enum event_stream_end end = event_stream_read(session, target.data, print, &printing);
    flush(&printing);
    text_deinit(&printing.out);
    text_deinit(&target);
    return end == EVENT_STREAM_WHOLE ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run(const struct arguments *arguments)
{
    if (!event_target_check(arguments)) {
        return EXIT_USAGE;
    }
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    enum exit_code code = read_and_print(&session, arguments);
    session_close(&session);
    return code;
}

const struct command cli_read = {
    .name = "read",
    .summary = "Print the events of a stream, or of the whole log",
    .parameters = parameters,
    .options = options,
    .notes = "Examples:\n"
             "  everfold read account-alice\n"
             "  everfold read --type Deposited,Withdrawn --backward --limit 10\n"
             "  everfold read --json | jq .data\n",
    .run = run,
};
