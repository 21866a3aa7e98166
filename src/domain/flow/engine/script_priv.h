/* script_priv.h - a call of a script segment as JSON: what is asked, what is answered. */
#pragma once
#include "domain/flow/engine/engine_priv.h"

struct script {
    struct ever_slice segment;
    uint32_t op_count;
    bool whole_roots; /* when, update: a root's items are one; if one fails all do */
    uint64_t generation;
};

struct script_item {
    const struct derive_item *item;
    uint32_t input;
    uint32_t k; /* ordinal among the node's items of the root */
};

struct script_request {
    const struct derive_node *node;
    const struct script_item *items;
    size_t count;
    struct text states; /* members that were asked for */
    struct text text;
};

struct script_out {
    size_t index; /* of the item it came from */
    bool has_key;
    struct ever_slice key;   /* JSON array */
    struct ever_slice value; /* JSON; empty: as it came */
};
struct script_change {       /* of a state */
    struct ever_slice key;   /* of the table: operator, 0 byte, key */
    struct ever_slice state; /* JSON; empty: gone */
};
struct script_answer { /* in the stretch's arena */
    size_t done;
    struct script_out *outs;
    size_t out_count;
    struct script_change *changes;
    size_t change_count;
    struct ever_slice failed;       /* why item `done` failed; empty: it did not */
    const struct json_value *needs; /* not NULL: nothing was run */
};

/* The request's text, lent until it changes. */
struct ever_slice script_write_request(struct script_request *request);

/* Adds the states that the answer asks for. */
void script_add_needs(struct script_request *request, const struct script_answer *answer);

/* `text` must live as long as the answer. Gives what is wrong with it, or NULL. */
const char *script_read_answer(const struct derive_node *node, struct ever_slice text, size_t count,
                               struct script_answer *out_answer);

/* The states have gone back: what workers remember must not be used. */
void script_forget(struct derive_node *node);
