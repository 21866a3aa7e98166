/* number.h - real numbers as text, the same in every locale: as JavaScript reads and writes them.
 */
#pragma once
#include "base/text.h"

/* `text` is a JSON number (checked); the nearest double, infinite when it is out of range. */
double number_parse(struct ever_slice text);

/* The shortest text that reads back as `value`, in JavaScript's form: 0.1, 1e+21, 5e-7. The value
 * must be finite; -0 is written as 0. */
void number_write(struct text *out, double value);
