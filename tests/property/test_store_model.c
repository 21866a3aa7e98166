/* Catches: any answer of the store that differs from that of a naive one, over random appends with
 * all conditions, repeats and reused ids, reads of every form, followers, and reopening.
 *
 * The model is an array of events and comparisons. `test_store_model SEED` runs one seed. */
#include "unit/store/store_fixture.h"

#include "base/uuid.h"

#define EVENTS_MAX 4096
#define STEPS 1500
#define SEEDS 4
#define WRITES_MAX 3
#define EVENTS_PER_WRITE_MAX 4
#define APPEND_EVENTS_MAX (WRITES_MAX * EVENTS_PER_WRITE_MAX)
#define FOLLOWERS 6
#define IDS 2000u

/* --- Chance ---------------------------------------------------------------------------------- */

static uint64_t chance;

static uint32_t pick(uint32_t count)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 33) % count;
}

static const char *const stream_names[] = {"a-1", "a-2", "ab-1", "a", "b-1", "b-1-2", "c-\xc3\xa9"};
static const char *const type_names[] = {"Opened", "Closed", "Open", "Other"};
static const char *const tag_names[] = {"red", "blue", "re", ""};
#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

/* --- The model ------------------------------------------------------------------------------- */

struct fact { /* an event; all of its content follows from the small numbers */
    uint32_t stream;
    uint32_t type;
    uint32_t data; /* its size, and what it is filled with */
    uint32_t tag_mask;
    bool is_bytes;
    bool continues;
    uint32_t id; /* 0: the store made one */
    int64_t revision;
    int64_t time_ns;
};

static struct fact facts[EVENTS_MAX + 1]; /* by position */
static uint64_t last;

static int64_t model_revision(uint32_t stream, uint64_t up_to)
{
    for (uint64_t p = up_to; p > 0; p--) {
        if (facts[p].stream == stream) {
            return facts[p].revision;
        }
    }
    return EVER_NO_REVISION;
}

static uint64_t model_find(uint32_t id)
{
    for (uint64_t p = 1; p <= last; p++) {
        if (facts[p].id == id) {
            return p;
        }
    }
    return 0;
}

struct attempt { /* an append to be tried */
    uint32_t write_count;
    struct {
        uint32_t stream;
        enum ever_expect expect;
        uint64_t revision;
        uint32_t event_count;
        struct fact events[EVENTS_PER_WRITE_MAX];
    } writes[WRITES_MAX];
};

static bool same_fact(const struct fact *stored, const struct fact *wanted, bool continues)
{
    return stored->stream == wanted->stream && stored->type == wanted->type &&
           stored->data == wanted->data && stored->tag_mask == wanted->tag_mask &&
           stored->is_bytes == wanted->is_bytes && stored->continues == continues &&
           (wanted->id == 0 || wanted->id == stored->id);
}

static bool is_whole_append(const struct attempt *attempt, uint64_t first)
{
    uint64_t position = first;
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        for (uint32_t e = 0; e < attempt->writes[w].event_count; e++, position++) {
            const struct fact *wanted = &attempt->writes[w].events[e];
            if (position < 1 || position > last ||
                !same_fact(&facts[position], wanted, position != first)) {
                return false;
            }
        }
    }
    return position > last || !facts[position].continues;
}

/* True when the ids decide the outcome. */
static bool model_ids(const struct attempt *attempt, struct ever_result *result)
{
    uint32_t seen[APPEND_EVENTS_MAX];
    uint32_t count = 0;
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        for (uint32_t e = 0; e < attempt->writes[w].event_count; e++) {
            uint32_t id = attempt->writes[w].events[e].id;
            uint64_t position = id == 0 ? 0 : model_find(id);
            bool is_twice = false;
            for (uint32_t i = 0; i < count; i++) {
                is_twice |= id != 0 && seen[i] == id;
            }
            if (position > 0 || is_twice) {
                bool same = position > count && is_whole_append(attempt, position - count);
                *result = (struct ever_result){
                    .outcome = same ? EVER_REPEATED : EVER_ID_REUSED,
                    .write_index = same ? 0 : w,
                    .first_position = same ? position - count : 0,
                };
                return true;
            }
            seen[count++] = id;
        }
    }
    return false;
}

