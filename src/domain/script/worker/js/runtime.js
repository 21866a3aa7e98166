// runtime.js - links the modules of an APP and folds and decides for the server.
//
// Evaluated behind lockdown.js; its value is a function of (evaluate, statesMax) that gives {load, step,
// shed}. All three take and give JSON texts. They may be stopped in the middle by the time limit, so
// a state enters the cache in one assignment, whole.
(function (evaluate, statesMax) {
    'use strict';

    // --- Plain JSON data ------------------------------------------------------------------------

    const DEPTH_MAX = 60; /* the server refuses JSON deeper than 64 levels */

    function kindOf(value) {
        const prototype = Object.getPrototypeOf(value);
        if (prototype === Array.prototype) {
            return 'array';
        }
        return prototype === Object.prototype || prototype === null ? 'object' : prototype.constructor?.name ?? 'object of a class';
    }

    function checkScalar(value, path) {
        if (typeof value === 'number' && !Number.isFinite(value)) {
            throw new TypeError(`${path} is ${value}, which JSON cannot hold`);
        }
        if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
            throw new TypeError(`${path} is a ${typeof value}, which JSON cannot hold`);
        }
    }

    function checkContainer(value, path, depth) {
        const kind = kindOf(value);
        if (kind !== 'array' && kind !== 'object') {
            throw new TypeError(`${path} is a ${kind}: only plain objects, arrays, texts, numbers, true, false and null can be kept`);
        }
        if (depth > DEPTH_MAX) {
            throw new TypeError(`${path} is nested more than ${DEPTH_MAX} levels deep, or holds itself`);
        }
        return kind;
    }

    // A copy that holds nothing but what JSON can hold. Members that are undefined are left out.
    function plainCopy(value, path, depth = 0) {
        if (typeof value !== 'object' || value === null) {
            checkScalar(value, path);
            return value;
        }
        if (checkContainer(value, path, depth) === 'array') {
            return Array.from(value, (part, index) => {
                if (part === undefined) {
                    throw new TypeError(`${path}[${index}] is undefined`);
                }
                return plainCopy(part, `${path}[${index}]`, depth + 1);
            });
        }
        const copy = {};
        for (const key of Object.keys(value)) {
            const part = value[key];
            if (part !== undefined) {
                const copied = plainCopy(part, `${path}.${key}`, depth + 1);
                Object.defineProperty(copy, key, { value: copied, writable: true, enumerable: true, configurable: true });
            }
        }
        return copy;
    }

    // A state is kept and seen again by later calls: it must be data, and nobody may change it. What
    // was settled before is not gone through again, so a step costs what it changed.
    const settled = new WeakSet();

    function settle(value, path, depth = 0) {
        if (typeof value !== 'object' || value === null) {
            checkScalar(value, path);
            return value;
        }
        if (settled.has(value)) {
            return value;
        }
        checkContainer(value, path, depth);
        for (const key of Object.keys(value)) {
            settle(value[key], `${path}.${key}`, depth + 1);
        }
        Object.freeze(value);
        settled.add(value);
        return value;
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
            settle(first, 'initial');
        } catch (error) {
            throw new LoadFault(`${at('initial')}: ${error.message}`);
        }
        return { name, path, initial: first, decide, evolve };
    }

    function defaultExport(path, exports, lines) {
        const surplus = Object.keys(exports).find((exported) => exported !== 'default');
        if (surplus !== undefined || !Object.hasOwn(exports, 'default')) {
            throw new LoadFault(`${path}:${lines[surplus] ?? 1}: this file has one export: export default { ... }`);
        }
        try {
            return plainCopy(exports.default, 'default');
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

    // Stream -> {revision, state, before}, least recently used first. `before` is the entry that holds
    // if the events just decided were not appended after all: the next request says so with `drop`.
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
        const seen = { type, data: event.data, revision, tags: event.tags ?? [] };
        const after = decider.evolve[type](state, seen);
        if (after === undefined) {
            throw new TypeError('undefined was returned, where the state after the event is wanted');
        }
        return settle(after, 'state');
    }

    let folding = undefined; /* {type, revision} of the event that evolve has in hand, for error texts */

    function fold(decider, entry, events) {
        let { revision, state } = entry;
        for (const event of events) {
            revision += 1;
            folding = { type: event.type, revision };
            state = evolveOnce(decider, state, event, revision);
        }
        folding = undefined;
        return { revision, state, before: undefined };
    }

    // --- Deciding -------------------------------------------------------------------------------

    function refusal(code, message, details) {
        if (typeof code !== 'string' || code === '') {
            throw new TypeError('ctx.reject(code, message, details): code is a text');
        }
        const plain = details === undefined ? undefined : plainCopy(details, 'details');
        if (plain !== undefined && (typeof plain !== 'object' || plain === null || Array.isArray(plain))) {
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

    function checkedEvent(event, path) {
        if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
            throw new TypeError(`${path} is not an event: { type, data, tags?, metadata? }`);
        }
        const surplus = Object.keys(event).find((key) => !EVENT_MEMBERS.includes(key));
        if (surplus !== undefined) {
            throw new TypeError(`${path}.${surplus} is unknown: an event has type, data, tags and metadata`);
        }
        const { type, data = {}, tags, metadata } = plainCopy(event, path);
        if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
            throw new TypeError(`${path}.tags is not an array of texts`);
        }
        if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata) || 'command' in metadata)) {
            throw new TypeError(`${path}.metadata is not an object, or has a member "command", which is ours`);
        }
        return { type, data, tags, metadata };
    }

    function checkedEvents(result, name) {
        if (result === undefined || result === null) {
            throw new TypeError(`decide.${name} returned ${result}: it returns an array of events, [] when nothing happens`);
        }
        const list = Array.isArray(result) ? result : [result];
        return list.map((event, index) => checkedEvent(event, `event ${index + 1} of decide.${name}`));
    }

    // The new events are folded before they are offered to the log: what evolve cannot take is
    // refused here, where it does no harm.
    function decide(decider, entry, request) {
        const { name, data } = request.command;
        const used = { refusal: undefined, random: undefined };
        let events;
        try {
            const result = decider.decide[name](entry.state, data, makeContext(request, used));
            events = used.refusal === undefined ? checkedEvents(result, name) : undefined;
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
            const { revision, state } = entry;
            remember(request.stream, { ...fold(decider, entry, events), before: { revision, state, before: undefined } });
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
        const fresh = { revision: -1, state: decider.initial, before: undefined };
        return from === 0 ? fresh : arriving.get(stream) ?? states.get(stream) ?? fresh;
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
        if (entry.revision !== revision) {
            const behind = entry.revision < revision ? entry : { revision: -1, state: decider.initial, before: undefined };
            remember(stream, behind);
            return JSON.stringify({ need: behind.revision + 1 });
        }
        if (request.once !== true) {
            remember(stream, entry);
        }
        return request.show === true ? JSON.stringify({ state: entry.state }) : decide(decider, entry, request);
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
