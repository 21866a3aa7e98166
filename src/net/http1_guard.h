/* http1_guard.h - the rules for one line of an HTTP/1.x request, stricter than llhttp's own.
 *
 * Where two programs read the same bytes in two ways, requests can be smuggled past one of them. So
 * everything that is not plainly right is refused: a line must end with CRLF and hold no other
 * control character, no field may be folded or have a space before its colon, a chunk size is bare
 * hexadecimal digits. Pure functions of their arguments. */
#pragma once
#include "net/http.h"

/* Why a request is refused; status 0: it is not. `detail` is static text, whole sentences. */
struct http1_refusal {
    unsigned status;
    const char *detail;
};
#define HTTP1_FINE ((struct http1_refusal){0})
#define HTTP1_REFUSE(status_code, sentence)                                                        \
    ((struct http1_refusal){.status = (status_code), .detail = (sentence)})

/* Passes a refusal on. */
#define HTTP1_TRY(call)                                                                            \
    do {                                                                                           \
        struct http1_refusal refusal_ = (call);                                                    \
        if (refusal_.status != 0) {                                                                \
            return refusal_;                                                                       \
        }                                                                                          \
    } while (0)

#define HTTP1_METHOD_BYTES_MAX 16
#define HTTP1_CHUNK_DIGITS_MAX 16
#define HTTP1_CHUNK_EXTENSION_BYTES_MAX 256

/* `line` ends with LF and holds no other. On success `out_content` is the line without CRLF. */
struct http1_refusal http1_guard_line(struct ever_slice line, struct ever_slice *out_content);

/* "Name: value" without CRLF. On success `out_field` lends from `content`, the value trimmed. */
struct http1_refusal http1_guard_field(struct ever_slice content, struct http_header *out_field);

/* "GET /path?query HTTP/1.1" without CRLF. Fills in method, target, path and query. */
struct http1_refusal http1_guard_request_line(struct ever_slice content, uint32_t target_bytes_max,
                                              struct http_request *request, bool *out_is_1_0);

/* "1a;extension=value" without CRLF; the size itself is llhttp's to read. */
struct http1_refusal http1_guard_chunk(struct ever_slice content, size_t *out_extension_bytes);

/* The field of a trailer may not change what the head has said. */
struct http1_refusal http1_guard_trailer(const struct http_header *field);

bool http1_is_token(struct ever_slice text);          /* RFC 9110: a method, a field name */
bool http1_is_authority(struct ever_slice authority); /* host and port; may be empty */

/* The authority of a target in absolute form, else SLICE_NONE. */
struct ever_slice http1_target_authority(struct ever_slice target);

/* True for a method that is served though llhttp does not know it. */
bool http1_method_is_newer(struct ever_slice method);
