/* Catches: an answer that is mixed up with another, cut short or endless without a word; a failure
 * whose sentence does not say what to do. The server's side is played by the test, byte by byte. */
#include "unit/unit.h"

#include "cli/client/client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    int listener;
    int server; /* the accepted connection */
    int peek;   /* MSG_PEEK: the test wants to see the request itself */
    char url[40];
    struct client *client;
    struct client_response response;
    struct text report;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.server = -1};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fixture.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fixture.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fixture.listener, 4), 0);
    assert_int_equal(getsockname(fixture.listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(fixture.url, sizeof fixture.url, "http://127.0.0.1:%u/",
                   ntohs(address.sin_port)); /* fits */
    assert_ok(client_open(fixture.url, &fixture.report, &fixture.client));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    client_close(fixture->client);
    client_response_deinit(&fixture->response);
    text_deinit(&fixture->report);
    (void)close(fixture->server); /* may be closed already */
    (void)close(fixture->listener);
    return 0;
}

static void ask(struct fixture *fixture, const char *target)
{
    struct client_request request = {.method = "GET", .target = target};
    assert_ok(client_send(fixture->client, &request, &fixture->report));
}

static void answer(struct fixture *fixture, const char *bytes)
{
    if (fixture->server == -1) {
        fixture->server = accept(fixture->listener, NULL, NULL);
    }
    /* What is unread when a socket is closed would make the end a reset. */
    char request[512];
    ssize_t size = recv(fixture->server, request, sizeof request, MSG_DONTWAIT | fixture->peek);
    assert_true(size != 0);
    assert_int_equal(send(fixture->server, bytes, strlen(bytes), 0), strlen(bytes));
}

static struct ever_err receive(struct fixture *fixture)
{
    text_clear(&fixture->report);
    return client_receive(fixture->client, NULL, NULL, &fixture->response, &fixture->report);
}

static void sends_a_whole_request(void **state)
{
    struct fixture *fixture = *state;
    struct client_request request = {.method = "POST",
                                     .target = "/append",
                                     .accept = "text/x",
                                     .content_type = "text/y",
                                     .body = SLICE_LITERAL("body"),
                                     .headers = "If-Match: *\r\n"};
    assert_ok(client_send(fixture->client, &request, &fixture->report));
    fixture->peek = MSG_PEEK;
    answer(fixture, "");
    char got[512] = {0};
    char want[512];
    size_t size = 0;
    while (strstr(got, "body") == NULL) {
        ssize_t more = recv(fixture->server, got + size, sizeof got - size - 1, 0);
        assert_true(more > 0);
        size += (size_t)more;
    }
    char *host = fixture->url + strlen("http://");
    (void)snprintf(want, sizeof want,
                   "POST /append HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: everfold/" EVERFOLD_VERSION
                   "\r\nAccept: text/x\r\nContent-Type: text/y\r\nContent-Length: 4\r\nIf-Match: "
                   "*\r\n\r\nbody",
                   (int)strlen(host) - 1, host); /* fits */
    assert_string_equal(got, want);
}

static void keeps_pipelined_answers_apart(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/1");
    ask(fixture, "/2");
    ask(fixture, "/3");
    answer(fixture, "HTTP/1.1 100 Continue\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
                    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n"
                    "\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assert_ok(receive(fixture));
    assert_int_equal(fixture->response.status, 200);
    assert_slice(text_slice(&fixture->response.body), "one");
    assert_ok(receive(fixture));
    assert_int_equal(fixture->response.status, 404);
    assert_slice(text_slice(&fixture->response.body), "two");
    assert_ok(receive(fixture));
    assert_int_equal(fixture->response.status, 204);
    assert_slice(text_slice(&fixture->response.body), "");
}

static void says_when_an_answer_is_cut_short(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/");
    answer(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    assert_int_equal(close(fixture->server), 0);
    assert_err(receive(fixture), EVER_IO);
    assert_non_null(strstr(fixture->report.data, "closed the connection"));
}

static void takes_an_answer_that_ends_with_the_connection(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/");
    answer(fixture, "HTTP/1.1 200 OK\r\n\r\nall");
    assert_int_equal(close(fixture->server), 0);
    assert_ok(receive(fixture));
    assert_slice(text_slice(&fixture->response.body), "all");
}

static void requests_behind_a_closing_answer_fail(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/1");
    ask(fixture, "/2");
    answer(fixture, "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_ok(receive(fixture));
    assert_int_equal(fixture->response.status, 413);
    assert_err(receive(fixture), EVER_IO);
    ask(fixture, "/3"); /* on a new connection */
    assert_int_equal(close(fixture->server), 0);
    fixture->server = -1;
    answer(fixture, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_ok(receive(fixture));
}

static void refuses_what_is_not_http(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "/");
    answer(fixture, "220 mail.example ESMTP\r\n");
    assert_err(receive(fixture), EVER_INVALID);
    assert_non_null(strstr(fixture->report.data, "does not speak HTTP"));
}

static bool take_until_enough(void *arg, struct ever_slice piece)
{
    text_add(arg, piece);
    return ((struct text *)arg)->size < 4;
}

static void gives_the_body_in_pieces_until_the_reader_has_enough(void **state)
{
    struct fixture *fixture = *state;
    struct text got = {0};
    ask(fixture, "/");
    answer(fixture, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n"
                    "1\r\nf\r\n");
    assert_err(client_receive(fixture->client, take_until_enough, &got, &fixture->response,
                              &fixture->report),
               EVER_CLOSED);
    assert_slice(text_slice(&got), "abcde");
    text_deinit(&got);
}

static void an_error_is_kept_whole_even_for_a_reader_of_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct text got = {0};
    ask(fixture, "/");
    answer(fixture, "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"
                    "{\"title\":\"Gone\",\"status\":404,\"detail\":\"No a-1.\"}");
    assert_int_equal(close(fixture->server), 0);
    assert_ok(client_receive(fixture->client, take_until_enough, &got, &fixture->response,
                             &fixture->report));
    assert_int_equal(got.size, 0);
    client_explain(fixture->client, &fixture->response, &got);
    assert_slice(text_slice(&got), "No a-1.");
    text_deinit(&got);
}

static void says_what_to_do_when_nothing_listens(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(close(fixture->listener), 0);
    struct client_request request = {.method = "GET", .target = "/"};
    assert_err(client_send(fixture->client, &request, &fixture->report), EVER_NOT_FOUND);
    assert_non_null(strstr(fixture->report.data, "nothing listens on 127.0.0.1:"));
    assert_non_null(
        strstr(fixture->report.data, "start it with 'everfold serve APP', or say --url"));
}

static void refuses_addresses_it_cannot_use(void **state)
{
    (void)state; /* cmocka's signature */
    static const char *const bad[] = {
        "",           "localhost",      "https://x",   "http://",       "http://:80", "http://x:0",
        "http://x:y", "http://x:65536", "http://[::1", "http://[::1]x", "http:/",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct text report = {0};
        struct client *client;
        assert_err(client_open(bad[i], &report, &client), EVER_INVALID);
        assert_non_null(strstr(report.data, bad[i]));
        text_deinit(&report);
    }
    static const char *const good[] = {"http://x", "http://x/", "http://[::1]:5",
                                       "http://1.2.3.4:5"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct text report = {0};
        struct client *client;
        assert_ok(client_open(good[i], &report, &client));
        client_close(client);
    }
}

static void escapes_what_would_end_a_name(void **state)
{
    (void)state; /* cmocka's signature */
    struct text out = {0};
    client_escape(&out, slice_of("a-Z_9.~/?%&=\xc3\xa9 \0", 16));
    assert_slice(text_slice(&out), "a-Z_9.~%2F%3F%25%26%3D%C3%A9%20%00");
    text_deinit(&out);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(sends_a_whole_request),
        WITH_SERVER(keeps_pipelined_answers_apart),
        WITH_SERVER(says_when_an_answer_is_cut_short),
        WITH_SERVER(takes_an_answer_that_ends_with_the_connection),
        WITH_SERVER(requests_behind_a_closing_answer_fail),
        WITH_SERVER(refuses_what_is_not_http),
        WITH_SERVER(gives_the_body_in_pieces_until_the_reader_has_enough),
        WITH_SERVER(an_error_is_kept_whole_even_for_a_reader_of_pieces),
        WITH_SERVER(says_what_to_do_when_nothing_listens),
        cmocka_unit_test(refuses_addresses_it_cannot_use),
        cmocka_unit_test(escapes_what_would_end_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
