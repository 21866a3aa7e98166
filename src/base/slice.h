/* slice.h - working with struct ever_slice: bytes somebody else owns. */
#pragma once
#include "everfold_types.h"
#include <string.h>

#define SLICE_LITERAL(text) ((struct ever_slice){.data = (text), .size = sizeof(text) - 1})
#define SLICE_NONE ((struct ever_slice){.data = NULL, .size = 0})

/* For printf: printf("%.*s", SLICE_PRINT(name)). */
#define SLICE_PRINT(slice) (int)(slice).size, (slice).data

static inline struct ever_slice slice_of(const void *data, size_t size)
{
    return (struct ever_slice){.data = data, .size = size};
}

static inline struct ever_slice slice_of_text(const char *text)
{
    return (struct ever_slice){.data = text, .size = text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct ever_slice a, struct ever_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(struct ever_slice a, const char *text)
{
    return slice_equal(a, slice_of_text(text));
}

static inline bool slice_starts_with(struct ever_slice a, struct ever_slice prefix)
{
    return a.size >= prefix.size &&
           (prefix.size == 0 || memcmp(a.data, prefix.data, prefix.size) == 0);
}

/* As memcmp over the common part, then the shorter first. */
int slice_compare(struct ever_slice a, struct ever_slice b);

/* Equal but for the case of ASCII letters. */
bool slice_equal_ignoring_case(struct ever_slice a, struct ever_slice b);

/* The part from `start` to the end. start <= size. */
static inline struct ever_slice slice_from(struct ever_slice a, size_t start)
{
    return (struct ever_slice){.data = a.data == NULL ? NULL : a.data + start,
                               .size = a.size - start};
}

static inline struct ever_slice slice_first(struct ever_slice a, size_t size)
{
    return (struct ever_slice){.data = a.data, .size = size};
}

/* Index of the first `byte`, or a.size. */
size_t slice_find_byte(struct ever_slice a, char byte);

/* Without spaces and tabs at both ends. */
struct ever_slice slice_trim(struct ever_slice a);

/* A whole decimal number without sign or leading zeros, nothing else. False on overflow too. */
bool slice_parse_u64(struct ever_slice a, uint64_t *out_value);
