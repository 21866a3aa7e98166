/* Catches: an unreadable page of a mapped file that ends the process; a handler of SIGBUS that
 * breaks the one its host had, or hides a fault that is not ours. */
#include "unit/unit.h"

#include "base/fault.h"
#include "base/vfs.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 4u

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A file of some pages whose last two are cut off once it is mapped. */
static int make_file(void)
{
    char path[] = "/tmp/everfold-fault-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)(PAGES * page_bytes())), 0);
    return fd;
}

static const char *map_and_cut(void)
{
    int fd = make_file();
    const char *map = mmap(NULL, PAGES * page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(ftruncate(fd, (off_t)(2 * page_bytes())), 0);
    close(fd);
    return map;
}

static void *copies(void *arg)
{
    const char *map = arg;
    char bytes[8];
    for (int i = 0; i < 1000; i++) {
        assert_ok(fault_copy(bytes, map + 2 * page_bytes() - sizeof bytes, sizeof bytes));
        assert_int_equal(bytes[7], 0);
        struct ever_err err = fault_copy(bytes, map + 2 * page_bytes() - 4, sizeof bytes);
        assert_err(err, EVER_IO);
        assert_int_equal(err.sys_errno, EIO);
    }
    return NULL;
}

static void an_unreadable_page_is_an_error(const char *map)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, copies, (void *)(uintptr_t)map), 0);
    }
    copies((void *)(uintptr_t)map);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* A file of four pages, cut off behind the first one after it was to be mapped; what reading the
 * third page says then. */
static struct ever_err read_what_was_cut_off(size_t *out_got)
{
    char path[] = "/tmp/everfold-fault-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, (off_t)(PAGES * page_bytes())), 0);
    struct vfs_file *file;
    assert_ok(vfs_real()->open(vfs_real(), path, 0, &file));
    assert_ok(file->methods->map(file));
    assert_int_equal(ftruncate(fd, (off_t)page_bytes()), 0);
    char bytes[16];
    assert_ok(file->methods->read_at(file, 0, bytes, sizeof bytes, out_got));
    assert_int_equal(*out_got, sizeof bytes);
    struct ever_err err =
        file->methods->read_at(file, 2 * page_bytes(), bytes, sizeof bytes, out_got);
    vfs_file_close(file);
    close(fd);
    unlink(path);
    return err;
}

/* One test: the next one finds SIGBUS in the hands of cmocka. */
static void what_cannot_be_read_is_an_error(void **state)
{
    (void)state; /* cmocka's signature */
    assert_true(fault_catch());
    assert_true(fault_catch());
    const char *map = map_and_cut();
    an_unreadable_page_is_an_error(map);
    munmap((void *)(uintptr_t)map, PAGES * page_bytes());
    size_t got;
    assert_ok(read_what_was_cut_off(&got));
    assert_int_equal(got, 0);
}

static void who_takes_the_signal_from_us_keeps_it(void **state)
{
    (void)state; /* cmocka's signature */
    signal(SIGBUS, SIG_DFL);
    assert_false(fault_catch());
    size_t got;
    assert_ok(read_what_was_cut_off(&got)); /* it was not mapped */
    assert_int_equal(got, 0);
}

/* --- Other people's faults ------------------------------------------------------------------- */

/* In processes of their own: a handler is installed once. What they exit with is the answer. */
static int status_of(void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        run();
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static const char *cut_map;

static void touch_the_cut_page(void)
{
    volatile char byte = cut_map[3 * page_bytes()];
    (void)byte; /* never reached */
}

static void end_with_the_place(int signal, siginfo_t *info, void *context)
{
    (void)context; /* of the interrupted code */
    bool is_it = signal == SIGBUS && info->si_addr == cut_map + 3 * page_bytes();
    _exit(is_it ? 41 : 98);
}

static void install_over(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    (void)fault_catch(); /* nobody can have taken it yet */
    char bytes[8];
    if (IS_OK(fault_copy(bytes, cut_map + 2 * page_bytes(), sizeof bytes))) {
        _exit(97);
    }
}

static void with_a_host_that_has_a_handler(void)
{
    install_over(end_with_the_place);
    touch_the_cut_page();
}

static sigjmp_buf host_way_out;

static void jump_out(int signal, siginfo_t *info, void *context)
{
    (void)signal; /* one handler for one thing */
    (void)info;
    (void)context;
    siglongjmp(host_way_out, 1);
}

/* A handler that leaves by a jump, as ours does, and copies that go on working after it. */
static void with_a_host_that_jumps(void)
{
    install_over(jump_out);
    if (sigsetjmp(host_way_out, 1) == 0) {
        touch_the_cut_page();
    }
    char bytes[8];
    bool works = IS_OK(fault_copy(bytes, cut_map, sizeof bytes)) &&
                 !IS_OK(fault_copy(bytes, cut_map + 2 * page_bytes(), sizeof bytes));
    _exit(works ? 42 : 98);
}

static void with_nobody(void)
{
    signal(SIGBUS, SIG_DFL);
    (void)fault_catch(); /* nobody can have taken it yet */
    touch_the_cut_page();
}

static void with_a_signal_that_was_sent(void)
{
    signal(SIGBUS, SIG_DFL);
    (void)fault_catch(); /* nobody can have taken it yet */
    raise(SIGBUS);
}

static void with_a_sent_signal_that_is_ignored(void)
{
    signal(SIGBUS, SIG_IGN);
    (void)fault_catch(); /* nobody can have taken it yet */
    raise(SIGBUS);
    _exit(43);
}

static void other_faults_are_their_hosts(void **state)
{
    (void)state; /* cmocka's signature */
    cut_map = map_and_cut();
    assert_int_equal(WEXITSTATUS(status_of(with_a_host_that_has_a_handler)), 41);
    assert_int_equal(WEXITSTATUS(status_of(with_a_host_that_jumps)), 42);
    assert_int_equal(WTERMSIG(status_of(with_nobody)), SIGBUS);
    assert_int_equal(WTERMSIG(status_of(with_a_signal_that_was_sent)), SIGBUS);
    assert_int_equal(WEXITSTATUS(status_of(with_a_sent_signal_that_is_ignored)), 43);
    munmap((void *)(uintptr_t)cut_map, PAGES * page_bytes());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_faults_are_their_hosts), /* first: nothing is installed yet */
        cmocka_unit_test(what_cannot_be_read_is_an_error),
        cmocka_unit_test(who_takes_the_signal_from_us_keeps_it),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
