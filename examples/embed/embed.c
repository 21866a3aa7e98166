/* embed.c - an event log in a folder: append on an expected revision, catch up, follow.
 *
 * Usage: embed FOLDER */
#include <everfold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ever_slice text(const char *characters)
{
    return (struct ever_slice){.data = characters, .size = strlen(characters)};
}

static void must(struct ever_err err)
{
    if (err.code != EVER_OK) {
        fprintf(stderr, "%s: %s\n", ever_code_name(err.code), err.what);
        exit(1);
    }
}

/* Appends one event to counter-a if that is at this revision. Returns the one it is at then. */
static int64_t count(struct ever *store, int64_t revision)
{
    struct ever_new_event event = {.type = text("Counted"), .data = text("{\"by\":1}")};
    struct ever_write write = {.stream = text("counter-a"), .events = &event, .event_count = 1};
    write.expect = revision == EVER_NO_REVISION ? EVER_NO_STREAM : EVER_EXACT;
    write.revision = revision == EVER_NO_REVISION ? 0 : (uint64_t)revision;
    struct ever_result result;
    must(ever_append(store, &write, 1, &result, NULL)); /* on disk, or not written */
    printf("%s: the stream is at revision %lld\n",
           result.outcome == EVER_CONFLICT ? "conflict" : "appended", (long long)result.revision);
    return result.revision;
}

/* Gives all there is; the cursor stays where it is, and goes on from there. */
static void print_new(struct ever_cursor *cursor)
{
    const struct ever_event *event;
    struct ever_err err;
    while ((err = ever_next(cursor, &event)).code == EVER_OK) {
        printf("position %llu: %.*s %.*s\n", (unsigned long long)event->position,
               (int)event->type.size, event->type.data, (int)event->data.size, event->data.data);
    }
    must(err.code == EVER_END ? (struct ever_err){0} : err);
}

int main(int argc, char **argv)
{
    struct ever *store;
    struct ever_cursor *cursor;
    int64_t revision;
    must(ever_open(argc > 1 ? argv[1] : "embed-data", NULL, &store));
    must(ever_last_revision(store, text("counter-a"), &revision));
    revision = count(store, revision);
    revision = count(store, revision - 1); /* as if somebody else had been faster */
    must(ever_cursor_open(store, &(struct ever_read){.from = 1}, &cursor));
    print_new(cursor); /* catches up */
    count(store, revision);
    must(ever_wait(cursor, 1000)); /* until there is more */
    print_new(cursor);             /* follows */
    ever_cursor_close(cursor);
    ever_close(store);
    return 0;
}
