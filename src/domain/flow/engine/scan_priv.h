/* scan_priv.h - finds the values at many paths in one pass over a JSON text.
 *
 * The text need not be checked. What is taken is checked, what is passed over is not: a value
 * counts as missing when it is not JSON, or when it stands behind a place where the text stops
 * being JSON. So what is found at one path does not depend on which other paths are looked for. Of
 * members with the same name the first counts. */
#pragma once
#include "domain/flow/engine/value_priv.h"

#define SCAN_NO_SLOT UINT32_MAX

struct scan_trie {
    struct ever_slice name; /* member, or index of an array in digits */
    uint32_t slot;          /* where the value at this place goes, or SCAN_NO_SLOT */
    struct scan_trie *children;
    uint32_t child_count;
    uint32_t wanted; /* slots here and below */
};

/* Adds a path; the root has no name. Everything lives in `arena`. */
void scan_trie_add(struct scan_trie *root, const struct ever_slice *steps, size_t count,
                   uint32_t slot, struct arena *arena);

/* Sets the slots of all paths found; the others are left as they are. */
void scan_find(const struct scan_trie *root, struct ever_slice text, struct derive_value *slots);

/* The value at one path. */
struct derive_value scan_find_one(struct ever_slice text, const struct ever_slice *steps,
                                  size_t count);
