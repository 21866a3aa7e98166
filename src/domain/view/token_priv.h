/* token_priv.h - SQL cut into tokens, enough to find a place in it. SQLite alone understands it. */
#pragma once
#include "everfold_types.h"

/* Takes the next token off `rest`, over white space and comments: a string or name with its quotes,
 * a word or number, a parameter with its sign (:name, @name), or one byte. Empty at the end. */
struct ever_slice view_token_next(struct ever_slice *rest);

/* Where the token `word` stands in `sql`; its first token when it is not there. */
const char *view_token_find(struct ever_slice sql, const char *word);

/* True when a date function is called for the present time: date(), datetime('now', ...). */
bool view_token_asks_now(struct ever_slice sql);
