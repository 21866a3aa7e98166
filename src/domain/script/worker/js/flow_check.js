// flow_check.js - what stands in a flow's declaration, held to what an operator takes.
//
// A declaration goes on behind a mistake, so that one start shows them all: a check notes the fault at
// the place of the call in hand and gives something harmless in place of what was wrong.
import { placeOf } from './faults.js';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION_MS_MAX = 36_525 * UNITS.d; /* a hundred years */
const ENVELOPE = ['@id', '@stream', '@type', '@position', '@revision', '@time'];

let here = { file: 'flows', line: 1 }; /* the call in hand */
let faults = [];
let isOver = false;

export function fault(text, at = here) {
    faults.push(`${at.file}:${at.line}: ${text}`);
}

export const faultCount = () => faults.length;

export function takeFaults() {
    const taken = faults;
    faults = [];
    return taken;
}

// From here on nothing can be declared: functions of the APP run.
export function endDeclarations() {
    isOver = true;
}

// Where the APP calls us: {file, line}.
export function callPlace() {
    if (isOver) {
        throw new Error('streams are declared while a file is loaded, not by a function that runs');
    }
    const [, file, line] = /^(.*):(\d+)$/.exec(placeOf(new Error()) ?? 'flows:1');
    return { file, line: Number(line) };
}

export const currentPlace = () => here;

export function at(place, run) {
    const before = here;
    here = place;
    try {
        return run();
    } finally {
        here = before;
    }
}

// --- Words --------------------------------------------------------------------------------------

function distance(a, b) {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        }
        row = next;
    }
    return row[b.length];
}

// `; did you mean "large"?` when one of `known` is near.
export function didYouMean(word, known) {
    const ranked = known.map((name) => [distance(word, name), name]).sort(([a], [b]) => a - b);
    const near = ranked.length > 0 && ranked[0][0] < word.length && ranked[0][0] <= Math.ceil(word.length / 3);
    return near ? `; did you mean "${ranked[0][1]}"?` : '';
}

export function shown(value) {
    if (typeof value === 'function') {
        return 'a function';
    }
    if (typeof value === 'string' || typeof value !== 'object' || value === null) {
        return typeof value === 'string' ? JSON.stringify(value) : String(value);
    }
    return Array.isArray(value) ? 'an array' : 'an object';
}

export const isRecord = (value) => typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

// --- Checks -------------------------------------------------------------------------------------

export function checkFunction(value, what) {
    if (typeof value === 'function') {
        return value;
    }
    const native = typeof value === 'string' || isRecord(value) ? '; data goes into where, select and keyBy' : '';
    fault(`${what} takes a function, not ${shown(value)}${native}`);
    return () => null;
}

export function checkOptions(value, known, what) {
    if (value === undefined) {
        return {};
    }
    if (!isRecord(value)) {
        fault(`the options of ${what} are an object, not ${shown(value)}`);
        return {};
    }
    for (const name of Object.keys(value)) {
        if (!known.includes(name)) {
            const there = known.length === 0 ? 'it has none' : `there are: ${known.join(', ')}`;
            fault(`${what} has no option ${name}; ${there}${didYouMean(name, known)}`);
        }
    }
    return value;
}

// Milliseconds of a text like '30s'; undefined: it is none.
export function millisecondsOf(text) {
    const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) : null;
    return match === null ? undefined : Number(match[1]) * UNITS[match[2]];
}

export function checkDuration(value, what, min = 0) {
    const parsed = millisecondsOf(value);
    const ms = parsed ?? value;
    if (typeof ms !== 'number' || !Number.isInteger(ms) || (typeof value === 'string' && parsed === undefined)) {
        fault(`${what} is ${shown(value)}: a duration is a text like '500ms', '30s', '10m', '12h', '1d', or a whole number of milliseconds`);
        return min;
    }
    if (ms < min || ms > DURATION_MS_MAX) {
        fault(`${what} is ${shown(value)}: it lies between ${min} ms and 100 years`);
        return min;
    }
    return ms;
}

export function checkCount(value, what, min, max) {
    if (Number.isInteger(value) && value >= min && value <= max) {
        return value;
    }
    fault(`${what} is ${shown(value)}: it is a whole number from ${min} to ${max}`);
    return min;
}

export function checkChoice(value, known, what) {
    if (known.includes(value)) {
        return value;
    }
    fault(`${what} is ${shown(value)}: it is one of ${known.map(shown).join(', ')}`);
    return known[0];
}

export function checkTexts(values, what) {
    const texts = values.filter((value) => typeof value === 'string' && value !== '');
    if (texts.length < values.length || texts.length === 0) {
        fault(`${what} takes one or more texts, not ${values.length === 0 ? 'nothing' : shown(values.find((value) => !texts.includes(value)))}`);
    }
    return texts;
}

