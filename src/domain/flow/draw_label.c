#include "domain/flow/draw_priv.h"

#include "base/slice.h"
#include "base/utf8.h"

/* --- Small things ---------------------------------------------------------------------------- */

static bool member(struct json_value object, const char *name, struct json_value *out_value)
{
    return json_member(object, slice_of_text(name), out_value) && out_value->kind != JSON_NULL;
}

/* The elements or members of a value; of one that has none, nothing. */
static struct json_iter items_of(struct json_value value)
{
    bool has_any = value.kind == JSON_ARRAY || value.kind == JSON_OBJECT;
    return json_iter(has_any ? value : json_value_of(SLICE_LITERAL("[]")));
}

size_t draw_width(struct ever_slice text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.size; i++) {
        width += ((unsigned char)text.data[i] & 0xc0) != 0x80; /* not inside a character */
    }
    return width;
}

static struct ever_slice keep(struct text *text, struct arena *arena)
{
    struct ever_slice copy = arena_copy(arena, text_slice(text));
    text_deinit(text);
    return copy;
}

/* Adds text on one line: runs of white space and control characters become one blank. */
static void add_on_a_line(struct text *out, struct ever_slice text)
{
    bool blank = false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool c1 = byte == 0xc2 && i + 1 < text.size && (unsigned char)text.data[i + 1] < 0xa0;
        if (byte <= ' ' || byte == 0x7f || c1) {
            blank = true;
            i += c1;
            continue;
        }
        if (blank && out->size > 0) {
            text_add_byte(out, ' ');
        }
        blank = false;
        text_add_byte(out, (char)byte);
    }
}

/* A text without its quotes, anything else as it stands. */
static void add_value(struct text *out, struct json_value value, struct arena *arena)
{
    add_on_a_line(out, value.kind == JSON_STRING ? json_string(value, arena) : value.text);
}

/* 5400000 as "1h30m". */
static void add_duration(struct text *out, struct json_value value)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    int64_t ms;
    if (value.kind != JSON_NUMBER || !json_integer(value, &ms) || ms <= 0) {
        text_add(out, value.text);
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms >= units[i].ms) {
            text_printf(out, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
            ms %= units[i].ms;
        }
    }
}

static void add_list(struct text *out, struct json_value array, const char *separator,
                     struct arena *arena)
{
    bool first = true;
    for (struct json_iter i = items_of(array); json_next(&i); first = false) {
        text_add_text(out, first ? "" : separator);
        add_value(out, i.value, arena);
    }
}

/* --- Lines of a node ------------------------------------------------------------------------- */

struct label {
    struct draw_node *node;
    struct arena *arena;
    struct text title;
    struct text tip;
    size_t lines_left_out;
};

static struct ever_slice cut(struct ever_slice text, struct arena *arena)
{
    if (draw_width(text) <= DRAW_LINE_CHARACTERS_MAX) {
        return arena_copy(arena, text);
    }
    size_t size = 0;
    for (size_t i = 0; i + 1 < DRAW_LINE_CHARACTERS_MAX; i++) {
        size += utf8_sequence(text.data + size, text.data + text.size);
    }
    return arena_printf(arena, "%.*s…", (int)size, text.data);
}

/* Takes the text. */
static void add_line(struct label *label, struct text *line)
{
    struct draw_node *node = label->node;
    text_add_byte(&label->tip, '\n');
    text_add(&label->tip, text_slice(line));
    if (node->line_count < DRAW_LINES_MAX) {
        node->lines[node->line_count++] = cut(text_slice(line), label->arena);
    } else {
        label->lines_left_out++;
    }
    text_deinit(line);
}

static void add_line_of_list(struct label *label, struct json_value node, const char *name)
{
    struct json_value list;
    if (!member(node, name, &list)) {
        return;
    }
    struct text line = {0};
    text_printf(&line, "%s ", name);
    add_list(&line, list, ", ", label->arena);
    add_line(label, &line);
}

/* --- Predicates and expressions -------------------------------------------------------------- */

static void add_predicate(struct text *out, struct json_value predicate, struct arena *arena);

