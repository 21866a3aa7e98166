/* base64.h - RFC 4648, section 4: the usual alphabet, padded. No I/O. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

void base64_write(struct text *out, struct ever_slice bytes);

/* False for anything that base64_write() would not have written. */
bool base64_read(struct ever_slice text, struct arena *arena, struct ever_slice *out_bytes);
