#include "cli/output/terminal.h"

#include "base/slice.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is_for_people(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

unsigned terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

unsigned terminal_width(struct ever_slice text)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool shows_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    return terminal_is_for_people() && (no_color == NULL || no_color[0] == '\0') && kind != NULL &&
           strcmp(kind, "dumb") != 0;
}

/* ASCII control characters and the C1 block, which some terminals obey too. */
static bool is_control(const char *at, size_t size)
{
    unsigned char first = (unsigned char)at[0];
    return (size == 1 && (first < 0x20 || first == 0x7f)) ||
           (size == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static void add_escaped(struct text *out, struct ever_slice bytes, bool keep_line_ends)
{
    const char *end = bytes.data + bytes.size;
    for (const char *at = bytes.data; at != end;) {
        size_t size = utf8_sequence(at, end);
        if (size == 0 || (is_control(at, size) && !(keep_line_ends && *at == '\n'))) {
            text_printf(out, "\\x%02x", (unsigned char)at[size == 2 ? 1 : 0]);
            at += size == 0 ? 1 : size;
            continue;
        }
        text_add(out, slice_of(at, size));
        at += size;
    }
}

void terminal_add(struct text *out, enum terminal_colour colour, struct ever_slice bytes)
{
    static const char *const codes[] = {
        [TERMINAL_PLAIN] = "",       [TERMINAL_DIM] = "\x1b[2m",    [TERMINAL_BOLD] = "\x1b[1m",
        [TERMINAL_RED] = "\x1b[31m", [TERMINAL_GREEN] = "\x1b[32m",
    };
    bool coloured = colour != TERMINAL_PLAIN && shows_colours();
    text_add_text(out, coloured ? codes[colour] : "");
    add_escaped(out, bytes, false);
    text_add_text(out, coloured ? "\x1b[0m" : "");
}

void terminal_write(struct ever_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t size = write(STDOUT_FILENO, bytes.data, bytes.size);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            if (errno != EPIPE) {
                (void)terminal_fail("writing the output: %s", strerror(errno)); /* we exit below */
            }
            exit(EXIT_FAILED);
        }
        bytes = slice_from(bytes, (size_t)size);
    }
}

__attribute__((format(printf, 1, 0))) static void write_report(const char *format, va_list values)
{
    struct text line = {0};
    char *sentence = NULL;
    if (vasprintf(&sentence, format, values) < 0) {
        abort(); /* out of memory, as in base/mem.c */
    }
    if (isatty(STDERR_FILENO) == 1) {
        text_add_text(&line, "\r\x1b[K"); /* a progress bar may stand there */
    }
    text_add_text(&line, "everfold: ");
    add_escaped(&line, slice_of_text(sentence), true);
    (void)fprintf(stderr, "%s\n", line.data); /* there is nobody left to tell */
    free(sentence);
    text_deinit(&line);
}

enum exit_code terminal_fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    write_report(format, values);
    va_end(values);
    return EXIT_FAILED;
}

void terminal_report(const struct text *report)
{
    for (struct ever_slice rest = text_slice(report); rest.size > 0;) {
        size_t size = slice_find_byte(rest, '\n');
        (void)terminal_fail("%.*s", SLICE_PRINT(slice_first(rest, size))); /* the caller knows */
        rest = slice_from(rest, size < rest.size ? size + 1 : size);
    }
}

enum exit_code terminal_usage(const struct command *command, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    write_report(format, values);
    va_end(values);
    (void)fprintf(stderr, "Try: everfold %s --help\n", command->name); /* as above */
    return EXIT_USAGE;
}
