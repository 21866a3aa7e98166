/* unit.h - cmocka with the includes it wants, and checks for our own types. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

#include <stdio.h>

/* The slice holds exactly this text. */
#define assert_slice(slice, text)                                                                  \
    do {                                                                                           \
        struct ever_slice got_ = (slice);                                                          \
        struct ever_slice want_ = slice_of_text(text);                                             \
        if (!slice_equal(got_, want_)) {                                                           \
            fail_msg("got \"%.*s\", want \"%s\"", SLICE_PRINT(got_), text);                        \
        }                                                                                          \
    } while (0)

/* The call gives this error code. */
#define assert_err(call, want)                                                                     \
    do {                                                                                           \
        struct ever_err err_ = (call);                                                             \
        if (err_.code != (want)) {                                                                 \
            fail_msg("got %s (%s, errno %d), want %s", ever_code_name(err_.code),                  \
                     err_.what == NULL ? "" : err_.what, err_.sys_errno, ever_code_name(want));    \
        }                                                                                          \
    } while (0)
#define assert_ok(call) assert_err(call, EVER_OK)
