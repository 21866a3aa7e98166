/* Catches: a command decided on a wrong state, appended twice or not at all, answered twice or
 * never; a repeat that is decided again; a rejection that is not recorded; user code that hangs,
 * dies, throws or returns nonsense and harms more than its own command. */
#include "unit/unit.h"

#include "base/uuid.h"
#include "domain/decider/deciders_priv.h"
#include "unit/domain/script_app.h"

#include <ftw.h>
#include <signal.h>
#include <unistd.h>

static const char account[] =
    "import { check } from '../lib/check.js';\n"
    "export const initial = () => ({ open: false, balance: 0 });\n"
    "export const decide = {\n"
    "  Open(state, { owner }, ctx) {\n"
    "    if (state.open) ctx.reject('already-open', 'It is open.', { owner: state.owner });\n"
    "    return [{ type: 'Opened', data: { owner }, tags: ['owner:' + owner] }];\n"
    "  },\n"
    "  Deposit(state, { amount }) { check(amount); return { type: 'Deposited', data: { amount } }; "
    "},\n"
    "  Two() { return [{ type: 'Deposited', data: { amount: 1 } }, { type: 'Unknown' }]; },\n"
    "  Withdraw(state, { amount }, { reject }) {\n"
    "    if (amount > state.balance) reject('short', 'Too little.', { balance: state.balance });\n"
    "    return [{ type: 'Deposited', data: { amount: -amount } }];\n"
    "  },\n"
    "  Swallow(state, data, ctx) {\n"
    "    try { ctx.reject('no', 'No.'); } catch {}\n"
    "    return [{ type: 'Deposited', data: { amount: 1 } }];\n"
    "  },\n"
    "  Nothing() { return []; },\n"
    "  Random(state, data, ctx) {\n"
    "    return { type: 'Drawn', data: { uuid: ctx.uuid(), number: ctx.random(), now: ctx.now,\n"
    "      id: ctx.id, stream: ctx.stream, revision: ctx.revision, command: ctx.command },\n"
    "      metadata: { mine: 1 } };\n"
    "  },\n"
    "  Grow(state, { size }) { return { type: 'Grown', data: { size } }; },\n"
    "  Spoil(state) { state.balance = 1000000; state.list = [1]; return []; },\n"
    "  Forever() { for (;;) {} },\n"
    "  Regex() { /^(a+)+$/.test('a'.repeat(60) + 'b'); return []; },\n"
    "  Hog() { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); },\n"
    "  Nonsense(state, { kind }) { return nonsense[kind](); },\n"
    "};\n"
    "const nonsense = {\n"
    "  undefined: () => undefined, null: () => null, number: () => 1, text: () => 'x',\n"
    "  noType: () => [{ data: {} }], typeNumber: () => [{ type: 1 }],\n"
    "  emptyType: () => [{ type: '' }], dollar: () => [{ type: '$Secret' }],\n"
    "  control: () => [{ type: 'a\\nb' }], longType: () => [{ type: 'x'.repeat(257) }],\n"
    "  payload: () => [{ type: 'A', payload: 1 }], nan: () => [{ type: 'A', data: { n: NaN } }],\n"
    "  fn: () => [{ type: 'A', data: { f() {} } }], date: () => [{ type: 'A', data: new Date(0) "
    "}],\n"
    "  cycle: () => { const a = {}; a.a = a; return [{ type: 'A', data: a }]; },\n"
    "  deep: () => { let a = 1; for (let i = 0; i < 62; i++) a = [a]; return [{ type: 'A', data: a "
    "}]; },\n"
    "  surrogate: () => [{ type: 'A', data: '\\ud800' }], tags: () => [{ type: 'A', tags: 'x' }],\n"
    "  tag: () => [{ type: 'A', tags: ['x'.repeat(257)] }],\n"
    "  manyTags: () => [{ type: 'A', tags: Array.from({ length: 65 }, (_, i) => '' + i) }],\n"
    "  metadata: () => [{ type: 'A', metadata: { command: 1 } }],\n"
    "  many: () => Array.from({ length: 10001 }, () => ({ type: 'A' })),\n"
    "  big: () => [{ type: 'A', data: 'x'.repeat(5 << 20) }],\n"
    "  evolve: () => [{ type: 'Deposited', data: {} }], throws: () => { throw new Error('on "
    "purpose'); },\n"
    "  throwsText: () => { throw 'text'; }, recursion: () => nonsense.recursion(),\n"
    "  proxy: () => new Proxy([], { get() { throw new Error('trap'); } }),\n"
    "  mutate: () => { globalThis.x = 1; }, clock: () => Date.now(), promise: () => "
    "Promise.resolve([]),\n"
    "};\n"
    "export const evolve = {\n"
    "  Grown(state, event) { return new Array(event.data.size).fill(1.5); },\n"
    "  Opened(state, event) { return { ...state, open: true, owner: event.data.owner }; },\n"
    "  Deposited(state, event) { return { ...state, balance: state.balance + event.data.amount }; "
    "},\n"
    "};\n";