static bool add_parts(struct text *out, struct json_value predicate, const char *name,
                      const char *separator, struct arena *arena)
{
    struct json_value parts;
    if (!member(predicate, name, &parts)) {
        return false;
    }
    size_t count = 0;
    for (struct json_iter i = items_of(parts); json_next(&i);) {
        count++;
    }
    bool first = true;
    text_add_text(out, count > 1 ? "(" : "");
    for (struct json_iter i = items_of(parts); json_next(&i); first = false) {
        text_add_text(out, first ? "" : separator);
        add_predicate(out, i.value, arena);
    }
    text_add_text(out, count > 1 ? ")" : "");
    return true;
}

static void add_comparison(struct text *out, struct json_value predicate, struct arena *arena)
{
    static const char *const signs[][2] = {
        {"eq", "="}, {"ne", "≠"},  {"gt", ">"},  {"gte", "≥"},
        {"lt", "<"}, {"lte", "≤"}, {"in", "in"}, {"startsWith", "starts with"}};
    struct json_value path;
    struct json_value comparison;
    struct json_value value;
    if (!member(predicate, "path", &path) || !member(predicate, "cmp", &comparison)) {
        text_add(out, predicate.text);
        return;
    }
    add_value(out, path, arena);
    text_add_byte(out, ' ');
    struct ever_slice name = json_string(comparison, arena);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        name = slice_is(name, signs[i][0]) ? slice_of_text(signs[i][1]) : name;
    }
    text_add(out, name);
    if (json_member(predicate, SLICE_LITERAL("value"), &value)) {
        text_add_byte(out, ' ');
        add_on_a_line(out, value.text);
    }
}

static void add_predicate(struct text *out, struct json_value predicate, struct arena *arena)
{
    struct json_value inner;
    if (add_parts(out, predicate, "all", " and ", arena) ||
        add_parts(out, predicate, "any", " or ", arena)) {
        return;
    }
    if (member(predicate, "not", &inner)) {
        text_add_text(out, "not ");
        add_predicate(out, inner, arena);
        return;
    }
    add_comparison(out, predicate, arena);
}

/* "ofType A, B" is declared as a condition on the type. */
static bool label_of_type(struct label *label, struct json_value predicate)
{
    struct json_value path;
    struct json_value comparison;
    struct json_value types;
    if (!member(predicate, "path", &path) || !member(predicate, "cmp", &comparison) ||
        !member(predicate, "value", &types) || !slice_is(path.text, "\"@type\"") ||
        !slice_is(comparison.text, "\"in\"")) {
        return false;
    }
    text_clear(&label->title);
    text_add_text(&label->title, "ofType ");
    add_list(&label->title, types, ", ", label->arena);
    return true;
}

/* One line for each part of an "all", else one line. */
static void label_where(struct label *label, struct json_value node)
{
    struct json_value predicate;
    struct json_value parts;
    if (!member(node, "where", &predicate) || label_of_type(label, predicate)) {
        return;
    }
    if (!member(predicate, "all", &parts)) {
        struct text line = {0};
        add_predicate(&line, predicate, label->arena);
        add_line(label, &line);
        return;
    }
    bool first = true;
    for (struct json_iter i = items_of(parts); json_next(&i); first = false) {
        struct text line = {0};
        text_add_text(&line, first ? "" : "and ");
        add_predicate(&line, i.value, label->arena);
        add_line(label, &line);
    }
}

/* [["name", {"path": "data.x"}]] */
static void label_select(struct label *label, struct json_value node)
{
    struct json_value fields;
    if (!member(node, "select", &fields)) {
        return;
    }
    for (struct json_iter i = items_of(fields); json_next(&i);) {
        struct json_iter pair = items_of(i.value);
        struct json_value content;
        struct text line = {0};
        if (json_next(&pair)) {
            add_value(&line, pair.value, label->arena);
            text_add_text(&line, ": ");
        }
        if (json_next(&pair) && member(pair.value, "path", &content)) {
            add_value(&line, content, label->arena);
        } else if (member(pair.value, "value", &content)) {
            add_on_a_line(&line, content.text);
        }
        add_line(label, &line);
    }
}

/* --- Operators ------------------------------------------------------------------------------- */

static void label_from(struct label *label, struct json_value node)
{
    static const char *const sources[][2] = {
        {"category", ""}, {"stream", "stream "}, {"prefix", "prefix "}, {"flow", "flow "}};
    struct json_value value;
    bool found = false;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0] && !found; i++) {
        found = member(node, sources[i][0], &value);
        if (found) {
            text_printf(&label->title, " %s", sources[i][1]);
            add_value(&label->title, value, label->arena);
        }
    }
    text_add_text(&label->title, found ? "" : " the log");
    add_line_of_list(label, node, "types");
    add_line_of_list(label, node, "tags");
}

