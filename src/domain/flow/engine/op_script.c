/* op_script.c - `script`: neighbouring JavaScript functions, run by a worker for a batch of items.
 *
 * The worker is asked with the items of whole roots and answers with what came of them; the format
 * is that of FRAME_FLOW (domain/script/frame.h). States of the functions are JSON texts under
 * (operator, key) in the node's table; the worker remembers them too, as long as the generation it
 * is told fits.
 *
 * What could make a stop depend on how the items are cut into calls - a bound that is near, a
 * worker that broke - makes the stretch run again carefully: one root in each call. */
#include "domain/flow/engine/kinds_priv.h"
#include "domain/flow/engine/script_priv.h"

#include <stdatomic.h>

#define CALL_ITEMS 1024u
#define CALL_BYTES (1u << 20)
#define NEEDS_MAX 16 /* more rounds of asking for states mean that the worker forgets at once */

/* Tells programs apart in what workers remember; goes into the upper half of the generation. */
static atomic_uint programs;

/* --- Parsing ---------------------------------------------------------------------------------- */

static void parse_ops(struct derive_parse *parse, struct derive_node *node, struct script *script)
{
    struct json_value ops;
    if (!json_member(node->graph->json, SLICE_LITERAL("ops"), &ops) || ops.kind != JSON_ARRAY) {
        parse_fault(parse, node, "a script node needs \"ops\"");
        return;
    }
    for (struct json_iter i = json_iter(ops); json_next(&i);) {
        struct ever_slice op = parse_text(parse, i.value, "op");
        script->op_count++;
        script->whole_roots = script->whole_roots || slice_is(op, "when") || slice_is(op, "update");
    }
}

static void parse_script(struct derive_parse *parse, struct derive_node *node)
{
    struct script *script = parse_alloc(parse, sizeof *script);
    struct json_value keyed;
    node->own = script;
    node->takes_whole = true;
    script->segment = parse_text(parse, node->graph->json, "segment");
    if (script->segment.size == 0) {
        parse_fault(parse, node, "a script node needs \"segment\"");
    }
    parse_ops(parse, node, script);
    if (json_member(node->graph->json, SLICE_LITERAL("keyed"), &keyed) && keyed.kind == JSON_TRUE) {
        node->key_paths = 1;
    }
    /* 2^20 programs, 2^32 calls of each: a whole number in JavaScript. */
    uint64_t program = atomic_fetch_add(&programs, 1) & 0xfffff;
    script->generation = program << 32;
}

/* --- The items -------------------------------------------------------------------------------- */

static struct script_item *gather(struct derive_node *node, size_t *out_count)
{
    size_t most = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        most += node->inputs[i]->out.count;
    }
    struct script_item *items = arena_alloc(node_arena(node), (most + 1) * sizeof items[0]);
    size_t *cursors = arena_alloc_zero(node_arena(node), node->input_count * sizeof cursors[0]);
    size_t count = 0;
    uint32_t input;
    for (const struct derive_item *item; (item = node_next_item(node, cursors, &input)) != NULL;) {
        bool follows = count > 0 && items[count - 1].item->root == item->root;
        uint32_t k = follows ? items[count - 1].k + 1 : 0;
        items[count++] = (struct script_item){.item = item, .input = input, .k = k};
    }
    node->counts.in += count;
    *out_count = count;
    return items;
}

static size_t size_of(const struct derive_value *value)
{
    return value->kind == VALUE_EVENT ? value->event->data.size + value->event->metadata.size
           : value->kind == VALUE_JSON || value->kind == VALUE_STRING ? value->size
                                                                      : 64;
}

/* The end of the items for one call: whole roots, up to CALL_ITEMS and CALL_BYTES if those allow.
 */
static size_t call_end(const struct derive_node *node, const struct script_item *items,
                       size_t start, size_t count)
{
    size_t most = node->flow->careful ? 1 : CALL_ITEMS;
    size_t end = start;
    size_t bytes = 0;
    while (end < count) {
        size_t next = end;
        do {
            bytes += size_of(&items[next++].item->value);
        } while (next < count && items[next].item->root == items[end].item->root);
        if (end > start && (next - start > most || bytes > CALL_BYTES)) {
            break;
        }
        end = next;
    }
    return end;
}

/* --- Running ---------------------------------------------------------------------------------- */

/* Stops at `root` when that is sure to be the one; otherwise has the stretch run again. */
static void stop_carefully(struct derive_node *node, uint32_t root, struct ever_slice why)
{
    if (!node->flow->careful) {
        node->flow->careful = true;
        node->flow->again = true;
        node->flow->limit = node->flow->first;
        return;
    }
    node_stop(node, root, "%.*s", SLICE_PRINT(why));
}

static bool set_state(struct derive_node *node, const struct script_change *change)
{
    uint64_t hash = table_hash(change->key);
    struct table_place place = table_find(&node->table, change->key, hash);
    if (change->state.size == 0) {
        if (place.entry != NULL) {
            table_remove(&node->table, place, hash);
        }
        return true;
    }
    return table_set(&node->table, place, change->key, hash, change->state);
}

