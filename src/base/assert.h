/* assert.h - promises we made ourselves, on in release. Never for what came from disk, network or
 * user: that is checked and returned. One condition each, without side effects. */
#pragma once
#include <assert.h> /* static_assert */

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            assert_fail(#condition, __FILE__, __LINE__, __func__);                                 \
        }                                                                                          \
    } while (0)

/* For simulations and debug builds: checks too slow for every call. */
#ifdef EVERFOLD_SLOW_ASSERTS
#define ASSERT_SLOW(condition) ASSERT(condition)
#else
#define ASSERT_SLOW(condition) ((void)0)
#endif

/* Writes one line to standard error and aborts. */
_Noreturn void assert_fail(const char *condition, const char *file, int line, const char *function);