static bool model_conditions(const struct attempt *attempt, struct ever_result *result)
{
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        int64_t actual = model_revision(attempt->writes[w].stream, last);
        enum ever_expect expect = attempt->writes[w].expect;
        bool holds = expect == EVER_ANY || (expect == EVER_NO_STREAM && actual < 0) ||
                     (expect == EVER_EXISTS && actual >= 0) ||
                     (expect == EVER_EXACT && actual == (int64_t)attempt->writes[w].revision);
        if (!holds) {
            *result = (struct ever_result){
                .outcome = EVER_CONFLICT, .write_index = w, .revision = actual};
            return false;
        }
    }
    return true;
}

static void model_take(const struct attempt *attempt, int64_t time_ns)
{
    uint64_t first = last + 1;
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        for (uint32_t e = 0; e < attempt->writes[w].event_count; e++) {
            struct fact fact = attempt->writes[w].events[e];
            fact.revision = model_revision(fact.stream, last) + 1;
            fact.continues = last + 1 != first;
            fact.time_ns = time_ns;
            assert_true(last < EVENTS_MAX);
            facts[++last] = fact;
        }
    }
}

static uint32_t events_of(const struct attempt *attempt)
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        count += attempt->writes[w].event_count;
    }
    return count;
}

static struct ever_result model_append(const struct attempt *attempt, int64_t time_ns)
{
    struct ever_result result = {0};
    if (model_ids(attempt, &result)) {
        if (result.outcome == EVER_ID_REUSED) {
            return result;
        }
    } else if (!model_conditions(attempt, &result)) {
        return result;
    } else {
        result.first_position = last + 1;
        model_take(attempt, time_ns);
    }
    result.last_position = result.first_position + events_of(attempt) - 1;
    result.revision = model_revision(attempt->writes[0].stream, result.last_position);
    return result;
}

/* --- Trying it ------------------------------------------------------------------------------- */

struct world {
    struct fixture fixture;
    struct env env;
    int64_t now_ns;
    struct ever_cursor *followers[FOLLOWERS];
    struct ever_read reads[FOLLOWERS];
    uint64_t given[FOLLOWERS]; /* positions that the follower has passed */
    struct attempt earlier[8];
};

static char data_bytes[4096];

static struct ever_slice data_of(uint32_t data)
{
    return slice_of(data_bytes + data % 64, data);
}

static struct ever_uuid model_uuid(uint32_t id)
{
    return id == 0 ? (struct ever_uuid){{0}} : id_of(id);
}

static uint32_t tags_of(uint32_t mask, struct ever_slice out_tags[static 4])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if ((mask >> i & 1) != 0) {
            out_tags[count++] = slice_of_text(tag_names[i]);
        }
    }
    return count;
}

static struct ever_result store_append(struct world *world, const struct attempt *attempt,
                                       int64_t *revisions)
{
    struct ever_write writes[WRITES_MAX];
    struct ever_new_event events[WRITES_MAX][EVENTS_PER_WRITE_MAX];
    struct ever_slice tags[WRITES_MAX][EVENTS_PER_WRITE_MAX][4];
    for (uint32_t w = 0; w < attempt->write_count; w++) {
        for (uint32_t e = 0; e < attempt->writes[w].event_count; e++) {
            const struct fact *fact = &attempt->writes[w].events[e];
            events[w][e] = (struct ever_new_event){
                .id = model_uuid(fact->id),
                .content = fact->is_bytes ? EVER_BYTES : EVER_JSON,
                .type = slice_of_text(type_names[fact->type]),
                .data = data_of(fact->data),
                .metadata = data_of(fact->data % 7),
                .tags = tags[w][e],
                .tag_count = tags_of(fact->tag_mask, tags[w][e]),
            };
        }
        writes[w] = (struct ever_write){
            .stream = slice_of_text(stream_names[attempt->writes[w].stream]),
            .expect = attempt->writes[w].expect,
            .revision = attempt->writes[w].revision,
            .events = events[w],
            .event_count = attempt->writes[w].event_count,
        };
    }
    struct ever_result result;
    assert_ok(ever_append(world->fixture.store, writes, attempt->write_count, &result, revisions));
    return result;
}

