// live.js - a live expression: its sources, its module, and its way from one request to the next.
//
// FRAME_LOAD with {live: true, modules, now, from} builds; FRAME_LIVE brings time and events, the first one
// subscribes. The server has the clock: between two requests nothing moves, so the same requests give the same
// answers.
import { describe } from './faults.js';
import { checkOptions, checkTexts, isRecord, shown, takeFaults } from './flow_check.js';
import { constants, creation, operators, AsyncSubject, BehaviorSubject, ReplaySubject, Subject, of } from './live_operators.js';
import { begin, define, handleOf, loaded, natives, Stream } from './live_stream.js';
import { plainText } from './plain.js';
import { makeRandom, unitOf } from './random.js';

const SOURCES_MAX = 64; /* as worker/live/live.c */
const OUTPUTS_MAX = 100_000; /* of one request */
const OUTPUT_CHARS_MAX = 16_000_000;

// What flows alone have, and what there is instead.
const flowsOnly = {
    keyBy: 'groupBy(f) and mergeMap(group => ...)',
    tumbling: "bufferTime('1m') or windowTime('1m')",
    hopping: "bufferTime('1h', '10m')",
    session: 'buffer(stream.debounceTime(d))',
    sliding: 'slidingWindow(n)',
    countWindow: 'bufferCount(n)',
    aggregate: 'scan((state, event) => ..., seed)',
    joinWithin: 'when and combineLatest',
    lookup: 'withLatestFrom',
    emit: 'nothing like it: every value of the expression is sent',
};

const steps = define(operators);
for (const [name, instead] of Object.entries(flowsOnly)) {
    Stream.prototype[name] = () => {
        throw new TypeError(`${name} is for flows (flows/NAME.js); a live expression has ${instead}`);
    };
}
Stream.prototype.subscribe = () => {
    throw new TypeError('an expression is not subscribed to from inside: give the stream itself, its values are sent to you');
};
const pipe = (...all) => (stream) => stream.pipe(...all);
const others = { pipe, Subject, BehaviorSubject, ReplaySubject, AsyncSubject };

// What is in scope of an expression; compiler.js imports all of it.
export const liveNames = [...new Set(['from', 'EMPTY', 'NEVER', ...Object.keys({ ...steps, ...creation, ...others })])];

// --- Sources ------------------------------------------------------------------------------------

const PLACES = {
    category: (name) => (stream) => stream.startsWith(`${name}-`),
    stream: (name) => (stream) => stream === name,
    prefix: (name) => (stream) => stream.startsWith(name),
};

// {place?, types?, tags?} -> event => boolean. Records of the server itself are seen by who names them.
function matcher({ types, tags, ...places }) {
    const [[kind, name] = []] = Object.entries(places);
    const isThere = kind === undefined ? (stream) => !stream.startsWith('$') : PLACES[kind](name);
    return (event) => isThere(event.stream) && (types === undefined || types.includes(event.type)) && (tags === undefined || tags.every((tag) => event.tags.includes(tag)));
}

let sources = []; /* {filter, matches} by number */

function from(given) {
    if (given instanceof Stream) {
        return given;
    }
    if (typeof given === 'object' && given !== null && typeof given[Symbol.iterator] === 'function') {
        return of(...given);
    }
    const options = typeof given === 'string' ? { category: given } : given ?? {};
    if (!isRecord(options)) {
        throw new TypeError(`from takes a category, as in from('account'), { category | stream | prefix, types, tags } or an array, not ${shown(given)}`);
    }
    checkOptions(options, [...Object.keys(PLACES), 'types', 'tags'], 'from');
    const places = Object.keys(PLACES).filter((kind) => Object.hasOwn(options, kind));
    if (places.length > 1) {
        throw new TypeError(`from takes one of category, stream and prefix, not ${places.join(' and ')}; streams are joined by merge`);
    }
    ['types', 'tags'].filter((name) => options[name] !== undefined).forEach((name) => checkTexts([].concat(options[name]), `from: ${name}`));
    return sourceOf(options);
}

