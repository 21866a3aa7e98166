/* utf8.h - strict UTF-8 (no overlong forms, no surrogates, up to U+10FFFF). */
#pragma once
#include "everfold_types.h"

/* Bytes of the valid sequence at the start of [at, end), 1 to 4; 0 when it is not valid. */
size_t utf8_sequence(const char *at, const char *end);

bool utf8_check(struct ever_slice text);

/* Writes `code_point` (valid, not a surrogate) and returns the number of bytes, 1 to 4. */
size_t utf8_encode(uint32_t code_point, char out_bytes[static 4]);
