/* json.c - reading JSON. A checker that goes through the text once, and accessors that trust it. */
#include "base/json.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* --- Checking -------------------------------------------------------------------------------- */

#define KEYS_INLINE 64
#define KEYS_COMPARED_AT_ONCE 16 /* an object with more members is checked by sorting at its end   \
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

/* Bytes at `at` that need no look: printable ASCII but for quote and backslash. */
static const char *skip_plain(const char *at, const char *end)
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

/* The four digits of \uXXXX at `at`, or -1. */
static int32_t hex4(const char *at, const char *end)
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

static bool is_high_surrogate(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool check_unicode_escape(struct checker *checker) /* behind \u */
{
    int32_t unit = hex4(checker->at, checker->end);
    if (unit < 0) {
        return refuse(checker, "\\u must be followed by four hexadecimal digits");
    }
    checker->at += 4;
    if (is_low_surrogate(unit)) {
        return refuse(checker, "lone surrogate");
    }
    if (!is_high_surrogate(unit)) {
        return true;
    }
    bool paired = checker->end - checker->at >= 6 && checker->at[0] == '\\' &&
                  checker->at[1] == 'u' && is_low_surrogate(hex4(checker->at + 2, checker->end));
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
        checker->at = skip_plain(checker->at, checker->end);
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

/* --- Looking inside checked text ------------------------------------------------------------- */

static const char *skip_checked_space(const char *at, const char *end)
{
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        at++;
    }
    return at;
}

static const char *string_end(const char *at, const char *end) /* at the opening quote */
{
    for (at++; at != end && *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
    }
    ASSERT(at < end);
    return at + 1;
}

static const char *container_end(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at != end) {
        char byte = *at;
        if (byte == '"') {
            at = string_end(at, end);
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return at;
        }
    }
    return end;
}

static bool ends_scalar(char byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte == ':' || byte == ' ' ||
           byte == '\n' || byte == '\r' || byte == '\t';
}

static const char *scalar_end(const char *at, const char *end)
{
    while (at != end && !ends_scalar(*at)) {
        at++;
    }
    return at;
}

static enum json_kind kind_of(char byte)
{
    switch (byte) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static struct json_value first_value(struct ever_slice text)
{
    const char *end = text.data + text.size;
    const char *at = skip_checked_space(text.data, end);
    ASSERT(at != end);
    enum json_kind kind = kind_of(*at);
    const char *stop = kind == JSON_STRING                         ? string_end(at, end)
                       : kind == JSON_OBJECT || kind == JSON_ARRAY ? container_end(at, end)
                                                                   : scalar_end(at, end);
    return (struct json_value){.kind = kind, .text = slice_of(at, (size_t)(stop - at))};
}

struct json_value json_value_of(struct ever_slice text)
{
    return first_value(text);
}

struct json_iter json_iter(struct json_value container)
{
    ASSERT(container.kind == JSON_OBJECT || container.kind == JSON_ARRAY);
    return (struct json_iter){
        .rest = slice_of(container.text.data + 1, container.text.size - 2),
        .is_object = container.kind == JSON_OBJECT,
    };
}

static struct ever_slice behind(struct ever_slice text, struct ever_slice part)
{
    size_t used = (size_t)(part.data + part.size - text.data);
    return slice_from(text, used);
}

static struct ever_slice without(struct ever_slice text, char separator)
{
    const char *end = text.data + text.size;
    const char *at = skip_checked_space(text.data, end);
    if (at != end && *at == separator) {
        at = skip_checked_space(at + 1, end);
    }
    return slice_of(at, (size_t)(end - at));
}

bool json_next(struct json_iter *iter)
{
    iter->rest = without(iter->rest, ',');
    if (iter->rest.size == 0) {
        return false;
    }
    if (iter->is_object) {
        iter->key = first_value(iter->rest);
        iter->rest = without(behind(iter->rest, iter->key.text), ':');
    }
    iter->value = first_value(iter->rest);
    iter->rest = behind(iter->rest, iter->value.text);
    return true;
}

static bool key_is(struct json_value key, struct ever_slice name)
{
    struct ever_slice inside = slice_of(key.text.data + 1, key.text.size - 2);
    if (slice_find_byte(inside, '\\') == inside.size) {
        return slice_equal(inside, name);
    }
    struct arena arena;
    arena_init(&arena);
    bool equal = slice_equal(json_string(key, &arena), name);
    arena_deinit(&arena);
    return equal;
}

bool json_member(struct json_value object, struct ever_slice key, struct json_value *out_value)
{
    if (object.kind != JSON_OBJECT) {
        return false;
    }
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        if (key_is(i.key, key)) {
            *out_value = i.value;
            return true;
        }
    }
    return false;
}

/* Decodes the escape at `at` (a backslash) to `out`; returns the first byte behind it. */
static const char *decode_escape(const char *at, const char *end, char **out)
{
    static const char codes[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    char kind = at[1];
    if (kind != 'u') {
        const char *found = strchr(codes, kind);
        ASSERT(found != NULL);
        *(*out)++ = bytes[found - codes];
        return at + 2;
    }
    uint32_t code_point = (uint32_t)hex4(at + 2, end);
    at += 6;
    if (is_high_surrogate((int32_t)code_point)) {
        uint32_t low = (uint32_t)hex4(at + 2, end);
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
    }
    char encoded[4];
    size_t size = utf8_encode(code_point, encoded);
    memcpy(*out, encoded, size);
    *out += size;
    return at;
}

struct ever_slice json_string(struct json_value string, struct arena *arena)
{
    ASSERT(string.kind == JSON_STRING);
    struct ever_slice inside = slice_of(string.text.data + 1, string.text.size - 2);
    if (slice_find_byte(inside, '\\') == inside.size) {
        return inside;
    }
    const char *end = inside.data + inside.size;
    char *decoded = arena_alloc(arena, inside.size + 1); /* never longer than the escaped form */
    char *out = decoded;
    for (const char *at = inside.data; at != end;) {
        if (*at == '\\') {
            at = decode_escape(at, end, &out);
        } else {
            *out++ = *at++;
        }
    }
    *out = '\0';
    return slice_of(decoded, (size_t)(out - decoded));
}

bool json_integer(struct json_value number, int64_t *out_value)
{
    if (number.kind != JSON_NUMBER) {
        return false;
    }
    bool negative = number.text.data[0] == '-';
    uint64_t magnitude;
    if (!slice_parse_u64(negative ? slice_from(number.text, 1) : number.text, &magnitude)) {
        return false;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (magnitude > limit) {
        return false;
    }
    *out_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void write_special(struct text *out, unsigned char byte)
{
    static const char *const short_forms[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};
    if (byte < sizeof short_forms / sizeof short_forms[0] && short_forms[byte] != NULL) {
        text_add_text(out, short_forms[byte]);
    } else {
        text_printf(out, "\\u%04x", byte);
    }
}

void json_write_string(struct text *out, struct ever_slice bytes)
{
    text_add_byte(out, '"');
    const char *end = bytes.data + bytes.size;
    for (const char *at = bytes.data; at != end;) {
        const char *stop = skip_plain(at, end);
        text_add(out, slice_of(at, (size_t)(stop - at)));
        at = stop;
        if (at == end) {
            break;
        }
        size_t size = utf8_sequence(at, end);
        if (size > 1) {
            text_add(out, slice_of(at, size));
        } else if (size == 1) {
            write_special(out, (unsigned char)*at);
        } else {
            text_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        }
        at += size == 0 ? 1 : size;
    }
    text_add_byte(out, '"');
}