static bool take_states(struct derive_node *node, const struct script_answer *answer, uint32_t root)
{
    for (size_t i = 0; i < answer->change_count; i++) {
        if (!set_state(node, &answer->changes[i])) {
            const struct graph_options *options = &node->flow->graph->options;
            struct ever_slice why = arena_printf(
                node_arena(node),
                "it would hold more than %llu keys or %llu bytes; use fewer keys, or raise the "
                "options keys and bytes",
                (unsigned long long)options->keys, (unsigned long long)options->bytes);
            stop_carefully(node, root, why);
            return false;
        }
    }
    return true;
}

static void give_outputs(struct derive_node *node, const struct script_item *items,
                         const struct script_answer *answer)
{
    for (size_t i = 0; i < answer->out_count; i++) {
        const struct script_out *out = &answer->outs[i];
        struct derive_item made = *items[out->index].item;
        if (out->has_key) {
            made.key = out->key.data;
            made.key_size = (uint32_t)out->key.size;
            made.hash = table_hash(out->key);
        }
        if (out->value.size > 0) {
            made.value = value_of_json(out->value);
        }
        node_give(node, &made);
    }
}

/* Asks the worker, and again with the states it needs. False: it broke, and that was seen to. */
static bool call(struct derive_node *node, const struct script_item *items, size_t count,
                 struct script_answer *out_answer)
{
    const struct derive_script *worker = node->flow->program->script;
    const struct script *script = node->own;
    struct script_request request = {.node = node, .items = items, .count = count};
    struct text answer = {0};
    struct ever_slice why = SLICE_LITERAL("the worker asks for the same states again and again");
    uint32_t root = items[0].item->root;
    bool fine = false;
    ASSERT(worker != NULL); /* derive.h: a program with scripts is run with a worker */
    for (int round = 0; round < NEEDS_MAX; round++) {
        text_clear(&answer);
        struct ever_slice text = script_write_request(&request);
        enum derive_script_result result = worker->run(worker->arg, script->segment, text, &answer);
        if (result == DERIVE_SCRIPT_CLOSED) {
            node->flow->program->abandoned = true;
            node->flow->limit = node->flow->first;
            break;
        }
        struct ever_slice kept = arena_copy(node_arena(node), text_slice(&answer));
        if (result == DERIVE_SCRIPT_BROKEN) {
            why = kept;
            break;
        }
        const char *wrong = script_read_answer(node, kept, count, out_answer);
        if (wrong != NULL) {
            why = arena_printf(node_arena(node), "the worker's answer cannot be used: %s", wrong);
            break;
        }
        if (out_answer->needs == NULL) {
            fine = true;
            break;
        }
        script_add_needs(&request, out_answer);
    }
    text_deinit(&request.states);
    text_deinit(&request.text);
    text_deinit(&answer);
    if (!fine && !node->flow->program->abandoned) {
        stop_carefully(node, root, why);
    }
    return fine;
}

/* How many items from items[done] on an item that failed takes with it. */
static size_t failed_count(const struct script *script, const struct script_item *items,
                           size_t count)
{
    size_t failed = 1;
    while (script->whole_roots && failed < count &&
           items[failed].item->root == items[0].item->root) {
        failed++;
    }
    return failed;
}

/* Near its bounds an order of changes could be too much where their sum is not. */
static bool is_near_bound(const struct derive_node *node, size_t items)
{
    const struct script *script = node->own;
    return node->table.count + items * script->op_count > node->table.count_max;
}

static void run_script(struct derive_node *node)
{
    struct script *script = node->own;
    size_t count;
    struct script_item *items = gather(node, &count);
    size_t done = 0;
    while (done < count && items[done].item->root < node->flow->limit) {
        size_t end = call_end(node, items, done, count);
        if (!node->flow->careful && is_near_bound(node, end - done)) {
            stop_carefully(node, 0, SLICE_NONE);
            return;
        }
        struct script_answer answer;
        if (!call(node, items + done, end - done, &answer)) {
            return;
        }
        script->generation++;
        uint32_t root = items[done].item->root;
        if (!take_states(node, &answer, root)) {
            return;
        }
        give_outputs(node, items + done, &answer);
        done += answer.done;
        if (answer.failed.size > 0) {
            node_fail(node, items[done].item->root, "%.*s", SLICE_PRINT(answer.failed));
            done += failed_count(script, items + done, count - done);
        }
    }
}

void script_forget(struct derive_node *node)
{
    if (node->kind == &kind_script) {
        ((struct script *)node->own)->generation++; /* not what the worker expects */
    }
}

const struct derive_kind kind_script = {
    .op = "script",
    .inputs_least = 1,
    .inputs_most = INPUTS_MAX,
    .keys = KEYS_ANY,
    .has_state = true,
    .parse = parse_script,
    .run = run_script,
};
