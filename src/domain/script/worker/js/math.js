// math.js - sin, exp, pow and their like, the same to the last bit on every machine.
//
// JavaScript leaves their accuracy to the engine, which asks the system's library. Here everything is
// built of + - * / and sqrt, which IEEE 754 fixes. A number is carried as an unevaluated sum {h, l} of two
// doubles, some 106 bits, so that what is rounded at the end is right in all but the rarest cases.
// Special values (0, infinities, NaN) go to the engine's own functions, where nothing is rounded.

const dd = (h, l = 0) => ({ h, l });
const ONE = dd(1);
const neg = (x) => dd(-x.h, -x.l);
const renorm = (h, l) => {
    const sum = h + l;
    return dd(sum, l - (sum - h)); /* |h| >= |l| */
};

// h + l is a + b exactly (Knuth), a * b exactly (Dekker).
function twoSum(a, b) {
    const sum = a + b;
    const part = sum - a;
    return dd(sum, a - (sum - part) + (b - part));
}

function twoProduct(a, b) {
    const SPLIT = 134217729; /* 2^27 + 1 */
    const product = a * b;
    const [at, bt] = [SPLIT * a, SPLIT * b];
    const [ah, bh] = [at - (at - a), bt - (bt - b)];
    const [al, bl] = [a - ah, b - bh];
    return dd(product, ah * bh - product + ah * bl + al * bh + al * bl);
}

function add(x, y) {
    const high = twoSum(x.h, y.h);
    const low = twoSum(x.l, y.l);
    const sum = renorm(high.h, high.l + low.h);
    return renorm(sum.h, sum.l + low.l);
}

function mul(x, y) {
    const product = twoProduct(x.h, y.h);
    return renorm(product.h, product.l + (x.h * y.l + x.l * y.h));
}

function div(x, y) {
    const first = x.h / y.h;
    const rest = add(x, neg(mul(y, dd(first))));
    const second = rest.h / y.h;
    const third = add(rest, neg(mul(y, dd(second)))).h / y.h;
    return add(renorm(first, second), dd(third));
}

function root(x) {
    const near = Math.sqrt(x.h);
    return near === 0 ? dd(0) : add(dd(near), dd(add(x, neg(twoProduct(near, near))).h / (2 * near)));
}

// --- Powers of two ------------------------------------------------------------------------------

const view = new DataView(new ArrayBuffer(8));

function power2(exponent) { /* -1022..1023 */
    view.setUint32(0, (exponent + 1023) << 20);
    view.setUint32(4, 0);
    return view.getFloat64(0);
}

function exponentOf(x) { /* of a normal number: 1 <= |x| / 2^e < 2 */
    view.setFloat64(0, x);
    return ((view.getUint32(0) >>> 20) & 2047) - 1023;
}

function scaled(x, exponent) { /* x * 2^exponent, in steps that a double can hold */
    if (exponent > 1000) {
        return scaled(x * power2(1000), exponent - 1000);
    }
    return exponent < -1000 ? scaled(x * power2(-1000), exponent + 1000) : x * power2(exponent);
}

const scale = (x, exponent) => dd(scaled(x.h, exponent), scaled(x.l, exponent));

// --- Constants, from whole numbers --------------------------------------------------------------

const BITS = 1280n; /* behind the point: enough to bring the largest double to a quarter turn */

// Sum of sign^n / ((2n + 1) * k^(2n + 1)): atan(1 / k) with sign -1, atanh(1 / k) with 1.
function arc(k, sign) {
    let sum = 0n;
    let term = (1n << BITS) / k;
    for (let n = 1n; term !== 0n; n += 2n) {
        sum += (sign < 0 && n % 4n === 3n ? -term : term) / n;
        term /= k * k;
    }
    return sum;
}

const KEPT = 400n; /* bits that become a double */
const toNumber = (fixed) => scaled(Number(fixed >> (BITS - KEPT)), -Number(KEPT));
const toFixed = (number) => (BigInt(scaled(number, 200)) << (BITS - 200n)); /* of at least 2^-147 */

