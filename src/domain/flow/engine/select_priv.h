/* select_priv.h - an object put together from paths and constants: of `select` and `emit`. */
#pragma once
#include "domain/flow/engine/engine_priv.h"

struct derive_select;

/* Parses [["name",{"path":p}|{"value":JSON}]...]. */
struct derive_select *select_parse(struct derive_parse *parse, struct derive_node *node,
                                   struct json_value json);

/* In the stretch's arena. A member whose path is missing is left out. */
struct derive_value select_make(const struct derive_select *select, const struct derive_node *node,
                                const struct derive_item *item);
