// XXH3 with 128 bits and seed 0, for inputs of more than 16 bytes: the blocks of a log are longer.
// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
const secret = Buffer.from(
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e', 'hex');
const mask = (1n << 64n) - 1n;
const [a, b, c, d, e] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];
const [x, y, z] = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];

const at = (bytes, offset) => bytes.readBigUInt64LE(offset);
const fold = (m, n) => ((m * n) & mask) ^ ((m * n) >> 64n);

function avalanche(hash) {
    hash = ((hash ^ (hash >> 37n)) * 0x165667919e3779f9n) & mask;
    return hash ^ (hash >> 32n);
}

function mix(bytes, offset, key) {
    return fold(at(bytes, offset) ^ at(secret, key), at(bytes, offset + 8) ^ at(secret, key + 8));
}

function short(bytes) { // 17 to 240
    const size = BigInt(bytes.length);
    let low = (size * a) & mask;
    let high = 0n;
    const take = (first, second, key) => {
        low = ((low + mix(bytes, first, key)) & mask) ^ ((at(bytes, second) + at(bytes, second + 8)) & mask);
        high = ((high + mix(bytes, second, key + 16)) & mask) ^ ((at(bytes, first) + at(bytes, first + 8)) & mask);
    };
    if (bytes.length <= 128) {
        for (let i = 16 * Math.floor((bytes.length - 1) / 32); i >= 0; i -= 16) {
            take(i, bytes.length - 16 - i, 2 * i);
        }
    } else {
        for (let i = 0; i < 128; i += 32) {
            take(i, i + 16, i);
        }
        low = avalanche(low);
        high = avalanche(high);
        for (let i = 128; i + 32 <= bytes.length; i += 32) {
            take(i, i + 16, 3 + i - 128);
        }
        take(bytes.length - 16, bytes.length - 32, 103);
    }
    const ends = (low * a + high * d + size * b) & mask;
    return { low: avalanche((low + high) & mask), high: -avalanche(ends) & mask };
}

function long(bytes) {
    const size = BigInt(bytes.length);
    const sums = [z, a, b, c, d, y, e, x];
    const stripe = (offset, key) => {
        for (let i = 0; i < 8; i++) {
            const word = at(bytes, offset + 8 * i);
            const mixed = word ^ at(secret, key + 8 * i);
            sums[i ^ 1] = (sums[i ^ 1] + word) & mask;
            sums[i] = (sums[i] + (mixed & 0xffffffffn) * (mixed >> 32n)) & mask;
        }
    };
    const last = bytes.length - 1;
    for (let n = 0; n < Math.floor(last / 64); n++) {
        stripe(64 * n, 8 * (n % 16));
        if (n % 16 === 15) {
            sums.forEach((sum, i) => (sums[i] = ((sum ^ (sum >> 47n) ^ at(secret, 128 + 8 * i)) * x) & mask));
        }
    }
    stripe(bytes.length - 64, 121);
    const merge = (key, start) => avalanche([0, 1, 2, 3].reduce((sum, i) =>
        (sum + fold(sums[2 * i] ^ at(secret, key + 16 * i), sums[2 * i + 1] ^ at(secret, key + 16 * i + 8))) & mask, start));
    return { low: merge(11, (size * a) & mask), high: merge(117, ~(size * b) & mask) };
}

/** The hash as 16 bytes: its low half, then its high half, little-endian. */
export function hash128(bytes) {
    const { low, high } = bytes.length <= 240 ? short(bytes) : long(bytes);
    const hash = Buffer.alloc(16);
    hash.writeBigUInt64LE(low, 0);
    hash.writeBigUInt64LE(high, 8);
    return hash;
}
