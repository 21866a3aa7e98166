/* command_id.h - the id of a command: from its Idempotency-Key, so that the same key is the same
 * command for ever, or new. Its last 16 bits are zero: they count the command's events. No I/O. */
#pragma once
#include "base/arena.h"
#include "base/uuid.h"

#define IDEMPOTENCY_KEY_BYTES_MAX 255

/* Reads the header's value: a quoted string (RFC 8941), or leniently a bare token. Gives NULL or
 * what is wrong, as a sentence. */
const char *idempotency_key_parse(struct ever_slice value, struct arena *arena,
                                  struct ever_slice *out_key);

/* A version 8 UUID made of the three. */
struct ever_uuid command_id_of_key(struct ever_slice decider, struct ever_slice id,
                                   struct ever_slice key, struct arena *arena);

/* A version 7 UUID: ordered by time, random besides. */
struct ever_uuid command_id_new(struct env *env);
