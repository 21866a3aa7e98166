#include "gateway/dispatch.h"

#include "base/assert.h"
#include "base/slice.h"
#include "gateway/gateway_priv.h"

/* Each check answers the call itself when it does not pass. */
typedef bool check_fn(struct call *call);

static struct call *call_create(struct gateway *gateway, struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    struct call *call = arena_alloc_zero(arena, sizeof *call);
    call->gateway = gateway;
    call->exchange = exchange;
    call->request = http_request(exchange);
    call->arena = arena;
    call->started_ns = uv_hrtime();
    gateway_work_begun(gateway);
    return call;
}

/* --- Which operation ------------------------------------------------------------------------- */

static struct ever_slice allow_list(struct call *call, unsigned allowed)
{
    struct text list = {0};
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if ((allowed & (1u << i)) != 0) {
            text_add_text(&list, method_name((enum method)i));
            text_add_text(&list, i == METHOD_GET ? ", HEAD, " : ", ");
        }
    }
    text_add_text(&list, "OPTIONS");
    struct ever_slice copy = arena_copy(call->arena, text_slice(&list));
    text_deinit(&list);
    return copy;
}

static void answer_options(struct call *call, unsigned allowed)
{
    call_header(call, SLICE_LITERAL("Allow"), allow_list(call, allowed));
    call_answer_empty(call, 204);
}

static void answer_no_such_method(struct call *call, unsigned allowed)
{
    struct ever_slice list = allow_list(call, allowed);
    call_header(call, SLICE_LITERAL("Allow"), list);
    call_problem(call, PROBLEM_METHOD_NOT_ALLOWED, SLICE_NONE,
                 "%.*s is not among the methods of this path: %.*s.",
                 SLICE_PRINT(call->request->method), SLICE_PRINT(list));
}

static void answer_not_found(struct call *call)
{
    call_problem(call, PROBLEM_NOT_FOUND, SLICE_NONE, "Nothing answers at %.*s.",
                 SLICE_PRINT(call->request->path));
}

/* The method, or METHOD_COUNT for OPTIONS, which every path knows. */
static bool read_method(struct call *call, enum method *out_method)
{
    struct ever_slice text = call->request->method;
    if (slice_is(text, "HEAD")) { /* the server below leaves the body away */
        *out_method = METHOD_GET;
        return true;
    }
    *out_method = METHOD_COUNT;
    return slice_is(text, "OPTIONS") || method_parse(text, out_method);
}

static bool answer_unmatched(struct call *call, enum method method, const struct match *match)
{
    if (match->operation != NULL) {
        return false;
    }
    if (match->allowed == 0) {
        answer_not_found(call);
    } else if (method == METHOD_COUNT) {
        answer_options(call, match->allowed);
    } else {
        answer_no_such_method(call, match->allowed);
    }
    return true;
}

static bool split_path(struct call *call, struct path *out_path)
{
    struct ever_slice culprit;
    const char *fault = path_split(call->request->path, call->arena, out_path, &culprit);
    if (fault != NULL) {
        call_problem(call, PROBLEM_BAD_NAME, SLICE_NONE, "The name \"%.*s\" %s.",
                     SLICE_PRINT(culprit), fault);
        return false;
    }
    return true;
}

/* A page whose own name was made to lead here (DNS rebinding) is of this site, to its browser: only
 * the Host header shows whom it asked for. Whoever listens for others is called by any name. */
static bool check_host(struct call *call)
{
    struct ever_slice host = http_request_header(call->request, "Host");
    if (host.data == NULL || http_is_loopback(host) ||
        !http_is_loopback(slice_of_text(call->gateway->parts.http.host))) {
        return true;
    }
    size_t shown = host.size < 64 ? host.size : 64;
    call_problem(call, PROBLEM_HOST_REFUSED, SLICE_NONE,
                 "Host is %.*s%s, but this server is for its own machine: localhost, 127.0.0.1 or "
                 "[::1]. A proxy in front must send one of these; others are served with everfold "
                 "serve --host ADDRESS --insecure.",
                 (int)shown, host.data, shown < host.size ? "..." : "");
    return false;
}

