#include "cli/output/interrupt.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct line {
    size_t size;
    char bytes[INTERRUPT_LINE_BYTES_MAX];
};

/* The next line is made beside the one that holds, so that a signal meets a whole one. */
static struct line lines[2];
static _Atomic(const struct line *) holds;

static char path_bytes[PATH_MAX];
static _Atomic(const char *) half_file;

/* Calls only what may be called in a signal handler. */
static void on_signal(int number)
{
    const char *path = atomic_load(&half_file);
    if (path != NULL) {
        (void)unlink(path); /* nobody is left to tell */
    }
    const struct line *line = atomic_load(&holds);
    if (line != NULL) {
        ssize_t written = write(STDERR_FILENO, line->bytes, line->size);
        (void)written; /* as above */
    }
    (void)raise(number); /* SA_RESETHAND: it ends the process when this returns */
}

static void listen_once(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    static bool listens;
    if (listens) {
        return;
    }
    listens = true;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        bool ignored = sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN;
        if (!ignored) {                                 /* nohup stays what it is */
            (void)sigaction(numbers[i], &action, NULL); /* fails only for no signal */
        }
    }
}

void interrupt_removes(const char *path)
{
    atomic_store(&half_file, NULL);
    if (path != NULL &&
        snprintf(path_bytes, sizeof path_bytes, "%s", path) < (int)sizeof path_bytes) {
        atomic_store(&half_file, path_bytes);
        listen_once();
    }
}

void interrupt_says(struct ever_slice line)
{
    struct line *next = atomic_load(&holds) == &lines[0] ? &lines[1] : &lines[0];
    next->size = line.size < sizeof next->bytes ? line.size : sizeof next->bytes;
    memcpy(next->bytes, line.data, next->size);
    atomic_store(&holds, next);
    listen_once();
}
