#include "base/err.h"

#include <errno.h>
#include <string.h>

const char *ever_code_name(enum ever_code code)
{
    static const char *const names[] = {
        [EVER_OK] = "ok",
        [EVER_END] = "end",
        [EVER_AGAIN] = "again",
        [EVER_NOT_FOUND] = "not-found",
        [EVER_INVALID] = "invalid",
        [EVER_LIMIT] = "limit",
        [EVER_BUSY] = "busy",
        [EVER_TIMEOUT] = "timeout",
        [EVER_CLOSED] = "closed",
        [EVER_IO] = "io",
        [EVER_NO_SPACE] = "no-space",
        [EVER_NO_MEMORY] = "no-memory",
        [EVER_CORRUPT] = "corrupt",
        [EVER_FOREIGN] = "foreign",
        [EVER_UNSUPPORTED] = "unsupported",
        [EVER_UNKNOWN] = "outcome-unknown",
    };
    size_t index = (size_t)code;
    return index < sizeof names / sizeof names[0] && names[index] != NULL ? names[index]
                                                                          : "unnamed";
}

const char *err_sentence(struct ever_err err)
{
    const char *place_end = err.what == NULL ? NULL : strstr(err.what, ": ");
    return place_end == NULL ? ever_code_name(err.code) : place_end + 2;
}

enum ever_code err_code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return EVER_NO_SPACE;
    case ENOMEM:
        return EVER_NO_MEMORY;
    default:
        return EVER_IO;
    }
}
