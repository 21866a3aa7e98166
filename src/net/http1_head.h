/* http1_head.h - what the fields of a head say together: whose request it is, how long its body. */
#pragma once
#include "net/http1.h"

struct http1_framing {
    bool chunked;
    bool expects_continue;
};

/* Checks the message's request line and fields as a whole. What a number in Content-Length is worth
 * remains llhttp's to say. */
struct http1_refusal http1_check_head(const struct http1_message *message,
                                      struct http1_framing *out_framing);
