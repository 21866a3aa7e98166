#include "gateway/call.h"

#include "base/assert.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"
#include "gateway/metrics.h"

#include <stdarg.h>
#include <stdio.h>

/* --- Headers --------------------------------------------------------------------------------- */

void call_header(struct call *call, struct ever_slice name, struct ever_slice value)
{
    ASSERT(call->header_count < CALL_HEADERS_MAX);
    call->headers[call->header_count++] = (struct http_header){.name = name, .value = value};
}

#define DIGITS_MAX 20 /* of a uint64_t */

/* Writes the number so that it ends at `end`, and returns where it begins. */
static char *write_digits_before(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

void call_header_u64(struct call *call, struct ever_slice name, uint64_t value)
{
    char *digits = arena_alloc(call->arena, DIGITS_MAX);
    char *start = write_digits_before(digits + DIGITS_MAX, value);
    call_header(call, name, slice_of(start, (size_t)(digits + DIGITS_MAX - start)));
}

void call_etag(struct call *call, uint64_t number)
{
    char *tag = arena_alloc(call->arena, DIGITS_MAX + 2);
    char *end = tag + DIGITS_MAX + 2;
    end[-1] = '"';
    char *start = write_digits_before(end - 1, number) - 1;
    *start = '"';
    call_header(call, SLICE_LITERAL("ETag"), slice_of(start, (size_t)(end - start)));
}

void call_etag_text(struct call *call, struct ever_slice tag)
{
    call_header(call, SLICE_LITERAL("ETag"),
                arena_printf(call->arena, "\"%.*s\"", SLICE_PRINT(tag)));
}

void call_position(struct call *call, uint64_t position)
{
    call_header_u64(call, SLICE_LITERAL("Everfold-Position"), position);
}

/* --- Answers --------------------------------------------------------------------------------- */

struct text *call_text(struct call *call)
{
    text_clear(&call->gateway->scratch);
    return &call->gateway->scratch;
}

static void add_vary(struct call *call)
{
    media_set gives = call->operation == NULL ? 0 : call->operation->gives;
    bool negotiated = (gives & (gives - 1)) != 0;
    if (negotiated) {
        call_header(call, SLICE_LITERAL("Vary"), SLICE_LITERAL("Accept"));
    }
}

void call_answer(struct call *call, unsigned status, enum media media, struct ever_slice body)
{
    if (body.size > 0) {
        call_header(call, SLICE_LITERAL("Content-Type"), slice_of_text(media_name(media)));
    }
    add_vary(call);
    metrics_count(call->gateway, call->operation, status, uv_hrtime() - call->started_ns);
    http_respond(call->exchange, status, call->headers, call->header_count, body);
    gateway_work_ended(call->gateway);
}

void call_answer_text(struct call *call, unsigned status, const struct text *json)
{
    call_answer(call, status, MEDIA_JSON, text_slice(json));
}

void call_answer_empty(struct call *call, unsigned status)
{
    call_answer(call, status, MEDIA_JSON, SLICE_NONE);
}

void call_stream(struct call *call, enum media media, const struct http_stream_events *events)
{
    call_header(call, SLICE_LITERAL("Content-Type"), slice_of_text(media_name(media)));
    call_header(call, SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store"));
    call_header(call, SLICE_LITERAL("X-Accel-Buffering"), SLICE_LITERAL("no"));
    add_vary(call);
    metrics_count(call->gateway, call->operation, 200, uv_hrtime() - call->started_ns);
    http_stream_begin(call->exchange, 200, call->headers, call->header_count, events);
    gateway_work_ended(call->gateway);
}

/* --- Problems -------------------------------------------------------------------------------- */

/* Problem documents go to everybody but who asks for plain text and nothing else. */
static enum media problem_media(struct call *call)
{
    struct ever_slice accept = http_request_header(call->request, "Accept");
    bool takes_json = accept.size == 0 || http_accept_quality(accept, "application/json") > 0 ||
                      http_accept_quality(accept, "application/problem+json") > 0;
    bool takes_text = accept.size > 0 && http_accept_quality(accept, "text/plain") > 0;
    return !takes_json && takes_text ? MEDIA_TEXT : MEDIA_PROBLEM;
}

static void write_as_text(struct text *out, const struct problem_info *info,
                          struct ever_slice detail)
{
    text_add_text(out, info->title);
    text_add_text(out, ".\n");
    text_add(out, detail);
    text_add_text(out, "\n/problems/");
    text_add_text(out, info->name);
    text_add_byte(out, '\n');
}

void call_problem_as(struct call *call, unsigned status, enum problem problem,
                     struct ever_slice members, struct ever_slice detail)
{
    const struct problem_info *info = problem_info(problem);
    enum media media = problem_media(call);
    struct text body = {0};
    if (media == MEDIA_TEXT) {
        write_as_text(&body, info, detail);
    } else {
        problem_write(&body, info, status, detail, SLICE_NONE, members);
    }
    call_answer(call, status, media, text_slice(&body));
    text_deinit(&body);
}

void call_problem(struct call *call, enum problem problem, struct ever_slice members,
                  const char *format, ...)
{
    char detail[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a longer sentence is cut */
    va_end(arguments);
    call_problem_as(call, problem_info(problem)->status, problem, members, slice_of_text(detail));
}

static void retry_after(struct call *call, uint64_t seconds)
{
    call_header_u64(call, SLICE_LITERAL("Retry-After"), seconds);
}

/* Else an append that met damage is the only one that fails. */
static bool is_writing_over(const struct call *call)
{
    struct ever_damage damage;
    return ever_damage(call->gateway->parts.store, &damage);
}

void call_write_failed(struct call *call, struct ever_err err)
{
    ASSERT(err.code != EVER_OK);
    const char *what = err_sentence(err);
    switch (err.code) {
    case EVER_BUSY:
        retry_after(call, 1);
        call_problem(call, PROBLEM_BUSY, SLICE_NONE, "The queue of appends is full.");
        return;
    case EVER_NO_SPACE:
        retry_after(call, 10);
        call_problem(call, PROBLEM_DISK_FULL, SLICE_NONE, "%s", what);
        return;
    case EVER_LIMIT:
        call_problem(call, PROBLEM_TOO_LARGE, SLICE_NONE, "%s", what);
        return;
    case EVER_INVALID:
        call_problem(call, PROBLEM_BAD_BODY, SLICE_NONE, "%s", what);
        return;
    case EVER_UNKNOWN:
        call_problem(call, PROBLEM_OUTCOME_UNKNOWN, SLICE_NONE, "%s", what);
        return;
    case EVER_CORRUPT:
        if (!is_writing_over(call)) {
            call_problem(call, PROBLEM_DATA_DAMAGED, SLICE_NONE,
                         "Nothing was written: whether it may be depends on events that are "
                         "damaged: %s. Other streams are not concerned.",
                         what);
            return;
        }
        [[fallthrough]];
    case EVER_IO:
    case EVER_CLOSED:
        retry_after(call, 60);
        call_problem(call, PROBLEM_WRITING_STOPPED, SLICE_NONE, "%s", what);
        return;
    default:
        call_problem(call, PROBLEM_INTERNAL, SLICE_NONE, "%s", err.what == NULL ? what : err.what);
    }
}

void call_read_failed(struct call *call, struct ever_err err)
{
    ASSERT(err.code != EVER_OK);
    const char *what = err_sentence(err);
    call_problem(call, err.code == EVER_CORRUPT ? PROBLEM_DATA_DAMAGED : PROBLEM_INTERNAL,
                 SLICE_NONE, "%s", what);
}

/* --- The request ----------------------------------------------------------------------------- */

struct ever_slice call_request_header(struct call *call, const char *name)
{
    struct ever_slice all = SLICE_NONE;
    for (size_t i = 0; i < call->request->header_count; i++) {
        const struct http_header *header = &call->request->headers[i];
        if (!slice_equal_ignoring_case(header->name, slice_of_text(name))) {
            continue;
        }
        all = all.data == NULL ? header->value
                               : arena_printf(call->arena, "%.*s, %.*s", SLICE_PRINT(all),
                                              SLICE_PRINT(header->value));
    }
    return all;
}

bool call_prefer(struct call *call, struct prefer *out_prefer)
{
    if (!prefer_parse(call->request, out_prefer)) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "Prefer cannot be read; wait takes whole seconds: Prefer: wait=2.");
        return false;
    }
    if (out_prefer->strict && out_prefer->unknown.size > 0) {
        call_problem(call, PROBLEM_BAD_HEADER, SLICE_NONE,
                     "Prefer asks for strict handling, and \"%.*s\" is not known here.",
                     SLICE_PRINT(out_prefer->unknown));
        return false;
    }
    return true;
}

void call_prefer_applied(struct call *call, const struct prefer *prefer)
{
    if (prefer->wait_given) {
        call_header(call, SLICE_LITERAL("Preference-Applied"),
                    arena_printf(call->arena, "wait=%u", prefer->wait_seconds));
    } else if (prefer->lenient) {
        call_header(call, SLICE_LITERAL("Preference-Applied"), SLICE_LITERAL("handling=lenient"));
    }
}

bool call_query_u64(struct call *call, const char *name, bool *out_given, uint64_t *out_value)
{
    struct ever_slice value;
    *out_given = query_get(&call->query, name, &value);
    if (*out_given && !slice_parse_u64(value, out_value)) {
        call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                     "The parameter %s=%.*s is not a whole number.", name, SLICE_PRINT(value));
        return false;
    }
    return true;
}
