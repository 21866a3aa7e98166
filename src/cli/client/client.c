#include "cli/client/client.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/slice.h"

#include <errno.h>
#include <llhttp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server sends at least a heartbeat every 15 s, and answers within its own limits long before. */
#define SILENCE_SECONDS_MAX 60
#define READ_BYTES (64u << 10)
#define DEFAULT_PORT "2113"

struct client {
    char *url;  /* as given, without a slash at its end */
    char *host; /* without brackets */
    char *port;
    int fd; /* -1: not connected */
    llhttp_t parser;
    char *buffer; /* READ_BYTES, filled up to `size`, parsed up to `at` */
    size_t at;
    size_t size;
    size_t unanswered;
    /* While receiving: */
    struct client_response *response;
    client_body_fn *each;
    void *arg;
    bool complete;
    bool keep_alive;
    bool had_enough;
    bool too_long;
};

/* --- Parsing answers ------------------------------------------------------------------------- */

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct client *client = parser->data;
    struct text *body = &client->response->body;
    if (client->each != NULL && parser->status_code < 300) {
        client->had_enough = !client->each(client->arg, slice_of(at, size));
        return client->had_enough ? HPE_USER : 0;
    }
    client->too_long = body->size + size > CLIENT_ANSWER_BYTES_MAX;
    if (client->too_long) {
        return HPE_USER;
    }
    text_add(body, slice_of(at, size));
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct client *client = parser->data;
    client->response->status = parser->status_code;
    if (parser->status_code < 200) {
        return 0; /* an interim answer: the real one follows */
    }
    client->complete = true;
    client->keep_alive = llhttp_should_keep_alive(parser) == 1;
    return HPE_PAUSED; /* what follows belongs to the next request */
}

static const llhttp_settings_t *parser_settings(void)
{
    static llhttp_settings_t settings;
    static bool ready;
    if (!ready) {
        llhttp_settings_init(&settings);
        settings.on_body = on_body;
        settings.on_message_complete = on_message_complete;
        ready = true;
    }
    return &settings;
}

/* --- Address --------------------------------------------------------------------------------- */

static struct ever_err refuse_url(const char *url, const char *why, struct text *report)
{
    text_printf(report, "'%s' is no address of a server: %s", url, why);
    return FAIL(EVER_INVALID, "bad URL");
}

/* Splits "host:port" or "[host]:port". */
static bool split_authority(struct ever_slice authority, struct ever_slice *out_host,
                            struct ever_slice *out_port)
{
    bool bracketed = authority.size > 0 && authority.data[0] == '[';
    size_t end = slice_find_byte(authority, bracketed ? ']' : ':');
    if (bracketed && end == authority.size) {
        return false;
    }
    *out_host = bracketed ? slice_of(authority.data + 1, end - 1) : slice_first(authority, end);
    struct ever_slice rest = slice_from(authority, bracketed ? end + 1 : end);
    *out_port = rest.size == 0 ? SLICE_LITERAL(DEFAULT_PORT) : slice_from(rest, 1);
    uint64_t number;
    return out_host->size > 0 && (rest.size == 0 || rest.data[0] == ':') &&
           slice_parse_u64(*out_port, &number) && number > 0 && number <= UINT16_MAX;
}

struct ever_err client_open(const char *url, struct text *report, struct client **out_client)
{
    static const struct ever_slice scheme = SLICE_LITERAL("http://");
    struct ever_slice text = slice_of_text(url);
    if (slice_starts_with(text, SLICE_LITERAL("https://"))) {
        return refuse_url(url, "this program speaks http:// only", report);
    }
    if (!slice_starts_with(text, scheme)) {
        return refuse_url(url, "it must begin with http://", report);
    }
    if (text.data[text.size - 1] == '/') {
        text.size--;
    }
    struct ever_slice host;
    struct ever_slice port;
    if (text.size < scheme.size || !split_authority(slice_from(text, scheme.size), &host, &port)) {
        return refuse_url(url, "http://HOST:PORT was expected", report);
    }
    struct client *client = mem_alloc_zero(sizeof *client);
    client->url = mem_copy_text(text);
    client->host = mem_copy_text(host);
    client->port = mem_copy_text(port);
    client->buffer = mem_alloc(READ_BYTES);
    client->fd = -1;
    *out_client = client;
    return ERR_OK;
}

const char *client_url(const struct client *client)
{
    return client->url;
}

/* --- Connection ------------------------------------------------------------------------------ */

