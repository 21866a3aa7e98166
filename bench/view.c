/* view.c - how fast does a SQL view apply events, beside the same statements run by hand?
 *
 * 50,000 events of some 200 bytes for 1,000 accounts, one upsert each, 1,000 in a transaction with
 * a checkpoint row, SQLite in WAL with synchronous=NORMAL. Three ways, in turn, 15 rounds, each
 * beginning with another way:
 *
 *     view    views_run_to_end(): cursor, JSON, statements, checkpoint
 *     hand    a loop in C over the same cursor, with the JSON members looked up one by one
 *     bound   the same loop over values that lie in memory already: SQLite's share alone
 *
 * Prints each way's best round, which disturbs least on a shared machine, and the median of the
 * ratios of neighbours in a round. */
#include "domain/view/view.h"
#include "base/assert.h"
#include "base/env.h"
#include "base/json.h"
#include "base/slice.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 50000, ACCOUNTS = 1000, PER_TRANSACTION = 1000, ROUNDS = 15 };

static const char view_file[] =
    "-- view balances\n"
    "create table account (id text primary key, balance integer not null, note text) strict;\n"
    "-- on Deposited\n"
    "insert into account values (@id, :amount, :note)\n"
    "on conflict do update set balance = balance + excluded.balance, note = excluded.note;\n"
    "-- query total()\nselect sum(balance) as total from account;\n";

static const char table_by_hand[] =
    "pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -16384;"
    "create table account (id text primary key, balance integer not null, note text) strict;"
    "create table checkpoint (position integer); insert into checkpoint values (0)";
static const char upsert[] =
    "insert into account values (?1, ?2, ?3)"
    " on conflict do update set balance = balance + excluded.balance, note = excluded.note";

static char folder[64];

static void must(struct ever_err err)
{
    if (!IS_OK(err)) {
        fprintf(stderr, "%s\n", err.what);
        exit(1);
    }
}

static void must_sql(int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE) {
        fprintf(stderr, "%s\n", sqlite3_errstr(result));
        exit(1);
    }
}

static double seconds(void)
{
    struct env *env = env_real();
    return (double)env->monotonic_ns(env) / 1e9;
}

static void path_of(char path[static 128], const char *name)
{
    (void)snprintf(path, 128, "%s/%s", folder, name); /* it fits */
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
    (void)status; /* nftw's signature */
    (void)flag;
    (void)where;
    return remove(path);
}

/* --- The events ------------------------------------------------------------------------------- */

static unsigned account_of(unsigned index)
{
    return index * 2654435761u % ACCOUNTS;
}

static const char note[] = "a note that makes the event as long as events often are, which is some "
                           "two hundred bytes with the names of its members";

static void append_batch(struct ever *store, unsigned first)
{
    static char streams[PER_TRANSACTION][32];
    static char data[PER_TRANSACTION][256];
    static struct ever_new_event events[PER_TRANSACTION];
    static struct ever_write writes[PER_TRANSACTION];
    for (unsigned i = 0; i < PER_TRANSACTION; i++) {
        (void)snprintf(streams[i], sizeof streams[i], "account-%u", account_of(first + i));
        (void)snprintf(data[i], sizeof data[i],
                       "{\"currency\":\"EUR\",\"amount\":%u,\"note\":\"%s\"}", first + i, note);
        events[i] = (struct ever_new_event){.type = SLICE_LITERAL("Deposited"),
                                            .data = slice_of_text(data[i])};
        writes[i] = (struct ever_write){
            .stream = slice_of_text(streams[i]), .events = &events[i], .event_count = 1};
    }
    struct ever_result result;
    must(ever_append(store, writes, PER_TRANSACTION, &result, NULL));
}

/* --- By hand ---------------------------------------------------------------------------------- */

struct hand {
    sqlite3 *database;
    sqlite3_stmt *upsert;
    sqlite3_stmt *save;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    unsigned events; /* in the running transaction */
};

static void open_hand(struct hand *hand, const char *name)
{
    char path[128];
    path_of(path, name);
    *hand = (struct hand){0};
    must_sql(sqlite3_open(path, &hand->database));
    must_sql(sqlite3_exec(hand->database, table_by_hand, NULL, NULL, NULL));
    must_sql(sqlite3_prepare_v2(hand->database, upsert, -1, &hand->upsert, NULL));
    must_sql(sqlite3_prepare_v2(hand->database, "update checkpoint set position = ?1", -1,
                                &hand->save, NULL));
    must_sql(sqlite3_prepare_v2(hand->database, "begin immediate", -1, &hand->begin, NULL));
    must_sql(sqlite3_prepare_v2(hand->database, "commit", -1, &hand->commit, NULL));
}

static void run(sqlite3_stmt *statement)
{
    must_sql(sqlite3_step(statement));
    must_sql(sqlite3_reset(statement));
}

static void end_transaction(struct hand *hand, uint64_t position)
{
    must_sql(sqlite3_bind_int64(hand->save, 1, (sqlite3_int64)position));
    run(hand->save);
    run(hand->commit);
    hand->events = 0;
}

static void apply(struct hand *hand, uint64_t position, struct ever_slice id, int64_t amount,
                  struct ever_slice text)
{
    if (hand->events == 0) {
        run(hand->begin);
    }
    must_sql(sqlite3_bind_text(hand->upsert, 1, id.data, (int)id.size, SQLITE_STATIC));
    must_sql(sqlite3_bind_int64(hand->upsert, 2, amount));
    must_sql(sqlite3_bind_text(hand->upsert, 3, text.data, (int)text.size, SQLITE_STATIC));
    run(hand->upsert);
    if (++hand->events == PER_TRANSACTION) {
        end_transaction(hand, position);
    }
}

