/* checksum.h - CRC32C for bytes on disk, XXH3 for tables in memory. */
#pragma once
#include "everfold_types.h"

/* CRC-32C (Castagnoli, as in RFC 3720 B.4) of `bytes`, going on from `crc` (0 to begin). Uses the
 * processor's instruction where there is one; the result is the same. */
uint32_t crc32c(uint32_t crc, struct ever_slice bytes);

uint64_t hash64(struct ever_slice bytes, uint64_t seed); /* XXH3-64 */

struct hash128 {
    uint64_t low;
    uint64_t high;
};
struct hash128 hash128(struct ever_slice bytes); /* XXH3-128 */