static bool find_operation(struct call *call)
{
    enum method method;
    if (!read_method(call, &method)) {
        call_problem(call, PROBLEM_METHOD_UNKNOWN, SLICE_NONE, "The method is %.*s.",
                     SLICE_PRINT(call->request->method));
        return false;
    }
    if (method == METHOD_COUNT && slice_is(call->request->target, "*")) {
        answer_options(call, (1u << METHOD_COUNT) - 1);
        return false;
    }
    struct path path;
    if (!split_path(call, &path)) {
        return false;
    }
    struct match match;
    router_find(call->gateway->router, &path, method, &match);
    if (answer_unmatched(call, method, &match)) {
        return false;
    }
    call->operation = match.operation;
    call->route = match.route;
    call->variable_count = match.variable_count;
    memcpy(call->variables, match.variables, match.variable_count * sizeof match.variables[0]);
    return true;
}

/* --- What its row promises ------------------------------------------------------------------- */

static bool check_names(struct call *call)
{
    for (size_t i = 0; i < call->variable_count; i++) {
        const char *fault = name_fault(call->variables[i]);
        if (fault != NULL) {
            size_t shown = call->variables[i].size < 64 ? call->variables[i].size : 64;
            call_problem(call, PROBLEM_BAD_NAME, SLICE_NONE, "The name \"%.*s\"%s %s.", (int)shown,
                         call->variables[i].data, shown < call->variables[i].size ? "..." : "",
                         fault);
            return false;
        }
    }
    return true;
}

/* A browser marks what a page of another site made it send. Reading is safe: it gets no answer to
 * see. Everything but a browser does not send the header. */
static bool check_site(struct call *call)
{
    if (call->operation->method == METHOD_GET) {
        return true;
    }
    struct ever_slice site = http_request_header(call->request, "Sec-Fetch-Site");
    if (slice_is(site, "cross-site") || slice_is(site, "same-site")) {
        call_problem(call, PROBLEM_CROSS_SITE_REQUEST, SLICE_NONE,
                     "Sec-Fetch-Site is %.*s; writes take same-origin or none.", SLICE_PRINT(site));
        return false;
    }
    return true;
}

static bool check_accept(struct call *call)
{
    struct ever_slice accept = call_request_header(call, "Accept");
    if (media_choose(call->operation->gives, accept, &call->gives)) {
        return true;
    }
    struct text list = {0};
    media_write_list(&list, call->operation->gives);
    call_problem(call, PROBLEM_NOT_ACCEPTABLE, SLICE_NONE, "This can be shown as %.*s.",
                 SLICE_PRINT(text_slice(&list)));
    text_deinit(&list);
    return false;
}

static const struct parameter_info *query_parameter(const struct operation *operation,
                                                    struct ever_slice name)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter_info *info = parameter_info((enum parameter)i);
        if ((operation->parameters & PARAMETER_BIT(i)) != 0 && slice_is(name, info->name) &&
            strcmp(info->place, "query") == 0) {
            return info;
        }
    }
    return NULL;
}

static void answer_unknown_parameter(struct call *call, struct ever_slice name)
{
    struct text known = {0};
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter_info *info = parameter_info((enum parameter)i);
        if ((call->operation->parameters & PARAMETER_BIT(i)) != 0 &&
            strcmp(info->place, "query") == 0) {
            text_add_text(&known, known.size == 0 ? "" : ", ");
            text_add_text(&known, info->name);
        }
    }
    call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                 "There is no parameter \"%.*s\" here. Known: %s.", SLICE_PRINT(name),
                 known.size == 0 ? "none" : known.data);
    text_deinit(&known);
}