static void label_key_by(struct label *label, struct json_value node)
{
    struct json_value paths;
    if (member(node, "paths", &paths)) {
        text_add_byte(&label->title, ' ');
        add_list(&label->title, paths, ", ", label->arena);
    }
}

/* "total: sum(data.amount)" */
static void add_fold(struct label *label, struct json_value pair)
{
    struct json_iter i = items_of(pair);
    struct json_value kind;
    struct text line = {0};
    if (json_next(&i)) {
        add_value(&line, i.value, label->arena);
        text_add_text(&line, ": ");
    }
    if (json_next(&i) && member(i.value, "fold", &kind)) {
        add_value(&line, kind, label->arena);
        text_add_byte(&line, '(');
        bool first = true;
        for (struct json_iter k = items_of(i.value); json_next(&k);) {
            if (slice_is(json_string(k.key, label->arena), "fold") || k.value.kind == JSON_NULL) {
                continue;
            }
            text_add_text(&line, first ? "" : ", ");
            add_value(&line, k.value, label->arena);
            first = false;
        }
        text_add_byte(&line, ')');
    }
    add_line(label, &line);
}

static void add_window(struct label *label, struct json_value window)
{
    struct json_value kind;
    struct json_value value;
    text_clear(&label->title);
    if (member(window, "kind", &kind)) {
        add_value(&label->title, kind, label->arena);
    }
    bool counts = slice_is(text_slice(&label->title), "count");
    text_add_text(&label->title, counts ? " window" : "");
    for (struct json_iter i = items_of(window); json_next(&i);) {
        struct ever_slice name = json_string(i.key, label->arena);
        value = i.value;
        if (slice_is(name, "kind") || value.kind == JSON_NULL || slice_is(value.text, "0")) {
            continue;
        }
        bool plain = slice_is(name, "size");
        text_printf(&label->title, plain ? " " : " %.*s ", SLICE_PRINT(name));
        if (counts) {
            add_value(&label->title, value, label->arena);
        } else {
            add_duration(&label->title, value);
        }
    }
}

static void label_aggregate(struct label *label, struct json_value node)
{
    struct json_value window;
    struct json_value folds;
    struct json_value mode;
    if (member(node, "window", &window)) {
        add_window(label, window);
        label->node->kind = DRAW_TIME;
    }
    if (member(node, "folds", &folds)) {
        for (struct json_iter i = items_of(folds); json_next(&i);) {
            add_fold(label, i.value);
        }
    }
    if (member(node, "mode", &mode) && slice_is(json_string(mode, label->arena), "updates")) {
        struct text line = {0};
        text_add_text(&line, "each update");
        add_line(label, &line);
    }
}

/* The functions, one line each; their names together are the title. */
static void label_script(struct label *label, struct json_value node)
{
    struct json_value ops;
    if (!member(node, "ops", &ops)) {
        return;
    }
    text_clear(&label->title);
    for (struct json_iter i = items_of(ops); json_next(&i);) {
        struct json_value op;
        struct json_value source;
        struct text line = {0};
        text_add_text(&label->title, label->title.size > 0 ? " → " : "");
        if (member(i.value, "op", &op)) {
            add_value(&label->title, op, label->arena);
            add_value(&line, op, label->arena);
        }
        if (member(i.value, "source", &source)) {
            struct text code = {0};
            add_value(&code, source, label->arena);
            text_printf(&line, " %s", code.data == NULL ? "" : code.data);
            text_deinit(&code);
        }
        add_line(label, &line);
    }
}

static void label_emit(struct label *label, struct json_value node)
{
    struct json_value type;
    if (member(node, "type", &type)) {
        text_add_byte(&label->title, ' ');
        add_value(&label->title, type, label->arena);
    }
    label_select(label, node);
    add_line_of_list(label, node, "tags");
}

static bool is_common(struct ever_slice name)
{
    return slice_is(name, "op") || slice_is(name, "name") || slice_is(name, "line") ||
           slice_is(name, "in");
}

