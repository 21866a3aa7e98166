// live_stream.js - a stream of a live expression: a description, and the library's stream built from it.
//
// User code only ever holds descriptions. Those made while the expression is loaded are built once, in the
// order they were made, and stay; those a function makes for an event are built where that function's result
// is subscribed to, and go with it. A handle (worker/live/live.h) therefore never outlives what it points to.

let native; /* worker/live/live.h */
let loading = []; /* descriptions in the order made; undefined once the expression runs */
let building; /* description -> handle, while a result of a function is built */

export class Stream {
    // `build` gives a handle; it is called again wherever the description is used again.
    constructor(build) {
        this.build = build;
        this.handle = undefined; /* of one that stays */
        loading?.push(this);
        Object.defineProperties(this, { build: { enumerable: false }, handle: { enumerable: false } });
    }
}

// The operators that `new Stream(...)` is built with: native.build(name, ...args).
export const build = (name, ...args) => native.build(name, ...args);
export const natives = () => native;

export function handleOf(stream) {
    if (stream.handle !== undefined) {
        return stream.handle;
    }
    if (building === undefined) {
        return stream.build();
    }
    if (!building.has(stream)) {
        building.set(stream, stream.build());
    }
    return building.get(stream);
}

// What a function gave, as a handle: built as one, so that a part used twice is one stream.
export function handleOfResult(stream) {
    const outer = building;
    building = new Map();
    try {
        return handleOf(stream);
    } finally {
        building = outer;
    }
}

// A stream the library made while running: a window, a group, the errors of retryWhen.
export function held(handle, key) {
    const stream = new Stream(() => handle);
    return key === undefined ? stream : Object.assign(stream, { key });
}

export function begin(functions) {
    native = functions;
    native.wrapper(held);
    loading = [];
}

// Everything that stays is built, also what only a function will use later.
export function loaded() {
    const all = loading;
    loading = undefined;
    for (const stream of all) {
        stream.handle ??= stream.build();
    }
}

// --- Methods and steps of pipe ------------------------------------------------------------------

class Step {
    constructor(apply) {
        this.apply = apply;
    }
}

export function define(operators) {
    const methods = Stream.prototype;
    methods.pipe = function (...steps) {
        return steps.reduce((stream, step, index) => {
            if (step instanceof Step) {
                return step.apply(stream);
            }
            if (typeof step === 'function') {
                return step(stream);
            }
            throw new TypeError(`step ${index + 1} of pipe is no operator like map(f)`);
        }, this);
    };
    for (const [name, operator] of Object.entries(operators)) {
        methods[name] = function (...args) {
            return operator(this, ...args);
        };
    }
    return Object.fromEntries(Object.entries(operators).map(([name, operator]) => [name, (...args) => new Step((stream) => operator(stream, ...args))]));
}
