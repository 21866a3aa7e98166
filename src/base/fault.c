/* fault.c - the handler of SIGBUS, and the copies it saves. */
#include "base/fault.h"

#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Where this thread's copy goes when it fails. NULL: none is running. Reached without a call, which
 * could allocate: the handler may run in a thread that never copied. */
static _Thread_local sigjmp_buf *volatile way_out __attribute__((tls_model("initial-exec")));

static struct sigaction previous;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Of an instruction of this thread; anything else was sent by somebody. */
static bool is_of_instruction(const siginfo_t *info)
{
    return info->si_code == BUS_ADRERR || info->si_code == BUS_ADRALN ||
           info->si_code == BUS_OBJERR || info->si_code == BUS_MCEERR_AR;
}

/* The instruction faults again when the handler returns; what was sent is sent again. */
static void end_as_without_us(int signal, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    if (!is_of_instruction(info) && previous.sa_handler == SIG_IGN) {
        return;
    }
    ASSERT(sigaction(signal, &action, NULL) == 0);
    if (!is_of_instruction(info)) {
        (void)raise(signal); /* does not come back */
    }
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        end_as_without_us(signal, info);
    } else {
        previous.sa_handler(signal);
    }
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    sigjmp_buf *to = way_out;
    if (to != NULL && is_of_instruction(info)) {
        way_out = NULL;
        siglongjmp(*to, 1);
    }
    pass_on(signal, info, context);
}

/* Not deferred, so that nothing has to be unblocked when the handler is left by a jump. */
static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART};
    ASSERT(sigaction(SIGBUS, NULL, &previous) == 0); /* first: it may be needed at once */
    ASSERT(sigaction(SIGBUS, &action, NULL) == 0);
}

bool fault_catch(void)
{
#ifdef __SANITIZE_THREAD__
    return false; /* its runtime has the signal, and no way out of a handler but return */
#endif
    struct sigaction now;
    ASSERT(pthread_once(&once, install) == 0);
    ASSERT(sigaction(SIGBUS, NULL, &now) == 0);
    return (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault;
}

struct ever_err fault_copy(void *out, const char *mapped, size_t size)
{
    ASSERT(way_out == NULL);
    sigjmp_buf here;
    if (sigsetjmp(here, 0) != 0) {
        return FAIL_ERRNO(EVER_IO, EIO, "read mapped file: not there, or the disk failed");
    }
    way_out = &here;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(out, mapped, size);
    atomic_signal_fence(memory_order_seq_cst);
    way_out = NULL;
    return ERR_OK;
}