// `fixed` as `count` doubles that add up to it.
function partsOf(fixed, count) {
    const first = toNumber(fixed);
    return count === 1 ? [first] : [first, ...partsOf(fixed - toFixed(first), count - 1)];
}

const logOf = (a, b, c) => dd(...partsOf(2n * (a * arc(31n, 1) + b * arc(49n, 1) + c * arc(161n, 1)), 2));
const LN2 = logOf(7n, 5n, 3n);
const LN10 = logOf(23n, 17n, 10n);
const QUARTER = 8n * arc(5n, -1) - 2n * arc(239n, -1); /* pi / 2, by Machin */
const [QUARTER_1, QUARTER_2, QUARTER_3] = partsOf(QUARTER, 3);
const HALF_PI = dd(QUARTER_1, QUARTER_2);
const INVERSE = Array.from({ length: 50 }, (_, n) => (n === 0 ? dd(0) : div(ONE, dd(n))));

const PRODUCT = INVERSE.slice(0, 12).map((inverse, n) => mul(inverse, INVERSE[n + 1]));

// Of a series the terms that are small against the first are summed as doubles: `tail`.

// --- exp and log --------------------------------------------------------------------------------

// {value, exponent}: exp(x) is value * 2^exponent, value near 1.
function expParts(x) {
    const exponent = Math.round(x.h / LN2.h);
    const rest = add(x, neg(mul(LN2, dd(exponent))));
    let tail = 1;
    for (let n = 24; n > 9; n--) {
        tail = 1 + (rest.h * tail) / n;
    }
    let value = dd(tail);
    for (let n = 9; n > 0; n--) {
        value = add(ONE, mul(mul(rest, value), INVERSE[n]));
    }
    return { value, exponent };
}

const TOO_LARGE = 710;
const TOO_SMALL = -746;

function expNumber(x) {
    if (x.h > TOO_LARGE || x.h < TOO_SMALL) {
        return x.h > 0 ? Infinity : 0;
    }
    const { value, exponent } = expParts(x);
    return scaled(value.h, exponent);
}

function expWhole(x) { /* |x| <= 50 or so */
    const { value, exponent } = expParts(x);
    return scale(value, exponent);
}

// Of a positive normal number.
function logWhole(x) {
    let exponent = exponentOf(x.h);
    let value = scale(x, -exponent);
    if (value.h > Math.SQRT2) {
        exponent += 1;
        value = scale(value, -1);
    }
    const ratio = div(add(value, dd(-1)), add(value, ONE));
    const square = mul(ratio, ratio);
    let tail = 1 / 47;
    for (let n = 45; n > 13; n -= 2) {
        tail = 1 / n + square.h * tail;
    }
    let sum = dd(tail);
    for (let n = 13; n > 0; n -= 2) {
        sum = add(INVERSE[n], mul(square, sum));
    }
    return add(mul(dd(exponent), LN2), mul(scale(ratio, 1), sum));
}

// Small ones are made normal first.
function logOfNumber(x) {
    return x < power2(-1000) ? add(logWhole(dd(x * power2(200))), mul(dd(-200), LN2)) : logWhole(dd(x));
}

// --- Angles -------------------------------------------------------------------------------------

// {quadrant, rest}: x = quadrant * pi / 2 + rest, |rest| <= pi / 4.
function reduce(x) {
    if (Math.abs(x) < power2(20)) {
        const count = Math.round(x / QUARTER_1);
        const parts = [QUARTER_1, QUARTER_2, QUARTER_3].map((part) => neg(twoProduct(count, part)));
        return { quadrant: count & 3, rest: parts.reduce(add, dd(x)) };
    }
    const exponent = exponentOf(x) - 52;
    const whole = BigInt(scaled(x, -exponent));
    const fixed = whole << (BITS + BigInt(exponent));
    const count = (2n * fixed + QUARTER) / (2n * QUARTER) - (fixed < 0n ? 1n : 0n);
    const [h, l] = partsOfSmall(fixed - count * QUARTER);
    return { quadrant: Number(BigInt.asUintN(2, count)), rest: dd(h, l) };
}

