// lockdown.js - closes everything whose result depends on more than its arguments.
//
// First script, with what it imports, in the context that runs user code. Afterwards the clock, randomness, waiting, locale
// and garbage collection cannot be observed, and the built-ins cannot be changed. Whoever tries is
// told what to use instead. eval and new Function are closed by the engine (engine.c).
//
// `world` is that of flows: while an item is in hand (flow_run.js), `time` is the event time that
// Date gives and `random` the function behind Math.random.
import { exactMath } from './math.js';

export const world = { time: undefined, random: undefined, item: undefined, index: 0 };

const WAITING = 'this code runs to its end at once and waits for nothing: let a program that reads the events do what takes time';
const LOCALE = 'its result depends on the machine; format texts where they are shown';
const MEMORY = 'its result depends on when memory is freed; keep the value itself';
const MACHINE = 'it is not part of what an APP may use';

const CLOSED_GLOBALS = {
    Promise: WAITING,
    queueMicrotask: WAITING,
    AsyncDisposableStack: WAITING,
    AsyncIterator: WAITING,
    Intl: LOCALE,
    WeakRef: MEMORY,
    FinalizationRegistry: MEMORY,
    WebAssembly: MACHINE,
    SharedArrayBuffer: MACHINE,
    Atomics: MACHINE,
    ShadowRealm: MACHINE,
};

function closer(name, instead) {
    return function () {
        throw new Error(`${name} is closed: ${instead}`);
    };
}

function replace(object, name, value) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
}

function closeMethod(object, label, name, instead) {
    if (Object.hasOwn(object, name)) {
        replace(object, name, closer(`${label}.${name}`, instead));
    }
}

function closeGlobals() {
    for (const [name, instead] of Object.entries(CLOSED_GLOBALS)) {
        const get = closer(name, instead);
        Object.defineProperty(globalThis, name, { get, set: undefined, enumerable: false, configurable: false });
    }
}

function closeDate() {
    const RealDate = Date;
    const closed = closer('the clock', 'use ctx.now, the time of the command');
    const clock = () => (world.time === undefined ? closed() : world.time);
    function ClosedDate(...parts) {
        if (new.target === undefined) {
            return new RealDate(clock()).toString();
        }
        const given = parts.length === 0 ? [clock()] : parts;
        return Reflect.construct(RealDate, given, new.target === ClosedDate ? RealDate : new.target);
    }
    replace(ClosedDate, 'name', 'Date');
    Object.defineProperty(ClosedDate, 'prototype', { value: RealDate.prototype, writable: false });
    replace(RealDate.prototype, 'constructor', ClosedDate);
    replace(ClosedDate, 'UTC', RealDate.UTC);
    replace(ClosedDate, 'parse', RealDate.parse);
    replace(ClosedDate, 'now', clock);
    replace(globalThis, 'Date', ClosedDate);
    const now = globalThis.Temporal?.Now; // some engines have it
    for (const name of Object.getOwnPropertyNames(now ?? {})) {
        closeMethod(now, 'Temporal.Now', name, 'use ctx.now, the time of the command');
    }
}

// What the system's library computes differs between machines in the last digit.
function makeMathExact() {
    for (const [name, exact] of Object.entries(exactMath())) {
        replace(exact, 'length', Math[name].length);
        replace(exact, 'name', name);
        replace(Math, name, exact);
    }
}

function closeMethods() {
    const closed = closer('Math.random', 'use ctx.random(), or ctx.uuid() for an id');
    replace(Math, 'random', () => (world.time === undefined ? closed() : world.random()));
    closeMethod(Array, 'Array', 'fromAsync', WAITING);
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(RegExp))) {
        if (property.get !== undefined) {
            delete RegExp[name]; // RegExp.$1 and its like remember the last match of anybody
        }
    }
    const TypedArray = Object.getPrototypeOf(Uint8Array);
    for (const type of [Object, Array, Number, BigInt, String, Date, TypedArray]) {
        for (const name of Object.getOwnPropertyNames(type.prototype)) {
            if (name.startsWith('toLocale') || name === 'localeCompare') {
                closeMethod(type.prototype, type.name, name, LOCALE);
            }
        }
    }
}

// In strict code an inherited read-only property cannot be assigned on an heir: frozen built-ins
// would break `this.name = 'MyError'`. What people do assign becomes an accessor that lets them.
function allowOnHeirs(prototype, names) {
    for (const name of names) {
        const property = Object.getOwnPropertyDescriptor(prototype, name);
        if (property === undefined || !('value' in property)) {
            continue;
        }
        const { value } = property;
        const get = () => value;
        const set = function (heirs) {
            if (this === prototype) {
                throw new TypeError(`built-ins cannot be changed: ${name}`);
            }
            Object.defineProperty(this, name, { value: heirs, writable: true, enumerable: true, configurable: true });
        };
        Object.defineProperty(prototype, name, { get, set, enumerable: false, configurable: true });
    }
}

function allowCommonOverrides() {
    allowOnHeirs(Object.prototype, ['constructor', 'toString', 'valueOf', 'hasOwnProperty']);
    const errors = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError];
    for (const type of errors) {
        allowOnHeirs(type.prototype, ['name', 'message', 'constructor', 'toString']);
    }
}

// Prototypes that no global names, but code can reach.
function hiddenRoots() {
    const iterators = [[][Symbol.iterator](), ''[Symbol.iterator](), new Map().entries(), new Set().values(), 'a'.matchAll(/a/g)];
    const functions = [function* () {}, async function () {}, async function* () {}];
    return [...iterators, ...functions].map(Object.getPrototypeOf);
}

function freezeAll(roots) {
    const seen = new Set();
    const waiting = [...roots];
    while (waiting.length > 0) {
        const object = waiting.pop();
        const isObject = (typeof object === 'object' && object !== null) || typeof object === 'function';
        if (!isObject || seen.has(object)) {
            continue;
        }
        seen.add(object);
        waiting.push(Object.getPrototypeOf(object));
        for (const key of Reflect.ownKeys(object)) {
            const property = Reflect.getOwnPropertyDescriptor(object, key);
            waiting.push(property.value, property.get, property.set);
        }
        Object.freeze(object);
    }
}

closeDate();
closeMethods();
makeMathExact();
allowCommonOverrides();
const roots = hiddenRoots();
closeGlobals();
freezeAll([globalThis, ...roots]);
