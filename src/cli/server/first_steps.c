#include "cli/server/first_steps.h"

#include "base/slice.h"
#include "cli/client/client.h"
#include "cli/output/terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 3
#define README_BYTES_MAX (64u << 10) /* what stands further down is no first step */

/* Reads the beginning of a regular file; nothing when it is none. */
static void read_beginning(const char *path, struct text *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd == -1) {
        return;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        ssize_t size = read(fd, text_reserve(out, README_BYTES_MAX), README_BYTES_MAX);
        out->size = size > 0 ? (size_t)size : 0;
        text_seal(out);
    }
    (void)close(fd); /* was read only */
}

static void add_line(struct text *out, struct ever_slice line, const char *url)
{
    struct text changed = {0};
    const char *found =
        memmem(line.data, line.size, CLIENT_URL_DEFAULT, strlen(CLIENT_URL_DEFAULT));
    if (found != NULL) {
        size_t before = (size_t)(found - line.data);
        text_add(&changed, slice_first(line, before));
        text_add_text(&changed, url);
        text_add(&changed, slice_from(line, before + strlen(CLIENT_URL_DEFAULT)));
    } else {
        text_add(&changed, line);
    }
    text_add_text(out, "  ");
    terminal_add(out, TERMINAL_PLAIN, text_slice(&changed));
    text_add_byte(out, '\n');
    text_deinit(&changed);
}

static unsigned add_curl_lines(struct text *out, struct ever_slice readme, const char *url)
{
    unsigned count = 0;
    while (readme.size > 0 && count < LINES) {
        size_t size = slice_find_byte(readme, '\n');
        struct ever_slice line = slice_first(readme, size);
        if (slice_starts_with(line, SLICE_LITERAL("curl "))) {
            add_line(out, line, url);
            count++;
        }
        readme = slice_from(readme, size < readme.size ? size + 1 : size);
    }
    return count;
}

void first_steps_add(struct text *out, const char *app_dir, const char *url)
{
    static const char anywhere[] =
        "curl --json '{\"type\":\"Noted\",\"data\":{\"text\":\"hello\"}}' " CLIENT_URL_DEFAULT
        "/streams/note-1\n"
        "curl " CLIENT_URL_DEFAULT "/streams/note-1\n"
        "curl " CLIENT_URL_DEFAULT "/events\n";
    struct text readme = {0};
    text_add_text(out, "Try, in another terminal:\n");
    if (app_dir != NULL) {
        struct text path = {0};
        text_printf(&path, "%s/README.md", app_dir);
        read_beginning(path.data, &readme);
        text_deinit(&path);
    }
    if (add_curl_lines(out, text_slice(&readme), url) == 0) {
        (void)add_curl_lines(out, slice_of_text(anywhere), url); /* there are three */
    }
    text_deinit(&readme);
}
