// decide.js - folds and decides: a state is events through evolve, a command goes through decide.
//
// `makeDeciders(statesMax)` gives {add, step, shed}; step and shed take and give JSON texts. They may
// be stopped in the middle by the time limit, so a state enters the cache in one assignment, whole.
import { describe, LoadFault } from './faults.js';
import { plainText } from './plain.js';
import { makeRandom, unitOf } from './random.js';

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

function infoOf({ name, decide, evolve }) {
    return { name, commands: Object.keys(decide), eventTypes: Object.keys(evolve) };
}

function makeUuid(next) {
    const words = [next(), next(), next(), next()];
    words[1] = ((words[1] & 0xffff0fff) | 0x4000) >>> 0;
    words[2] = ((words[2] & 0x3fffffff) | 0x80000000) >>> 0;
    const digits = words.map((word) => word.toString(16).padStart(8, '0')).join('');
    return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join('-');
}

export function makeDeciders(statesMax) {
    const deciders = new Map();

    // Checks and takes a decider; gives what the server knows of it.
    function add(wanted, exports, lines) {
        const decider = makeDecider(wanted, exports, lines);
        deciders.set(decider.name, decider);
        return infoOf(decider);
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
            random: () => unitOf(random()),
            reject: (code, message, details) => {
                used.refusal = refusal(code, message, details);
                throw used.refusal;
            },
        };
    }

    const EVENT_MEMBERS = ['type', 'data', 'tags', 'metadata'];

    // What is wrong with an event, to be read behind its name; undefined: nothing.
    function eventFault(event) {
        if (!isObject(event) || typeof event.type !== 'string') {
            return ' is not an event: { type, data, tags?, metadata? }';
        }
        for (const key of Object.keys(event)) {
            if (!EVENT_MEMBERS.includes(key)) {
                return `.${key} is unknown: an event has type, data, tags and metadata`;
            }
        }
        const { tags, metadata } = event;
        if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
            return '.tags is not an array of texts';
        }
        if (metadata !== undefined && (!isObject(metadata) || 'command' in metadata)) {
            return '.metadata is not an object, or has a member "command", which is ours';
        }
        return undefined;
    }

    // What decide returned, as data of our own: {events, text}, the same twice.
    function readEvents(result, name) {
        if (result === undefined || result === null) {
            throw new TypeError(`decide.${name} returned ${result}: it returns an array of events, [] when nothing happens`);
        }
        const text = plainText(result, `what decide.${name} returned`);
        const returned = JSON.parse(text);
        const events = Array.isArray(returned) ? returned : [returned];
        let asReturned = events === returned;
        for (let i = 0; i < events.length; i++) {
            const fault = eventFault(events[i]);
            if (fault !== undefined) {
                throw new TypeError(`event ${i + 1} of decide.${name}${fault}`);
            }
            if (!Object.hasOwn(events[i], 'data')) {
                events[i].data = {};
                asReturned = false;
            }
        }
        return { events, text: asReturned ? text : JSON.stringify(events) };
    }

    // The new events are folded before they are offered to the log: what evolve cannot take is
    // refused here, where it does no harm.
    function decide(decider, entry, request) {
        const { name, data } = request.command;
        const used = { refusal: undefined, random: undefined };
        let decided;
        try {
            const result = decider.decide[name](JSON.parse(entry.text), data, makeContext(request, used));
            decided = used.refusal === undefined ? readEvents(result, name) : undefined;
        } catch (error) {
            if (used.refusal === undefined) {
                throw error;
            }
        }
        const seeded = used.random !== undefined;
        if (decided === undefined) {
            return JSON.stringify({ rejected: used.refusal, seeded });
        }
        const { events, text } = decided;
        if (events.length > 0) {
            const after = fold(decider, entry, events);
            after.before = { revision: entry.revision, text: entry.text, before: undefined };
            remember(request.stream, after);
        }
        return `{"events":${text},"seeded":${seeded}}`;
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

    return { add, step, shed };
}
