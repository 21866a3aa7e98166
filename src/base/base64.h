/* base64.h - bytes as text (RFC 4648, section 4: with padding, without line breaks). */
#pragma once
#include "base/arena.h"
#include "base/text.h"

/* Appends the text for `bytes`: four characters for each three bytes begun. */
void base64_write(struct text *out, struct ever_slice bytes);

/* False for anything that base64_write() would not have written. */
bool base64_read(struct ever_slice text, struct arena *arena, struct ever_slice *out_bytes);
