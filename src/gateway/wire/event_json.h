/* event_json.h - an event as the API shows it. No I/O. */
#pragma once
#include "base/text.h"
#include "everfold.h"

enum event_form {
    EVENT_AS_STORED, /* data byte for byte */
    EVENT_ON_A_LINE, /* line ends between the tokens of data become spaces: for NDJSON and SSE */
};

/* Appends the event as a JSON object. Opaque data shows as "dataBase64"; metadata that is no JSON,
 * which only the C library can write, as "metadataBase64". */
void event_write(struct text *out, const struct ever_event *event, enum event_form form);

/* Appends JSON text with line ends turned into spaces. In checked JSON they stand between tokens
 * only. */
void json_write_on_a_line(struct text *out, struct ever_slice json);

void uuid_write(struct text *out, struct ever_uuid uuid); /* without quotes */
