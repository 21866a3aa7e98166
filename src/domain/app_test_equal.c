/* app_test_equal.c - whether two JSON values are the same. */
#include "base/slice.h"
#include "domain/app_test_case.h"

#include <stdlib.h>

static double number_of(struct json_value value)
{
    char digits[64];
    size_t size = value.text.size < sizeof digits ? value.text.size : sizeof digits - 1;
    memcpy(digits, value.text.data, size);
    digits[size] = '\0';
    return strtod(digits, NULL);
}

static bool equal_arrays(struct json_value a, struct json_value b)
{
    struct json_iter left = json_iter(a);
    struct json_iter right = json_iter(b);
    for (;;) {
        bool more = json_next(&left);
        if (more != json_next(&right)) {
            return false;
        }
        if (!more) {
            return true;
        }
        if (!app_test_equal(left.value, right.value)) {
            return false;
        }
    }
}

static size_t member_count(struct json_value object)
{
    size_t count = 0;
    for (struct json_iter i = json_iter(object); json_next(&i);) {
        count++;
    }
    return count;
}

static bool equal_objects(struct json_value a, struct json_value b)
{
    if (member_count(a) != member_count(b)) {
        return false;
    }
    struct arena arena;
    arena_init(&arena);
    bool equal = true;
    for (struct json_iter i = json_iter(a); equal && json_next(&i);) {
        struct json_value other;
        equal =
            json_member(b, json_string(i.key, &arena), &other) && app_test_equal(i.value, other);
    }
    arena_deinit(&arena);
    return equal;
}

static bool equal_strings(struct json_value a, struct json_value b)
{
    struct arena arena;
    arena_init(&arena);
    bool equal = slice_equal(json_string(a, &arena), json_string(b, &arena));
    arena_deinit(&arena);
    return equal;
}

bool app_test_equal(struct json_value a, struct json_value b)
{
    if (a.kind != b.kind) {
        return false;
    }
    switch (a.kind) {
    case JSON_OBJECT:
        return equal_objects(a, b);
    case JSON_ARRAY:
        return equal_arrays(a, b);
    case JSON_STRING:
        return equal_strings(a, b);
    case JSON_NUMBER:
        return slice_equal(a.text, b.text) || number_of(a) == number_of(b);
    default:
        return true;
    }
}