static struct fact random_fact(uint32_t stream)
{
    return (struct fact){
        .stream = stream,
        .type = pick(COUNT_OF(type_names)),
        .data = pick(10) == 0 ? pick(3000) : pick(60),
        .tag_mask = pick(3) == 0 ? pick(16) : 0,
        .is_bytes = pick(4) == 0,
        .id = pick(3) == 0 ? 1 + pick(IDS) : 0,
    };
}

static struct attempt random_attempt(const struct world *world)
{
    struct attempt attempt = {.write_count = 1 + (pick(4) == 0 ? pick(WRITES_MAX) : 0)};
    if (pick(5) == 0) { /* again, unchanged or nearly so */
        attempt = world->earlier[pick(8)];
        attempt.writes[0].events[0].data += pick(4) == 0 ? 1u : 0u;
        attempt.writes[0].expect = pick(2) == 0 ? EVER_ANY : attempt.writes[0].expect;
    }
    if (attempt.write_count > 0 && attempt.writes[0].event_count > 0) {
        return attempt;
    }
    attempt.write_count = attempt.write_count == 0 ? 1 : attempt.write_count;
    for (uint32_t w = 0; w < attempt.write_count; w++) {
        uint32_t stream = pick(COUNT_OF(stream_names));
        int64_t revision = model_revision(stream, last);
        attempt.writes[w].stream = stream;
        attempt.writes[w].expect = (enum ever_expect)pick(4);
        attempt.writes[w].revision = (uint64_t)revision + (pick(4) == 0 ? pick(3) - 1 : 0);
        if (revision < 0 && attempt.writes[w].expect == EVER_EXACT) {
            attempt.writes[w].revision = pick(2);
        }
        attempt.writes[w].event_count = 1 + pick(EVENTS_PER_WRITE_MAX);
        for (uint32_t e = 0; e < attempt.writes[w].event_count; e++) {
            attempt.writes[w].events[e] = random_fact(stream);
        }
    }
    return attempt;
}

static void check_append(struct world *world)
{
    world->now_ns += pick(3) == 0 ? 0 : pick(1000);
    struct attempt attempt = random_attempt(world);
    world->earlier[pick(8)] = attempt;
    int64_t revisions[WRITES_MAX];
    struct ever_result got = store_append(world, &attempt, revisions);
    struct ever_result want = model_append(&attempt, world->now_ns);
    assert_int_equal(got.outcome, want.outcome);
    assert_int_equal(got.write_index, want.write_index);
    assert_int_equal(got.first_position, want.first_position);
    assert_int_equal(got.last_position, want.last_position);
    assert_int_equal(got.revision, want.revision);
    bool has_revisions = got.outcome == EVER_APPENDED || got.outcome == EVER_REPEATED;
    for (uint32_t w = 0; w < attempt.write_count && has_revisions; w++) {
        assert_int_equal(revisions[w], model_revision(attempt.writes[w].stream, got.last_position));
    }
    assert_int_equal(ever_last_position(world->fixture.store), last);
}

/* --- Reading --------------------------------------------------------------------------------- */

static struct ever_slice read_types[COUNT_OF(type_names)];
static struct ever_slice read_tags[COUNT_OF(tag_names)];

static struct ever_read random_read(void)
{
    struct ever_read read = {.backward = pick(2) == 0, .types = read_types, .tags = read_tags};
    bool in_stream = pick(3) == 0;
    read.stream =
        in_stream ? slice_of_text(stream_names[pick(COUNT_OF(stream_names))]) : SLICE_NONE;
    static const char *const categories[] = {"a", "b", "c", "none"};
    static const char *const prefixes[] = {"a", "a-", "b-1", "x", "ab-"};
    read.category = pick(4) == 0 ? slice_of_text(categories[pick(4)]) : SLICE_NONE;
    read.prefix = pick(5) == 0 ? slice_of_text(prefixes[pick(5)]) : SLICE_NONE;
    read.types = read_types + pick(2);
    read.type_count = pick(2) == 0 ? pick(4) : 0;
    read.tags = read_tags + pick(2);
    read.tag_count = pick(4) == 0 ? pick(3) : 0;
    uint32_t most = (uint32_t)(in_stream ? last / 4 : last) + 3;
    read.from = pick(3) == 0 ? 0 : pick(5) == 0 ? UINT64_MAX : pick(most);
    return read;
}

