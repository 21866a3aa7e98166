/* source.c - goes through a view file line by line and cuts it where a directive begins a part. */
#include "domain/view/source_priv.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "domain/view/directive_priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct parser {
    struct view_source *source;
    struct text *report;
    size_t faults;
    uint32_t line;
    bool policy_given;
};

void view_source_fault(struct text *report, const char *path, uint32_t line, const char *format,
                       ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments); /* a longer one is cut */
    va_end(arguments);
    text_printf(report, "%s:%" PRIu32 ": %s\n", path, line, message);
}

#define FAULT(parser, ...)                                                                         \
    do {                                                                                           \
        (parser)->faults++;                                                                        \
        view_source_fault((parser)->report, (parser)->source->path, (parser)->line, __VA_ARGS__);  \
    } while (0)

/* --- What a part may not share with the others ------------------------------------------------ */

static void refuse_same_types(struct parser *parser, const struct view_part *part,
                              const struct view_part *other)
{
    for (size_t i = 0; i < part->type_count; i++) {
        for (size_t j = 0; j < other->type_count; j++) {
            bool itself = part == other && j >= i;
            if (!itself && slice_equal(part->types[i], other->types[j])) {
                FAULT(parser, "events of type \"%.*s\" are handled in line %" PRIu32 " already",
                      SLICE_PRINT(part->types[i]), other->line);
            }
        }
    }
}

static void refuse_duplicates(struct parser *parser, const struct view_part *part)
{
    const struct view_source *source = parser->source;
    for (size_t i = 0; i < source->part_count; i++) {
        const struct view_part *other = &source->parts[i];
        if (part->kind == VIEW_PART_HANDLER) {
            refuse_same_types(parser, part, other);
        }
        bool same_query = part->kind == VIEW_PART_QUERY && other->kind == VIEW_PART_QUERY &&
                          part != other && strcmp(part->query_name, other->query_name) == 0;
        if (same_query) {
            FAULT(parser, "the query \"%s\" stands in line %" PRIu32 " already", part->query_name,
                  other->line);
        }
        if (part->kind == VIEW_PART_TABLES && other->kind == VIEW_PART_TABLES && part != other) {
            FAULT(parser, "\"-- view\" stands in line %" PRIu32 " already: one view in one file",
                  other->line);
        }
    }
}

static void check_view_name(struct parser *parser, struct ever_slice name)
{
    if (!slice_is(name, parser->source->name)) {
        FAULT(parser, "a view has the name of its file: \"-- view %s\"", parser->source->name);
    }
}

/* --- Lines ----------------------------------------------------------------------------------- */

static void end_part(struct view_source *source, const char *at)
{
    if (source->part_count > 0) {
        struct view_part *last = &source->parts[source->part_count - 1];
        last->sql.size = (size_t)(at - last->sql.data);
    }
}

static void begin_part(struct parser *parser, const struct view_part *part, struct ever_slice line,
                       const char *below)
{
    struct view_source *source = parser->source;
    end_part(source, line.data);
    if (source->part_count == VIEW_PARTS_MAX) {
        FAULT(parser, "a view file has at most %d parts", VIEW_PARTS_MAX);
        return;
    }
    struct view_part *added = &source->parts[source->part_count++];
    *added = *part;
    added->line = parser->line;
    added->sql = slice_of(below, 0);
    refuse_duplicates(parser, added);
}

static void set_policy(struct parser *parser, enum view_policy policy)
{
    if (parser->policy_given) {
        FAULT(parser, "\"-- on error\" can stand once only");
    }
    parser->policy_given = true;
    parser->source->policy = policy;
}

/* `comment` is `line` without blanks; `below` the first byte behind it. */
static void read_comment(struct parser *parser, struct ever_slice line, struct ever_slice comment,
                         const char *below)
{
    struct view_line read = view_line_read(&parser->source->arena, comment);
    switch (read.kind) {
    case VIEW_LINE_PROSE:
        break;
    case VIEW_LINE_FAULTY:
        FAULT(parser, "%.*s", SLICE_PRINT(read.message));
        break;
    case VIEW_LINE_POLICY:
        set_policy(parser, read.policy);
        break;
    case VIEW_LINE_PART:
        if (read.part.kind == VIEW_PART_TABLES) {
            check_view_name(parser, read.view_name);
        }
        begin_part(parser, &read.part, line, below);
        break;
    }
}

/* What the end of one line leaves open for the next: '\'', '"', '`', ']' or '*' for a comment of
 * several lines; 0 when nothing is. */
static char scan_quotes(struct ever_slice line, char open)
{
    for (size_t i = 0; i < line.size; i++) {
        char c = line.data[i];
        char next = i + 1 < line.size ? line.data[i + 1] : '\0';
        if (open == '*') {
            open = c == '*' && next == '/' ? '\0' : open;
            i += open == '\0';
        } else if (open != '\0') {
            open = c == open ? '\0' : open;
        } else if (c == '-' && next == '-') {
            return '\0';
        } else if (c == '/' && next == '*') {
            open = '*';
            i++;
        } else if (c == '\'' || c == '"' || c == '`' || c == '[') {
            open = c == '[' ? ']' : c;
        }
    }
    return open;
}

