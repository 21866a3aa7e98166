/* text.h - a growing buffer of bytes, always followed by a NUL.
 *
 * Zero-initialised is empty and valid. Running out of memory ends the process (mem.h). */
#pragma once
#include "everfold_types.h"

struct text {
    char *data; /* NULL while nothing was ever added */
    size_t size;
    size_t capacity;
};

void text_deinit(struct text *text); /* back to empty, memory freed */
void text_clear(struct text *text);  /* back to empty, memory kept */
void text_add(struct text *text, struct ever_slice bytes);
void text_add_text(struct text *text, const char *literal);
void text_add_byte(struct text *text, char byte);
void text_add_u64(struct text *text, uint64_t value); /* decimal */
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `size` more bytes, to be filled by the caller, who then adds to text->size and calls
 * text_add() or text_seal() before anyone reads it as a C string. */
char *text_reserve(struct text *text, size_t size);
void text_seal(struct text *text); /* writes the NUL */

static inline struct ever_slice text_slice(const struct text *text)
{
    return (struct ever_slice){.data = text->data, .size = text->size};
}