static bool model_wants(const struct fact *fact, uint64_t position, const struct ever_read *read)
{
    struct ever_slice stream = slice_of_text(stream_names[fact->stream]);
    struct ever_slice category = slice_first(stream, slice_find_byte(stream, '-'));
    bool in_stream = read->stream.size > 0;
    uint64_t at = in_stream ? (uint64_t)fact->revision : position;
    bool wants = read->backward ? at <= read->from : at >= read->from;
    wants &= !in_stream || slice_equal(stream, read->stream);
    wants &= read->category.size == 0 || slice_equal(category, read->category);
    wants &= slice_starts_with(stream, read->prefix);
    bool has_type = read->type_count == 0;
    for (uint32_t i = 0; i < read->type_count; i++) {
        has_type |= slice_is(read->types[i], type_names[fact->type]);
    }
    for (uint32_t i = 0; i < read->tag_count; i++) {
        bool has_tag = false;
        for (uint32_t k = 0; k < 4; k++) {
            has_tag |= (fact->tag_mask >> k & 1) != 0 && slice_is(read->tags[i], tag_names[k]);
        }
        wants &= has_tag;
    }
    return wants && has_type;
}

static void compare_event(const struct ever_event *event, uint64_t position)
{
    const struct fact *fact = &facts[position];
    struct ever_slice tags[4];
    assert_int_equal(event->position, position);
    assert_int_equal(event->revision, fact->revision);
    assert_int_equal(event->time_ns, fact->time_ns);
    assert_int_equal(event->content, fact->is_bytes ? EVER_BYTES : EVER_JSON);
    assert_int_equal(event->continues, fact->continues);
    assert_slice(event->stream, stream_names[fact->stream]);
    assert_slice(event->type, type_names[fact->type]);
    assert_true(slice_equal(event->data, data_of(fact->data)));
    assert_true(slice_equal(event->metadata, data_of(fact->data % 7)));
    assert_int_equal(event->tag_count, tags_of(fact->tag_mask, tags));
    for (uint32_t i = 0; i < event->tag_count; i++) {
        assert_true(slice_equal(event->tags[i], tags[i]));
    }
    if (fact->id != 0) {
        assert_true(uuid_equal(event->id, id_of(fact->id)));
    }
}

/* What comes behind the position; 0: nothing yet. */
static uint64_t model_next(const struct ever_read *read, uint64_t position)
{
    if (read->backward) {
        while (--position > 0) {
            if (model_wants(&facts[position], position, read)) {
                return position;
            }
        }
        return 0;
    }
    while (++position <= last) {
        if (model_wants(&facts[position], position, read)) {
            return position;
        }
    }
    return 0;
}

/* Reads to the end; returns the position reached. */
static uint64_t compare_all(struct ever_cursor *cursor, const struct ever_read *read,
                            uint64_t position)
{
    const struct ever_event *event;
    for (uint64_t next; (next = model_next(read, position)) != 0; position = next) {
        assert_ok(ever_next(cursor, &event));
        compare_event(event, next);
        if (!read->backward) {
            assert_int_equal(ever_cursor_position(cursor), next);
        }
    }
    assert_err(ever_next(cursor, &event), EVER_END);
    return position;
}

static void check_read(struct world *world)
{
    struct ever_read read = random_read();
    struct ever_cursor *cursor;
    assert_ok(ever_cursor_open(world->fixture.store, &read, &cursor));
    (void)compare_all(cursor, &read, read.backward ? last + 1 : 0); /* where it ends is no matter */
    ever_cursor_close(cursor);
}

