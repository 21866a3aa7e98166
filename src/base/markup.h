/* markup.h - text inside HTML, SVG and XML. */
#pragma once
#include "base/text.h"

/* Appends `text` so that it is read as text, between tags and between quotes of either kind. */
void markup_write(struct text *out, struct ever_slice text);
