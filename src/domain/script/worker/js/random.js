// random.js - randomness from a seed.

// sfc32 by Chris Doty-Humphrey; what it gives is recorded in events, so it stays as it is. `seed` is 32
// hexadecimal digits; each call of the result gives 32 bits.
export function makeRandom(seed) {
    let [a, b, c, counter] = [0, 8, 16, 24].map((at) => Number.parseInt(seed.slice(at, at + 8), 16) | 0);
    const next = () => {
        const sum = (((a + b) | 0) + counter) | 0;
        counter = (counter + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = (((c << 21) | (c >>> 11)) + sum) | 0;
        return sum >>> 0;
    };
    for (let i = 0; i < 12; i++) {
        next();
    }
    return next;
}

// A number in [0, 1) from two of them, as Math.random gives one: 53 bits.
export function unitOf(next) {
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
}
