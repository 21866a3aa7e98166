/* Catches: a request that two programs could read in two ways being answered as if it were clear, a
 * good one refused, a connection kept or closed against the rules, and any of that depending on how
 * the bytes were cut into packets. */
#include "unit/net/rig.h"

#define H "Host: a\r\n"
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct abuse {
    const char *name;
    const char *bytes;
    size_t size;
    const char *statuses; /* of all answers */
    bool kept;            /* the connection stays open for more */
} cases[] = {
    /* What must work. */
    {"get", BYTES("GET / HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"no blank behind the colon", BYTES("GET / HTTP/1.1\r\nHost:a\r\n\r\n"), "200", true},
    {"tab around a value", BYTES("GET / HTTP/1.1\r\nHost:\ta\t\r\n\r\n"), "200", true},
    {"empty value", BYTES("GET / HTTP/1.1\r\n" H "X:\r\n\r\n"), "200", true},
    {"UTF-8 in a value", BYTES("GET / HTTP/1.1\r\n" H "X: \xc3\xa9\r\n\r\n"), "200", true},
    {"empty Host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "200", true},
    {"Host with a port", BYTES("GET / HTTP/1.1\r\nHost: localhost:2113\r\n\r\n"), "200", true},
    {"Host as IPv6", BYTES("GET / HTTP/1.1\r\nHost: [::1]:2113\r\n\r\n"), "200", true},
    {"head", BYTES("HEAD / HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"post without a body", BYTES("POST / HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"post of nothing", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), "200", true},
    {"post", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), "200", true},
    {"zeros before a length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 003\r\n\r\nabc"),
     "200", true},
    {"get with a body", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), "200", true},
    {"chunks",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
     "200", true},
    {"chunked in capitals",
     BYTES("POST / HTTP/1.1\r\n" H "TRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n"), "200", true},
    {"chunk size with zeros",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n00\r\n\r\n"),
     "200", true},
    {"chunk extension",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n"),
     "200", true},
    {"trailer",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nChecksum: 1\r\n\r\n"),
     "200", true},
    {"two at once", BYTES("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n"), "200 200",
     true},
    {"an empty line before", BYTES("\r\nGET / HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"an empty line behind a body",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc\r\nGET / HTTP/1.1\r\n" H "\r\n"),
     "200 200", true},
    {"an upgrade is ignored",
     BYTES("GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), "200", true},
    {"an upgrade with a body is ignored",
     BYTES("POST / HTTP/1.1\r\n" H
           "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc"),
     "200", true},
    {"options of everything", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"absolute form", BYTES("GET http://a/x?y HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"absolute form, other case", BYTES("GET HTTP://A HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"a method nobody implements here", BYTES("PROPFIND / HTTP/1.1\r\n" H "\r\n"), "200", true},
    {"a method younger than the parser",
     BYTES("QUERY / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), "200", true},
    {"1.0", BYTES("GET / HTTP/1.0\r\n\r\n"), "200", false},
    {"1.0 kept", BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "200", true},
    {"close", BYTES("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), "200", false},
    {"close among others", BYTES("GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n"), "200",
     false},
    {"behind a close nothing counts",
     BYTES("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), "200",
     false},
    {"expectation, body at once",
     BYTES("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"), "200",
     true},
    {"percent-encoded", BYTES("GET /a%2Fb%20c?d=%0a HTTP/1.1\r\n" H "\r\n"), "200", true},

    /* Where does the body end? */
    {"length and chunks",
     BYTES("POST / HTTP/1.1\r\n" H
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "400", false},
    {"chunks and length",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
     "400", false},
    {"two lengths",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "400",
     false},
    {"the same length twice",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"), "400",
     false},
    {"list of lengths", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc"), "400",
     false},
    {"length with a plus", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc"), "400",
     false},
    {"negative length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc"), "400",
     false},
    {"hexadecimal length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc"), "400",
     false},
    {"length with an underscore", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1_0\r\n\r\nabc"),
     "400", false},
    {"length with a blank", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1 0\r\n\r\nabc"), "400",
     false},
    {"empty length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nabc"), "400", false},
    {"length beyond 64 bits",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\na"), "400", false},
    {"length of 64 bits",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\na"), "413", false},
    {"length in full-width digits",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length: \xef\xbc\x93\r\n\r\nabc"), "400", false},
    {"gzip", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n"), "400", false},
    {"gzip, chunked",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "400",
     false},
    {"chunked, identity",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), "400",
     false},
    {"identity", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"), "400",
     false},
    {"xchunked", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
     "400", false},
    {"chunked with a comma",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"), "400", false},
    {"chunked twice",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "400", false},
    {"chunked behind a vertical tab",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"), "400", false},
    {"chunked in quotes",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), "400",
     false},
    {"chunks in 1.0", BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "400", false},
    {"blank before the colon of the length",
     BYTES("POST / HTTP/1.1\r\n" H "Content-Length : 3\r\n\r\nabc"), "400", false},

    /* Lines. */
    {"bare LF", BYTES("GET / HTTP/1.1\n" H "\n"), "400", false},
    {"bare LF in the header", BYTES("GET / HTTP/1.1\r\nHost: a\n\r\n"), "400", false},
    {"bare LF at the end of the head", BYTES("GET / HTTP/1.1\r\n" H "\n"), "400", false},
    {"bare CR in a value", BYTES("GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n"), "400", false},
    {"CR CR LF", BYTES("GET / HTTP/1.1\r\r\n" H "\r\n"), "400", false},
    {"the head ends with CR alone", BYTES("GET / HTTP/1.1\r\n" H "\r\rGET / HTTP/1.1\r\n"), "400",
     false},
    {"the CR that llhttp 8 lets pass", BYTES("GET / HTTP/1.1\r\n" H "\r\n\rXGET / HTTP/1.1\r\n"),
     "200 400", false},
    {"two empty lines before", BYTES("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"folded", BYTES("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), "400", false},
    {"folded with a tab", BYTES("GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n"), "400", false},
    {"blank before the first header", BYTES("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), "400", false},
    {"blank before the colon", BYTES("GET / HTTP/1.1\r\n" H "X : a\r\n\r\n"), "400", false},
    {"tab before the colon", BYTES("GET / HTTP/1.1\r\n" H "X\t: a\r\n\r\n"), "400", false},
    {"no colon", BYTES("GET / HTTP/1.1\r\n" H "X\r\n\r\n"), "400", false},
    {"no name", BYTES("GET / HTTP/1.1\r\n" H ": a\r\n\r\n"), "400", false},
    {"blank in a name", BYTES("GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n"), "400", false},
    {"UTF-8 in a name", BYTES("GET / HTTP/1.1\r\n" H "X\xc3\xa9: a\r\n\r\n"), "400", false},
    {"NUL in a value", BYTES("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), "400", false},
    {"NUL in a name", BYTES("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n"), "400", false},
    {"escape in a value", BYTES("GET / HTTP/1.1\r\n" H "X: \x1b[0m\r\n\r\n"), "400", false},
    {"DEL in a value", BYTES("GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n"), "400", false},
    {"parenthesis in a name", BYTES("GET / HTTP/1.1\r\n" H "X(): a\r\n\r\n"), "400", false},

    /* The request line. */
    {"0.9", BYTES("GET /\r\n"), "400", false},
    {"0.9 said aloud", BYTES("GET / HTTP/0.9\r\n\r\n"), "505", false},
    {"1.2", BYTES("GET / HTTP/1.2\r\n" H "\r\n"), "505", false},
    {"2.0", BYTES("GET / HTTP/2.0\r\n" H "\r\n"), "505", false},
    {"lower case", BYTES("GET / http/1.1\r\n" H "\r\n"), "400", false},
    {"another protocol", BYTES("GET / ICY/1.1\r\n" H "\r\n"), "400", false},
    {"version of three parts", BYTES("GET / HTTP/1.1.1\r\n" H "\r\n"), "400", false},
    {"version 11", BYTES("GET / HTTP/11\r\n" H "\r\n"), "400", false},
    {"two blanks", BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"blank behind", BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), "400", false},
    {"tabs", BYTES("GET\t/\tHTTP/1.1\r\n" H "\r\n"), "400", false},
    {"blank before", BYTES(" GET / HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"blank in the target", BYTES("GET /a b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"an unknown method", BYTES("BREW / HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"a method in lower case", BYTES("get / HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"a method of 17 bytes", BYTES("ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"a method of no token", BYTES("G<T / HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"an RTSP method", BYTES("DESCRIBE / HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"a tunnel", BYTES("CONNECT a:443 HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"no slash", BYTES("GET a HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"star for get", BYTES("GET * HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"fragment", BYTES("GET /a#b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"backslash", BYTES("GET /a\\b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"UTF-8 in the target", BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"NUL in the target", BYTES("GET /a\0b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"escaped NUL", BYTES("GET /a%00b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"escaped CR LF", BYTES("GET /a%0d%0aX: HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"half an escape", BYTES("GET /a%2 HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"escape of no digits", BYTES("GET /a%zz HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"half an escape in the query", BYTES("GET /?a=%2 HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"absolute form of another scheme", BYTES("GET ftp://a/ HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"absolute form without a host", BYTES("GET http:///x HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"absolute form with a user", BYTES("GET http://u@a/ HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"absolute form of another host", BYTES("GET http://b/ HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"nothing but noise", BYTES("\x01\x02\x03\x04\xff\xfe\r\n"), "400", false},
    {"SSH", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), "400", false},
    {"SMTP", BYTES("EHLO mail.example\r\n"), "400", false},

    /* Host. */
    {"no Host", BYTES("GET / HTTP/1.1\r\n\r\n"), "400", false},
    {"two Hosts", BYTES("GET / HTTP/1.1\r\n" H H "\r\n"), "400", false},
    {"Host with a path", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400", false},
    {"Host with a user", BYTES("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), "400", false},
    {"Host with a blank", BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "400", false},
    {"list of Hosts", BYTES("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), "400", false},
    {"Host with no number as port", BYTES("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), "400", false},
    {"Host with two ports", BYTES("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"), "400", false},
    {"Host with half a bracket", BYTES("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), "400", false},

    /* Chunks. */
    {"chunk size with a plus",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk size with a minus",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk size with 0x",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk size with an underscore",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1_0\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"blank before a chunk size",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"blank behind a chunk size",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"blank in a chunk size",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5 a\r\nabcde\r\n0\r\n\r\n"),
     "400", false},
    {"no chunk size",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n"), "400",
     false},
    {"chunk size of 17 digits",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk size of 64 bits",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
     "413", false},
    {"chunk longer than its size",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
     "400", false},
    {"chunk ends with LF",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n"), "400",
     false},
    {"chunk size ends with LF",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"), "400",
     false},
    {"chunk extension with LF",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk extension with CR",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"chunk extension with NUL",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a\0b\r\nabc\r\n0\r\n\r\n"),
     "400", false},
    {"the last chunk without an empty line",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n"),
     "400", false},
    {"length in a trailer",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n"),
     "400", false},
    {"coding in a trailer",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
     "400", false},
    {"host in a trailer",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n"), "400",
     false},
    {"authority in a trailer",
     BYTES("POST / HTTP/1.1\r\n" H
           "Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: x\r\n\r\n"),
     "400", false},
    {"folded trailer",
     BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n"),
     "400", false},

    /* The rest. */
    {"an expectation nobody meets",
     BYTES("POST / HTTP/1.1\r\n" H "Expect: miracles\r\nContent-Length: 3\r\n\r\nabc"), "417",
     false},
    {"a preface of HTTP/2 behind a request",
     BYTES("GET / HTTP/1.1\r\n" H "\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "200 505", false},
    {"behind a refused request nothing counts",
     BYTES("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), "400", false},
};

/* "200 400": the statuses of all answers; all of `bytes` must be answers. */
static void list_statuses(struct ever_slice bytes, bool head, struct text *out_list)
{
    text_clear(out_list);
    while (bytes.size > 0) {
        struct rig_answer answer = rig_parse(bytes);
        size_t size = head ? answer.head.size : answer.size;
        if (size == 0) {
            text_add_text(out_list, " rest");
            return;
        }
        text_printf(out_list, out_list->size == 0 ? "%u" : " %u", answer.status);
        bytes = slice_from(bytes, size);
    }
}

/* Lets the loop run until the statuses are those expected, or clearly will not be. */
static enum rig_end take_answers(struct rig *rig, int fd, const struct abuse *abuse,
                                 struct text *got, struct text *list)
{
    bool head = strncmp(abuse->bytes, "HEAD", 4) == 0;
    enum rig_end end = RIG_OPEN;
    time_t start_s = rig_now_s();
    do {
        end = rig_take(rig, fd, got);
        list_statuses(text_slice(got), head, list);
        if (abuse->kept && slice_is(text_slice(list), abuse->statuses)) {
            return end;
        }
    } while (end == RIG_OPEN && rig_now_s() - start_s < 3);
    return end;
}

/* Sends in pieces of `step` bytes. True: the answers are right, and what became of the connection.
 */
static bool run_case(struct rig *rig, const struct abuse *abuse, size_t step)
{
    int fd = rig_connect(rig);
    struct text got = {0};
    struct text list = {0};
    for (size_t at = 0; at < abuse->size; at += step) {
        size_t size = abuse->size - at < step ? abuse->size - at : step;
        if (!rig_send(rig, fd, slice_of(abuse->bytes + at, size))) {
            break;
        }
        rig_turns(rig, 2);
    }
    enum rig_end end = take_answers(rig, fd, abuse, &got, &list);
    bool good =
        slice_is(text_slice(&list), abuse->statuses) && end == (abuse->kept ? RIG_OPEN : RIG_EOF);
    if (!good) {
        print_error("%s (steps of %zu): got %.*s, connection %s, want %s\n%.*s\n", abuse->name,
                    step, SLICE_PRINT(text_slice(&list)),
                    end == RIG_OPEN  ? "open"
                    : end == RIG_EOF ? "closed"
                                     : "reset",
                    abuse->statuses, SLICE_PRINT(text_slice(&got)));
    } else if (abuse->kept) { /* and the next request is read from its first byte */
        size_t offset = got.size;
        rig_send_text(rig, fd, "GET /next HTTP/1.1\r\n" H "\r\n");
        assert_slice(rig_next(rig, fd, &got, &offset).body, "GET /next?|");
    }
    close(fd);
    text_deinit(&got);
    text_deinit(&list);
    return good;
}

static void answers_whole_and_cut_at_every_byte(void **state)
{
    (void)state; /* cmocka's signature */
    struct http_options options = rig_options();
    struct rig rig;
    rig_start(&rig, &options);
    size_t bad = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t steps[] = {cases[i].size, 1, 7};
        for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
            bad += !run_case(&rig, &cases[i], steps[step]);
        }
    }
    assert_int_equal(bad, 0);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_whole_and_cut_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
