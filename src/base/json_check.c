/* json_check.c - a strict checker that goes through the text once. */
#include "base/json_priv.h"

#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

const char *json_skip_plain(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x20);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Signed: bytes from 0x80 are negative, so "less than 0x20" finds them too. */
        __m128i special = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
            _mm_cmplt_epi8(bytes, control));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
    }
#endif
    while (at != end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int32_t json_hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

#define KEYS_INLINE 64
#define KEYS_COMPARED_AT_ONCE                                                                      \
    16 /* an object with more members is checked by sorting at its end                             \
        */

struct checker {
    const char *start;
    const char *at;
    const char *end;
    const char *reason; /* NULL while all is well */
    uint64_t *keys;     /* hashes of the keys of all open objects, innermost last */
    size_t key_count;
    size_t key_capacity;
    uint64_t keys_inline[KEYS_INLINE];
    unsigned depth;
};

static bool refuse(struct checker *checker, const char *reason)
{
    if (checker->reason == NULL) {
        checker->reason = reason;
    }
    return false;
}

static void skip_space(struct checker *checker)
{
    while (checker->at != checker->end && (*checker->at == ' ' || *checker->at == '\n' ||
                                           *checker->at == '\r' || *checker->at == '\t')) {
        checker->at++;
    }
}

static bool take(struct checker *checker, char byte)
{
    if (checker->at != checker->end && *checker->at == byte) {
        checker->at++;
        return true;
    }
    return false;
}

static bool check_unicode_escape(struct checker *checker) /* behind \u */
{
    int32_t unit = json_hex4(checker->at, checker->end);
    if (unit < 0) {
        return refuse(checker, "\\u must be followed by four hexadecimal digits");
    }
    checker->at += 4;
    if (json_is_low_surrogate(unit)) {
        return refuse(checker, "lone surrogate");
    }
    if (!json_is_high_surrogate(unit)) {
        return true;
    }
    bool paired = checker->end - checker->at >= 6 && checker->at[0] == '\\' &&
                  checker->at[1] == 'u' &&
                  json_is_low_surrogate(json_hex4(checker->at + 2, checker->end));
    if (!paired) {
        return refuse(checker, "lone surrogate");
    }
    checker->at += 6;
    return true;
}

static bool check_escape(struct checker *checker) /* at the backslash */
{
    checker->at++;
    if (checker->at == checker->end) {
        return refuse(checker, "the text ends inside a string");
    }
    char kind = *checker->at++;
    if (kind == 'u') {
        return check_unicode_escape(checker);
    }
    if (kind == '\0' || strchr("\"\\/bfnrt", kind) == NULL) {
        return refuse(checker, "unknown escape");
    }
    return true;
}

static bool check_string(struct checker *checker)
{
    checker->at++; /* the quote */
    for (;;) {
        checker->at = json_skip_plain(checker->at, checker->end);
        if (checker->at == checker->end) {
            return refuse(checker, "the text ends inside a string");
        }
        if (*checker->at == '"') {
            checker->at++;
            return true;
        }
        if (*checker->at == '\\') {
            if (!check_escape(checker)) {
                return false;
            }
            continue;
        }
        size_t size = utf8_sequence(checker->at, checker->end);
        if (size < 2) {
            return refuse(checker, size == 1 ? "control character in a string" : "invalid UTF-8");
        }
        checker->at += size;
    }
}

static bool take_digits(struct checker *checker)
{
    const char *start = checker->at;
    while (checker->at != checker->end && *checker->at >= '0' && *checker->at <= '9') {
        checker->at++;
    }
    return checker->at != start;
}

static bool check_number(struct checker *checker)
{
    (void)take(checker, '-'); /* optional */
    if (!take(checker, '0') && !take_digits(checker)) {
        return refuse(checker, "a digit must follow the minus sign");
    }
    if (checker->at != checker->end && *checker->at >= '0' && *checker->at <= '9') {
        return refuse(checker, "a number must not begin with 0");
    }
    if (take(checker, '.') && !take_digits(checker)) {
        return refuse(checker, "a digit must follow the decimal point");
    }
    if (take(checker, 'e') || take(checker, 'E')) {
        (void)(take(checker, '+') || take(checker, '-')); /* optional */
        if (!take_digits(checker)) {
            return refuse(checker, "a digit must follow the exponent sign");
        }
    }
    return true;
}

static bool check_word(struct checker *checker, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(checker->end - checker->at) < size || memcmp(checker->at, word, size) != 0) {
        return refuse(checker, "a value was expected");
    }
    checker->at += size;
    return true;
}

static void push_key(struct checker *checker, uint64_t hash)
{
    if (checker->key_count == checker->key_capacity) {
        size_t capacity = checker->key_capacity * 2;
        bool was_inline = checker->keys == checker->keys_inline;
        uint64_t *grown = mem_grow(was_inline ? NULL : checker->keys, capacity * sizeof *grown);
        if (was_inline) {
            memcpy(grown, checker->keys_inline, sizeof checker->keys_inline);
        }
        checker->keys = grown;
        checker->key_capacity = capacity;
    }
    checker->keys[checker->key_count++] = hash;
}

