// runtime.js - links the modules of an APP and folds and decides for the server.
//
// Evaluated behind lockdown.js; its value is a function of (evaluate, statesMax) that gives {load, step,
// shed}. All three take and give JSON texts. They may be stopped in the middle by the time limit, so
// a state enters the cache in one assignment, whole.
(function (evaluate, statesMax) {
    'use strict';

    // --- Plain JSON data ------------------------------------------------------------------------

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

    // As JSON text. It must hold nothing that JSON would lose; members that are undefined are left out.
    function plainText(value, path) {
        if (!isPlain(value, 0)) {
            throw new TypeError(faultIn(value, path, 0));
        }
        return JSON.stringify(value);
    }

    // --- Errors with file and line --------------------------------------------------------------

    let paths = new Set();

    function placeOf(error) {
        const stack = typeof error?.stack === 'string' ? error.stack : '';
        for (const line of stack.split('\n')) {
            const found = /^(?:.*@)?(.+):(\d+):\d+$/.exec(line);
            if (found !== null && paths.has(found[1])) {
                return `${found[1]}:${found[2]}`;
            }
        }
        return undefined;
    }

    function textOf(error) {
        if (error instanceof Error) {
            return error.name === 'Error' ? `${error.message}` : `${error.name}: ${error.message}`;
        }
        return `threw ${typeof error === 'object' && error !== null ? JSON.stringify(error) : String(error)}`;
    }

    // Never throws, whatever was thrown by user code.
    function describe(error, path) {
        try {
            const line = error instanceof SyntaxError && paths.has(error.sourceURL) ? `${error.sourceURL}:${error.line}` : undefined;
            return `${placeOf(error) ?? line ?? path}: ${textOf(error)}`.slice(0, 2000);
        } catch {
            return `${path}: threw something that cannot be shown`;
        }
    }

    // --- Loading --------------------------------------------------------------------------------

    const deciders = new Map();

    // The modules come in such an order that each stands behind those it imports.
    function link(modules) {
        const linked = new Map();
        for (const { path, code, imports } of modules) {
            const exports = {};
            const require = (specifier) => linked.get(imports[specifier]);
            Reflect.apply(evaluate(code, path), undefined, [exports, require]);
            linked.set(path, Object.freeze(exports));
        }
        return linked;
    }

    const DECIDER_EXPORTS = ['initial', 'decide', 'evolve'];

    function checkFunctions(functions, name, at) {
        if (typeof functions !== 'object' || functions === null) {
            throw new LoadFault(`${at(name)}: ${name} must be an object of functions`);
        }
        for (const key of Object.keys(functions)) {
            if (typeof functions[key] !== 'function') {
                throw new LoadFault(`${at(name)}: ${name}.${key} is not a function`);
            }
        }
        return Object.freeze(functions);
    }

    class LoadFault extends Error {}

    function makeDecider({ name, path }, exports, lines) {
        const at = (exported) => `${path}:${lines[exported] ?? 1}`;
        for (const wanted of DECIDER_EXPORTS) {
            if (!Object.hasOwn(exports, wanted)) {
                throw new LoadFault(`${path}:1: a decider exports initial, decide and evolve; ${wanted} is missing`);
            }
        }
        const surplus = Object.keys(exports).find((exported) => !DECIDER_EXPORTS.includes(exported));
        if (surplus !== undefined) {
            throw new LoadFault(`${at(surplus)}: a decider exports initial, decide and evolve, and nothing else; ${surplus} is another`);
        }
        const { initial, decide, evolve } = exports;
        checkFunctions(decide, 'decide', at);
        checkFunctions(evolve, 'evolve', at);
        const first = typeof initial === 'function' ? initial() : initial;
        if (first === undefined) {
            throw new LoadFault(`${at('initial')}: initial is undefined: it is the state before any event`);
        }
        try {
            return { name, path, initial: plainText(first, 'initial'), decide, evolve };
        } catch (error) {
            throw new LoadFault(`${at('initial')}: ${error.message}`);
        }
    }

    function defaultExport(path, exports, lines) {
        const surplus = Object.keys(exports).find((exported) => exported !== 'default');
        if (surplus !== undefined || !Object.hasOwn(exports, 'default')) {
            throw new LoadFault(`${path}:${lines[surplus] ?? 1}: this file has one export: export default { ... }`);
        }
        try {
            return JSON.parse(plainText(exports.default, 'default'));
        } catch (error) {
            throw new LoadFault(`${path}:${lines.default}: ${error.message}`);
        }
    }

    function infoOf({ name, decide, evolve }) {
        return { name, commands: Object.keys(decide), eventTypes: Object.keys(evolve) };
    }

    // {modules, deciders: [{name, path}], data: [path]} -> {deciders: [info], data: {path: value}} | {faults}
    function load(text) {
        const request = JSON.parse(text);
        paths = new Set(request.modules.map((module) => module.path));
        const lines = new Map(request.modules.map((module) => [module.path, module.exports]));
        let path = 'deciders';
        try {
            const linked = link(request.modules);
            for (const wanted of request.deciders) {
                path = wanted.path;
                deciders.set(wanted.name, makeDecider(wanted, linked.get(path), lines.get(path)));
            }
            const data = {};
            for (const wanted of request.data) {
                path = wanted;
                data[path] = defaultExport(path, linked.get(path), lines.get(path));
            }
            return JSON.stringify({ deciders: [...deciders.values()].map(infoOf), data });
        } catch (error) {
            return JSON.stringify({ faults: [error instanceof LoadFault ? error.message : describe(error, path)] });
        }
    }

    // --- Randomness from the seed (sfc32 by Chris Doty-Humphrey; its output is recorded, so it stays) --

    function makeRandom(seed) {
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

    function makeUuid(next) {
        const words = [next(), next(), next(), next()];
        words[1] = ((words[1] & 0xffff0fff) | 0x4000) >>> 0;
        words[2] = ((words[2] & 0x3fffffff) | 0x80000000) >>> 0;
        const digits = words.map((word) => word.toString(16).padStart(8, '0')).join('');
        return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join('-');
    }

    // --- Folding --------------------------------------------------------------------------------

    // Stream -> {revision, text, before}, least recently used first. A state is kept as JSON text: so
    // no call can change what another one sees, and it takes little memory. `before` is the entry that
    // holds if the events just decided were not appended after all: the next request says so (`drop`).
    const states = new Map();
    // The same for streams whose events come in several requests: these are not forgotten in between.
    const arriving = new Map();

    function remember(stream, entry) {
        states.delete(stream);
        states.set(stream, entry);
        if (states.size > statesMax) {
            states.delete(states.keys().next().value);
        }
    }

    function evolveOnce(decider, state, event, revision) {
        const { type } = event;
        if (!Object.hasOwn(decider.evolve, type)) {
            return state;
        }
        if (!Object.hasOwn(event, 'data')) {
            throw new TypeError('the data of this event is not JSON');
        }
        const after = decider.evolve[type](state, { type, data: event.data, revision, tags: event.tags ?? [] });
        if (after === undefined) {
            throw new TypeError('undefined was returned, where the state after the event is wanted');
        }
        return after;
    }

    let folding = undefined; /* {type, revision} of the event that evolve has in hand, for error texts */

    function fold(decider, entry, events) {
        let { revision } = entry;
        let state = JSON.parse(entry.text);
        for (const event of events) {
            revision += 1;
            folding = { type: event.type, revision };
            state = evolveOnce(decider, state, event, revision);
        }
        const text = plainText(state, 'state');
        folding = undefined;
        return { revision, text, before: undefined };
    }

    // --- Deciding -------------------------------------------------------------------------------

    const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

    function refusal(code, message, details) {
        if (typeof code !== 'string' || code === '') {
            throw new TypeError('ctx.reject(code, message, details): code is a text');
        }
        const plain = details === undefined ? undefined : JSON.parse(plainText(details, 'details'));
        if (plain !== undefined && !isObject(plain)) {
            throw new TypeError('ctx.reject(code, message, details): details is an object');
        }
        return { code, message: message === undefined ? code : String(message), details: plain };
    }

    // What one call of decide may use of the world; `used` says afterwards what it did use.
    function makeContext(request, used) {
        const { id, stream, revision, command } = request;
        const random = () => (used.random ??= makeRandom(command.seed));
        return {
            id,
            stream,
            revision: revision < 0 ? null : revision,
            command: command.id,
            now: command.now,
            uuid: () => makeUuid(random()),
            random: () => {
                const next = random();
                return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
            },
            reject: (code, message, details) => {
                used.refusal = refusal(code, message, details);
                throw used.refusal;
            },
        };
    }

    const EVENT_MEMBERS = ['type', 'data', 'tags', 'metadata'];

    function checkEvent(event, path) {
        if (!isObject(event) || typeof event.type !== 'string') {
            throw new TypeError(`${path} is not an event: { type, data, tags?, metadata? }`);
        }
        const surplus = Object.keys(event).find((key) => !EVENT_MEMBERS.includes(key));
        if (surplus !== undefined) {
            throw new TypeError(`${path}.${surplus} is unknown: an event has type, data, tags and metadata`);
        }
        const { tags, metadata } = event;
        if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
            throw new TypeError(`${path}.tags is not an array of texts`);
        }
        if (metadata !== undefined && (!isObject(metadata) || 'command' in metadata)) {
            throw new TypeError(`${path}.metadata is not an object, or has a member "command", which is ours`);
        }
        if (!Object.hasOwn(event, 'data')) {
            event.data = {};
        }
    }

    // What decide returned, as data of our own.
    function readEvents(result, name) {
        if (result === undefined || result === null) {
            throw new TypeError(`decide.${name} returned ${result}: it returns an array of events, [] when nothing happens`);
        }
        const returned = JSON.parse(plainText(result, `what decide.${name} returned`));
        const events = Array.isArray(returned) ? returned : [returned];
        events.forEach((event, index) => checkEvent(event, `event ${index + 1} of decide.${name}`));
        return events;
    }

    // The new events are folded before they are offered to the log: what evolve cannot take is
    // refused here, where it does no harm.
    function decide(decider, entry, request) {
        const { name, data } = request.command;
        const used = { refusal: undefined, random: undefined };
        let events;
        try {
            const result = decider.decide[name](JSON.parse(entry.text), data, makeContext(request, used));
            events = used.refusal === undefined ? readEvents(result, name) : undefined;
        } catch (error) {
            if (used.refusal === undefined) {
                throw error;
            }
        }
        const seeded = used.random !== undefined;
        if (events === undefined) {
            return JSON.stringify({ rejected: used.refusal, seeded });
        }
        const answer = JSON.stringify({ events, seeded });
        if (events.length > 0) {
            const { revision, text } = entry;
            remember(request.stream, { ...fold(decider, entry, events), before: { revision, text, before: undefined } });
        }
        return answer;
    }

    // {decider, stream, id, revision, drop?, from?, events?, more?, show?, once?,
    //  command?: {id, name, data, now, seed}} | {forget: stream}
    // -> {events, seeded} | {rejected, seeded} | {state} | {folded} | {need: revision} | {threw} | {}
    function step(text) {
        const request = JSON.parse(text);
        if (request.forget !== undefined) {
            states.delete(request.forget);
            arriving.delete(request.forget);
            return '{}';
        }
        const decider = deciders.get(request.decider);
        folding = undefined;
        try {
            return advance(decider, request);
        } catch (error) {
            const at = folding === undefined ? '' : ` (evolve.${folding.type}, event ${folding.revision} of ${request.stream})`;
            arriving.delete(request.stream);
            return JSON.stringify({ threw: describe(error, decider.path) + at });
        }
    }

    function freshEntry(decider) {
        return { revision: -1, text: decider.initial, before: undefined };
    }

    function takeBack(stream) {
        const before = states.get(stream)?.before;
        if (before === undefined) {
            states.delete(stream);
        } else {
            states.set(stream, before);
        }
    }

    function known(decider, { stream, drop, from }) {
        if (drop === true) {
            takeBack(stream);
        }
        const entry = from === 0 ? undefined : arriving.get(stream) ?? states.get(stream);
        return entry ?? freshEntry(decider);
    }

    function advance(decider, request) {
        const { stream, revision, events } = request;
        let entry = known(decider, request);
        if (events !== undefined) {
            if (request.from !== entry.revision + 1) {
                return JSON.stringify({ need: entry.revision + 1 });
            }
            entry = fold(decider, entry, events);
        }
        if (request.more === true) {
            arriving.set(stream, entry);
            return JSON.stringify({ folded: entry.revision });
        }
        arriving.delete(stream);
        if (entry.revision > revision) {
            entry = freshEntry(decider);
        }
        if (entry.revision < revision) {
            remember(stream, entry);
            return JSON.stringify({ need: entry.revision + 1 });
        }
        if (request.once !== true) {
            remember(stream, entry);
        }
        return request.show === true ? `{"state":${entry.text}}` : decide(decider, entry, request);
    }

    // Memory is short: forgets the half of the states that was not used for longest.
    function shed() {
        let surplus = states.size >> 1;
        for (const stream of states.keys()) {
            if (surplus-- <= 0) {
                break;
            }
            states.delete(stream);
        }
        return '{}';
    }

    return { load, step, shed };
});
