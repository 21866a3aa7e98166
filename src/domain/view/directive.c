#include "domain/view/directive_priv.h"

#include "base/slice.h"

/* --- Words ----------------------------------------------------------------------------------- */

static bool is_identifier_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes the identifier at the start of `rest`, and the blanks behind it; empty when there is none.
 */
static struct ever_slice take_identifier(struct ever_slice *rest)
{
    size_t size = 0;
    while (size < rest->size && is_identifier_byte(rest->data[size])) {
        size++;
    }
    struct ever_slice word = slice_first(*rest, size);
    *rest = slice_trim(slice_from(*rest, size));
    return word;
}

static bool take_byte(struct ever_slice *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != byte) {
        return false;
    }
    *rest = slice_trim(slice_from(*rest, 1));
    return true;
}

/* True when one typing error at most (case, a letter more, less, other, or two exchanged) lies
 * between them. */
static bool is_nearly(struct ever_slice word, struct ever_slice right)
{
    size_t same = 0;
    while (same < word.size && same < right.size && (word.data[same] | 0x20) == right.data[same]) {
        same++;
    }
    struct ever_slice a = slice_from(word, same);
    struct ever_slice b = slice_from(right, same);
    if (a.size == 0 || b.size == 0) {
        return a.size + b.size <= 1;
    }
    bool exchanged = a.size >= 2 && b.size >= 2 && (a.data[0] | 0x20) == b.data[1] &&
                     (a.data[1] | 0x20) == b.data[0] &&
                     slice_equal_ignoring_case(slice_from(a, 2), slice_from(b, 2));
    return exchanged || slice_equal_ignoring_case(slice_from(a, 1), slice_from(b, 1)) ||
           slice_equal_ignoring_case(slice_from(a, 1), b) ||
           slice_equal_ignoring_case(a, slice_from(b, 1));
}

/* --- Parts: each reads what follows its word and returns what is wrong with it, or NULL ------- */

typedef const char *read_part_fn(struct arena *arena, struct ever_slice rest,
                                 struct view_part *out_part);

static const char *read_tables(struct arena *arena, struct ever_slice rest,
                               struct view_part *out_part)
{
    (void)arena; /* the signature all three share */
    bool one_word = rest.size > 0 && slice_find_byte(rest, ' ') == rest.size &&
                    slice_find_byte(rest, '\t') == rest.size;
    out_part->kind = VIEW_PART_TABLES;
    return one_word ? NULL : "one name must follow: \"-- view NAME\"";
}

static const char type_list_wanted[] = "event types must follow, with commas between them: \"-- on "
                                       "Opened, Closed\"; one that has spaces or commas in quotes";

/* A type as it stands, or in double quotes. */
static bool take_type(struct arena *arena, struct ever_slice *rest, struct ever_slice *out_type)
{
    size_t size = 0;
    if (take_byte(rest, '"')) {
        size = slice_find_byte(*rest, '"');
        if (size == 0 || size == rest->size) {
            return false;
        }
        *out_type = arena_copy(arena, slice_first(*rest, size));
        *rest = slice_trim(slice_from(*rest, size + 1));
        return true;
    }
    while (size < rest->size && memchr(" \t,\"", rest->data[size], 4) == NULL) {
        size++;
    }
    *out_type = arena_copy(arena, slice_first(*rest, size));
    *rest = slice_trim(slice_from(*rest, size));
    return size > 0;
}

static bool can_be_type(struct ever_slice type)
{
    for (size_t i = 0; i < type.size; i++) {
        unsigned char byte = (unsigned char)type.data[i];
        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
    }
    return type.size <= EVER_TYPE_NAME_BYTES_MAX;
}

static const char *read_handler(struct arena *arena, struct ever_slice rest,
                                struct view_part *out_part)
{
    struct ever_slice *types = arena_alloc(arena, VIEW_TYPES_PER_PART_MAX * sizeof *types);
    size_t count = 0;
    do {
        if (count == VIEW_TYPES_PER_PART_MAX) {
            return "at most 100 event types can stand in one line";
        }
        if (!take_type(arena, &rest, &types[count])) {
            return type_list_wanted;
        }
        if (!can_be_type(types[count++])) {
            return "an event type has at most 256 bytes and no control characters";
        }
    } while (take_byte(&rest, ','));
    *out_part = (struct view_part){.kind = VIEW_PART_HANDLER, .types = types, .type_count = count};
    return rest.size == 0 ? NULL : type_list_wanted;
}

static bool read_argument_type(struct ever_slice word, enum view_argument_type *out_type)
{
    static const char *const words[] = {
        [VIEW_ARGUMENT_TEXT] = "text",
        [VIEW_ARGUMENT_INTEGER] = "integer",
        [VIEW_ARGUMENT_REAL] = "real",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (slice_is(word, words[i])) {
            *out_type = (enum view_argument_type)i;
            return true;
        }
    }
    *out_type = VIEW_ARGUMENT_TEXT;
    return word.size == 0;
}

