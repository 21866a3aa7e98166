/* table.h - rows of JSON as aligned columns for a person. */
#pragma once
#include "base/json.h"

#define TABLE_COLUMNS_MAX 32

/* Appends the array's objects as lines under a line of names; a member that is missing is left
 * empty. `columns` ends with NULL; NULL: the members of the first object. A column that is empty in
 * every row is left out. */
void table_add(struct text *out, struct json_value rows, const char *const *columns);