static int64_t close_hand(struct hand *hand)
{
    sqlite3_stmt *total;
    must_sql(
        sqlite3_prepare_v2(hand->database, "select sum(balance) from account", -1, &total, NULL));
    ASSERT(sqlite3_step(total) == SQLITE_ROW);
    int64_t sum = sqlite3_column_int64(total, 0);
    sqlite3_stmt *const all[] = {total, hand->upsert, hand->save, hand->begin, hand->commit};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        must_sql(sqlite3_finalize(all[i]));
    }
    must_sql(sqlite3_close(hand->database));
    return sum;
}

static void apply_event(struct hand *hand, const struct ever_event *event, struct arena *arena)
{
    arena_reset(arena);
    struct json_value object = json_value_of(event->data);
    struct json_value amount;
    struct json_value text;
    int64_t number;
    ASSERT(json_member(object, SLICE_LITERAL("amount"), &amount));
    ASSERT(json_member(object, SLICE_LITERAL("note"), &text));
    ASSERT(json_integer(amount, &number));
    size_t dash = slice_find_byte(event->stream, '-');
    apply(hand, event->position, slice_from(event->stream, dash + 1), number,
          json_string(text, arena));
}

static double by_hand(struct ever *store, int64_t *out_sum)
{
    struct hand hand;
    open_hand(&hand, "hand.db");
    struct arena arena;
    arena_init(&arena);
    double begin = seconds();
    struct ever_slice type = SLICE_LITERAL("Deposited");
    struct ever_read read = {.types = &type, .type_count = 1, .from = 1};
    struct ever_cursor *cursor;
    must(ever_cursor_open(store, &read, &cursor));
    for (unsigned i = 0; i < EVENTS; i++) {
        const struct ever_event *event;
        must(ever_next(cursor, &event));
        apply_event(&hand, event, &arena);
    }
    double took = seconds() - begin;
    ever_cursor_close(cursor);
    arena_deinit(&arena);
    *out_sum = close_hand(&hand);
    return took;
}

static double bound(struct ever *store, int64_t *out_sum)
{
    (void)store; /* the signature all ways share */
    static char ids[ACCOUNTS][16];
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%u", i);
    }
    struct hand hand;
    open_hand(&hand, "bound.db");
    double begin = seconds();
    for (unsigned i = 0; i < EVENTS; i++) {
        apply(&hand, i + 1, slice_of_text(ids[account_of(i)]), i, slice_of_text(note));
    }
    double took = seconds() - begin;
    *out_sum = close_hand(&hand);
    return took;
}

/* --- The view --------------------------------------------------------------------------------- */

static int64_t total_of(struct views *views)
{
    struct view *view = views_find(views, SLICE_LITERAL("balances"));
    struct view_limits limits = {0};
    struct text rows = {0};
    struct text report = {0};
    uint64_t position;
    must(view_query(view, view_query_at(view, 0), NULL, 0, &limits, &rows, &position, &report));
    ASSERT(position == EVENTS);
    int64_t sum = strtoll(rows.data + strlen("[{\"total\":"), NULL, 10);
    text_deinit(&rows);
    return sum;
}

static double by_view(struct ever *store, int64_t *out_sum)
{
    char path[] = "views/balances.sql";
    char name[] = "balances";
    struct app_file file = {
        .kind = APP_VIEW, .path = path, .name = name, .content = slice_of_text(view_file)};
    struct app app = {.files = &file, .file_count = 1};
    char dir[128];
    path_of(dir, "views");
    struct text report = {0};
    struct views *views;
    must(views_open(store, &app, dir, NULL, 0, &report, &views));
    double begin = seconds();
    must(views_run_to_end(views));
    double took = seconds() - begin;
    *out_sum = total_of(views);
    views_close(views);
    return took;
}

/* --- In turn ---------------------------------------------------------------------------------- */

static const struct way {
    const char *name;
    double (*run)(struct ever *store, int64_t *out_sum);
} ways[] = {{"view", by_view}, {"hand", by_hand}, {"bound", bound}};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* Everything but the store. */
static void remove_databases(void)
{
    static const char *const names[] = {"views", "hand.db", "bound.db"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        path_of(path, names[i]);
        (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* it may not be there yet */
    }
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print(double took[WAYS][ROUNDS])
{
    for (int i = 0; i < WAYS; i++) {
        double ratio[ROUNDS];
        double best = took[i][0];
        for (int round = 0; round < ROUNDS; round++) {
            ratio[round] = took[i][round] / took[0][round];
            best = took[i][round] < best ? took[i][round] : best;
        }
        qsort(ratio, ROUNDS, sizeof ratio[0], compare);
        printf("%-6s %9.0f events/s", ways[i].name, EVENTS / best);
        if (i > 0) {
            printf("   view / %s = %.2f (half of the rounds: %.2f to %.2f)", ways[i].name,
                   ratio[ROUNDS / 2], ratio[ROUNDS / 4], ratio[ROUNDS - 1 - ROUNDS / 4]);
        }
        printf("\n");
    }
}

int main(void)
{
    strcpy(folder, "/tmp/everfold-bench-XXXXXX");
    ASSERT(mkdtemp(folder) != NULL);
    char path[128];
    path_of(path, "store");
    struct ever *store;
    must(ever_open(path, NULL, &store));
    for (unsigned i = 0; i < EVENTS; i += PER_TRANSACTION) {
        append_batch(store, i);
    }
    double took[WAYS][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int turn = 0; turn < WAYS; turn++) {
            int i = (round + turn) % WAYS;
            int64_t sum;
            remove_databases();
            took[i][round] = ways[i].run(store, &sum);
            ASSERT(sum == (int64_t)EVENTS * (EVENTS - 1) / 2); /* all did the same */
        }
    }
    print(took);
    ever_close(store);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
