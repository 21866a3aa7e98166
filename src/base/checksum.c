#include "base/checksum.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CASTAGNOLI_REFLECTED 0x82f63b78u

static uint32_t table[256];

__attribute__((constructor)) static void fill_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CASTAGNOLI_REFLECTED : 0);
        }
        table[byte] = crc;
    }
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc = (crc >> 8) ^ table[(crc ^ at[i]) & 0xff];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *at,
                                                             size_t size)
{
    uint64_t wide = crc;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; at++, size--) {
        crc = __builtin_ia32_crc32qi(crc, *at);
    }
    return crc;
}

static bool cpu_can(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *at, size_t size)
{
    return crc_by_table(crc, at, size);
}

static bool cpu_can(void)
{
    return false;
}
#endif

uint32_t crc32c(uint32_t crc, struct ever_slice bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    crc = ~crc;
    crc = cpu_can() ? crc_by_cpu(crc, at, bytes.size) : crc_by_table(crc, at, bytes.size);
    return ~crc;
}

uint64_t hash64(struct ever_slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

struct hash128 hash128(struct ever_slice bytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.size);
    return (struct hash128){.low = hash.low64, .high = hash.high64};
}
