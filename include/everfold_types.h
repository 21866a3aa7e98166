/* everfold_types.h - the few types that every layer and both public headers share.
 *
 * Stands on the C library alone; C99 and C++ can include it. */
#ifndef EVERFOLD_TYPES_H
#define EVERFOLD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default) /* what the library exports; the rest is hidden */

#if defined(__STDC_VERSION__) && __STDC_VERSION__ > 201710L
#define EVER_NODISCARD [[nodiscard]]
#elif defined(__cplusplus) && __cplusplus >= 201703L
#define EVER_NODISCARD [[nodiscard]]
#else
#define EVER_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A code exists because some caller branches on it. */
enum ever_code {
    EVER_OK = 0,
    EVER_END,         /* Nothing more now: a cursor has caught up. Not a fault. */
    EVER_AGAIN,       /* So far nothing: a bounded look is over, call again. Not a fault. */
    EVER_NOT_FOUND,   /* The named thing does not exist. */
    EVER_INVALID,     /* The caller's argument or input breaks a stated rule. */
    EVER_LIMIT,       /* The input is larger than a stated maximum. */
    EVER_BUSY,        /* Another process holds the store, or a bounded queue is full. */
    EVER_TIMEOUT,     /* The stated time passed first. */
    EVER_CLOSED,      /* The store, pool or connection is shutting down. */
    EVER_IO,          /* The operating system failed a read or write; see sys_errno. */
    EVER_NO_SPACE,    /* The disk or a quota is full; nothing was written. */
    EVER_NO_MEMORY,   /* An allocation failed; nothing was changed. */
    EVER_CORRUPT,     /* Bytes on disk are not the bytes that were written. */
    EVER_FOREIGN,     /* The folder or file is not Everfold's. */
    EVER_UNSUPPORTED, /* Written by a newer version, or a feature this build lacks. */
    EVER_UNKNOWN,     /* The outcome is unknown: it may or may not be in the log. */
};

/* What went wrong. `what` is a literal: "file.c:12: sync segment". 16 bytes, returned by value. */
struct EVER_NODISCARD ever_err {
    uint16_t code;     /* enum ever_code */
    uint16_t reserved; /* 0 */
    int32_t sys_errno; /* errno of the failed call, 0 if none */
    const char *what;  /* static text, NULL when code is EVER_OK */
};

/* The name of a code, as in "not-found". Static text. */
const char *ever_code_name(enum ever_code code);

/* Bytes that somebody else owns. `data` may be NULL when `size` is 0. */
struct ever_slice {
    const char *data;
    size_t size;
};

struct ever_uuid {
    uint8_t bytes[16]; /* RFC 9562 order; all zero means "none" */
};

#ifdef __cplusplus
}
#endif

#pragma GCC visibility pop
#endif
