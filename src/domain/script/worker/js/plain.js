// plain.js - what user code gives, held to what JSON can keep.

const DEPTH_MAX = 60; /* the server refuses JSON deeper than 64 levels */

function isPlain(value, depth) {
    switch (typeof value) {
        case 'object':
            return value === null || isPlainContainer(value, depth);
        case 'number':
            return Number.isFinite(value);
        default:
            return typeof value === 'string' || typeof value === 'boolean';
    }
}

function isPlainContainer(value, depth) {
    const prototype = Object.getPrototypeOf(value);
    if (depth > DEPTH_MAX) {
        return false;
    }
    if (prototype === Array.prototype) {
        for (let i = 0; i < value.length; i++) {
            if (!isPlain(value[i], depth + 1)) {
                return false;
            }
        }
        return true;
    }
    if (prototype !== Object.prototype && prototype !== null) {
        return false;
    }
    for (const key of Object.keys(value)) {
        if (value[key] !== undefined && !isPlain(value[key], depth + 1)) {
            return false;
        }
    }
    return true;
}

// Where and why `value` is not plain: "data.at is a Date: ...".
function faultIn(value, path, depth) {
    if (typeof value === 'number') {
        return `${path} is ${value}, which JSON cannot hold`;
    }
    if (typeof value !== 'object') {
        return value === undefined ? `${path} is undefined` : `${path} is a ${typeof value}, which JSON cannot hold`;
    }
    if (depth > DEPTH_MAX) {
        return `${path.slice(0, 100)}... is nested more than ${DEPTH_MAX} levels deep, or holds itself`;
    }
    const isArray = Array.isArray(value);
    for (const key of isArray ? value.keys() : Object.keys(value)) {
        const part = value[key];
        if ((isArray || part !== undefined) && !isPlain(part, depth + 1)) {
            return faultIn(part, isArray ? `${path}[${key}]` : `${path}.${key}`, depth + 1);
        }
    }
    const kind = Object.getPrototypeOf(value)?.constructor?.name || 'object of a class';
    return `${path} is a ${kind}: only plain objects, arrays, texts, numbers, true, false and null can be kept`;
}

export function checkPlain(value, path) {
    if (!isPlain(value, 0)) {
        throw new TypeError(faultIn(value, path, 0));
    }
}

// A name that objects inherit cannot be assigned: the built-ins are frozen.
function setOwn(object, key, value) {
    if (Object.prototype[key] === undefined) {
        object[key] = value;
    } else {
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    }
}

function copyOf(value) {
    if (typeof value !== 'object' || value === null) {
        return value === 0 ? 0 : value; /* JSON has no -0 */
    }
    if (Array.isArray(value)) {
        return value.map((part) => copyOf(part));
    }
    const copy = {};
    for (const key of Object.keys(value)) {
        if (value[key] !== undefined) {
            setOwn(copy, key, copyOf(value[key]));
        }
    }
    return copy;
}

// What JSON.parse of plainText() would give.
export function plainCopy(value, path) {
    checkPlain(value, path);
    return copyOf(value);
}

// As JSON text. It must hold nothing that JSON would lose; members that are undefined are left out.
export function plainText(value, path) {
    checkPlain(value, path);
    return JSON.stringify(value);
}
