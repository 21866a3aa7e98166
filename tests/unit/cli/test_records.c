/* Catches: rows of a file that are lost, joined or changed, whatever the pieces they are read in;
 * bad input that is accepted, or refused at the wrong line. */
#include "unit/unit.h"

#include "cli/input/records.h"

#include <sys/socket.h>
#include <unistd.h>

#define WHOLE 0 /* give the reader all bytes at once */

/* A packet socket gives the bytes in the pieces they were sent in. */
static int open_pieces(const char *text, size_t piece_bytes)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    int room = 4 << 20;
    assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        size_t piece = piece_bytes == WHOLE || size - at < piece_bytes ? size - at : piece_bytes;
        assert_int_equal(write(ends[1], text + at, piece), piece);
        at += piece;
    }
    assert_int_equal(close(ends[1]), 0);
    return ends[0];
}

/* All records as "LINE JSON\n", then the report if it ended with one. */
static void read_all(const char *input, size_t piece_bytes, struct records_options options,
                     struct text *out)
{
    if (options.separator == '\0') {
        options.separator = ',';
    }
    int fd = open_pieces(input, piece_bytes);
    struct records *records;
    records_open(fd, &options, &records);
    for (;;) {
        struct record record;
        struct ever_err err = records_next(records, out, &record);
        if (err.code == EVER_END) {
            assert_int_equal(records_bytes(records), strlen(input));
            assert_err(records_next(records, out, &record), EVER_END);
            break;
        }
        if (err.code != EVER_OK) {
            break;
        }
        text_printf(out, "%llu %.*s\n", (unsigned long long)record.place.line,
                    SLICE_PRINT(record.json));
    }
    records_close(records);
    assert_int_equal(close(fd), 0);
}

static void check(const char *input, struct records_options options, const char *want)
{
    static const size_t pieces[] = {WHOLE, 1, 2, 3, 7};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct text got = {0};
        read_all(input, pieces[i], options, &got);
        if (!slice_is(text_slice(&got), want)) {
            fail_msg("in pieces of %zu: got\n%s\nwant\n%s", pieces[i],
                     got.data == NULL ? "" : got.data, want);
        }
        text_deinit(&got);
    }
}

static const struct records_options guess = {.format = RECORDS_GUESS};

static void reads_ndjson(void **state)
{
    (void)state; /* cmocka's signature */
    check("{\"a\":1}\n{\"a\":2}\n", guess, "1 {\"a\":1}\n2 {\"a\":2}\n");
    check("\n\n {\"a\":1}\r\n\r\n{\"a\":\"\\n\"}", guess, "3 {\"a\":1}\n5 {\"a\":\"\\n\"}\n");
    check("\xef\xbb\xbf{\"a\":1}\n", guess, "1 {\"a\":1}\n");
    check("", guess, "");
    check(" \n", guess, "");
}

static void reads_a_json_array(void **state)
{
    (void)state; /* cmocka's signature */
    check("[]", guess, "");
    check(" [ ] \n", guess, "");
    check("[{\"a\":[1,2]},\n {\"b\":\"],}\\\"\"} , 3\n]\n", guess,
          "1 {\"a\":[1,2]}\n2 {\"b\":\"],}\\\"\"}\n2 3\n");
    check("[\n  {\n    \"a\": 1\n  },\n  [\"x\"]\n]", guess, "2 {\n    \"a\": 1\n  }\n5 [\"x\"]\n");
}

static void reads_csv(void **state)
{
    (void)state; /* cmocka's signature */
    check("a,b\n1,x\n2,y\n", guess, "2 {\"a\":1,\"b\":\"x\"}\n3 {\"a\":2,\"b\":\"y\"}\n");
    check("a,b\r\n1,\r\n\r\n,\"\"", guess, "2 {\"a\":1,\"b\":null}\n4 {\"a\":null,\"b\":\"\"}\n");
    check("\"a \"\"b\"\"\",c\n\"x,\ny\",\"\"\"\"\n5,6\n", guess,
          "2 {\"a \\\"b\\\"\":\"x,\\ny\",\"c\":\"\\\"\"}\n4 {\"a \\\"b\\\"\":5,\"c\":6}\n");
    check("a;b\n1,5;2\n", (struct records_options){.separator = ';'},
          "2 {\"a\":\"1,5\",\"b\":2}\n");
    check("a\tb\n1\t2\n", (struct records_options){.separator = '\t'}, "2 {\"a\":1,\"b\":2}\n");
    check("a\n\xc3\xa9\n", guess, "2 {\"a\":\"\xc3\xa9\"}\n");
    check("[x]\n1\n", (struct records_options){.format = RECORDS_CSV}, "2 {\"[x]\":1}\n");
    check("a\n5\" pipe\n", guess, "2 {\"a\":\"5\\\" pipe\"}\n");
}

