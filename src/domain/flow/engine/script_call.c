/* script_call.c - requests for script segments as JSON, and answers from it. */
#include "domain/flow/engine/script_priv.h"

/* --- Asking ----------------------------------------------------------------------------------- */

static void write_event(struct text *out, const struct derive_event *event)
{
    json_write_string(out, event->type);
    text_add_byte(out, ',');
    value_write_data(out, event);
    text_add_byte(out, ',');
    value_write_foreign(out, event->metadata);
    text_add_byte(out, ',');
    json_write_string(out, event->root->stream);
    text_add_byte(out, ',');
    text_add_u64(out, event->root->revision);
    text_add_byte(out, ',');
    value_write_tags(out, event);
}

static void write_item(struct text *out, const struct derive_node *node,
                       const struct script_item *item)
{
    const struct derive_item *at = item->item;
    const struct ever_event *root = node_root(node, at->root);
    text_add_byte(out, '[');
    text_add_u64(out, root->position);
    text_add_byte(out, ',');
    text_add_u64(out, item->k);
    text_add_byte(out, ',');
    if (at->key_size > 0) {
        json_write_string(out, item_key(at));
    } else {
        text_add_text(out, "null");
    }
    text_add_byte(out, ',');
    value_write_ms(out, at->time_us);
    text_add_byte(out, ',');
    text_add_u64(out, item->input);
    text_add_byte(out, ',');
    /* An earlier event, kept and given now, has another position than this root: it goes whole. */
    if (at->value.kind == VALUE_EVENT && at->value.event->root->position == root->position) {
        write_event(out, at->value.event);
    } else {
        value_write(out, &at->value, at->time_us);
    }
    text_add_byte(out, ']');
}

struct ever_slice script_write_request(struct script_request *request)
{
    const struct derive_node *node = request->node;
    const struct script *script = node->own;
    struct text *out = &request->text;
    text_clear(out);
    text_add_text(out, "{\"segment\":");
    json_write_string(out, script->segment);
    text_printf(out, ",\"generation\":%llu", (unsigned long long)script->generation);
    if (node->table.count == 0) {
        text_add_text(out, ",\"fresh\":true");
    }
    text_add_text(out, ",\"items\":[");
    for (size_t i = 0; i < request->count; i++) {
        if (i > 0) {
            text_add_byte(out, ',');
        }
        write_item(out, node, &request->items[i]);
    }
    text_add_byte(out, ']');
    if (request->states.size > 0) {
        text_add_text(out, ",\"states\":{");
        text_add(out, text_slice(&request->states));
        text_add_byte(out, '}');
    }
    text_add_byte(out, '}');
    return text_slice(out);
}

/* --- States ----------------------------------------------------------------------------------- */

static struct ever_slice table_key_of(const struct derive_node *node, struct ever_slice op,
                                      struct ever_slice key)
{
    char *bytes = arena_alloc(node_arena(node), op.size + 1 + key.size);
    memcpy(bytes, op.data, op.size);
    bytes[op.size] = '\0';
    if (key.size > 0) {
        memcpy(bytes + op.size + 1, key.data, key.size);
    }
    return slice_of(bytes, op.size + 1 + key.size);
}

static void add_state(struct script_request *request, struct ever_slice op, struct json_value key)
{
    const struct derive_node *node = request->node;
    struct ever_slice at = table_key_of(node, op, json_string(key, node_arena(node)));
    struct table_place place = table_find(&node->table, at, table_hash(at));
    text_add(&request->states, key.text);
    text_add_byte(&request->states, ':');
    if (place.entry == NULL) {
        text_add_text(&request->states, "null");
    } else {
        text_add(&request->states, table_state(place.entry));
    }
}

void script_add_needs(struct script_request *request, const struct script_answer *answer)
{
    text_clear(&request->states); /* the worker has taken those it was given */
    for (struct json_iter i = json_iter(*answer->needs); json_next(&i);) {
        if (request->states.size > 0) {
            text_add_byte(&request->states, ',');
        }
        text_add(&request->states, i.key.text);
        text_add_text(&request->states, ":{");
        struct ever_slice op = json_string(i.key, node_arena(request->node));
        char before = ' ';
        for (struct json_iter j = json_iter(i.value); json_next(&j);) {
            text_add_byte(&request->states, before);
            before = ',';
            add_state(request, op, j.value);
        }
        text_add_byte(&request->states, '}');
    }
}

/* --- Answers ---------------------------------------------------------------------------------- */

static size_t count_values(struct json_value container)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(container); json_next(&i);) {
        count++;
    }
    return count;
}