// Two doubles of what may be as small as 2^-70.
function partsOfSmall(fixed) {
    const high = Number(fixed >> (BITS - KEPT));
    const low = Number((fixed >> (BITS - KEPT)) - BigInt(high));
    return [scaled(high, -Number(KEPT)), scaled(low, -Number(KEPT))];
}

function series(rest, first) { /* 1 - rest^2 / ((first)(first + 1)) + ... */
    const square = neg(mul(rest, rest));
    let tail = 1;
    for (let n = first + 26; n > first + 8; n -= 2) {
        tail = 1 + (square.h * tail) / (n * (n + 1));
    }
    let sum = dd(tail);
    for (let n = first + 8; n >= first; n -= 2) {
        sum = add(ONE, mul(mul(square, sum), PRODUCT[n]));
    }
    return sum;
}

// [sin, cos] of an angle up to pi / 4.
const sinCos = (rest) => [mul(rest, series(rest, 2)), series(rest, 1)];

function turned(x) {
    const { quadrant, rest } = reduce(x);
    const [sine, cosine] = sinCos(rest);
    return [[sine, cosine], [cosine, neg(sine)], [neg(sine), neg(cosine)], [neg(cosine), sine]][quadrant];
}

// Of x >= 0. The guess is within 0.004; what is left has a short series.
function atanWhole(x) {
    if (x.h > 1) {
        return add(HALF_PI, neg(atanWhole(div(ONE, x))));
    }
    const guess = x.h * (0.7853981633974483 + 0.273 * (1 - x.h));
    const [sine, cosine] = guess > QUARTER_1 / 2 ? turned(guess) : sinCos(dd(guess));
    const rest = div(add(mul(x, cosine), neg(sine)), add(cosine, mul(x, sine)));
    const square = neg(mul(rest, rest));
    const tail = ((square.h / 11 + 1 / 9) * square.h + 1 / 7) * square.h + 1 / 5;
    const sum = add(INVERSE[3], mul(square, dd(tail)));
    return add(dd(guess), mul(rest, add(ONE, mul(square, sum))));
}

function asinWhole(x) { /* 0 <= x <= 1 */
    const cosine = root(mul(twoSum(1, -x), twoSum(1, x)));
    return cosine.h === 0 ? HALF_PI : atanWhole(div(dd(x), cosine));
}

function atan2(y, x) {
    const [ay, ax] = [Math.abs(y), Math.abs(x)];
    const between = ay / ax;
    let angle;
    if (between > power2(64)) {
        angle = HALF_PI;
    } else if (between < power2(-64)) {
        angle = x > 0 ? dd(between) : dd(0);
    } else {
        const exponent = -exponentOf(ax);
        angle = atanWhole(div(dd(scaled(ay, exponent)), dd(scaled(ax, exponent))));
    }
    const whole = x > 0 ? angle : add(scale(HALF_PI, 1), neg(angle));
    return y < 0 ? -whole.h : whole.h;
}

// --- The functions ------------------------------------------------------------------------------

const TINY = power2(-30); /* below, the first term of the series is all, or the second settles it */
const ofSize = (f) => (x) => (x < 0 ? -f(-x) : f(x)); /* f(-x) = -f(x) */
const half = (x) => scale(x, -1);
const both = (x, sign) => half(add(expWhole(dd(x)), mul(dd(sign), expWhole(dd(-x))))).h;
const isWhole = (x) => Math.floor(x) === x;

function pow(x, y) {
    if (x < 0 && !isWhole(y)) {
        return NaN;
    }
    const log = logOfNumber(Math.abs(x));
    if (log.h === 0) {
        return x < 0 && y % 2 !== 0 ? -1 : 1;
    }
    const near = log.h * y;
    const size = near > TOO_LARGE || near < TOO_SMALL ? expNumber(dd(near)) : expNumber(mul(log, dd(y)));
    return x < 0 && y % 2 !== 0 ? -size : size;
}

