/* foreign_priv.h - answers to what this server does not speak, TLS and HTTP/2. Each gets an end in
 * its own tongue, so that the client's message names the cause instead of a bare disconnect. */
#pragma once

struct protocol;

extern const struct protocol tls_protocol;
extern const struct protocol h2_protocol;
