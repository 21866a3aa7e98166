/* json_priv.h - what checking, reading and writing JSON share. */
#pragma once
#include "base/json.h"

/* The first byte from `at` on that is not plain: quote, backslash, control or non-ASCII; or `end`.
 */
const char *json_skip_plain(const char *at, const char *end);

/* The four digits of \uXXXX at `at`, or -1. */
int32_t json_hex4(const char *at, const char *end);

static inline bool json_is_high_surrogate(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static inline bool json_is_low_surrogate(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}