function hypot(...parts) {
    const sizes = parts.map((part) => Math.abs(Number(part)));
    const largest = Math.max(...sizes);
    if (sizes.includes(Infinity) || !(largest > 0)) {
        return sizes.includes(Infinity) ? Infinity : largest === -Infinity ? 0 : largest;
    }
    const exponent = exponentOf(largest);
    const sum = sizes.map((size) => scaled(size, -exponent)).reduce((total, size) => add(total, twoProduct(size, size)), dd(0));
    return scaled(root(sum).h, exponent);
}

const functions = {
    exp: (x) => expNumber(dd(x)),
    expm1: (x) => (Math.abs(x) < TINY ? x + (x * x) / 2 : x > 40 ? expNumber(dd(x)) : x < -40 ? -1 : add(expWhole(dd(x)), dd(-1)).h),
    log: (x) => (x < 0 ? NaN : logOfNumber(x).h),
    log1p: (x) => (x < -1 ? NaN : x === -1 ? -Infinity : Math.abs(x) < TINY ? x - (x * x) / 2 : logWhole(twoSum(1, x)).h),
    log2: (x) => (x < 0 ? NaN : div(logOfNumber(x), LN2).h),
    log10: (x) => (x < 0 ? NaN : div(logOfNumber(x), LN10).h),
    cbrt: ofSize((x) => expNumber(div(logOfNumber(x), dd(3)))),
    sin: (x) => (Math.abs(x) < TINY ? x : turned(x)[0].h),
    cos: (x) => turned(x)[1].h,
    tan: (x) => (Math.abs(x) < TINY ? x : div(...turned(x)).h),
    asin: ofSize((x) => (x > 1 ? NaN : x < TINY ? x : asinWhole(x).h)),
    acos: (x) => (Math.abs(x) > 1 ? NaN : x < 0 ? add(HALF_PI, asinWhole(-x)).h : add(HALF_PI, neg(asinWhole(x))).h),
    atan: ofSize((x) => (x < TINY ? x : x > power2(64) ? HALF_PI.h : atanWhole(dd(x)).h)),
    sinh: ofSize((x) => (x < TINY ? x : x > 40 ? expNumber(add(dd(x), neg(LN2))) : both(x, -1))),
    cosh: (x) => (Math.abs(x) > 40 ? expNumber(add(dd(Math.abs(x)), neg(LN2))) : both(x, 1)),
    tanh: ofSize((x) => {
        const power = x < TINY || x > 22 ? undefined : expWhole(dd(2 * x));
        return power === undefined ? (x < TINY ? x : 1) : div(add(power, dd(-1)), add(power, ONE)).h;
    }),
    asinh: ofSize((x) => (x < TINY ? x : x > power2(400) ? add(logWhole(dd(x)), LN2).h : logWhole(add(dd(x), root(add(twoProduct(x, x), ONE)))).h)),
    acosh: (x) => (x < 1 ? NaN : x > power2(400) ? add(logWhole(dd(x)), LN2).h : logWhole(add(dd(x), root(mul(twoSum(x, -1), twoSum(x, 1))))).h),
    atanh: ofSize((x) => (x > 1 ? NaN : x === 1 ? Infinity : x < TINY ? x : half(logWhole(div(twoSum(1, x), twoSum(1, -x)))).h)),
};

const isSpecial = (x) => x === 0 || x - x !== 0; /* infinities and NaN too */

// name -> function of one or two numbers, in place of Math's own.
export function exactMath() {
    const made = { hypot };
    for (const [name, f] of Object.entries(functions)) {
        const native = Math[name];
        made[name] = (value) => {
            const x = +value;
            return isSpecial(x) ? native(x) : f(x);
        };
    }
    for (const [name, f] of Object.entries({ pow, atan2 })) {
        const native = Math[name];
        made[name] = (first, second) => {
            const [x, y] = [+first, +second];
            return isSpecial(x) || isSpecial(y) ? native(x, y) : f(x, y);
        };
    }
    return made;
}