static bool read_key(const struct derive_node *node, struct json_value value,
                     struct script_out *out)
{
    if (value.kind == JSON_NUMBER) { /* 0: as it came */
        return true;
    }
    if (value.kind != JSON_STRING) {
        return false;
    }
    out->has_key = true;
    out->key = json_string(value, node_arena(node));
    return out->key.size >= 2 && json_check(out->key, NULL) &&
           json_value_of(out->key).kind == JSON_ARRAY;
}

/* i | [i, 0, VALUE] | [i, KEY] | [i, KEY, VALUE] */
static bool read_out(const struct derive_node *node, struct json_value json, struct script_out *out)
{
    int64_t index;
    *out = (struct script_out){0};
    if (json.kind != JSON_ARRAY) {
        bool fine = json_integer(json, &index);
        out->index = fine ? (size_t)index : 0;
        return fine && index >= 0;
    }
    struct json_iter i = json_iter(json);
    if (!json_next(&i) || !json_integer(i.value, &index) || index < 0 || !json_next(&i) ||
        !read_key(node, i.value, out)) {
        return false;
    }
    out->index = (size_t)index;
    if (json_next(&i)) {
        out->value = i.value.text;
    }
    return true;
}

static const char *read_outs(const struct derive_node *node, struct json_value json,
                             struct script_answer *answer)
{
    answer->outs = arena_alloc(node_arena(node), (count_values(json) + 1) * sizeof answer->outs[0]);
    size_t last = 0;
    for (struct json_iter i = json_iter(json); json_next(&i); answer->out_count++) {
        struct script_out *out = &answer->outs[answer->out_count];
        if (!read_out(node, i.value, out)) {
            return "an output is not of a known form";
        }
        if (out->index < last || out->index >= answer->done) {
            return "an output is not in the order of the items";
        }
        last = out->index;
    }
    return NULL;
}

static const char *read_states(const struct derive_node *node, struct json_value json,
                               struct script_answer *answer)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(json); json_next(&i);) {
        if (i.value.kind != JSON_OBJECT) {
            return "the states of an operator are not an object";
        }
        count += count_values(i.value);
    }
    answer->changes = arena_alloc(node_arena(node), (count + 1) * sizeof answer->changes[0]);
    for (struct json_iter i = json_iter(json); json_next(&i);) {
        struct ever_slice op = json_string(i.key, node_arena(node));
        for (struct json_iter j = json_iter(i.value); json_next(&j);) {
            struct ever_slice key = json_string(j.key, node_arena(node));
            answer->changes[answer->change_count++] = (struct script_change){
                .key = table_key_of(node, op, key),
                .state = j.value.kind == JSON_NULL ? SLICE_NONE : j.value.text};
        }
    }
    return NULL;
}

static const char *read_needs(const struct derive_node *node, struct json_value json,
                              struct script_answer *answer)
{
    bool fine = json.kind == JSON_OBJECT;
    for (struct json_iter i = fine ? json_iter(json) : (struct json_iter){0};
         fine && json_next(&i);) {
        fine = i.value.kind == JSON_ARRAY;
        for (struct json_iter j = fine ? json_iter(i.value) : (struct json_iter){0};
             fine && json_next(&j);) {
            fine = j.value.kind == JSON_STRING;
        }
    }
    struct json_value *needs = arena_alloc(node_arena(node), sizeof *needs);
    *needs = json;
    answer->needs = needs;
    return fine ? NULL : "\"need\" is not a list of keys for each operator";
}

const char *script_read_answer(const struct derive_node *node, struct ever_slice text, size_t count,
                               struct script_answer *out_answer)
{
    struct json_value part;
    struct json_fault fault;
    int64_t done;
    *out_answer = (struct script_answer){0};
    if (!json_check(text, &fault)) {
        return fault.reason;
    }
    struct json_value json = json_value_of(text);
    if (json_member(json, SLICE_LITERAL("need"), &part)) {
        return read_needs(node, part, out_answer);
    }
    if (!json_member(json, SLICE_LITERAL("done"), &part) || !json_integer(part, &done) ||
        done < 0 || (size_t)done > count) {
        return "\"done\" is not a number of items";
    }
    out_answer->done = (size_t)done;
    if (json_member(json, SLICE_LITERAL("failed"), &part) && part.kind == JSON_STRING) {
        out_answer->failed = json_string(part, node_arena(node));
    }
    if (out_answer->failed.size == 0 ? done == 0 : (size_t)done == count) {
        return "it did nothing";
    }
    const char *wrong = NULL;
    if (json_member(json, SLICE_LITERAL("out"), &part) && part.kind == JSON_ARRAY) {
        wrong = read_outs(node, part, out_answer);
    }
    if (wrong == NULL && json_member(json, SLICE_LITERAL("states"), &part) &&
        part.kind == JSON_OBJECT) {
        wrong = read_states(node, part, out_answer);
    }
    return wrong;
}
