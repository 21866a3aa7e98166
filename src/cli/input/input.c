#include "cli/input/input.h"

#include "cli/output/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)

static bool is_standard_input(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

int input_open(const char *path)
{
    if (is_standard_input(path)) {
        return STDIN_FILENO;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0) {
        (void)terminal_fail("cannot read %s: %s", path, strerror(errno)); /* -1 says it */
        return -1;
    }
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        (void)terminal_fail("%s is a folder", path); /* as above */
        (void)close(fd);                             /* was read only */
        return -1;
    }
    return fd;
}

void input_close(int fd)
{
    if (fd != STDIN_FILENO) {
        (void)close(fd); /* was read only */
    }
}

bool input_read_all(struct text *out, size_t bytes_max)
{
    for (;;) {
        char *room = text_reserve(out, READ_BYTES);
        ssize_t size = read(STDIN_FILENO, room, READ_BYTES);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            (void)terminal_fail("reading standard input: %s", strerror(errno)); /* false says it */
            return false;
        }
        if (size == 0) {
            text_seal(out);
            return true;
        }
        out->size += (size_t)size;
        if (out->size > bytes_max) {
            (void)terminal_fail("standard input is longer than %zu bytes",
                                bytes_max); /* as above */
            return false;
        }
    }
}

uint64_t input_size(int fd)
{
    struct stat status;
    bool known = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    return known ? (uint64_t)status.st_size : 0;
}
