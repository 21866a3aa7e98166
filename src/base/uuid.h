/* uuid.h - UUIDs (RFC 9562) as bytes and as text. */
#pragma once
#include "base/env.h"

#define UUID_TEXT_BYTES 36

struct ever_uuid uuid_v4(struct env *env);                  /* random */
struct ever_uuid uuid_v4_of(struct ever_uuid random_bytes); /* marks them as a version 4 */
struct ever_uuid uuid_v7(struct env *env);                  /* by time, then random */

/* Writes 36 characters, lower case, and no NUL. */
void uuid_format(struct ever_uuid uuid, char out_text[static UUID_TEXT_BYTES]);

/* Accepts the 36-character form, either case. False for anything else. */
bool uuid_parse(struct ever_slice text, struct ever_uuid *out_uuid);

bool uuid_is_none(struct ever_uuid uuid); /* all zero */
bool uuid_equal(struct ever_uuid a, struct ever_uuid b);