static void check_follower(struct world *world, uint32_t i)
{
    if (world->followers[i] == NULL) {
        world->reads[i] = random_read();
        world->reads[i].backward = false;
        world->given[i] = 0;
        assert_ok(ever_cursor_open(world->fixture.store, &world->reads[i], &world->followers[i]));
    }
    world->given[i] = compare_all(world->followers[i], &world->reads[i], world->given[i]);
    if (world->reads[i].stream.size > 0 || world->reads[i].from <= last) {
        assert_int_equal(ever_cursor_position(world->followers[i]), last);
    }
}

static void check_questions(struct world *world)
{
    uint32_t stream = pick(COUNT_OF(stream_names));
    int64_t revision;
    assert_ok(
        ever_last_revision(world->fixture.store, slice_of_text(stream_names[stream]), &revision));
    assert_int_equal(revision, model_revision(stream, last));

    uint32_t id = 1 + pick(IDS);
    uint64_t position;
    uint64_t want = model_find(id);
    struct ever_err err = ever_find(world->fixture.store, id_of(id), &position);
    assert_int_equal(err.code, want == 0 ? EVER_NOT_FOUND : EVER_OK);
    if (want != 0) {
        assert_int_equal(position, want);
    }

    int64_t time_ns = pick((uint32_t)world->now_ns + 2);
    want = last;
    while (want > 0 && facts[want].time_ns > time_ns) {
        want--;
    }
    assert_ok(ever_position_at(world->fixture.store, time_ns, &position));
    assert_int_equal(position, want);
}

/* --- The run --------------------------------------------------------------------------------- */

static struct world world;

static int64_t world_wall_ns(struct env *env)
{
    (void)env; /* there is one world */
    return world.now_ns;
}

static void world_random(struct env *env, void *bytes, size_t size)
{
    (void)env; /* there is one world */
    for (size_t i = 0; i < size; i++) {
        ((char *)bytes)[i] = (char)pick(256);
    }
}

static void close_followers(void)
{
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        ever_cursor_close(world.followers[i]);
        world.followers[i] = NULL;
    }
}

static void open_store(void)
{
    assert_ok(store_open(vfs_real(), &world.env, world.fixture.dir, &world.fixture.options,
                         &world.fixture.store));
}

static void reopen(void)
{
    close_followers();
    ever_close(world.fixture.store);
    open_store();
}

static void run_step(void)
{
    switch (pick(10)) {
    case 0:
    case 1:
        check_read(&world);
        break;
    case 2:
        check_questions(&world);
        break;
    case 3:
        if (pick(6) == 0) {
            reopen();
        }
        break;
    case 4:
        check_follower(&world, pick(FOLLOWERS));
        break;
    default:
        check_append(&world);
    }
}

static void run_seed(uint64_t seed)
{
    chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    last = 0;
    world = (struct world){
        .env = {.wall_ns = world_wall_ns, .monotonic_ns = world_wall_ns, .random = world_random}};
    fixture_init(&world.fixture);
    ever_close(world.fixture.store);
    open_store(); /* in the world whose time and chance are ours */
    for (int step = 0; step < STEPS; step++) {
        run_step();
    }
    struct ever_stats stats;
    ever_stats(world.fixture.store, &stats);
    print_message("seed %llu: %llu events in %u segments, %llu conflicts since open\n",
                  (unsigned long long)seed, (unsigned long long)last, stats.segments,
                  (unsigned long long)stats.conflicts);
    close_followers();
    fixture_deinit(&world.fixture);
}

static uint64_t only_seed;

static void the_store_answers_as_the_model_does(void **state)
{
    (void)state; /* cmocka's, unused */
    if (only_seed != 0) {
        run_seed(only_seed);
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed);
    }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof data_bytes; i++) {
        data_bytes[i] = (char)(i * 7);
    }
    for (uint32_t i = 0; i < COUNT_OF(type_names); i++) {
        read_types[i] = slice_of_text(type_names[i]);
        read_tags[i] = slice_of_text(tag_names[i]);
    }
    only_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_answers_as_the_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