// Checked JSON of our own.
export function checkPlain(value, what) {
    const isScalar = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    if (isScalar) {
        return value;
    }
    const isArray = Array.isArray(value);
    if (!isArray && !isRecord(value)) {
        const instead = typeof value === 'function' ? 'a function, where data is wanted' : `${shown(value)}, which JSON cannot hold`;
        fault(`${what} is ${instead}`);
        return null;
    }
    const parts = Object.entries(value).map(([key, part]) => [key, checkPlain(part, `${what}.${key}`)]);
    return isArray ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

// --- Paths and predicates -----------------------------------------------------------------------

// `isEvent`: what flows here is an event, whose own members are data and metadata.
export function checkPath(path, what, isEvent) {
    if (typeof path !== 'string') {
        const instead = typeof path === 'function' ? '; a function goes into map, filter or keyBy' : '';
        fault(`${what} takes a path like 'data.amount' or '@id', not ${shown(path)}${instead}`);
        return '@id';
    }
    if (path.startsWith('@')) {
        if (!ENVELOPE.includes(path)) {
            fault(`${what}: there is no ${path}; the envelope has ${ENVELOPE.join(', ')}${didYouMean(path, ENVELOPE)}`);
        }
        return path;
    }
    const [first, ...others] = path.split('.');
    if (path.includes('[')) {
        fault(`${what}: "${path}" is no path: an element of an array is written with a dot, as in ${path.replaceAll('[', '.').replaceAll(']', '')}`);
    } else if ([first, ...others].includes('')) {
        fault(`${what}: "${path}" is no path: names joined by dots, as in data.amount`);
    } else if (isEvent && first !== 'data' && first !== 'metadata') {
        const envelope = ENVELOPE.includes(`@${path}`) ? `@${path}` : `data.${path}`;
        fault(`${what}: a path into an event begins with data, metadata or @, and "${path}" does not; did you mean "${envelope}"?`);
    }
    return path;
}

export const checkPaths = (paths, what, isEvent) => paths.map((path) => checkPath(path, what, isEvent));

const isScalar = (value) => value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
const isOrdered = (value) => typeof value === 'string' || Number.isFinite(value);
const COMPARISONS = {
    eq: [isScalar, 'a text, number, true, false or null'],
    ne: [isScalar, 'a text, number, true, false or null'],
    gt: [isOrdered, 'a number or text'],
    gte: [isOrdered, 'a number or text'],
    lt: [isOrdered, 'a number or text'],
    lte: [isOrdered, 'a number or text'],
    in: [(value) => Array.isArray(value) && value.length > 0 && value.every(isScalar), 'an array of texts, numbers, true, false or null'],
    startsWith: [(value) => typeof value === 'string', 'a text'],
    exists: [(value) => typeof value === 'boolean', 'true or false'],
};

function comparison(path, cmp, value) {
    if (!Object.hasOwn(COMPARISONS, cmp)) {
        const known = Object.keys(COMPARISONS);
        fault(`where: there is no comparison ${cmp}; there are: ${known.join(', ')}${didYouMean(cmp, known)}`);
        return { all: [] };
    }
    const [fits, wanted] = COMPARISONS[cmp];
    if (!fits(value)) {
        fault(`where: ${path}: ${cmp} takes ${wanted}, not ${shown(value)}`);
    }
    return { path, cmp, value };
}

function comparisons(path, wanted) {
    if (!isRecord(wanted)) {
        if (Array.isArray(wanted)) {
            fault(`where: ${path} is compared with an array: write { in: [...] } for one of several`);
            return [];
        }
        return [comparison(path, 'eq', wanted)];
    }
    return Object.entries(wanted).map(([cmp, value]) => comparison(path, cmp, value));
}

const JOINED = ['all', 'any', 'not'];

// {path: value | {cmp: value}, all: [..], any: [..], not: {..}} -> PRED, whose leaves have one comparison each.
export function checkPredicate(predicate, isEvent) {
    if (!isRecord(predicate) || Object.keys(predicate).length === 0) {
        const instead = typeof predicate === 'function' ? '; a function goes into filter' : '';
        fault(`where takes { path: value } or { path: { gte: 1 } }, not ${isRecord(predicate) ? 'an empty object' : shown(predicate)}${instead}`);
        return { all: [] };
    }
    const parts = Object.entries(predicate).flatMap(([name, wanted]) => {
        const joins = JOINED.includes(name) && (name === 'not' ? isRecord(wanted) : Array.isArray(wanted));
        if (joins) {
            return [{ [name]: name === 'not' ? checkPredicate(wanted, isEvent) : wanted.map((part) => checkPredicate(part, isEvent)) }];
        }
        return comparisons(checkPath(name, 'where', isEvent), wanted);
    });
    return parts.length === 1 ? parts[0] : { all: parts };
}

// {name: path | number | {value}} -> [[name, EXPR]...]
export function checkSelection(selection, what, isEvent) {
    if (!isRecord(selection) || Object.keys(selection).length === 0) {
        const instead = typeof selection === 'function' ? '; a function goes into map' : '';
        fault(`${what} takes { name: 'path' }, not ${isRecord(selection) ? 'an empty object' : shown(selection)}${instead}`);
        return [];
    }
    return Object.entries(selection).map(([name, wanted]) => {
        if (typeof wanted === 'string') {
            return [name, { path: checkPath(wanted, what, isEvent) }];
        }
        if (isRecord(wanted) && Object.hasOwn(wanted, 'value') && Object.keys(wanted).length === 1) {
            return [name, { value: checkPlain(wanted.value, `${what}: ${name}`) }];
        }
        if (isScalar(wanted)) {
            return [name, { value: wanted }];
        }
        fault(`${what}: ${name} is ${shown(wanted)}: it is a path, or { value: constant }${typeof wanted === 'function' ? '; a function goes into map' : ''}`);
        return [name, { value: null }];
    });
}