/* Keys are compared by their 64-bit hash: two that only collide are refused too, which nobody meets
 * who does not look for it. */
static bool note_key(struct checker *checker, size_t first_key, struct ever_slice quoted)
{
    uint64_t hash;
    struct ever_slice inside = slice_of(quoted.data + 1, quoted.size - 2);
    if (slice_find_byte(inside, '\\') == inside.size) {
        hash = hash64(inside, 0);
    } else {
        struct arena arena;
        arena_init(&arena);
        hash = hash64(json_string((struct json_value){JSON_STRING, quoted}, &arena), 0);
        arena_deinit(&arena);
    }
    if (checker->key_count - first_key < KEYS_COMPARED_AT_ONCE) {
        for (size_t i = first_key; i < checker->key_count; i++) {
            if (checker->keys[i] == hash) {
                return refuse(checker, "duplicate key");
            }
        }
    }
    push_key(checker, hash);
    return true;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool check_many_keys(struct checker *checker, size_t first_key)
{
    uint64_t *keys = checker->keys + first_key;
    size_t count = checker->key_count - first_key;
    if (count <= KEYS_COMPARED_AT_ONCE) {
        return true;
    }
    qsort(keys, count, sizeof *keys, compare_hashes);
    for (size_t i = 1; i < count; i++) {
        if (keys[i] == keys[i - 1]) {
            return refuse(checker, "duplicate key");
        }
    }
    return true;
}

static bool check_value(struct checker *checker);

static bool check_member(struct checker *checker, size_t first_key)
{
    skip_space(checker);
    const char *key = checker->at;
    if (key == checker->end || *key != '"') {
        return refuse(checker, "a member name in quotes was expected");
    }
    if (!check_string(checker)) {
        return false;
    }
    struct ever_slice quoted = slice_of(key, (size_t)(checker->at - key));
    if (!note_key(checker, first_key, quoted)) {
        checker->at = key;
        return false;
    }
    skip_space(checker);
    if (!take(checker, ':')) {
        return refuse(checker, "a colon was expected behind the member name");
    }
    return check_value(checker);
}

static bool check_object(struct checker *checker)
{
    size_t first_key = checker->key_count;
    checker->at++;
    skip_space(checker);
    if (take(checker, '}')) {
        return true;
    }
    do {
        if (!check_member(checker, first_key)) {
            return false;
        }
        skip_space(checker);
    } while (take(checker, ','));
    if (!take(checker, '}')) {
        return refuse(checker, "a comma or } was expected");
    }
    if (!check_many_keys(checker, first_key)) {
        return false;
    }
    checker->key_count = first_key;
    return true;
}

static bool check_array(struct checker *checker)
{
    checker->at++;
    skip_space(checker);
    if (take(checker, ']')) {
        return true;
    }
    do {
        if (!check_value(checker)) {
            return false;
        }
        skip_space(checker);
    } while (take(checker, ','));
    return take(checker, ']') || refuse(checker, "a comma or ] was expected");
}

static bool check_container(struct checker *checker)
{
    if (checker->depth == JSON_DEPTH_MAX) {
        return refuse(checker, "nested too deeply");
    }
    checker->depth++;
    bool fine = *checker->at == '{' ? check_object(checker) : check_array(checker);
    checker->depth--;
    return fine;
}

static bool check_value(struct checker *checker)
{
    skip_space(checker);
    if (checker->at == checker->end) {
        return refuse(checker, "the text ends where a value was expected");
    }
    switch (*checker->at) {
    case '{':
    case '[':
        return check_container(checker);
    case '"':
        return check_string(checker);
    case 't':
        return check_word(checker, "true");
    case 'f':
        return check_word(checker, "false");
    case 'n':
        return check_word(checker, "null");
    default:
        break;
    }
    if (*checker->at == '-' || (*checker->at >= '0' && *checker->at <= '9')) {
        return check_number(checker);
    }
    return refuse(checker, "a value was expected");
}

bool json_check(struct ever_slice text, struct json_fault *out_fault)
{
    struct checker checker = {
        .start = text.data,
        .at = text.data,
        .end = text.data + text.size,
        .key_capacity = KEYS_INLINE,
    };
    checker.keys = checker.keys_inline;
    bool fine = check_value(&checker);
    if (fine) {
        skip_space(&checker);
        fine = checker.at == checker.end || refuse(&checker, "something follows the value");
    }
    if (checker.keys != checker.keys_inline) {
        free(checker.keys);
    }
    if (!fine && out_fault != NULL) {
        *out_fault = (struct json_fault){.offset = (size_t)(checker.at - checker.start),
                                         .reason = checker.reason};
    }
    return fine;
}