static void disconnect(struct client *client)
{
    if (client->fd != -1) {
        (void)close(client->fd); /* nothing was promised about it any more */
    }
    client->fd = -1;
    client->at = 0;
    client->size = 0;
    client->unanswered = 0;
}

void client_close(struct client *client)
{
    if (client == NULL) {
        return;
    }
    disconnect(client);
    free(client->url);
    free(client->host);
    free(client->port);
    free(client->buffer);
    free(client);
}

static struct ever_err refuse_connection(const struct client *client, int number,
                                         struct text *report)
{
    if (number == ECONNREFUSED) {
        text_printf(report,
                    "nothing listens on %s: start it with 'everfold serve APP', or say --url",
                    client->url + strlen("http://"));
        return FAIL_ERRNO(EVER_NOT_FOUND, number, "connect");
    }
    text_printf(report, "cannot connect to %s: %s", client->url, strerror(number));
    return FAIL_ERRNO(EVER_IO, number, "connect");
}

static struct ever_err connect_to(struct client *client, const struct addrinfo *address,
                                  struct text *report)
{
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return refuse_connection(client, errno, report);
    }
    struct timeval limit = {.tv_sec = SILENCE_SECONDS_MAX};
    int yes = 1;
    /* Without these it works too, but for the limit. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        struct ever_err err = refuse_connection(client, errno, report);
        (void)close(fd); /* never used */
        return err;
    }
    client->fd = fd;
    llhttp_init(&client->parser, HTTP_RESPONSE, parser_settings());
    client->parser.data = client;
    return ERR_OK;
}

static struct ever_err ensure_connected(struct client *client, struct text *report)
{
    if (client->fd != -1) {
        return ERR_OK;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int failure = getaddrinfo(client->host, client->port, &hints, &addresses);
    if (failure != 0) {
        text_printf(report, "cannot find the host of %s: %s", client->url, gai_strerror(failure));
        return FAIL(EVER_NOT_FOUND, "resolve host");
    }
    struct ever_err err = FAIL(EVER_NOT_FOUND, "no address");
    for (struct addrinfo *at = addresses; at != NULL && client->fd == -1; at = at->ai_next) {
        text_clear(report); /* the last address tells */
        err = connect_to(client, at, report);
    }
    freeaddrinfo(addresses);
    return err;
}

static struct ever_err connection_lost(struct client *client, const char *doing, int number,
                                       struct text *report)
{
    disconnect(client);
    bool silent = number == EAGAIN || number == EWOULDBLOCK;
    if (silent) {
        text_printf(report, "%s said nothing for %d seconds", client->url, SILENCE_SECONDS_MAX);
        return FAIL_ERRNO(EVER_TIMEOUT, number, "server is silent");
    }
    text_printf(report, "%s %s: %s", client->url, doing,
                number == 0 ? "it closed the connection" : strerror(number));
    return FAIL_ERRNO(EVER_IO, number, "connection lost");
}

/* --- Sending --------------------------------------------------------------------------------- */

static struct ever_err send_all(struct client *client, struct ever_slice bytes, int flags,
                                struct text *report)
{
    while (bytes.size > 0) {
        ssize_t size = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL | flags);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return connection_lost(client, "did not take the request", errno, report);
        }
        bytes = slice_from(bytes, (size_t)size);
    }
    return ERR_OK;
}

static void write_head(const struct client *client, const struct client_request *request,
                       struct text *head)
{
    text_printf(head, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: everfold/" EVERFOLD_VERSION "\r\n",
                request->method, request->target, client->url + strlen("http://"));
    text_printf(head, "Accept: %s\r\n",
                request->accept == NULL ? "application/json" : request->accept);
    if (request->content_type != NULL) {
        text_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", request->content_type,
                    request->body.size);
    }
    text_add_text(head, request->headers == NULL ? "" : request->headers);
    text_add_text(head, "\r\n");
}

struct ever_err client_send(struct client *client, const struct client_request *request,
                            struct text *report)
{
    TRY(ensure_connected(client, report));
    struct text head = {0};
    write_head(client, request, &head);
    struct ever_err err =
        send_all(client, text_slice(&head), request->body.size > 0 ? MSG_MORE : 0, report);
    text_deinit(&head);
    TRY(err);
    TRY(send_all(client, request->body, 0, report));
    client->unanswered++;
    return ERR_OK;
}

/* --- Receiving ------------------------------------------------------------------------------- */