static struct ever_slice trim_line(struct ever_slice line)
{
    line = slice_trim(line);
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    return slice_trim(line);
}

static void read_lines(struct parser *parser)
{
    struct view_source *source = parser->source;
    struct ever_slice rest = source->text;
    if (slice_starts_with(rest, SLICE_LITERAL("\xef\xbb\xbf"))) {
        rest = slice_from(rest, 3); /* the mark some editors write at the start of UTF-8 */
    }
    bool faulted_before = false;
    for (char open = '\0'; rest.size > 0;) {
        parser->line++;
        size_t size = slice_find_byte(rest, '\n');
        struct ever_slice line = slice_first(rest, size);
        rest = slice_from(rest, size < rest.size ? size + 1 : size);
        struct ever_slice trimmed = trim_line(line);
        if (open == '\0' && slice_starts_with(trimmed, SLICE_LITERAL("--"))) {
            read_comment(parser, line, trimmed, rest.data);
            continue;
        }
        bool comment = open == '*' || slice_starts_with(trimmed, SLICE_LITERAL("/*"));
        open = scan_quotes(line, open);
        if (source->part_count == 0 && trimmed.size > 0 && !comment && !faulted_before) {
            faulted_before = true;
            FAULT(parser, "a view file begins with \"-- view %s\"", source->name);
        }
    }
    end_part(source, source->text.data + source->text.size);
}

/* --- The whole ------------------------------------------------------------------------------- */

static bool has_part(const struct view_source *source, enum view_part_kind kind)
{
    for (size_t i = 0; i < source->part_count; i++) {
        if (source->parts[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void check_whole(struct parser *parser)
{
    const struct view_source *source = parser->source;
    if (parser->faults > 0) {
        return; /* what is missing may be what was faulty */
    }
    if (!has_part(source, VIEW_PART_TABLES)) {
        parser->line = 1;
        FAULT(parser, "a view file begins with \"-- view %s\"", source->name);
    } else if (source->parts[0].kind != VIEW_PART_TABLES) {
        parser->line = source->parts[0].line;
        FAULT(parser, "\"-- view %s\" must come first", source->name);
    }
    if (!has_part(source, VIEW_PART_HANDLER)) {
        FAULT(parser, "the view handles no event: \"-- on TYPE\" is missing");
    }
    if (!has_part(source, VIEW_PART_QUERY)) {
        FAULT(parser, "the view answers nothing: \"-- query NAME()\" is missing");
    }
}

static void check_bytes(struct parser *parser)
{
    struct ever_slice text = parser->source->text;
    for (const char *at = text.data; at != text.data + text.size;) {
        size_t size = *at == '\0' ? 0 : utf8_sequence(at, text.data + text.size);
        if (size == 0) {
            parser->line = view_source_line(parser->source, at);
            FAULT(parser, "the file is not UTF-8 text");
            return;
        }
        at += size;
    }
}

struct ever_err view_source_parse(const char *path, const char *name, struct ever_slice text,
                                  struct text *report, struct view_source **out_source)
{
    struct view_source *source = mem_alloc_zero(sizeof *source);
    arena_init(&source->arena);
    source->path = arena_copy(&source->arena, slice_of_text(path)).data;
    source->name = arena_copy(&source->arena, slice_of_text(name)).data;
    source->text = arena_copy(&source->arena, text);
    source->parts = mem_alloc(VIEW_PARTS_MAX * sizeof source->parts[0]);
    (void)snprintf(source->version, sizeof source->version, "%016" PRIx64,
                   hash64(source->text, 0)); /* 16 digits always */
    struct parser parser = {.source = source, .report = report};
    check_bytes(&parser);
    if (parser.faults == 0) {
        read_lines(&parser);
        check_whole(&parser);
    }
    if (parser.faults > 0) {
        view_source_free(source);
        return FAIL(EVER_INVALID, "read view file");
    }
    *out_source = source;
    return ERR_OK;
}

void view_source_free(struct view_source *source)
{
    if (source == NULL) {
        return;
    }
    arena_deinit(&source->arena);
    free(source->parts);
    free(source);
}

uint32_t view_source_line(const struct view_source *source, const char *at)
{
    ASSERT(at >= source->text.data);
    ASSERT(at <= source->text.data + source->text.size);
    uint32_t line = 1;
    for (const char *byte = source->text.data; byte != at; byte++) {
        line += *byte == '\n';
    }
    return line;
}

const struct view_part *view_source_query(const struct view_source *source, struct ever_slice name)
{
    for (size_t i = 0; i < source->part_count; i++) {
        const struct view_part *part = &source->parts[i];
        if (part->kind == VIEW_PART_QUERY && slice_is(name, part->query_name)) {
            return part;
        }
    }
    return NULL;
}
