#include "domain/flow/engine/scan_priv.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct scan {
    const char *at;
    const char *end;
    struct derive_value *slots;
    uint32_t left; /* slots still to be found */
};

/* --- Passing over ----------------------------------------------------------------------------- */

static void skip_space(struct scan *scan)
{
    while (scan->at != scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

static const char *quote_or_backslash(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
    }
#endif
    while (at != end && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

static bool skip_string(struct scan *scan) /* at the opening quote */
{
    const char *at = scan->at + 1;
    for (;;) {
        at = quote_or_backslash(at, scan->end);
        if (at == scan->end) {
            return false;
        }
        if (*at == '"') {
            scan->at = at + 1;
            return true;
        }
        if (scan->end - at < 2) {
            return false;
        }
        at += 2;
    }
}

static bool skip_container(struct scan *scan) /* at the opening bracket */
{
    size_t depth = 0;
    while (scan->at != scan->end) {
        char byte = *scan->at;
        if (byte == '"') {
            if (!skip_string(scan)) {
                return false;
            }
            continue;
        }
        scan->at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            return true;
        }
    }
    return false;
}

static bool ends_scalar(char byte)
{
    return byte == ',' || byte == '}' || byte == ']' || byte == ' ' || byte == '\n' ||
           byte == '\r' || byte == '\t';
}

static bool skip_value(struct scan *scan)
{
    if (scan->at == scan->end) {
        return false;
    }
    switch (*scan->at) {
    case '"':
        return skip_string(scan);
    case '{':
    case '[':
        return skip_container(scan);
    default:
        break;
    }
    const char *start = scan->at;
    while (scan->at != scan->end && !ends_scalar(*scan->at)) {
        scan->at++;
    }
    return scan->at != start;
}

/* --- Taking ----------------------------------------------------------------------------------- */

static bool is_digit(const char *at, const char *end)
{
    return at != end && *at >= '0' && *at <= '9';
}

static const char *digits_end(const char *at, const char *end)
{
    while (is_digit(at, end)) {
        at++;
    }
    return at;
}

static bool is_number(const char *at, const char *end)
{
    at += *at == '-';
    if (!is_digit(at, end)) {
        return false;
    }
    at = *at == '0' ? at + 1 : digits_end(at, end);
    if (at != end && *at == '.') {
        if (!is_digit(++at, end)) {
            return false;
        }
        at = digits_end(at, end);
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at != end && (*at == '+' || *at == '-');
        if (!is_digit(at, end)) {
            return false;
        }
        at = digits_end(at, end);
    }
    return at == end;
}

static bool is_plain_string(struct ever_slice text)
{
    for (size_t i = 1; i + 1 < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte >= 0x80 || byte == '\\') {
            return false;
        }
    }
    return true;
}

static bool is_word(struct ever_slice text)
{
    return slice_is(text, "true") || slice_is(text, "false") || slice_is(text, "null");
}

/* VALUE_MISSING when the text is not JSON. */
static enum value_kind kind_of(struct ever_slice text)
{
    switch (text.data[0]) {
    case '"':
        return is_plain_string(text) || json_check(text, NULL) ? VALUE_STRING : VALUE_MISSING;
    case '{':
    case '[':
        return json_check(text, NULL) ? VALUE_JSON : VALUE_MISSING;
    case 't':
        return is_word(text) ? VALUE_TRUE : VALUE_MISSING;
    case 'f':
        return is_word(text) ? VALUE_FALSE : VALUE_MISSING;
    case 'n':
        return is_word(text) ? VALUE_NULL : VALUE_MISSING;
    default:
        return is_number(text.data, text.data + text.size) ? VALUE_NUMBER : VALUE_MISSING;
    }
}

#define TAKEN 1u /* the size of a missing value: what stands there is not JSON */

static void take(struct scan *scan, uint32_t slot, const char *start)
{
    struct derive_value *found = &scan->slots[slot];
    if (found->kind != VALUE_MISSING || found->size == TAKEN) {
        return; /* it is the second of that name */
    }
    struct ever_slice text = slice_of(start, (size_t)(scan->at - start));
    ASSERT(text.size <= UINT32_MAX);
    enum value_kind kind = kind_of(text);
    *found = (struct derive_value){
        .kind = kind, .size = kind == VALUE_MISSING ? TAKEN : (uint32_t)text.size, .text = start};
    scan->left--;
}

/* --- Going down ------------------------------------------------------------------------------- */

static bool name_is(struct ever_slice quoted, struct ever_slice name)
{
    struct ever_slice inside = slice_of(quoted.data + 1, quoted.size - 2);
    if (memchr(inside.data, '\\', inside.size) == NULL) {
        return slice_equal(inside, name);
    }
    if (!json_check(quoted, NULL)) {
        return false;
    }
    struct arena arena;
    arena_init(&arena);
    bool equal = slice_equal(json_string((struct json_value){JSON_STRING, quoted}, &arena), name);
    arena_deinit(&arena);
    return equal;
}

static const struct scan_trie *child_named(const struct scan_trie *place, struct ever_slice quoted)
{
    for (uint32_t i = 0; i < place->child_count; i++) {
        if (name_is(quoted, place->children[i].name)) {
            return &place->children[i];
        }
    }
    return NULL;
}

static const struct scan_trie *child_at(const struct scan_trie *place, uint64_t index)
{
    for (uint32_t i = 0; i < place->child_count; i++) {
        uint64_t number;
        if (slice_parse_u64(place->children[i].name, &number) && number == index) {
            return &place->children[i];
        }
    }
    return NULL;
}

/* False: the text stops being JSON here, or all is found. */
static bool scan_place(struct scan *scan, const struct scan_trie *place);

static bool scan_child(struct scan *scan, const struct scan_trie *child)
{
    skip_space(scan);
    return child == NULL ? skip_value(scan) : scan_place(scan, child);
}

/* Behind a value: true when another follows, `*out_closed` when the container ends. */
static bool take_comma(struct scan *scan, char closing, bool *out_closed)
{
    skip_space(scan);
    if (scan->at == scan->end) {
        return false;
    }
    char byte = *scan->at++;
    *out_closed = byte == closing;
    return byte == ',';
}

static bool scan_object(struct scan *scan, const struct scan_trie *place)
{
    bool closed = false;
    scan->at++;
    skip_space(scan);
    if (scan->at != scan->end && *scan->at == '}') {
        scan->at++;
        return true;
    }
    do {
        skip_space(scan);
        const char *key = scan->at;
        if (key == scan->end || *key != '"' || !skip_string(scan)) {
            return false;
        }
        struct ever_slice quoted = slice_of(key, (size_t)(scan->at - key));
        skip_space(scan);
        if (scan->at == scan->end || *scan->at != ':') {
            return false;
        }
        scan->at++;
        if (!scan_child(scan, child_named(place, quoted)) || scan->left == 0) {
            return false;
        }
    } while (take_comma(scan, '}', &closed));
    return closed;
}

static bool scan_array(struct scan *scan, const struct scan_trie *place)
{
    bool closed = false;
    scan->at++;
    skip_space(scan);
    if (scan->at != scan->end && *scan->at == ']') {
        scan->at++;
        return true;
    }
    uint64_t index = 0;
    do {
        if (!scan_child(scan, child_at(place, index++)) || scan->left == 0) {
            return false;
        }
    } while (take_comma(scan, ']', &closed));
    return closed;
}

static bool scan_place(struct scan *scan, const struct scan_trie *place)
{
    const char *start = scan->at;
    bool inside = false;
    if (place->child_count > 0 && start != scan->end && (*start == '{' || *start == '[')) {
        inside = *start == '{' ? scan_object(scan, place) : scan_array(scan, place);
        if (scan->left == 0) {
            return false;
        }
        if (!inside) { /* as if nobody had looked inside: other paths must find what they find */
            scan->at = start;
        }
    }
    if (!inside && !skip_value(scan)) {
        return false;
    }
    if (place->slot != SCAN_NO_SLOT) {
        take(scan, place->slot, start);
    }
    return scan->left > 0;
}

/* --- The entries ------------------------------------------------------------------------------ */

void scan_trie_add(struct scan_trie *root, const struct ever_slice *steps, size_t count,
                   uint32_t slot, struct arena *arena)
{
    struct scan_trie *place = root;
    root->wanted++;
    for (size_t i = 0; i < count; i++) {
        struct scan_trie *child = NULL;
        for (uint32_t j = 0; j < place->child_count && child == NULL; j++) {
            child = slice_equal(place->children[j].name, steps[i]) ? &place->children[j] : NULL;
        }
        if (child == NULL) {
            struct scan_trie *grown =
                arena_alloc(arena, (place->child_count + 1) * sizeof grown[0]);
            if (place->child_count > 0) {
                memcpy(grown, place->children, place->child_count * sizeof grown[0]);
            }
            place->children = grown;
            child = &grown[place->child_count++];
            *child = (struct scan_trie){.name = arena_copy(arena, steps[i]), .slot = SCAN_NO_SLOT};
        }
        child->wanted++;
        place = child;
    }
    ASSERT(place->slot == SCAN_NO_SLOT); /* a path is added once */
    place->slot = slot;
}

void scan_find(const struct scan_trie *root, struct ever_slice text, struct derive_value *slots)
{
    struct scan scan = {
        .at = text.data, .end = text.data + text.size, .slots = slots, .left = root->wanted};
    if (scan.left > 0 && text.size > 0) {
        skip_space(&scan);
        (void)scan_place(&scan, root); /* what was found, was found */
    }
}

struct derive_value scan_find_one(struct ever_slice text, const struct ever_slice *steps,
                                  size_t count)
{
    struct scan_trie places[JSON_DEPTH_MAX + 1];
    struct derive_value found = {.kind = VALUE_MISSING};
    if (count > JSON_DEPTH_MAX) {
        return found;
    }
    for (size_t i = 0; i <= count; i++) {
        places[i] = (struct scan_trie){.name = i == 0 ? SLICE_NONE : steps[i - 1],
                                       .slot = i == count ? 0 : SCAN_NO_SLOT,
                                       .children = i == count ? NULL : &places[i + 1],
                                       .child_count = i == count ? 0 : 1,
                                       .wanted = 1};
    }
    scan_find(&places[0], text, &found);
    return found;
}
