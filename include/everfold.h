/* everfold.h - the embedding API: an event log in a folder.
 *
 * Events are recorded for ever. Each belongs to one stream and has a revision there (from 0, dense)
 * and a position in the whole log (from 1, dense, in commit order). Nothing is changed or deleted.
 *
 * Durable:  ever_append() returns after the events are on disk. Readers see durable events only.
 * Threads:  every function may be called from any thread. A cursor serves one thread at a time.
 * Process:  one process at a time opens a folder for writing; ever_open() says EVER_BUSY otherwise.
 * Memory:   parameters are borrowed for the call unless the comment says otherwise.
 * Errors:   struct ever_err by value. After EVER_IO from an append the store refuses to write until
 *           it is opened again; reading goes on.
 * Signals:  SIGBUS, and no other: files are mapped, and a page that the disk cannot give is damage
 *           (EVER_CORRUPT) and not the end of the process. Set your own handler before the first
 *           ever_open(): what is no read of ours goes to it. Set later, it keeps the signal; files
 *           opened from then on are read without maps, which is slower. A thread that calls us must
 *           not block it. Under a limit on the size of files, ignore SIGXFSZ: the append then says
 *           EVER_NO_SPACE.
 * Format:   docs/format.md. */
#ifndef EVERFOLD_H
#define EVERFOLD_H

#include "everfold_types.h"

#pragma GCC visibility push(default) /* what the library exports; the rest is hidden */

