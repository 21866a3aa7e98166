/* fault.h - reads mapped files whose pages may turn out to be unreadable.
 *
 * A page of a mapped file that the disk cannot give, or that somebody cut off, is no error code but
 * the signal SIGBUS, which ends the process. Here the copy ends instead.
 *
 * Signals: fault_catch() takes SIGBUS over, once in a process. A fault that is not one of these
 *          copies goes to the action that was there before, or ends the process as it would have.
 *          Who takes it over after us keeps it: then nothing more may be mapped.
 * Threads: any. One that blocks SIGBUS dies of the fault. */
#pragma once
#include "base/err.h"

bool fault_catch(void); /* False: SIGBUS is not ours any more. */

/* Once fault_catch() said yes. EVER_IO with EIO: some of the bytes cannot be read; `out` holds
 * anything then. */
struct ever_err fault_copy(void *out, const char *mapped, size_t size);
