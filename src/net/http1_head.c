#include "net/http1_head.h"

#include "base/assert.h"

/* The fields that decide where a request ends and whom it is for; NULL: not sent. */
struct deciding_fields {
    const struct http_header *host;
    const struct http_header *content_length;
    const struct http_header *transfer_encoding;
    const struct http_header *expect;
};

static struct http1_refusal find_deciding_fields(const struct http_request *request,
                                                 struct deciding_fields *out_fields)
{
    struct deciding_fields fields = {0};
    const struct {
        struct ever_slice name;
        const struct http_header **field;
    } table[] = {
        {SLICE_LITERAL("host"), &fields.host},
        {SLICE_LITERAL("content-length"), &fields.content_length},
        {SLICE_LITERAL("transfer-encoding"), &fields.transfer_encoding},
        {SLICE_LITERAL("expect"), &fields.expect},
    };
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        for (size_t row = 0; row < sizeof table / sizeof table[0]; row++) {
            if (!slice_equal_ignoring_case(header->name, table[row].name)) {
                continue;
            }
            if (*table[row].field != NULL) {
                return HTTP1_REFUSE(400, "A header that must stand once was sent twice: Host, "
                                         "Content-Length, Transfer-Encoding or Expect.");
            }
            *table[row].field = header;
        }
    }
    *out_fields = fields;
    return HTTP1_FINE;
}

static struct http1_refusal check_host(const struct http1_message *message,
                                       const struct http_header *host)
{
    if (host == NULL) {
        return message->is_1_0 ? HTTP1_FINE : HTTP1_REFUSE(400, "The Host header is missing.");
    }
    if (!http1_is_authority(host->value)) {
        return HTTP1_REFUSE(400, "The Host header is not a host name or address with a port.");
    }
    struct ever_slice authority = http1_target_authority(message->request.target);
    if (authority.data != NULL && !slice_equal_ignoring_case(authority, host->value)) {
        return HTTP1_REFUSE(400, "The target and the Host header name different hosts.");
    }
    return HTTP1_FINE;
}

static bool all_digits(struct ever_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

static struct http1_refusal check_body(const struct http1_message *message,
                                       const struct deciding_fields *fields)
{
    if (fields->content_length != NULL && fields->transfer_encoding != NULL) {
        return HTTP1_REFUSE(400, "Content-Length and Transfer-Encoding exclude each other.");
    }
    if (fields->content_length != NULL && !all_digits(fields->content_length->value)) {
        return HTTP1_REFUSE(400, "Content-Length is not one whole number.");
    }
    if (fields->transfer_encoding == NULL) {
        return HTTP1_FINE;
    }
    if (message->is_1_0) {
        return HTTP1_REFUSE(400, "HTTP/1.0 has no Transfer-Encoding.");
    }
    if (!slice_equal_ignoring_case(fields->transfer_encoding->value, SLICE_LITERAL("chunked"))) {
        return HTTP1_REFUSE(400, "The only Transfer-Encoding this server reads is chunked.");
    }
    return HTTP1_FINE;
}

static struct http1_refusal check_expect(const struct http_header *expect)
{
    if (expect != NULL &&
        !slice_equal_ignoring_case(expect->value, SLICE_LITERAL("100-continue"))) {
        return HTTP1_REFUSE(417, "The only expectation this server meets is 100-continue.");
    }
    return HTTP1_FINE;
}

struct http1_refusal http1_check_head(const struct http1_message *message,
                                      struct http1_framing *out_framing)
{
    struct deciding_fields fields = {0};
    HTTP1_TRY(find_deciding_fields(&message->request, &fields));
    HTTP1_TRY(check_host(message, fields.host));
    HTTP1_TRY(check_body(message, &fields));
    HTTP1_TRY(check_expect(fields.expect));
    *out_framing = (struct http1_framing){
        .chunked = fields.transfer_encoding != NULL,
        .expects_continue = fields.expect != NULL && !message->is_1_0,
    };
    return HTTP1_FINE;
}
