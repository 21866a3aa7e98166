#include "domain/script/process.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)
#define WORKER_NAME "everfold-js"

/* Two things end, in any order: the socket and the process. Both handles are closed then, and only
 * when the second one is closed nothing points here any more. */
struct script_process {
    uv_process_t handle;
    uv_pipe_t pipe;
    uv_write_t write;
    struct script_process_events events;
    struct frame_status_page *page;
    struct text in;
    struct text out;     /* to be sent */
    struct text writing; /* being sent */
    bool is_writing;
    bool pipe_ended;
    bool exited;
    int open_handles;
    char last_words[160];
};

/* --- The end --------------------------------------------------------------------------------- */

static void free_process(struct script_process *process)
{
    if (process->page != NULL) {
        munmap(process->page, sizeof *process->page);
    }
    text_deinit(&process->in);
    text_deinit(&process->out);
    text_deinit(&process->writing);
    free(process);
}

static void on_closed(uv_handle_t *handle)
{
    struct script_process *process = handle->data;
    if (--process->open_handles > 0) {
        return;
    }
    if (process->events.gone != NULL) {
        process->events.gone(process->events.arg, process, process->last_words);
    }
    free_process(process);
}

static void close_handles(struct script_process *process)
{
    uv_close((uv_handle_t *)&process->pipe, on_closed);
    uv_close((uv_handle_t *)&process->handle, on_closed);
}

static void close_when_over(struct script_process *process)
{
    if (process->exited && process->pipe_ended) {
        close_handles(process);
    }
}

static void end_pipe(struct script_process *process)
{
    if (!process->pipe_ended) {
        process->pipe_ended = true;
        uv_read_stop((uv_stream_t *)&process->pipe);
        close_when_over(process);
    }
}

static void on_exit_of_process(uv_process_t *handle, int64_t status, int signal_number)
{
    struct script_process *process = handle->data;
    process->exited = true;
    if (signal_number != 0) {
        (void)snprintf(process->last_words, sizeof process->last_words, "ended by signal %d (%s)",
                       signal_number, strsignal(signal_number));
    } else {
        (void)snprintf(process->last_words, sizeof process->last_words, "ended with status %d",
                       (int)status);
    }
    close_when_over(process);
}

/* --- Bytes in and out ------------------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buffer)
{
    (void)suggested; /* large answers come in large pieces */
    struct script_process *process = handle->data;
    *out_buffer = uv_buf_init(text_reserve(&process->in, READ_BYTES), READ_BYTES);
}

