#include "gateway/wire/command_id.h"

#include "base/checksum.h"
#include "base/slice.h"

static bool is_visible(char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Between the quotes; \" and \\ are the only escapes. */
static const char *parse_quoted(struct ever_slice inside, struct arena *arena,
                                struct ever_slice *out_key)
{
    char *key = arena_alloc(arena, inside.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < inside.size; i++) {
        char byte = inside.data[i];
        if (byte == '\\') {
            i++;
            if (i == inside.size || (inside.data[i] != '"' && inside.data[i] != '\\')) {
                return "In Idempotency-Key a backslash must stand before a quote or a backslash.";
            }
            byte = inside.data[i];
        } else if (byte == '"' || !is_visible(byte)) {
            return "Idempotency-Key is one quoted string of visible ASCII characters.";
        }
        key[size++] = byte;
    }
    *out_key = slice_of(key, size);
    return NULL;
}

static const char *parse_token(struct ever_slice value, struct ever_slice *out_key)
{
    for (size_t i = 0; i < value.size; i++) {
        if (!is_visible(value.data[i]) || strchr(" \",;\\", value.data[i]) != NULL) {
            return "Write Idempotency-Key in double quotes: Idempotency-Key: \"8e03978e\".";
        }
    }
    *out_key = value;
    return NULL;
}

const char *idempotency_key_parse(struct ever_slice value, struct arena *arena,
                                  struct ever_slice *out_key)
{
    bool opens = value.size >= 1 && value.data[0] == '"';
    if (opens && (value.size == 1 || value.data[value.size - 1] != '"')) {
        return "The closing quote of Idempotency-Key is missing.";
    }
    const char *fault = opens
                            ? parse_quoted(slice_of(value.data + 1, value.size - 2), arena, out_key)
                            : parse_token(value, out_key);
    if (fault != NULL) {
        return fault;
    }
    if (out_key->size == 0) {
        return "Idempotency-Key is empty.";
    }
    return out_key->size > IDEMPOTENCY_KEY_BYTES_MAX ? "Idempotency-Key is longer than 255 bytes."
                                                     : NULL;
}

static struct ever_uuid without_count(struct ever_uuid uuid)
{
    uuid.bytes[14] = 0;
    uuid.bytes[15] = 0;
    return uuid;
}

/* NUL can stand in none of the three, so no two triples make the same text. */
struct ever_uuid command_id_of_key(struct ever_slice decider, struct ever_slice id,
                                   struct ever_slice key, struct arena *arena)
{
    size_t size = decider.size + id.size + key.size + 2;
    char *text = arena_alloc(arena, size);
    memcpy(text, decider.data, decider.size);
    text[decider.size] = '\0';
    memcpy(text + decider.size + 1, id.data, id.size);
    text[decider.size + 1 + id.size] = '\0';
    memcpy(text + decider.size + id.size + 2, key.data, key.size);
    struct hash128 hash = hash128(slice_of(text, size));

    struct ever_uuid uuid;
    for (int i = 0; i < 8; i++) {
        uuid.bytes[i] = (uint8_t)(hash.high >> (56 - 8 * i));
        uuid.bytes[8 + i] = (uint8_t)(hash.low >> (56 - 8 * i));
    }
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x80);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return without_count(uuid);
}

struct ever_uuid command_id_new(struct env *env)
{
    return without_count(uuid_v7(env));
}
