/* Any text as a path and as an Accept header: never read beyond its end, decoded text is
 * UTF-8 without a NUL and not longer than it was, decoding what needs none changes nothing. */
#include "fuzz.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ever_slice text = slice_of(data, size);
    struct arena arena;
    arena_init(&arena);
    struct ever_slice decoded;
    if (http_percent_decode(text, &arena, &decoded)) {
        ASSERT(decoded.size <= size);
        ASSERT(utf8_check(decoded));
        ASSERT(slice_find_byte(decoded, '\0') == decoded.size);
        ASSERT(slice_find_byte(text, '%') < size || slice_equal(text, decoded));
    }
    ASSERT(http_accept_quality(text, "application/json") <= 1000);
    arena_deinit(&arena);
    return 0;
}
