/* foreign_priv.h - telling apart what is spoken on the port, and answers to what this server does
 * not speak: TLS and HTTP/2. Each gets an end in its own tongue, so that the client's message names
 * the cause instead of a bare disconnect. */
#pragma once
#include "everfold_types.h"

struct protocol;

/* The protocol that begins with these bytes; NULL: more of them are needed, three at most. */
const struct protocol *foreign_sniff(struct ever_slice first_bytes);
