/* everfold tail: the newest events, then each new one as it comes, for ever. */
#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cli/client/event_stream.h"
#include "cli/client/event_target.h"
#include "cli/client/lines.h"
#include "cli/client/sse.h"
#include "cli/output/event_text.h"
#include "cli/output/terminal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = TARGET_OPTION_COUNT };

#define COUNT_DEFAULT 10
#define COUNT_MAX 1000
#define RETRY_MS 1000

static const struct command_option options[] = {
    TARGET_OPTIONS(SESSION_RUNNING_OPTIONS),
    [COUNT] = {.name = "count",
               .value = "N",
               .help = "begin with the last N events; 10 unless given",
               .number_max = COUNT_MAX},
    {.name = NULL},
};

static const struct command_parameter parameters[] = {
    {.name = "STREAM",
     .help = "the stream to follow; the whole log unless given",
     .optional = true},
    {.name = NULL},
};

struct tail {
    const struct arguments *arguments;
    struct session *session;
    struct text target;
    struct text *newest; /* the last events, newest first */
    size_t newest_count;
    uint64_t position; /* all up to here was seen */
    struct lines lines;
    struct sse sse;
};

static void print(const struct tail *tail, struct ever_slice event)
{
    struct text out = {0};
    event_text_add(&out, event, tail->session->for_people);
    terminal_write(text_slice(&out));
    text_deinit(&out);
}

/* --- The newest events ----------------------------------------------------------------------- */

static void keep(void *arg, struct ever_slice event)
{
    struct tail *tail = arg;
    if (tail->newest_count < COUNT_MAX) {
        text_add(&tail->newest[tail->newest_count++], event);
    }
}

static void print_kept(struct tail *tail)
{
    for (size_t i = tail->newest_count; i-- > 0;) {
        print(tail, text_slice(&tail->newest[i]));
    }
    if (tail->newest_count > 0) {
        tail->position = event_number(text_slice(&tail->newest[0]), "position");
    }
}

/* Whether a stream is to be followed that begins with its first event to come. */
static bool is_still_empty(struct tail *tail)
{
    struct session *session = tail->session;
    struct text target = {0};
    event_target_begin(tail->arguments, &target);
    event_target_add(&target, "limit", "1");
    struct client_request request = {.method = "GET", .target = target.data};
    struct ever_err err =
        client_call(session->client, &request, &session->response, &session->report);
    text_clear(&session->report); /* what is wrong, the reading will find and say */
    text_deinit(&target);
    return IS_OK(err) && session->response.status == 404 && tail->arguments->parameter_count > 0;
}

/* False: the log cannot be read, and that was reported. */
static bool print_newest(struct tail *tail)
{
    uint64_t count = arguments_number(tail->arguments, COUNT, COUNT_DEFAULT);
    /* Asked first: with no event to show, all that comes from now on is new. */
    if (!event_stream_last_position(tail->session, &tail->position)) {
        return false;
    }
    if (count == 0 || is_still_empty(tail)) {
        return true;
    }
    char limit[24];
    (void)snprintf(limit, sizeof limit, "%llu", (unsigned long long)count); /* always fits */
    struct text target = {0};
    event_target_begin(tail->arguments, &target);
    event_target_add(&target, "direction", "backward");
    event_target_add(&target, "limit", limit);
    tail->newest = mem_alloc_zero(COUNT_MAX * sizeof *tail->newest);
    bool read = event_stream_read(tail->session, target.data, keep, tail) != EVENT_STREAM_FAILED;
    if (read) {
        print_kept(tail);
    }
    for (size_t i = 0; i < tail->newest_count; i++) {
        text_deinit(&tail->newest[i]);
    }
    free(tail->newest);
    text_deinit(&target);
    return read;
}

/* --- Following ------------------------------------------------------------------------------- */

/* An event has a stream; what the server says of itself ("caught-up") has none. */
static bool is_event(struct ever_slice data)
{
    struct json_value stream;
    return data.size > 0 && json_check(data, NULL) &&
           json_member(json_value_of(data), SLICE_LITERAL("stream"), &stream);
}

static bool take_line(void *arg, struct ever_slice line)
{
    struct tail *tail = arg;
    struct sse_message message;
    if (sse_line(&tail->sse, line, &message) && is_event(message.data)) {
        print(tail, message.data);
    }
    uint64_t position;
    if (slice_parse_u64(text_slice(&tail->sse.id), &position)) {
        tail->position = position;
    }
    return true;
}

static bool take_piece(void *arg, struct ever_slice piece)
{
    struct tail *tail = arg;
    return lines_add(&tail->lines, piece, take_line, tail);
}

/* Follows until the connection ends. */
static struct ever_err follow_once(struct tail *tail)
{
    struct session *session = tail->session;
    char header[64];
    (void)snprintf(header, sizeof header, "Last-Event-ID: %llu\r\n",
                   (unsigned long long)tail->position); /* always fits */
    struct client_request request = {.method = "GET",
                                     .target = tail->target.data,
                                     .accept = "text/event-stream",
                                     .headers = header};
    TRY(client_send(session->client, &request, &session->report));
    return client_receive(session->client, take_piece, tail, &session->response, &session->report);
}

static bool is_refused(const struct session *session)
{
    unsigned status = session->response.status;
    return status >= 300 && status < 500; /* a server that is starting or stopping says 503 */
}

static enum exit_code follow(struct tail *tail)
{
    struct session *session = tail->session;
    bool lost = false;
    for (;;) {
        session->response.status = 0;
        struct ever_err err = follow_once(tail);
        lines_deinit(&tail->lines); /* half a message is sent again */
        sse_deinit(&tail->sse);
        tail->sse = (struct sse){0};
        if (IS_OK(err) && is_refused(session)) {
            return session_refused(session);
        }
        if (!IS_OK(err) && !lost) {
            text_add_text(&session->report, "; trying again");
            (void)session_fail(session); /* it goes on */
        }
        text_clear(&session->report);
        lost = !IS_OK(err);
        (void)poll(NULL, 0, RETRY_MS); /* not to press a server that is starting */
    }
}

static enum exit_code run(const struct arguments *arguments)
{
    if (!event_target_check(arguments)) {
        return EXIT_USAGE;
    }
    if (arguments_has(arguments, SESSION_APP) || arguments_has(arguments, SESSION_DATA)) {
        return terminal_usage(arguments->command,
                              "tail follows a running server; of a folder, which it would keep to "
                              "itself, read --backward shows the newest events");
    }
    struct session session;
    if (!session_open(arguments, SESSION_READS, &session)) {
        return EXIT_FAILED;
    }
    struct tail tail = {.arguments = arguments, .session = &session};
    event_target_begin(arguments, &tail.target);
    enum exit_code code = print_newest(&tail) ? follow(&tail) : EXIT_FAILED;
    text_deinit(&tail.target);
    session_close(&session);
    return code;
}

const struct command cli_tail = {
    .name = "tail",
    .summary = "Print the newest events, then each new one as it comes",
    .parameters = parameters,
    .options = options,
    .notes =
        "It goes on until it is interrupted, through restarts of the server too. A stream may be "
        "followed\nbefore it has events.\n\n"
        "Examples:\n"
        "  everfold tail\n"
        "  everfold tail account-alice --count 0\n"
        "  everfold tail --type Withdrawn --json | jq .data.amount\n",
    .run = run,
};