function sourceOf(filter) {
    if (sources.length === SOURCES_MAX) {
        throw new RangeError(`an expression reads ${SOURCES_MAX} sources at most: make them outside of functions, and share them`);
    }
    sources.push({ filter, matches: matcher(filter) });
    const made = new Stream(() => natives().source());
    made.handle = made.build(); /* also when a function makes it while the expression runs */
    return made;
}

// --- Running ------------------------------------------------------------------------------------

function eventOf([position, stream, type, revision, time, data, metadata, tags]) {
    return { type, data, metadata, stream, id: stream.slice(stream.indexOf('-') + 1), position, revision, time, tags };
}

const jsonOf = (value, position) => `[${position},${plainText(value === undefined ? null : value, 'a value')}]`;

export function makeLive(makeNative, world) {
    let native;
    let outputs = []; /* of the request in hand */
    let size = 0;
    let position; /* of the last event that was seen */
    let expression; /* its stream, until the first request subscribes to it */
    let end; /* {ended: true} or {failed: text}, said once */

    function say(value) {
        if (end !== undefined) {
            return;
        }
        try {
            const text = jsonOf(value, position);
            size += text.length;
            outputs.push(text);
        } catch (error) {
            end = { failed: describe(error, 'expression') };
        }
        if (outputs.length > OUTPUTS_MAX || size > OUTPUT_CHARS_MAX) {
            end = { failed: `expression: it gave more than ${OUTPUTS_MAX} values, or 16 million characters, at once` };
        }
    }

    // Timers that are due on the way see their own time.
    function moveTo(now) {
        for (let due = native.due(); due <= now; due = native.due()) {
            world.time = due;
            native.advance(due);
        }
        world.time = now;
        native.advance(now);
    }

    function push(event) {
        sources.forEach(({ matches }, number) => {
            if (end === undefined && matches(event)) {
                native.push(number, event);
            }
        });
    }

    // What the request made, once: [[position, VALUE]...] stands as JSON already.
    function answer() {
        const due = native.due();
        const more = [Number.isFinite(due) ? `,"due":${Math.ceil(due)}` : '', end?.ended ? ',"ended":true' : '', end?.failed === undefined ? '' : `,"failed":${JSON.stringify(end.failed)}`];
        const text = `{"out":[${outputs.join(',')}]${more.join('')}}`;
        outputs = [];
        size = 0;
        return text;
    }

    // The module 'everfold/live', before the expression is evaluated. `from`: the position it begins behind.
    function open({ now, from: begins }) {
        position = begins;
        native = makeNative();
        begin(native);
        native.advance(now);
        world.time = now;
        const next = makeRandom(now.toString(16).padStart(32, '0').slice(-32));
        world.random = () => unitOf(next);
        return Object.freeze({ ...steps, ...creation, ...others, ...constants(), from });
    }

    // What the expression gave: {filters}, or a fault as a text.
    function take(stream) {
        const [noted] = takeFaults();
        if (noted !== undefined || !(stream instanceof Stream)) {
            return { fault: noted ?? `expression:1: it gives ${shown(stream)}: a live expression gives a stream, as from('account').map(e => e.data)` };
        }
        loaded();
        expression = stream;
        return { filters: sources.map(({ filter }) => filter) };
    }

    function subscribe() {
        const failed = (error) => { end ??= { failed: describe(error, 'expression') }; };
        native.run(handleOf(expression), say, failed, () => { end ??= { ended: true }; });
        expression = undefined;
    }

    // {now, replay?, events: [[position, stream, type, revision, time_ms, data, metadata, tags]...]}
    // -> {out: [[position, VALUE]...], due?: ms, ended?: true, failed?: text}
    // `replay`: the events are of the past, and time goes along with them; else they are of now.
    function step(text) {
        const { now, replay = false, events } = JSON.parse(text);
        if (expression !== undefined) {
            subscribe();
        }
        for (const event of events.map(eventOf)) {
            moveTo(replay ? Math.max(event.time, native.now()) : now);
            position = event.position;
            push(event);
        }
        if (!replay) {
            moveTo(Math.max(now, native.now()));
        }
        return answer();
    }

    return { open, take, step };
}
