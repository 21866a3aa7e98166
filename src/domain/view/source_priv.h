/* source_priv.h - a view file taken apart: parts, types, queries, each with its line.
 *
 *     -- view NAME                     its tables: everything up to the next part
 *     -- on Type[, "Odd type"]         statements for events of these types
 *     -- query name(arg [text|integer|real], ...)   one SELECT
 *     -- on error stop|skip            a setting, anywhere, once; begins no part
 *
 * Knows lines, comments and quotes, but no SQL: check.c asks SQLite about the statements. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "everfold.h"

enum view_policy { VIEW_POLICY_STOP, VIEW_POLICY_SKIP };
enum view_part_kind { VIEW_PART_TABLES, VIEW_PART_HANDLER, VIEW_PART_QUERY };
enum view_argument_type { VIEW_ARGUMENT_TEXT, VIEW_ARGUMENT_INTEGER, VIEW_ARGUMENT_REAL };

struct view_part {
    enum view_part_kind kind;
    uint32_t line;                  /* of the line that begins it */
    struct ever_slice sql;          /* what stands below that line, up to the next part */
    const struct ever_slice *types; /* HANDLER */
    size_t type_count;
    const char *query_name; /* QUERY */
    const char *const *arguments;
    const enum view_argument_type *argument_types;
    size_t argument_count;
};

#define VIEW_PARTS_MAX 1000
#define VIEW_TYPES_PER_PART_MAX 100
#define VIEW_ARGUMENTS_MAX 32
#define VIEW_VERSION_TEXT_BYTES 17 /* 16 hexadecimal digits and a NUL */

struct view_source {
    struct arena arena; /* holds all that the parts point to */
    const char *path;   /* as faults name it: "views/balances.sql" */
    const char *name;
    struct ever_slice text;                /* followed by a NUL */
    char version[VIEW_VERSION_TEXT_BYTES]; /* hash of the text */
    enum view_policy policy;
    struct view_part *parts; /* the first one is the tables' */
    size_t part_count;
};

/* Takes `text` apart; copies it. `name` is what the file is called. EVER_INVALID: `report` has a
 * line "path:line: what is wrong" for each fault. */
struct ever_err view_source_parse(const char *path, const char *name, struct ever_slice text,
                                  struct text *report, struct view_source **out_source);
void view_source_free(struct view_source *source); /* NULL-safe. */

/* The line of the file on which the byte `at`, a place inside source->text, stands. */
uint32_t view_source_line(const struct view_source *source, const char *at);

/* The part that answers the query; NULL when there is none. */
const struct view_part *view_source_query(const struct view_source *source, struct ever_slice name);

/* Appends "path:line: message" and a line's end. */
void view_source_fault(struct text *report, const char *path, uint32_t line, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));