static struct ever_err fill(struct client *client, struct text *report)
{
    ssize_t size;
    do {
        size = recv(client->fd, client->buffer, READ_BYTES, 0);
    } while (size < 0 && errno == EINTR);
    if (size > 0) {
        client->at = 0;
        client->size = (size_t)size;
        return ERR_OK;
    }
    int number = size == 0 ? 0 : errno;
    if (size == 0) { /* maybe the end of an answer without length: on_message_complete() tells */
        (void)llhttp_finish(&client->parser);
    }
    return client->complete ? ERR_OK : connection_lost(client, "did not answer", number, report);
}

static struct ever_err parse(struct client *client, struct text *report)
{
    const char *start = client->buffer + client->at;
    llhttp_errno_t result = llhttp_execute(&client->parser, start, client->size - client->at);
    if (result == HPE_OK) {
        client->at = client->size;
        return ERR_OK;
    }
    if (result == HPE_PAUSED) {
        client->at = (size_t)(llhttp_get_error_pos(&client->parser) - client->buffer);
        llhttp_resume(&client->parser);
        return ERR_OK;
    }
    disconnect(client);
    if (client->had_enough) {
        return FAIL(EVER_CLOSED, "the reader had enough");
    }
    if (client->too_long) {
        text_printf(report, "the answer of %s is longer than %u bytes", client->url,
                    CLIENT_ANSWER_BYTES_MAX);
        return FAIL(EVER_LIMIT, "answer too long");
    }
    text_printf(report, "what answers on %s does not speak HTTP (%s)", client->url,
                llhttp_errno_name(result));
    return FAIL(EVER_INVALID, "bad answer");
}

static struct ever_err receive_one(struct client *client, struct text *report)
{
    while (!client->complete) {
        if (client->fd == -1) {
            return connection_lost(client, "did not answer", 0, report);
        }
        if (client->at == client->size) {
            TRY(fill(client, report));
        }
        if (!client->complete) {
            TRY(parse(client, report));
        }
    }
    return ERR_OK;
}

struct ever_err client_receive(struct client *client, client_body_fn *each, void *arg,
                               struct client_response *response, struct text *report)
{
    if (client->unanswered == 0) { /* the connection ended with an earlier answer */
        return connection_lost(client, "did not answer", 0, report);
    }
    client->unanswered--;
    client->response = response;
    client->each = each;
    client->arg = arg;
    client->complete = false;
    client->had_enough = false;
    client->too_long = false;
    response->status = 0;
    text_clear(&response->body);
    struct ever_err err = receive_one(client, report);
    if (!IS_OK(err) || !client->keep_alive) {
        disconnect(client);
    }
    client->response = NULL;
    return err;
}

void client_response_deinit(struct client_response *response)
{
    text_deinit(&response->body);
}

struct ever_err client_call(struct client *client, const struct client_request *request,
                            struct client_response *response, struct text *report)
{
    TRY(client_send(client, request, report));
    return client_receive(client, NULL, NULL, response, report);
}

/* --- Helpers --------------------------------------------------------------------------------- */

static struct ever_slice problem_member(struct json_value problem, const char *name,
                                        struct arena *arena)
{
    struct json_value value;
    bool found = json_member(problem, slice_of_text(name), &value) && value.kind == JSON_STRING;
    return found ? json_string(value, arena) : SLICE_NONE;
}

void client_explain(const struct client *client, const struct client_response *response,
                    struct text *out)
{
    struct ever_slice body = text_slice(&response->body);
    if (body.size == 0 || !json_check(body, NULL)) {
        text_printf(out, "%s answered with status %u", client->url, response->status);
        return;
    }
    struct arena arena;
    arena_init(&arena);
    struct json_value problem = json_value_of(body);
    struct ever_slice title = problem_member(problem, "title", &arena);
    struct ever_slice detail = problem_member(problem, "detail", &arena);
    if (detail.size > 0) {
        text_add(out, detail);
    } else if (title.size > 0) {
        text_add(out, title);
    } else {
        text_printf(out, "%s answered with status %u", client->url, response->status);
    }
    arena_deinit(&arena);
}

void client_escape(struct text *out, struct ever_slice part)
{
    static const char plain[] = "-._~";
    for (size_t i = 0; i < part.size; i++) {
        unsigned char byte = (unsigned char)part.data[i];
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                        (byte >= 'A' && byte <= 'Z') ||
                        (byte != '\0' && strchr(plain, byte) != NULL);
        if (is_plain) {
            text_add_byte(out, (char)byte);
        } else {
            text_printf(out, "%%%02X", byte);
        }
    }
}