/* name [type], ... ) */
static const char *read_arguments(struct arena *arena, struct ever_slice *rest,
                                  struct view_part *part)
{
    const char **names = arena_alloc(arena, VIEW_ARGUMENTS_MAX * sizeof *names);
    enum view_argument_type *types = arena_alloc(arena, VIEW_ARGUMENTS_MAX * sizeof *types);
    size_t count = 0;
    do {
        struct ever_slice name = take_identifier(rest);
        if (name.size == 0) {
            return "argument names must stand between the parentheses: \"-- query by_id(id)\"";
        }
        if (count == VIEW_ARGUMENTS_MAX) {
            return "a query has at most 32 arguments";
        }
        for (size_t i = 0; i < count; i++) {
            if (slice_is(name, names[i])) {
                return "two arguments have the same name";
            }
        }
        if (!read_argument_type(take_identifier(rest), &types[count])) {
            return "an argument's type is text, integer or real: \"-- query top(count integer)\"";
        }
        names[count++] = arena_copy(arena, name).data;
    } while (take_byte(rest, ','));
    part->arguments = names;
    part->argument_types = types;
    part->argument_count = count;
    return NULL;
}

static const char *read_query(struct arena *arena, struct ever_slice rest,
                              struct view_part *out_part)
{
    static const char wanted[] =
        "a name and its arguments must follow: \"-- query by_id(id)\" or \"-- query all()\"";
    struct ever_slice name = take_identifier(&rest);
    if (name.size == 0 || !take_byte(&rest, '(')) {
        return wanted;
    }
    *out_part =
        (struct view_part){.kind = VIEW_PART_QUERY, .query_name = arena_copy(arena, name).data};
    if (rest.size > 0 && rest.data[0] != ')') {
        const char *wrong = read_arguments(arena, &rest, out_part);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return take_byte(&rest, ')') && rest.size == 0 ? NULL : wanted;
}

static const struct directive {
    const char *word;
    read_part_fn *read;
} directives[] = {
    {"view", read_tables},
    {"on", read_handler},
    {"query", read_query},
};

/* --- The line as a whole ---------------------------------------------------------------------- */

static struct view_line faulty(struct ever_slice message)
{
    return (struct view_line){.kind = VIEW_LINE_FAULTY, .message = message};
}

static struct view_line read_policy(struct ever_slice word)
{
    bool skip = slice_is(word, "skip");
    if (!skip && !slice_is(word, "stop")) {
        return faulty(
            SLICE_LITERAL("behind \"-- on error\" stop or skip must follow; an event type "
                          "\"error\" is written in quotes"));
    }
    return (struct view_line){.kind = VIEW_LINE_POLICY,
                              .policy = skip ? VIEW_POLICY_SKIP : VIEW_POLICY_STOP};
}

/* The directive the word may have been meant to be. */
static struct view_line read_lookalike(struct arena *arena, struct ever_slice word,
                                       struct ever_slice rest)
{
    struct view_part part;
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        const struct directive *directive = &directives[i];
        if (is_nearly(word, slice_of_text(directive->word)) &&
            directive->read(arena, rest, &part) == NULL) {
            return faulty(arena_printf(arena, "unknown directive \"%.*s\": did you mean \"-- %s\"?",
                                       SLICE_PRINT(word), directive->word));
        }
    }
    if (word.size > 0 && read_query(arena, rest, &part) == NULL) {
        return faulty(arena_printf(
            arena, "unknown directive \"%.*s\": there are view, on and query", SLICE_PRINT(word)));
    }
    return (struct view_line){.kind = VIEW_LINE_PROSE};
}

static struct view_line read_directive(struct arena *arena, const struct directive *directive,
                                       struct ever_slice rest)
{
    struct view_line line = {.kind = VIEW_LINE_PART, .view_name = rest};
    const char *wrong = directive->read(arena, rest, &line.part);
    return wrong == NULL
               ? line
               : faulty(arena_printf(arena, "behind \"-- %s\" %s", directive->word, wrong));
}

struct view_line view_line_read(struct arena *arena, struct ever_slice comment)
{
    struct ever_slice rest = slice_trim(slice_from(comment, 2));
    struct ever_slice word = take_identifier(&rest);
    struct ever_slice after = rest;
    if (slice_is(word, "on") && slice_is(take_identifier(&after), "error")) {
        return read_policy(after);
    }
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (slice_is(word, directives[i].word)) {
            return read_directive(arena, &directives[i], rest);
        }
    }
    return read_lookalike(arena, word, rest);
}