static void handle_frames(struct script_process *process)
{
    struct ever_slice rest = text_slice(&process->in);
    struct frame frame;
    enum frame_status status;
    while ((status = script_frame_read(&rest, &frame)) == FRAME_WHOLE) {
        process->events.frame(process->events.arg, &frame);
    }
    memmove(process->in.data, rest.data, rest.size);
    process->in.size = rest.size;
    text_seal(&process->in);
    if (status == FRAME_BROKEN) {
        script_process_kill(process);
        end_pipe(process);
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer; /* it is the end of process->in */
    struct script_process *process = stream->data;
    if (size < 0) {
        end_pipe(process);
        return;
    }
    process->in.size += (size_t)size;
    text_seal(&process->in);
    handle_frames(process);
}

static void on_written(uv_write_t *write, int status)
{
    struct script_process *process = write->data;
    process->is_writing = false;
    text_clear(&process->writing);
    if (status == 0) {
        script_process_flush(process);
    }
}

void script_process_send(struct script_process *process, enum frame_kind kind, uint32_t id,
                         struct ever_slice payload)
{
    if (!process->pipe_ended) {
        script_frame_write(&process->out, kind, id, payload);
    }
}

void script_process_flush(struct script_process *process)
{
    if (process->is_writing || process->pipe_ended || process->out.size == 0) {
        return;
    }
    struct text full = process->out;
    process->out = process->writing;
    process->writing = full;
    process->is_writing = true;
    uv_buf_t buffer = uv_buf_init(full.data, (unsigned)full.size);
    int failed = uv_write(&process->write, (uv_stream_t *)&process->pipe, &buffer, 1, on_written);
    if (failed != 0) {
        process->is_writing = false;
        script_process_kill(process); /* its end tells the rest */
    }
}

/* --- The start ------------------------------------------------------------------------------- */

static struct ever_err make_page(struct script_process *process, int *out_fd)
{
    int fd = memfd_create(WORKER_NAME, MFD_CLOEXEC);
    if (fd < 0) {
        return FAIL_ERRNO(EVER_IO, errno, "create the status page of a worker");
    }
    if (ftruncate(fd, sizeof *process->page) != 0) {
        close(fd);
        return FAIL_ERRNO(EVER_IO, errno, "size the status page of a worker");
    }
    void *page = mmap(NULL, sizeof *process->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        close(fd);
        return FAIL_ERRNO(EVER_IO, errno, "map the status page of a worker");
    }
    process->page = page;
    *out_fd = fd;
    return ERR_OK;
}

static void default_path(char *out_path, size_t size)
{
    char self[4096];
    size_t length = sizeof self - 1;
    if (uv_exepath(self, &length) != 0) {
        length = 0;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    int folder = slash == NULL ? 0 : (int)(slash - self + 1);
    (void)snprintf(out_path, size, "%.*s" WORKER_NAME, folder, self);
}

static int spawn(uv_loop_t *loop, struct script_process *process,
                 const struct script_process_options *options, int page_fd)
{
    char beside[4200];
    default_path(beside, sizeof beside);
    const char *path = options->worker_path == NULL ? beside : options->worker_path;
    char time_limit[16];
    char memory_limit[16];
    char states[16];
    (void)snprintf(time_limit, sizeof time_limit, "%u", options->time_limit_ms);
    (void)snprintf(memory_limit, sizeof memory_limit, "%u", options->memory_limit_mb);
    (void)snprintf(states, sizeof states, "%u", options->states_max);
    char *arguments[] = {(char *)path, time_limit, memory_limit, states, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [WORKER_SOCKET_FD] = {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
                              .data.stream = (uv_stream_t *)&process->pipe},
        [WORKER_STATUS_FD] = {.flags = UV_INHERIT_FD, .data.fd = page_fd},
    };
    uv_process_options_t how = {
        .file = path,
        .args = arguments,
        .exit_cb = on_exit_of_process,
        .stdio = stdio,
        .stdio_count = sizeof stdio / sizeof stdio[0],
    };
    return uv_spawn(loop, &process->handle, &how);
}

static struct ever_err fail_spawn(int failed)
{
    return failed == UV_ENOENT ? FAIL_ERRNO(EVER_NOT_FOUND, ENOENT, "start the worker program")
                               : FAIL_ERRNO(EVER_IO, -failed, "start the worker program");
}

struct ever_err script_process_start(uv_loop_t *loop, const struct script_process_options *options,
                                     const struct script_process_events *events,
                                     struct script_process **out_process)
{
    (void)signal(SIGPIPE,
                 SIG_IGN); /* writing to a worker that just died is an error, not our end */
    struct script_process *process = mem_alloc_zero(sizeof *process);
    int page_fd;
    struct ever_err err = make_page(process, &page_fd);
    if (!IS_OK(err)) {
        free_process(process);
        return err;
    }
    process->events = *events;
    process->handle.data = process;
    process->pipe.data = process;
    process->write.data = process;
    process->open_handles = 2;
    ASSERT(uv_pipe_init(loop, &process->pipe, 0) == 0);
    int failed = spawn(loop, process, options, page_fd);
    close(page_fd);
    if (failed != 0) {
        process->events.gone = NULL;
        close_handles(process);
        return fail_spawn(failed);
    }
    ASSERT(uv_read_start((uv_stream_t *)&process->pipe, on_alloc, on_read) == 0);
    *out_process = process;
    return ERR_OK;
}

void script_process_kill(struct script_process *process)
{
    if (!process->exited) {
        (void)uv_process_kill(&process->handle, SIGKILL); /* it may have died just now */
    }
}

/* --- Watching -------------------------------------------------------------------------------- */

uint32_t script_process_current_id(const struct script_process *process)
{
    return process->page->current_id;
}

int script_process_pid(const struct script_process *process)
{
    return process->handle.pid;
}

int64_t script_process_cpu_ns(const struct script_process *process)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(process->handle.pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

bool script_process_is_over_memory(const struct script_process *process)
{
    uint64_t limit = process->page->memory_bytes_max;
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/statm", process->handle.pid);
    FILE *file = limit == 0 ? NULL : fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    unsigned long long resident_pages = 0;
    bool read = fscanf(file, "%*u %llu", &resident_pages) == 1;
    (void)fclose(file); /* only read */
    uint64_t held = resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return read && held > limit + limit / 4;
}
