/* value_priv.h - values on their way from JSON into SQLite and back.
 *
 *     string <-> text     integer that fits <-> integer     other number <-> real
 *     true, false -> 1, 0     null, missing <-> null     object, array -> their JSON text
 *     blob -> base64 */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "domain/view/compile_priv.h"

/* Finds in one pass over the event's data the members called `names`; null for what is missing, and
 * for all when the data is no JSON object. False when it claims to be JSON and is not: the store
 * takes a host program's word for it, and the server must not fall over a wrong one. */
bool view_find_members(const struct ever_event *event, const struct ever_slice *names, size_t count,
                       struct json_value *out_values, struct arena *arena);

/* Binds without copying: event and arena must stay until the statement is bound anew. */
int view_bind_json(sqlite3_stmt *statement, int parameter, struct json_value value,
                   struct arena *arena);
int view_bind_field(sqlite3_stmt *statement, int parameter, enum view_field field,
                    const struct ever_event *event, struct arena *arena);

/* Binds text that a client sent; false when it is not of the type. */
bool view_bind_argument(sqlite3_stmt *statement, int parameter, enum view_argument_type type,
                        struct ever_slice value);

/* Appends the value of a result column as JSON; text as it is when `is_json` and it is valid. */
void view_write_column(struct text *out, sqlite3_stmt *statement, int index, bool is_json);
