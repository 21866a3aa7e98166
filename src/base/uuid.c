#include "base/uuid.h"

#include <string.h>

static void stamp(struct ever_uuid *uuid, uint8_t version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | (version << 4));
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

struct ever_uuid uuid_v4(struct env *env)
{
    struct ever_uuid uuid;
    env->random(env, uuid.bytes, sizeof uuid.bytes);
    return uuid_v4_of(uuid);
}

struct ever_uuid uuid_v4_of(struct ever_uuid random_bytes)
{
    stamp(&random_bytes, 4);
    return random_bytes;
}

struct ever_uuid uuid_v7(struct env *env)
{
    struct ever_uuid uuid = uuid_v4(env);
    uint64_t ms = (uint64_t)(env->wall_ns(env) / 1000000);
    for (int i = 0; i < 6; i++) {
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    stamp(&uuid, 7);
    return uuid;
}

static bool is_dash(size_t index)
{
    return index == 8 || index == 13 || index == 18 || index == 23;
}

void uuid_format(struct ever_uuid uuid, char out_text[static UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t byte = 0;
    for (size_t i = 0; i < UUID_TEXT_BYTES;) {
        if (is_dash(i)) {
            out_text[i++] = '-';
            continue;
        }
        out_text[i++] = digits[uuid.bytes[byte] >> 4];
        out_text[i++] = digits[uuid.bytes[byte] & 15];
        byte++;
    }
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool uuid_parse(struct ever_slice text, struct ever_uuid *out_uuid)
{
    if (text.size != UUID_TEXT_BYTES) {
        return false;
    }
    struct ever_uuid uuid = {0};
    size_t byte = 0;
    for (size_t i = 0; i < UUID_TEXT_BYTES;) {
        if (is_dash(i)) {
            if (text.data[i++] != '-') {
                return false;
            }
            continue;
        }
        int high = digit_value(text.data[i++]);
        int low = digit_value(text.data[i++]);
        if (high < 0 || low < 0) {
            return false;
        }
        uuid.bytes[byte++] = (uint8_t)(high * 16 + low);
    }
    *out_uuid = uuid;
    return true;
}

bool uuid_is_none(struct ever_uuid uuid)
{
    static const struct ever_uuid none;
    return uuid_equal(uuid, none);
}

bool uuid_equal(struct ever_uuid a, struct ever_uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}
