/* err.h - making and passing on struct ever_err.
 *
 * FAIL makes one, TRY passes one on. Results leave through out_ parameters, last in the list,
 * untouched on failure. Library code never prints: it returns, and the edge reports once. */
#pragma once
#include "everfold_types.h"

#define ERR_TEXT_(x) #x
#define ERR_TEXT(x) ERR_TEXT_(x)
#define ERR_OK ((struct ever_err){.code = EVER_OK})

/* `text` is a literal: what was being done, in a few words. */
#define FAIL(error_code, text) FAIL_ERRNO(error_code, 0, text)
#define FAIL_ERRNO(error_code, number, text)                                                       \
    ((struct ever_err){.code = (uint16_t)(error_code),                                             \
                       .sys_errno = (number),                                                      \
                       .what = __FILE_NAME__ ":" ERR_TEXT(__LINE__) ": " text})

#define TRY(call)                                                                                  \
    do {                                                                                           \
        struct ever_err try_err_ = (call);                                                         \
        if (try_err_.code != EVER_OK) {                                                            \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

#define IS_OK(err) ((err).code == EVER_OK)

/* CLEANUP(thing_closep) struct thing *thing = NULL; then TRY freely; TAKE(thing) gives it away. */
#define CLEANUP(function) __attribute__((cleanup(function)))
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

/* What happened, without the place in our source, which helps nobody whose request failed. */
const char *err_sentence(struct ever_err err);

/* EVER_NO_SPACE for a full disk or quota, EVER_NO_MEMORY, else EVER_IO. */
enum ever_code err_code_of_errno(int number);