static bool check_query(struct call *call)
{
    const char *fault = query_parse(call->request->query, call->arena, &call->query);
    if (fault != NULL) {
        call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE, "The query of the URL %s.", fault);
        return false;
    }
    for (size_t i = 0; i < call->query.count && !call->operation->any_query; i++) {
        struct ever_slice name = call->query.pairs[i].name;
        const struct parameter_info *info = query_parameter(call->operation, name);
        if (info == NULL) {
            answer_unknown_parameter(call, name);
            return false;
        }
        if (!info->repeatable && query_count(&call->query, info->name) > 1) {
            call_problem(call, PROBLEM_BAD_PARAMETER, SLICE_NONE,
                         "The parameter %s is given more than once.", info->name);
            return false;
        }
    }
    return true;
}

static void answer_wrong_type(struct call *call, struct ever_slice type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *hint = (call->operation->takes & MEDIA_BIT(MEDIA_JSON)) != 0
                           ? " (curl says so for -d; --json is what is wanted.)"
                           : " (curl says so for -d; add -H 'Content-Type: ...'.)";
    struct text list = {0};
    media_write_list(&list, call->operation->takes);
    call_header(call, SLICE_LITERAL("Accept-Post"), text_slice(&list));
    call_problem(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE, SLICE_NONE,
                 type.size == 0 ? "Content-Type%.*s is missing. Taken here: %.*s.%s"
                                : "Content-Type is %.*s. Taken here: %.*s.%s",
                 SLICE_PRINT(type), SLICE_PRINT(text_slice(&list)),
                 slice_is(type, form) ? hint : "");
    text_deinit(&list);
}

static bool check_content_type(struct call *call)
{
    const struct operation *operation = call->operation;
    struct ever_slice type = http_request_header(call->request, "Content-Type");
    bool nothing = call->request->body.size == 0 && operation->body_optional;
    if (operation->takes == 0 || nothing) {
        return true;
    }
    if (media_of_content_type(operation->takes, type, &call->took)) {
        return true;
    }
    answer_wrong_type(call, type);
    return false;
}

/* A packed body would be taken for broken JSON. */
static bool check_content_coding(struct call *call)
{
    struct ever_slice coding = http_request_header(call->request, "Content-Encoding");
    if (call->operation->takes == 0 || call->request->body.size == 0 || coding.size == 0 ||
        slice_equal_ignoring_case(coding, SLICE_LITERAL("identity"))) {
        return true;
    }
    call_header(call, SLICE_LITERAL("Accept-Encoding"), SLICE_LITERAL("identity"));
    call_problem(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE, SLICE_NONE,
                 "Content-Encoding is %.*s. A body is taken as it is, without one.",
                 SLICE_PRINT(coding));
    return false;
}

static bool check_open(struct call *call)
{
    if (call->gateway->stopping) {
        call_header(call, SLICE_LITERAL("Retry-After"), SLICE_LITERAL("5"));
        call_problem(call, PROBLEM_SHUTTING_DOWN, SLICE_NONE, "No new work is begun.");
        return false;
    }
    return true;
}

static check_fn *const checks[] = {
    check_host,  find_operation, check_names,          check_site,         check_accept,
    check_query, check_open,     check_content_coding, check_content_type,
};

void dispatch_request(void *arg, struct http_exchange *exchange)
{
    struct call *call = call_create(arg, exchange);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!checks[i](call)) {
            return;
        }
    }
    call->operation->run(call);
}

/* A limit is of no use to who must guess it. */
static struct ever_slice with_limit(struct call *call, unsigned status, const char *detail)
{
    const struct http_options *limits = &call->gateway->parts.http;
    switch (status) {
    case 413:
        return arena_printf(call->arena, "%s The limit is %zu bytes.", detail,
                            limits->body_bytes_max);
    case 414:
        return arena_printf(call->arena, "%s The limit is %u bytes.", detail,
                            limits->target_bytes_max);
    case 431:
        return arena_printf(call->arena, "%s The limit is %u bytes in %u fields.", detail,
                            limits->header_bytes_max, HTTP_FIELDS_MAX);
    default:
        return slice_of_text(detail);
    }
}

void dispatch_refused(void *arg, struct http_exchange *exchange, unsigned status,
                      const char *detail)
{
    struct call *call = call_create(arg, exchange);
    call_problem_as(call, status, problem_of_status(status), SLICE_NONE,
                    with_limit(call, status, detail));
}
