/* Any text as a path, a query and an Accept header: never read beyond its end, decoded text is
 * UTF-8 without a NUL and not longer than it was, decoding what needs none changes nothing. */
#include "fuzz.h"

#include "base/assert.h"
#include "base/utf8.h"
#include "net/http.h"

static void check_decoded(struct ever_slice text, size_t size_before)
{
    ASSERT(text.size <= size_before);
    ASSERT(utf8_check(text));
    ASSERT(slice_find_byte(text, '\0') == text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ever_slice text = slice_of(data, size);
    struct arena arena;
    arena_init(&arena);
    struct ever_slice decoded;
    if (http_percent_decode(text, &arena, &decoded)) {
        check_decoded(decoded, size);
        ASSERT(slice_find_byte(text, '%') < size || slice_equal(text, decoded));
    }
    bool bad = false;
    if (http_query_value(text, "a", &arena, &decoded, &bad)) {
        check_decoded(decoded, size);
        ASSERT(!bad);
    }
    ASSERT(http_accept_quality(text, "application/json") <= 1000);
    arena_deinit(&arena);
    return 0;
}