static const char check[] = "export function check(amount) {\n"
                            "  if (typeof amount !== 'number') throw new Error('amount?');\n"
                            "}\n";

struct fixture {
    uv_loop_t loop;
    char dir[32];
    struct app app;
    struct ever *store;
    struct deciders *deciders;
    struct decider_options options;
    const struct decider_info *account;
    unsigned answers;
    uint64_t commands; /* numbers their ids */
};

static void open_deciders(struct fixture *fixture)
{
    struct text report = {0};
    struct ever_err err = deciders_open(&fixture->loop, fixture->store, &fixture->app,
                                        &fixture->options, &report, &fixture->deciders);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
    fixture->account = deciders_find(fixture->deciders, SLICE_LITERAL("account"));
    assert_non_null(fixture->account);
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(sizeof *fixture);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    (void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/everfold-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    assert_ok(ever_open(fixture->dir, NULL, &fixture->store));
    static const struct script_source files[] = {
        {APP_DECIDER, "deciders/account.js", account},
        {APP_MODULE, "lib/check.js", check},
        {APP_ROUTES, "routes.js", "export default { 'GET /x': { decider: 'account' } };"},
    };
    fixture->app = script_app(files, 3);
    fixture->options = (struct decider_options){
        .worker_path = script_worker_path(), .time_limit_ms = 500, .grace_ms = 300};
    *state = fixture;
    return 0;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_deciders(struct fixture *fixture)
{
    bool closed = false;
    deciders_close(fixture->deciders, note_closed, &closed);
    fixture->deciders = NULL;
    while (!closed) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info; /* nftw's signature */
    (void)kind;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->deciders != NULL) {
        close_deciders(fixture);
    }
    while (uv_run(&fixture->loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    ever_close(fixture->store);
    script_app_deinit(&fixture->app);
    assert_int_equal(nftw(fixture->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

/* --- Commands -------------------------------------------------------------------------------- */

struct call {
    struct fixture *fixture;
    struct decider_command command;
    struct decider_answer answer;
    struct text code;
    struct text message;
    struct text details;
    unsigned answers;
    char id[24];
    char data[96];
};

static void on_done(void *arg, const struct decider_answer *answer)
{
    struct call *call = arg;
    call->answer = *answer;
    call->answers++;
    call->fixture->answers++;
    text_add(&call->code, answer->code);
    text_add(&call->message, answer->message);
    text_add(&call->details, answer->details);
}

static void call_deinit(struct call *call)
{
    text_deinit(&call->code);
    text_deinit(&call->message);
    text_deinit(&call->details);
    *call = (struct call){0};
}

static struct ever_uuid numbered_id(uint64_t number)
{
    struct ever_uuid id = {.bytes = {0xee}};
    for (int i = 0; i < 8; i++) {
        id.bytes[6 + i] = (uint8_t)(number >> (56 - 8 * i));
    }
    return id;
}

static void prepare(struct fixture *fixture, struct call *call, const char *id, const char *name,
                    const char *data)
{
    *call = (struct call){.fixture = fixture};
    (void)snprintf(call->id, sizeof call->id, "%s", id);
    (void)snprintf(call->data, sizeof call->data, "%s", data);
    call->command = (struct decider_command){.decider = fixture->account,
                                             .id = slice_of_text(call->id),
                                             .name = slice_of_text(name),
                                             .data = slice_of_text(call->data),
                                             .command_id = numbered_id(++fixture->commands)};
}

static void submit(struct call *call)
{
    assert_ok(decider_submit(call->fixture->deciders, &call->command, on_done, call));
    assert_int_equal(call->answers, 0); /* never from inside the call */
}

static void run_until(struct fixture *fixture, unsigned answers)
{
    while (fixture->answers < answers) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

/* The call's answer; the caller deinits it. */
static struct call *give(struct fixture *fixture, struct call *call, const char *id,
                         const char *name, const char *data)
{
    prepare(fixture, call, id, name, data);
    submit(call);
    run_until(fixture, fixture->answers + 1);
    assert_int_equal(call->answers, 1);
    return call;
}

static void expect(struct fixture *fixture, const char *id, const char *name, const char *data,
                   enum decider_outcome want)
{
    struct call call;
    give(fixture, &call, id, name, data);
    if (call.answer.outcome != want) {
        fail_msg("%s %s: outcome %d, want %d: %s", name, data, (int)call.answer.outcome, (int)want,
                 call.message.data == NULL ? "" : call.message.data);
    }
    call_deinit(&call);
}

/* --- States ---------------------------------------------------------------------------------- */

struct shown {
    bool done;
    struct decider_state state;
    struct text json;
    struct text message;
};

static void on_shown(void *arg, const struct decider_state *state)
{
    struct shown *shown = arg;
    shown->done = true;
    shown->state = *state;
    text_clear(&shown->json);
    text_add(&shown->json, state->state);
    text_add(&shown->message, state->message);
}

static void show(struct fixture *fixture, const char *id, uint64_t at, struct shown *out)
{
    *out = (struct shown){0};
    assert_ok(
        decider_fold(fixture->deciders, fixture->account, slice_of_text(id), at, on_shown, out));
    assert_false(out->done);
    while (!out->done) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

static void assert_state(struct fixture *fixture, const char *id, uint64_t at, int64_t revision,
                         const char *want)
{
    struct shown shown;
    show(fixture, id, at, &shown);
    assert_ok(shown.state.err);
    assert_slice(text_slice(&shown.json), want);
    assert_int_equal(shown.state.revision, revision);
    text_deinit(&shown.json);
    text_deinit(&shown.message);
}

/* --- Events ---------------------------------------------------------------------------------- */

/* Somebody else appends to the stream, without a condition. */
static void append_deposit(struct fixture *fixture, const char *stream, unsigned count)
{
    struct ever_new_event events[1000] = {0};
    assert_true(count <= 1000);
    for (unsigned i = 0; i < count; i++) {
        events[i] = (struct ever_new_event){.id = uuid_v4(env_real()),
                                            .type = SLICE_LITERAL("Deposited"),
                                            .data = SLICE_LITERAL("{\"amount\":1}")};
    }
    struct ever_write write = {
        .stream = slice_of_text(stream), .events = events, .event_count = count};
    struct ever_result result;
    assert_ok(ever_append(fixture->store, &write, 1, &result, NULL));
    assert_int_equal(result.outcome, EVER_APPENDED);
}

static const struct ever_event *event_at(struct fixture *fixture, uint64_t position,
                                         struct ever_cursor **out_cursor)
{
    struct ever_read read = {.from = position};
    const struct ever_event *event;
    assert_ok(ever_cursor_open(fixture->store, &read, out_cursor));
    assert_ok(ever_next(*out_cursor, &event));
    assert_int_equal(event->position, position);
    return event;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void knows_what_was_loaded(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    assert_int_equal(deciders_count(fixture->deciders), 1);
    assert_ptr_equal(deciders_at(fixture->deciders, 0), fixture->account);
    assert_null(deciders_find(fixture->deciders, SLICE_LITERAL("nobody")));
    assert_string_equal(fixture->account->commands[1], "Deposit");
    assert_int_equal(fixture->account->event_type_count, 3);
    assert_int_equal(strlen(fixture->account->version), 32);
    assert_slice(deciders_routes(fixture->deciders), "{\"GET /x\":{\"decider\":\"account\"}}");
}

static void events_carry_the_command(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call call;
    give(fixture, &call, "alice", "Open", "{ \"owner\" : \"Al\" }");
    assert_int_equal(call.answer.outcome, DECIDER_ACCEPTED);
    assert_int_equal(call.answer.event_count, 1);
    assert_int_equal(call.answer.revision, 0);
    assert_false(call.answer.repeated);
    struct ever_cursor *cursor;
    const struct ever_event *event = event_at(fixture, call.answer.first_position, &cursor);
    assert_slice(event->stream, "account-alice");
    assert_slice(event->type, "Opened");
    assert_slice(event->data, "{\"owner\":\"Al\"}");
    assert_int_equal(event->tag_count, 1);
    assert_slice(event->tags[0], "owner:Al");
    assert_int_equal(event->id.bytes[15], 1);
    assert_true(slice_starts_with(
        event->metadata,
        SLICE_LITERAL(
            "{\"command\":{\"id\":\"ee000000-0000-0000-0000-000000010000\",\"name\":\"Open\","
            "\"data\":{ \"owner\" : \"Al\" },\"now\":\"2")));
    ever_cursor_close(cursor);
    call_deinit(&call);
    give(fixture, &call, "alice", "Two", "{}");
    assert_int_equal(call.answer.event_count, 2);
    assert_int_equal(call.answer.last_position, call.answer.first_position + 1);
    event = event_at(fixture, call.answer.last_position, &cursor);
    assert_slice(event->data, "{}");
    assert_slice(event->metadata,
                 "{\"command\":{\"id\":\"ee000000-0000-0000-0000-000000020000\"}}");
    ever_cursor_close(cursor);
    call_deinit(&call);
    assert_state(fixture, "alice", UINT64_MAX, 2, "{\"open\":true,\"balance\":1,\"owner\":\"Al\"}");
}

static void rejections_and_nothing_are_recorded(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call call;
    give(fixture, &call, "a", "Withdraw", "{\"amount\":3}");
    assert_int_equal(call.answer.outcome, DECIDER_REJECTED);
    assert_slice(text_slice(&call.code), "short");
    assert_slice(text_slice(&call.message), "Too little.");
    assert_slice(text_slice(&call.details), "{\"balance\":0}");
    assert_int_equal(call.answer.revision, EVER_NO_REVISION);
    struct ever_cursor *cursor;
    const struct ever_event *event = event_at(fixture, call.answer.first_position, &cursor);
    assert_slice(event->stream, "$command-ee000000-0000-0000-0000-000000010000");
    assert_slice(event->type, "$Rejected");
    assert_slice(event->data, "{\"stream\":\"account-a\",\"revision\":null,\"code\":\"short\","
                              "\"message\":\"Too little.\",\"details\":{\"balance\":0}}");
    ever_cursor_close(cursor);
    call_deinit(&call);
    expect(fixture, "a", "Swallow", "{}", DECIDER_REJECTED);
    give(fixture, &call, "a", "Nothing", "{}");
    assert_int_equal(call.answer.outcome, DECIDER_ACCEPTED);
    assert_int_equal(call.answer.event_count, 0);
    event = event_at(fixture, call.answer.first_position, &cursor);
    assert_slice(event->type, "$Nothing");
    ever_cursor_close(cursor);
    call_deinit(&call);
    assert_state(fixture, "a", UINT64_MAX, -1, "{\"open\":false,\"balance\":0}");
}

static void randomness_is_recorded(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call call;
    give(fixture, &call, "a", "Random", "{}");
    struct ever_cursor *cursor;
    const struct ever_event *event = event_at(fixture, call.answer.first_position, &cursor);
    struct json_value metadata = json_value_of(event->metadata);
    struct json_value command;
    struct json_value seed;
    struct json_value mine;
    assert_true(json_member(metadata, SLICE_LITERAL("command"), &command));
    assert_true(json_member(command, SLICE_LITERAL("seed"), &seed));
    assert_int_equal(seed.text.size, 34);
    assert_true(json_member(metadata, SLICE_LITERAL("mine"), &mine));
    struct json_value uuid;
    struct ever_uuid parsed;
    assert_true(json_member(json_value_of(event->data), SLICE_LITERAL("uuid"), &uuid));
    assert_true(uuid_parse(slice_of(uuid.text.data + 1, uuid.text.size - 2), &parsed));
    assert_int_equal(parsed.bytes[6] >> 4, 4);
    ever_cursor_close(cursor);
    call_deinit(&call);
}

static void repeats_are_answered_as_before(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    static const struct {
        const char *name;
        const char *data;
        enum decider_outcome outcome;
    } commands[] = {
        {"Two", "{}", DECIDER_ACCEPTED},
        {"Withdraw", "{\"amount\":99}", DECIDER_REJECTED},
        {"Nothing", "{}", DECIDER_ACCEPTED},
    };
    for (size_t i = 0; i < 3; i++) {
        struct call first;
        struct call again;
        give(fixture, &first, "a", commands[i].name, commands[i].data);
        assert_int_equal(first.answer.outcome, commands[i].outcome);
        uint64_t end = ever_last_position(fixture->store);
        for (int may = 0; may < 2;
             may++) { /* known to be a repeat or not: the answer is the same */
            prepare(fixture, &again, "a", commands[i].name, commands[i].data);
            again.command.command_id = first.command.command_id;
            again.command.may_be_repeat = may == 1;
            submit(&again);
            run_until(fixture, fixture->answers + 1);
            assert_true(again.answer.repeated);
            assert_int_equal(again.answer.outcome, first.answer.outcome);
            assert_int_equal(again.answer.first_position, first.answer.first_position);
            assert_int_equal(again.answer.last_position, first.answer.last_position);
            assert_int_equal(again.answer.event_count, first.answer.event_count);
            assert_int_equal(again.answer.revision, first.answer.revision);
            assert_slice(text_slice(&again.code), first.code.data == NULL ? "" : first.code.data);
            assert_slice(text_slice(&again.details),
                         first.details.data == NULL ? "" : first.details.data);
            call_deinit(&again);
        }
        const char *const others[][3] = {{"b", commands[i].name, commands[i].data},
                                         {"a", "Swallow", commands[i].data},
                                         {"a", commands[i].name, "{\"amount\": 98}"}};
        for (size_t k = 0; k < 3; k++) {
            prepare(fixture, &again, others[k][0], others[k][1], others[k][2]);
            again.command.command_id = first.command.command_id;
            again.command.may_be_repeat = true;
            submit(&again);
            run_until(fixture, fixture->answers + 1);
            assert_int_equal(again.answer.outcome, DECIDER_OTHER);
            call_deinit(&again);
        }
        assert_int_equal(ever_last_position(fixture->store), end);
        call_deinit(&first);
    }
    expect(fixture, "a", "Deposit", "{\"amount\":5}", DECIDER_ACCEPTED);
    assert_state(fixture, "a", UINT64_MAX, 2, "{\"open\":false,\"balance\":6}");
}

static void finds_commands_in_the_log(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call call;
    struct arena arena;
    arena_init(&arena);
    struct decider_record record;
    give(fixture, &call, "a", "Withdraw", "{\"amount\":7}");
    assert_ok(decider_find_command(fixture->store, call.command.command_id, &arena, &record));
    assert_slice(record.stream, "account-a");
    assert_slice(record.name, "Withdraw");
    assert_slice(record.data, "{\"amount\":7}");
    assert_int_equal(record.answer.outcome, DECIDER_REJECTED);
    assert_slice(record.answer.code, "short");
    assert_slice(record.answer.details, "{\"balance\":0}");
    assert_err(decider_find_command(fixture->store, numbered_id(4711), &arena, &record),
               EVER_NOT_FOUND);
    call_deinit(&call);
    arena_deinit(&arena);
}

static void conditions_are_kept(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    static const struct {
        enum ever_expect expect;
        uint64_t revision;
        enum decider_outcome want;
    } steps[] = {
        {EVER_EXISTS, 0, DECIDER_CONFLICT},    {EVER_EXACT, 0, DECIDER_CONFLICT},
        {EVER_NO_STREAM, 0, DECIDER_ACCEPTED}, {EVER_NO_STREAM, 0, DECIDER_CONFLICT},
        {EVER_EXACT, 0, DECIDER_ACCEPTED},     {EVER_EXACT, 0, DECIDER_CONFLICT},
        {EVER_EXISTS, 0, DECIDER_ACCEPTED},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct call call;
        prepare(fixture, &call, "a", "Deposit", "{\"amount\":1}");
        call.command.expect = steps[i].expect;
        call.command.revision = steps[i].revision;
        submit(&call);
        run_until(fixture, fixture->answers + 1);
        assert_int_equal(call.answer.outcome, steps[i].want);
        call_deinit(&call);
    }
    assert_state(fixture, "a", UINT64_MAX, 2, "{\"open\":false,\"balance\":3}");
}

static void nonsense_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    static const struct {
        const char *kind;
        const char *message;
    } kinds[] = {
        {"undefined", "deciders/account.js: TypeError: decide.Nonsense returned undefined: it "
                      "returns an array of events, [] when nothing happens"},
        {"null", NULL},
        {"number", NULL},
        {"text", NULL},
        {"noType", NULL},
        {"typeNumber", NULL},
        {"emptyType",
         "deciders/account: event 1 of decide.Nonsense has a type that is not 1 to 256 "
         "bytes long without control characters"},
        {"dollar", "deciders/account: event 1 of decide.Nonsense has a type that begins with $: "
                   "these are ours"},
        {"control", NULL},
        {"longType", NULL},
        {"payload", NULL},
        {"nan", "deciders/account.js: TypeError: what decide.Nonsense returned[0].data.n is NaN, "
                "which JSON cannot hold"},
        {"fn", NULL},
        {"date", "deciders/account.js: TypeError: what decide.Nonsense returned[0].data is a Date: "
                 "only plain objects, arrays, texts, numbers, true, false and null can be kept"},
        {"cycle", NULL},
        {"deep", NULL},
        {"surrogate", "deciders/account: what was returned cannot be kept as JSON: lone surrogate"},
        {"tags", NULL},
        {"tag", NULL},
        {"manyTags", NULL},
        {"metadata", NULL},
        {"many", NULL},
        {"big",
         "deciders/account: what decide.Nonsense returned is too large: an event has at "
         "most 4 MiB with the command's data beside its own, all events of a command 16 MiB"},
        {"evolve", "deciders/account.js: TypeError: state.balance is NaN, which JSON cannot hold "
                   "(evolve.Deposited, event 0 of account-a)"},
        {"throws", "deciders/account.js:46: on purpose"},
        {"throwsText", "deciders/account.js: threw text"},
        {"recursion", NULL},
        {"proxy", NULL},
        {"mutate", NULL},
        {"clock", "deciders/account.js:49: the clock is closed: use ctx.now, the time of the "
                  "command"},
        {"promise", NULL},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char data[64];
        (void)snprintf(data, sizeof data, "{\"kind\":\"%s\"}", kinds[i].kind);
        struct call call;
        give(fixture, &call, "a", "Nonsense", data);
        if (call.answer.outcome != DECIDER_THREW) {
            fail_msg("%s: outcome %d", kinds[i].kind, (int)call.answer.outcome);
        }
        assert_true(
            slice_starts_with(text_slice(&call.message), SLICE_LITERAL("deciders/account")));
        if (kinds[i].message != NULL) {
            assert_slice(text_slice(&call.message), kinds[i].message);
        }
        call_deinit(&call);
    }
    assert_int_equal(ever_last_position(fixture->store), 0);
    expect(fixture, "a", "Deposit", "{\"amount\":2}", DECIDER_ACCEPTED);
    assert_state(fixture, "a", UINT64_MAX, 0, "{\"open\":false,\"balance\":2}");
    struct decider_stats stats;
    deciders_stats(fixture->deciders, &stats);
    assert_int_equal(stats.workers_replaced, 0);
}

static void no_call_sees_what_another_did_to_its_state(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    expect(fixture, "a", "Deposit", "{\"amount\":2}", DECIDER_ACCEPTED);
    expect(fixture, "a", "Spoil", "{}", DECIDER_ACCEPTED);
    expect(fixture, "a", "Withdraw", "{\"amount\":3}", DECIDER_REJECTED);
    assert_state(fixture, "a", UINT64_MAX, 0, "{\"open\":false,\"balance\":2}");
    assert_state(fixture, "b", UINT64_MAX, -1, "{\"open\":false,\"balance\":0}");
}

static void data_that_cannot_be_recorded_is_refused(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct text data = {0};
    for (int levels = JSON_DEPTH_MAX - 2; levels <= JSON_DEPTH_MAX; levels += 2) {
        text_clear(&data);
        for (int i = 0; i < levels; i++) {
            text_add_byte(&data, '[');
        }
        for (int i = 0; i < levels; i++) {
            text_add_byte(&data, ']');
        }
        struct call call;
        prepare(fixture, &call, "a", "Two", "");
        call.command.data = text_slice(&data);
        submit(&call);
        run_until(fixture, fixture->answers + 1);
        assert_int_equal(call.answer.outcome,
                         levels < JSON_DEPTH_MAX ? DECIDER_ACCEPTED : DECIDER_THREW);
        call_deinit(&call);
    }
    assert_state(fixture, "a", UINT64_MAX, 1, "{\"open\":false,\"balance\":1}");
    text_deinit(&data);
}

static void errors_name_the_imported_file(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call call;
    give(fixture, &call, "a", "Deposit", "{\"amount\":\"1\"}");
    assert_int_equal(call.answer.outcome, DECIDER_THREW);
    assert_slice(text_slice(&call.message), "lib/check.js:2: amount?");
    call_deinit(&call);
    expect(fixture, "a", "Deposti", "{}", DECIDER_UNKNOWN_COMMAND);
}

/* A bad command in the midst of good ones, for one stream and for others. */
static void bad_among_good(struct fixture *fixture, const char *name, enum decider_outcome want)
{
    struct call calls[30];
    for (unsigned i = 0; i < 30; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%u", i % 3);
        prepare(fixture, &calls[i], id, i == 10 ? name : "Deposit", "{\"amount\":1}");
        submit(&calls[i]);
    }
    run_until(fixture, fixture->answers + 30);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(calls[i].answers, 1);
        assert_int_equal(calls[i].answer.outcome, i == 10 ? want : DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
}

static void survives_what_hangs_or_dies(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.memory_limit_mb = 150;
    open_deciders(fixture);
    bad_among_good(fixture, "Forever", DECIDER_TIME_LIMIT);
    bad_among_good(fixture, "Regex", DECIDER_TIME_LIMIT);
    assert_state(fixture, "0", UINT64_MAX, 19, "{\"open\":false,\"balance\":20}");
    assert_state(fixture, "1", UINT64_MAX, 17, "{\"open\":false,\"balance\":18}");
}

static void survives_what_eats_memory(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.memory_limit_mb = 150;
    fixture->options.time_limit_ms = 60000;
    open_deciders(fixture);
    bad_among_good(fixture, "Hog", DECIDER_MEMORY_LIMIT);
    assert_state(fixture, "0", UINT64_MAX, 9, "{\"open\":false,\"balance\":10}");
}

/* Half a GB of states in 200 MB: no command is blamed for what the others have left. */
static void states_are_dropped_before_memory_runs_out(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.memory_limit_mb = 200;
    open_deciders(fixture);
    enum { STREAMS = 3000 };
    static struct call calls[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%u", i);
        prepare(fixture, &calls[i], id, "Grow", "{\"size\":20000}");
        submit(&calls[i]);
    }
    run_until(fixture, STREAMS);
    for (unsigned i = 0; i < STREAMS; i++) {
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
    expect(fixture, "0", "Nothing", "{}", DECIDER_ACCEPTED);
}

static void a_killed_worker_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.worker_count = 2;
    open_deciders(fixture);
    static struct call calls[600];
    for (unsigned i = 0; i < 600; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%u", i % 60);
        prepare(fixture, &calls[i], id, "Deposit", "{\"amount\":1}");
        submit(&calls[i]);
    }
    for (unsigned kills = 0; fixture->answers < 600;) {
        if (fixture->answers >= kills * 150) {
            int pid = script_pool_pid(fixture->deciders->pool, kills % 2);
            kills += pid != 0 && kill(pid, SIGKILL) == 0;
        }
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    struct decider_stats stats;
    deciders_stats(fixture->deciders, &stats);
    assert_true(stats.workers_replaced >= 2);
    for (unsigned i = 0; i < 600; i++) {
        assert_int_equal(calls[i].answers, 1);
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
    for (unsigned i = 0; i < 60; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%u", i);
        assert_state(fixture, id, UINT64_MAX, 9, "{\"open\":false,\"balance\":10}");
    }
}

/* The decision of a withdrawal must see every deposit of others, however they come between. */
static void conflicts_are_decided_on_the_newer_state(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    static struct call calls[200];
    unsigned others = 0;
    for (unsigned i = 0; i < 200; i++) {
        prepare(fixture, &calls[i], "a", i % 2 == 0 ? "Deposit" : "Withdraw", "{\"amount\":1}");
        submit(&calls[i]);
    }
    while (fixture->answers < 200) {
        if (others <= fixture->answers * 2) { /* each command is overtaken once or twice */
            append_deposit(fixture, "account-a", 1);
            others++;
        }
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    struct decider_stats stats;
    deciders_stats(fixture->deciders, &stats);
    assert_true(stats.retried > 0);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
    char want[64];
    (void)snprintf(want, sizeof want, "{\"open\":false,\"balance\":%u}", others);
    assert_state(fixture, "a", UINT64_MAX, 199 + (int64_t)others, want);
}

static void folds_long_streams_in_pieces(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.states_max = 1; /* whoever is not at work is forgotten */
    open_deciders(fixture);
    for (int i = 0; i < 5; i++) {
        append_deposit(fixture, "account-long", 1000);
        append_deposit(fixture, "account-other", 1000);
    }
    struct call calls[4];
    for (unsigned i = 0; i < 4; i++) {
        prepare(fixture, &calls[i], i % 2 == 0 ? "long" : "other", "Withdraw", "{\"amount\":2500}");
        submit(&calls[i]);
    }
    run_until(fixture, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
    assert_state(fixture, "long", UINT64_MAX, 5001, "{\"open\":false,\"balance\":0}");
    assert_state(fixture, "other", UINT64_MAX, 5001, "{\"open\":false,\"balance\":0}");
    assert_state(fixture, "long", 2001, 1000, "{\"open\":false,\"balance\":1001}");
    assert_state(fixture, "long", 2000, 999, "{\"open\":false,\"balance\":1000}");
    assert_state(fixture, "long", 0, -1, "{\"open\":false,\"balance\":0}");
    assert_state(fixture, "other", 1000, -1, "{\"open\":false,\"balance\":0}");
}

static void many_streams_sum_up(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.worker_count = 2;
    open_deciders(fixture);
    enum { STREAMS = 1000, ROUNDS = 5 };
    static struct call calls[STREAMS * ROUNDS];
    for (unsigned i = 0; i < STREAMS * ROUNDS; i++) {
        char id[8];
        char data[32];
        (void)snprintf(id, sizeof id, "%u", i % STREAMS);
        (void)snprintf(data, sizeof data, "{\"amount\":%u}", i / STREAMS + i % STREAMS);
        prepare(fixture, &calls[i], id, "Deposit", data);
        submit(&calls[i]);
    }
    run_until(fixture, STREAMS * ROUNDS);
    for (unsigned i = 0; i < STREAMS * ROUNDS; i++) {
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        assert_int_equal(calls[i].answer.revision, i / STREAMS); /* in the order given */
        call_deinit(&calls[i]);
    }
    for (unsigned i = 0; i < STREAMS; i += 97) {
        char id[8];
        char want[64];
        (void)snprintf(id, sizeof id, "%u", i);
        (void)snprintf(want, sizeof want, "{\"open\":false,\"balance\":%u}", 10 + 5 * i);
        assert_state(fixture, id, UINT64_MAX, ROUNDS - 1, want);
    }
}

static void too_much_at_once_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.waiting_max = 3;
    open_deciders(fixture);
    struct call calls[4];
    for (unsigned i = 0; i < 4; i++) {
        prepare(fixture, &calls[i], "a", "Deposit", "{\"amount\":1}");
    }
    for (unsigned i = 0; i < 3; i++) {
        submit(&calls[i]);
    }
    assert_err(decider_submit(fixture->deciders, &calls[3].command, on_done, &calls[3]), EVER_BUSY);
    run_until(fixture, 3);
    submit(&calls[3]);
    run_until(fixture, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(calls[i].answer.outcome, DECIDER_ACCEPTED);
        call_deinit(&calls[i]);
    }
}

static void closing_answers_everything(void **state)
{
    struct fixture *fixture = *state;
    open_deciders(fixture);
    struct call calls[50];
    for (unsigned i = 0; i < 50; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%u", i % 5);
        prepare(fixture, &calls[i], id, i == 30 ? "Forever" : "Deposit", "{\"amount\":1}");
        submit(&calls[i]);
    }
    run_until(fixture, 10);
    close_deciders(fixture);
    uint64_t accepted = 0;
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(calls[i].answers, 1);
        bool was_accepted = calls[i].answer.outcome == DECIDER_ACCEPTED;
        assert_true(was_accepted || calls[i].answer.outcome == DECIDER_CLOSED);
        accepted += was_accepted;
        call_deinit(&calls[i]);
    }
    assert_int_equal(ever_last_position(fixture->store), accepted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(knows_what_was_loaded),
        TEST(events_carry_the_command),
        TEST(rejections_and_nothing_are_recorded),
        TEST(randomness_is_recorded),
        TEST(repeats_are_answered_as_before),
        TEST(finds_commands_in_the_log),
        TEST(conditions_are_kept),
        TEST(nonsense_harms_nobody),
        TEST(no_call_sees_what_another_did_to_its_state),
        TEST(data_that_cannot_be_recorded_is_refused),
        TEST(errors_name_the_imported_file),
        TEST(survives_what_hangs_or_dies),
        TEST(survives_what_eats_memory),
        TEST(states_are_dropped_before_memory_runs_out),
        TEST(a_killed_worker_loses_nothing),
        TEST(conflicts_are_decided_on_the_newer_state),
        TEST(folds_long_streams_in_pieces),
        TEST(many_streams_sum_up),
        TEST(too_much_at_once_is_refused),
        TEST(closing_answers_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
