/* event_text.h - events as the server sends them, shown to a person or passed on to a program. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

/* Appends one event (checked JSON) with a line end. For people: position, time, stream and its
 * revision, type, data, in columns; else the JSON as it is. */
void event_text_add(struct text *out, struct ever_slice event, bool for_people);

/* Appends checked JSON over several indented lines, without a last line end. */
void json_text_add(struct text *out, struct ever_slice json);