static void knows_numbers_that_survive_from_text(void **state)
{
    (void)state; /* cmocka's signature */
    check("n\n-0.5\n1e3\n123456789012345\n1234567890123456\n007\n+1\n 1\n1 \n.5\n1.\n0x10\nNaN\n-\n"
          "\"12\"\n",
          guess,
          "2 {\"n\":-0.5}\n3 {\"n\":1e3}\n4 {\"n\":123456789012345}\n"
          "5 {\"n\":\"1234567890123456\"}\n6 {\"n\":\"007\"}\n7 {\"n\":\"+1\"}\n8 {\"n\":\" 1\"}\n"
          "9 {\"n\":\"1 \"}\n10 {\"n\":\".5\"}\n11 {\"n\":\"1.\"}\n12 {\"n\":\"0x10\"}\n"
          "13 {\"n\":\"NaN\"}\n14 {\"n\":\"-\"}\n15 {\"n\":\"12\"}\n");
    check("n,m\n1,\n", (struct records_options){.as_text = true}, "2 {\"n\":\"1\",\"m\":\"\"}\n");
}

static void refuses_bad_json_at_its_line(void **state)
{
    (void)state; /* cmocka's signature */
    check("{\"a\":1}\n{\"a\":}\n", guess,
          "1 {\"a\":1}\nline 2: not JSON: a value was expected (byte 6 of the record)");
    check("[1,\n2,\n{\n\"a\":x}]", guess,
          "1 1\n2 2\nline 4, element 3: not JSON: a value was expected (byte 7 of the record)");
    check("[1,,2]", guess, "1 1\nline 1, element 2: a value was expected");
    check("[1,]", guess, "1 1\nline 1, element 2: a value was expected");
    check("[1 2]", guess,
          "line 1, element 1: not JSON: something follows the value (byte 3 of the record)");
    check("[1", guess, "line 1, element 1: the input ends too early");
    check("[1,\n", guess, "1 1\nline 2, element 2: the input ends inside the array");
    check("[", guess, "line 1, element 1: the input ends inside the array");
    check("[{\"a\":1}\n", guess, "line 1, element 1: the input ends too early");
    check("[]\n[]", guess, "line 2: something follows the closing ]");
    check("{}", (struct records_options){.format = RECORDS_JSON},
          "line 1: a JSON array begins with [");
}

static void refuses_bad_csv_at_its_line(void **state)
{
    (void)state; /* cmocka's signature */
    check("a,b\n1,2\n3\n", guess, "2 {\"a\":1,\"b\":2}\nline 3: 1 field, but the header names 2");
    check("a,b\n1,2,3\n", guess, "line 2: 3 fields, but the header names 2");
    check("a,a\n1,2\n", guess, "line 1: two columns have the same name");
    check("a,\n1,2\n", guess, "line 1: a column has no name");
    check("a\n\"x\n", guess, "line 2: a quoted field is never closed");
    check("a\n\"x\"y\n", guess,
          "line 2: something stands between a closing quote and the separator");
    check("a\n\xff\n", guess, "line 2: a field is not UTF-8 (iconv can convert the file)");
}

static void refuses_a_record_without_end(void **state)
{
    (void)state; /* cmocka's signature */
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fputc('"', file), '"');
    for (size_t i = 0; i < RECORD_BYTES_MAX + (1 << 20); i++) {
        assert_int_equal(putc('x', file), 'x');
    }
    rewind(file);
    struct records *records;
    struct records_options options = {.separator = ','};
    records_open(fileno(file), &options, &records);
    struct text report = {0};
    struct record record;
    assert_err(records_next(records, &report, &record), EVER_LIMIT);
    assert_slice(text_slice(&report), "line 1: a record is longer than 8388608 bytes");
    text_deinit(&report);
    records_close(records);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ndjson),
        cmocka_unit_test(reads_a_json_array),
        cmocka_unit_test(reads_csv),
        cmocka_unit_test(knows_numbers_that_survive_from_text),
        cmocka_unit_test(refuses_bad_json_at_its_line),
        cmocka_unit_test(refuses_bad_csv_at_its_line),
        cmocka_unit_test(refuses_a_record_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
