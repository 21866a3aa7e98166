#include "base/text.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_deinit(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->size = 0;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

char *text_reserve(struct text *text, size_t size)
{
    size_t need = text->size + size + 1;
    ASSERT(need > size);
    if (need > text->capacity) {
        size_t capacity = text->capacity < 64 ? 64 : text->capacity * 2;
        text->capacity = capacity < need ? need : capacity;
        text->data = mem_grow(text->data, text->capacity);
    }
    return text->data + text->size;
}

void text_seal(struct text *text)
{
    ASSERT(text->size < text->capacity);
    text->data[text->size] = '\0';
}

void text_add(struct text *text, struct ever_slice bytes)
{
    char *end = text_reserve(text, bytes.size);
    if (bytes.size > 0) {
        memcpy(end, bytes.data, bytes.size);
    }
    text->size += bytes.size;
    text_seal(text);
}

void text_add_text(struct text *text, const char *literal)
{
    text_add(text, slice_of_text(literal));
}

void text_add_byte(struct text *text, char byte)
{
    text_add(text, slice_of(&byte, 1));
}

void text_add_u64(struct text *text, uint64_t value)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_add(text, slice_of(digits + start, sizeof digits - start));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    char *end = text_reserve(text, (size_t)size);
    va_start(arguments, format);
    (void)vsnprintf(end, (size_t)size + 1, format, arguments); /* its size is known from above */
    va_end(arguments);
    text->size += (size_t)size;
}
