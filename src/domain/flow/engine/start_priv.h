/* start_priv.h - what `startWith` gives to operators that combine. */
#pragma once
#include "domain/flow/engine/engine_priv.h"

/* The value that a stream has before its first item: the last of a startWith; NULL for all others.
 */
const struct derive_value *start_value(const struct derive_node *node);
