#include "base/number.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The host program may have set another locale, where 1.5 is written 1,5. */
static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    ASSERT(plain_locale != (locale_t)0);
}

static double parse_text(const char *text) /* ends with a NUL */
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_plain_locale); /* cannot fail with a valid control */
    return strtod_l(text, NULL, plain_locale);
}

/* Reads digits with at most one point among them. `*out_scale`: how many stood behind the point.
 * False when there is more than that, or more digits than a double holds exactly. */
static bool take_short(struct ever_slice text, uint64_t *out_digits, unsigned *out_scale)
{
    uint64_t digits = 0;
    unsigned scale = 0;
    bool behind_point = false;
    if (text.size > 16) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (byte < '0' || byte > '9') {
            return false;
        }
        digits = digits * 10 + (uint64_t)(byte - '0');
        scale += behind_point;
    }
    *out_digits = digits;
    *out_scale = scale;
    return digits < (UINT64_C(1) << 53);
}

double number_parse(struct ever_slice text)
{
    static const double powers[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
    ASSERT(text.size > 0);
    bool negative = text.data[0] == '-';
    uint64_t digits;
    unsigned scale;
    if (take_short(slice_from(text, negative), &digits, &scale)) {
        /* Both are exact in a double, so the division is rounded once: the nearest double. */
        double value = (double)digits / powers[scale];
        return negative ? -value : value;
    }
    char buffer[64];
    bool fits = text.size < sizeof buffer;
    char *copy = fits ? buffer : mem_alloc(text.size + 1);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double value = parse_text(copy);
    if (!fits) {
        free(copy);
    }
    return value;
}

struct decimal {
    char digits[20]; /* no leading, no trailing zeros; not terminated */
    int count;
    int exponent; /* value = 0.DIGITS * 10^exponent */
};

/* "d.ddde+xx", with whatever stands for a point in the locale. */
static struct decimal take_decimal(const char *text)
{
    struct decimal decimal = {0};
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            ASSERT(decimal.count < (int)sizeof decimal.digits);
            decimal.digits[decimal.count++] = *at;
        }
    }
    decimal.exponent = (int)strtol(at + 1, NULL, 10) + 1;
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') {
        decimal.count--;
    }
    return decimal;
}

static double decimal_value(const struct decimal *decimal)
{
    char text[48];
    (void)snprintf(text, sizeof text, "0.%.*se%d", decimal->count, decimal->digits,
                   decimal->exponent); /* it fits */
    return parse_text(text);
}

/* 15 digits always come back as they were, so fewer need no look of their own, but for the smallest
 * numbers, which have fewer bits; 17 are always enough. */
static struct decimal shortest(double value)
{
    struct decimal decimal;
    for (int digits = value < 0x1p-1022 ? 1 : 15; digits <= 17; digits++) {
        char text[48];
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value); /* it fits */
        decimal = take_decimal(text);
        if (decimal_value(&decimal) == value) {
            break;
        }
    }
    return decimal;
}

static void add_zeros(struct text *out, int count)
{
    for (int i = 0; i < count; i++) {
        text_add_byte(out, '0');
    }
}

static void write_decimal(struct text *out, const struct decimal *decimal)
{
    size_t count = (size_t)decimal->count;
    int point = decimal->exponent;
    struct ever_slice digits = slice_of(decimal->digits, count);
    if (point > 21 || point < -5) {
        text_add_byte(out, digits.data[0]);
        if (count > 1) {
            text_add_byte(out, '.');
            text_add(out, slice_from(digits, 1));
        }
        text_printf(out, "e%+d", point - 1);
    } else if (point <= 0) {
        text_add_text(out, "0.");
        add_zeros(out, -point);
        text_add(out, digits);
    } else if ((size_t)point >= count) {
        text_add(out, digits);
        add_zeros(out, point - (int)count);
    } else {
        text_add(out, slice_first(digits, (size_t)point));
        text_add_byte(out, '.');
        text_add(out, slice_from(digits, (size_t)point));
    }
}

void number_write(struct text *out, double value)
{
    ASSERT(isfinite(value));
    if (value < 0) {
        text_add_byte(out, '-');
        value = -value;
    }
    if (value < 0x1p53 && value == (double)(uint64_t)value) {
        text_add_u64(out, (uint64_t)value);
        return;
    }
    struct decimal decimal = shortest(value);
    write_decimal(out, &decimal);
}
