/* embed.c - an event log in a folder, in one small program.
 *
 * Usage: embed FOLDER */
#include <everfold.h>
#include <stdio.h>
#include <string.h>

static struct ever_slice text(const char *characters)
{
    return (struct ever_slice){.data = characters, .size = strlen(characters)};
}

static int fail(struct ever_err err)
{
    fprintf(stderr, "%s: %s\n", ever_code_name(err.code), err.what);
    return 1;
}

/* Appends one event to stream counter-a, which must be at `revision` (or not exist at -1). */
static struct ever_err count(struct ever *store, int64_t revision, struct ever_result *out_result)
{
    struct ever_new_event event = {.type = text("Counted"), .data = text("{\"by\":1}")};
    struct ever_write write = {
        .stream = text("counter-a"),
        .expect = revision == EVER_NO_REVISION ? EVER_NO_STREAM : EVER_EXACT,
        .revision = revision < 0 ? 0 : (uint64_t)revision,
        .events = &event,
        .event_count = 1,
    };
    return ever_append(store, &write, 1, out_result, NULL);
}

/* Gives all there is; the cursor then waits where it is for more. */
static void print_new(struct ever_cursor *cursor, const char *label)
{
    const struct ever_event *event;
    while (ever_next(cursor, &event).code == EVER_OK) {
        printf("%s %.*s revision %llu: %.*s\n", label, (int)event->stream.size, event->stream.data,
               (unsigned long long)event->revision, (int)event->data.size, event->data.data);
    }
}

int main(int argc, char **argv)
{
    struct ever *store = NULL;
    struct ever_cursor *cursor = NULL;
    struct ever_result result;
    struct ever_err err = ever_open(argc > 1 ? argv[1] : "embed-data", NULL, &store);
    if (err.code != EVER_OK) {
        return fail(err);
    }
    for (int64_t revision = EVER_NO_REVISION; revision < 2; revision++) {
        err = count(store, revision, &result); /* each on top of the one before */
    }
    if (err.code != EVER_OK || (err = count(store, 0, &result)).code != EVER_OK) {
        return fail(err);
    }
    printf("%s: the stream is at revision %lld\n",
           result.outcome == EVER_CONFLICT ? "conflict" : "appended", (long long)result.revision);

    struct ever_read whole_log = {.from = 1};
    err = ever_cursor_open(store, &whole_log, &cursor);
    if (err.code != EVER_OK) {
        return fail(err);
    }
    print_new(cursor, "caught up:");
    err = count(store, result.revision, &result); /* the conflict said where the stream is */
    if (err.code != EVER_OK || (err = ever_wait(cursor, 1000)).code != EVER_OK) {
        return fail(err);
    }
    print_new(cursor, "followed:");
    ever_cursor_close(cursor);
    ever_close(store);
    return 0;
}