static bool is_duration(struct ever_slice name)
{
    return slice_is(name, "due") || slice_is(name, "ttl") || slice_is(name, "within");
}

/* "bufferCount 3 every 2": the first argument speaks for itself. */
static void label_by_members(struct label *label, struct json_value node)
{
    bool first = true;
    for (struct json_iter i = items_of(node); json_next(&i);) {
        struct ever_slice name = json_string(i.key, label->arena);
        if (is_common(name) || i.value.kind == JSON_NULL) {
            continue;
        }
        text_printf(&label->title, first ? " " : " %.*s ", SLICE_PRINT(name));
        if (is_duration(name)) {
            add_duration(&label->title, i.value);
        } else {
            add_value(&label->title, i.value, label->arena);
        }
        first = false;
    }
}

const char *draw_kind_name(enum draw_kind kind)
{
    static const char *const names[] = {
        [DRAW_SOURCE] = "source", [DRAW_PLAIN] = "plain", [DRAW_STATE] = "state",
        [DRAW_TIME] = "time",     [DRAW_JOIN] = "join",   [DRAW_SCRIPT] = "script",
        [DRAW_EMIT] = "emit",
    };
    return names[kind];
}

static const struct {
    const char *op;
    enum draw_kind kind;
    void (*words)(struct label *label, struct json_value node);
} ops[] = {
    {"from", DRAW_SOURCE, label_from},
    {"where", DRAW_PLAIN, label_where},
    {"select", DRAW_PLAIN, label_select},
    {"keyBy", DRAW_PLAIN, label_key_by},
    {"aggregate", DRAW_STATE, label_aggregate},
    {"debounceTime", DRAW_TIME, label_by_members},
    {"throttleTime", DRAW_TIME, label_by_members},
    {"delay", DRAW_TIME, label_by_members},
    {"merge", DRAW_JOIN, label_by_members},
    {"withLatestFrom", DRAW_JOIN, label_by_members},
    {"combineLatest", DRAW_JOIN, label_by_members},
    {"joinWithin", DRAW_JOIN, label_by_members},
    {"script", DRAW_SCRIPT, label_script},
    {"emit", DRAW_EMIT, label_emit},
};

static struct ever_slice plain_text(struct json_value node, const char *name, struct arena *arena)
{
    struct json_value value;
    struct text text = {0};
    if (member(node, name, &value) && value.kind == JSON_STRING) {
        add_value(&text, value, arena);
    }
    return keep(&text, arena);
}

void draw_label(struct draw_node *node, struct json_value json, struct arena *arena)
{
    struct label label = {.node = node, .arena = arena};
    void (*words)(struct label * label, struct json_value node) = label_by_members;
    node->op = plain_text(json, "op", arena);
    node->name = plain_text(json, "name", arena);
    node->kind = DRAW_STATE;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (slice_is(node->op, ops[i].op)) {
            node->kind = ops[i].kind;
            words = ops[i].words;
        }
    }
    text_add(&label.title, node->op);
    words(&label, json);
    if (label.lines_left_out > 0) {
        node->lines[DRAW_LINES_MAX - 1] =
            arena_printf(arena, "… and %zu more", label.lines_left_out + 1);
    }
    struct ever_slice title = keep(&label.title, arena);
    node->title = cut(title, arena);
    node->tip =
        arena_printf(arena, "%.*s%.*s", SLICE_PRINT(title), SLICE_PRINT(text_slice(&label.tip)));
    text_deinit(&label.tip);
}

/* --- The options of a flow ------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *usual; /* not shown then; NULL: none */
    bool duration;
} options[] = {
    {"time", NULL, false},      {"lateness", "0", true},       {"ahead", "86400000", true},
    {"idle", "0", true},        {"tick", "0", true},           {"onError", "\"stop\"", false},
    {"keys", "1000000", false}, {"bytes", "268435456", false},
};

struct ever_slice draw_options(struct json_value json, struct arena *arena)
{
    struct text out = {0};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct json_value value;
        if (!member(json, options[i].name, &value) ||
            (options[i].usual != NULL && slice_is(value.text, options[i].usual))) {
            continue;
        }
        text_printf(&out, "%s%s ", out.size > 0 ? " · " : "", options[i].name);
        if (options[i].duration) {
            add_duration(&out, value);
        } else {
            add_value(&out, value, arena);
        }
    }
    return keep(&out, arena);
}
