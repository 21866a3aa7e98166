#include "cli/output/table.h"

#include "base/slice.h"
#include "cli/output/terminal.h"

#define GAP_COLUMNS 2

struct column {
    struct ever_slice name;
    size_t width; /* of its longest value; 0: all are empty */
    bool numbers; /* aligned to the right */
};

struct table {
    struct column columns[TABLE_COLUMNS_MAX];
    size_t count;
    struct arena arena; /* names and values without their escapes */
};

static struct ever_slice cell(struct table *table, struct json_value row, const struct column *of,
                              enum json_kind *out_kind)
{
    struct json_value value;
    *out_kind = JSON_NULL;
    if (!json_member(row, of->name, &value) || value.kind == JSON_NULL) {
        return SLICE_NONE;
    }
    *out_kind = value.kind;
    return value.kind == JSON_STRING ? json_string(value, &table->arena) : value.text;
}

static void add_named_columns(struct table *table, const char *const *names)
{
    for (; *names != NULL && table->count < TABLE_COLUMNS_MAX; names++) {
        table->columns[table->count++] = (struct column){.name = slice_of_text(*names)};
    }
}

static void add_columns_of(struct table *table, struct json_value row)
{
    if (row.kind != JSON_OBJECT) {
        return;
    }
    for (struct json_iter i = json_iter(row); json_next(&i) && table->count < TABLE_COLUMNS_MAX;) {
        table->columns[table->count++] = (struct column){.name = json_string(i.key, &table->arena)};
    }
}

static void measure(struct table *table, struct json_value rows)
{
    for (size_t c = 0; c < table->count; c++) {
        struct column *column = &table->columns[c];
        column->numbers = true;
        for (struct json_iter i = json_iter(rows); json_next(&i);) {
            enum json_kind kind;
            size_t width = terminal_width(cell(table, i.value, column, &kind));
            column->width = width > column->width ? width : column->width;
            column->numbers = column->numbers && (kind == JSON_NUMBER || kind == JSON_NULL);
        }
        size_t name_width = terminal_width(column->name);
        if (column->width > 0 && column->width < name_width) {
            column->width = name_width;
        }
    }
}

static void add_cell(struct text *out, const struct column *column, struct ever_slice value,
                     enum terminal_colour colour)
{
    size_t width = terminal_width(value);
    int padding = (int)(column->width > width ? column->width - width : 0);
    text_printf(out, "%*s", column->numbers ? padding : 0, "");
    terminal_add(out, colour, value);
    text_printf(out, "%*s", (column->numbers ? 0 : padding) + GAP_COLUMNS, "");
}

static void end_line(struct text *out)
{
    while (out->size > 0 && out->data[out->size - 1] == ' ') {
        out->size--;
    }
    text_add_byte(out, '\n');
}

static void add_lines(struct table *table, struct json_value rows, struct text *out)
{
    for (size_t c = 0; c < table->count; c++) {
        if (table->columns[c].width > 0) {
            add_cell(out, &table->columns[c], table->columns[c].name, TERMINAL_DIM);
        }
    }
    end_line(out);
    for (struct json_iter i = json_iter(rows); json_next(&i);) {
        for (size_t c = 0; c < table->count; c++) {
            enum json_kind kind;
            if (table->columns[c].width > 0) {
                struct ever_slice value = cell(table, i.value, &table->columns[c], &kind);
                add_cell(out, &table->columns[c], value, TERMINAL_PLAIN);
            }
        }
        end_line(out);
    }
}

void table_add(struct text *out, struct json_value rows, const char *const *columns)
{
    struct table table = {.count = 0};
    arena_init(&table.arena);
    struct json_iter first = json_iter(rows);
    if (!json_next(&first)) {
        text_add_text(out, "none\n");
    } else {
        if (columns != NULL) {
            add_named_columns(&table, columns);
        } else {
            add_columns_of(&table, first.value);
        }
        measure(&table, rows);
        add_lines(&table, rows, out);
    }
    arena_deinit(&table.arena);
}