#ifdef __cplusplus
extern "C" {
#endif

/* Limits. A longer input is refused with EVER_LIMIT and nothing is written. */
#define EVER_STREAM_NAME_BYTES_MAX 512 /* stream names: 1..512 bytes of UTF-8, no control bytes */
#define EVER_TYPE_NAME_BYTES_MAX 256   /* event types: as stream names */
#define EVER_TAG_BYTES_MAX 256         /* a tag: as stream names, but may be empty */
#define EVER_TAGS_PER_EVENT_MAX 64
#define EVER_EVENT_BYTES_MAX (4u << 20) /* data and metadata of one event together */
#define EVER_EVENTS_PER_APPEND_MAX 10000
#define EVER_WRITES_PER_APPEND_MAX 10000
#define EVER_APPEND_BYTES_MAX (16u << 20)

#define EVER_NO_REVISION INT64_C(-1) /* the stream has no event */

struct ever;        /* An open store. */
struct ever_cursor; /* One reader's place in it. */

struct ever_options {
    uint64_t segment_bytes; /* Size of new segment files, a power of two; 0 means 64 MiB. */
    bool read_only; /* Never write, not even repair; several processes may do this at once. */
};

/* Opens the store in folder `dir`, creating it when the folder is missing or empty, and recovers
 * it. `options` may be NULL. EVER_BUSY: another process has it. EVER_FOREIGN: the folder holds
 * other things. EVER_NOT_FOUND: the log that was there is gone; or read only, and there is no store.
 * EVER_CORRUPT with *out_store set: damage below acknowledged data; the rest can be read, nothing
 * can be written. Older parts are looked at when they are read: damage there is told then, and an
 * append is refused with EVER_CORRUPT when it depends on it, others are not. EVER_UNSUPPORTED: the
 * format is newer than this library. */
struct ever_err ever_open(const char *dir, const struct ever_options *options,
                          struct ever **out_store);

/* Waits for running appends, then closes. NULL-safe. Close cursors first. */
void ever_close(struct ever *store);

/* Who this store is: set once at creation, the same for ever. */
struct ever_uuid ever_store_id(const struct ever *store);

/* --- Appending ------------------------------------------------------------------------------- */

enum ever_content {
    EVER_JSON = 0,  /* data is one JSON text (the caller checked it); kept byte for byte */
    EVER_BYTES = 1, /* data is opaque */
};

struct ever_new_event {
    struct ever_uuid id; /* All zero: the store makes a random one. Given: idempotent. */
    enum ever_content content;
    struct ever_slice type;
    struct ever_slice data;
    struct ever_slice metadata; /* JSON by convention; may be empty */
    const struct ever_slice *tags;
    uint32_t tag_count;
};

enum ever_expect {
    EVER_ANY = 0,   /* no condition */
    EVER_NO_STREAM, /* the stream must have no event */
    EVER_EXISTS,    /* the stream must have at least one */
    EVER_EXACT,     /* its last revision must be `revision` */
};

struct ever_write { /* Events for one stream. An append holds one or several, atomically. */
    struct ever_slice stream;
    enum ever_expect expect;
    uint64_t revision; /* only with EVER_EXACT */
    const struct ever_new_event *events;
    uint32_t event_count;
    /* Events whose id is in the log with the same content, in whatever company, are passed over,
     * and the others appended: for what may hold more than it did last time. The same for all
     * writes of an append. */
    bool pass_known;
};

enum ever_outcome {
    EVER_APPENDED = 0, /* The events are durable. */
    EVER_REPEATED,     /* The same event ids were appended before, together: the first answer again.
                     * With pass_known: all of them are in the log; from the first to the last. */
    EVER_CONFLICT,  /* The condition of writes[write_index] does not hold; nothing was written. */
    EVER_ID_REUSED, /* Some ids exist with other content or in other company; nothing was written.
                     */
};

struct ever_result {
    enum ever_outcome outcome;
    uint32_t write_index;    /* CONFLICT, ID_REUSED: which write; otherwise 0 */
    uint32_t event_index;    /* ID_REUSED: which of all events of the append */
    uint32_t known_count;    /* APPENDED, REPEATED, with pass_known: so many were passed over */
    uint64_t first_position; /* APPENDED, REPEATED */
    uint64_t last_position;
    int64_t revision; /* APPENDED, REPEATED: last revision the append gave writes[0].stream.
                       * CONFLICT: the actual last revision of writes[write_index].stream. */
};

/* Appends all events of all writes as one atomic commit, or nothing. Positions follow the order of
 * the writes; a stream may stand in several of them. Conditions are about the log before this
 * append. Blocks until durable; concurrent callers share one disk write. `out_revisions` is NULL or
 * has room for `count`: the last revision the append gave each stream. Ids are looked at first,
 * then conditions. EVER_UNKNOWN: the disk failed midway; the events may appear after the next open.
 */
struct ever_err ever_append(struct ever *store, const struct ever_write *writes, uint32_t count,
                            struct ever_result *out_result, int64_t *out_revisions);

/* Called once, on a thread of the library; must not block. `revisions` as above, `count` entries;
 * result and revisions are lent for the call, and mean nothing when err.code is not EVER_OK. */
typedef void ever_append_fn(void *arg, struct ever_err err, const struct ever_result *result,
                            const int64_t *revisions);

/* The same without blocking. What `writes` points to is borrowed until `done` was called. An error
 * returned here means `done` will not be called. EVER_BUSY: the queue is full, try later. Appends
 * submitted by one thread commit in the order submitted. */
struct ever_err ever_append_async(struct ever *store, const struct ever_write *writes,
                                  uint32_t count, ever_append_fn *done, void *arg);

/* --- Reading --------------------------------------------------------------------------------- */

struct ever_event {
    uint64_t position;
    uint64_t revision;
    int64_t time_ns; /* when it was committed, UTC, ns since 1970; never decreases with position */
    struct ever_uuid id;
    enum ever_content content;
    bool continues; /* belongs to the same append as the event at position - 1 */
    struct ever_slice stream;
    struct ever_slice type;
    struct ever_slice data;
    struct ever_slice metadata;
    const struct ever_slice *tags;
    uint32_t tag_count;
};

struct ever_read {              /* All given conditions must hold. All zero reads the whole log. */
    struct ever_slice stream;   /* this stream only; then `from` is a revision */
    struct ever_slice category; /* streams named category-... */
    struct ever_slice prefix;   /* streams whose name begins so */
    const struct ever_slice *types; /* any of these */
    uint32_t type_count;
    const struct ever_slice *tags; /* all of these */
    uint32_t tag_count;
    uint64_t from; /* Forward: first position (or revision) to give. Backward: the last; use
                    * UINT64_MAX for the newest. */
    bool backward;
};

/* Copies what `read` points to. */
struct ever_err ever_cursor_open(struct ever *store, const struct ever_read *read,
                                 struct ever_cursor **out_cursor);
void ever_cursor_close(struct ever_cursor *cursor); /* NULL-safe. */

/* Gives the next event, lent until the next call on this cursor. EVER_END: backward, there is no
 * more; forward, it has caught up: call again later and it goes on, without gap or repeat.
 * EVER_AGAIN: see ever_cursor_allow(). EVER_CORRUPT: events are damaged, which may have matched;
 * see ever_cursor_damage(). The next call goes on behind them. EVER_IO, EVER_NO_MEMORY, EVER_BUSY:
 * nothing was passed, the next call tries again. */
struct ever_err ever_next(struct ever_cursor *cursor, const struct ever_event **out_event);

/* What EVER_CORRUPT from the last ever_next() was about: some events at these positions, both
 * included, cannot be read. One stretch may be told in pieces. False: it was about nothing that the
 * cursor can step over. */
bool ever_cursor_damage(const struct ever_cursor *cursor, uint64_t *out_from, uint64_t *out_to);

/* To find a matching event, ever_next() looks at as much of the log as it must. Who cannot stay
 * away so long, such as an event loop, allows a stretch: from now on the cursor looks at `events`
 * events and `bytes` of them at most, or little more, the matching ones included. Then ever_next()
 * gives EVER_AGAIN, which says nothing about what follows, until the next stretch is allowed. */
void ever_cursor_allow(struct ever_cursor *cursor, uint32_t events, size_t bytes);

/* Blocks until the log has grown past what this cursor has seen. EVER_TIMEOUT, EVER_CLOSED. */
struct ever_err ever_wait(struct ever_cursor *cursor, int64_t timeout_ms);

/* Every matching event up to this position was given: the place to resume after (from = it + 1).
 * Meaningful for forward cursors over positions, not over one stream. */
uint64_t ever_cursor_position(const struct ever_cursor *cursor);

uint64_t ever_last_position(const struct ever *store); /* 0 when empty. Never blocks. */

/* The last revision of a stream, EVER_NO_REVISION when it has no event. */
struct ever_err ever_last_revision(struct ever *store, struct ever_slice stream,
                                   int64_t *out_revision);

/* The position of the event with this id. EVER_NOT_FOUND. */
struct ever_err ever_find(struct ever *store, struct ever_uuid id, uint64_t *out_position);

/* The last position committed at or before `time_ns`, 0 when there is none. */
struct ever_err ever_position_at(struct ever *store, int64_t time_ns, uint64_t *out_position);

/* Calls `fn` after every commit, on the committing thread; it must be short and must not call the
 * store. ever_unwatch() returns when no call is running or will come. */
typedef void ever_watch_fn(void *arg, uint64_t last_position);
struct ever_watch;
struct ever_err ever_watch(struct ever *store, ever_watch_fn *fn, void *arg,
                           struct ever_watch **out_watch);
void ever_unwatch(struct ever_watch *watch); /* NULL-safe. */

/* What a monitor wants to know. */
struct ever_stats {
    uint64_t last_position;
    uint64_t appended_events; /* since open */
    uint64_t appends;         /* since open, conflicts not counted */
    uint64_t conflicts;       /* since open */
    uint64_t refused_full;    /* appends refused because the disk was full, since open */
    bool is_full;             /* the last append was one of them */
    uint64_t blocks;          /* disk writes since open: appends / blocks is the group size */
    uint64_t log_bytes;       /* bytes of log on disk, up to the last block */
    uint32_t segments;
    uint32_t write_error; /* enum ever_code that stopped writing, 0 while it works */
};
void ever_stats(const struct ever *store, struct ever_stats *out_stats);

/* What is wrong after ever_open() said EVER_CORRUPT. */
struct ever_damage {
    uint32_t segment;     /* number of the segment file, as in its name */
    uint64_t from_offset; /* bytes of it, up to before to_offset */
    uint64_t to_offset;
    uint64_t from_position; /* some of these events cannot be read; none is lost when */
    uint64_t to_position;   /* to_position is below from_position. UINT64_MAX: how many there were
                             * cannot be told */
};
/* The first damaged stretch of the log. False: there is none. */
bool ever_damage(const struct ever *store, struct ever_damage *out_damage);

#ifdef __cplusplus
}
#endif

#pragma GCC visibility pop
#endif
