// live_operators.js - the operators of RxJS and the properties of Bacon.js over the event-stream library.
//
// Each takes what RxJS 7.8 takes and brings it into the form of a row in worker/live/op_*.c: overloads and
// options are taken apart here, and functions that give streams are wrapped so that they give handles.
import { checkPredicate, checkSelection, isRecord, millisecondsOf, shown } from './flow_check.js';
import { build, handleOf, handleOfResult, Stream } from './live_stream.js';

// --- Arguments ----------------------------------------------------------------------------------

// Milliseconds, of a number or a text as '10s'.
export function duration(value, what) {
    if (typeof value === 'number' && !Number.isNaN(value)) {
        return Math.max(value, 0);
    }
    const ms = millisecondsOf(value);
    if (ms === undefined) {
        throw new TypeError(`${what} is ${shown(value)}: a duration is a number of milliseconds or a text like '500ms', '30s', '10m'`);
    }
    return ms;
}

const isDate = (value) => value instanceof Date;
const isStream = (value) => value instanceof Stream;
const isFunction = (value) => typeof value === 'function';
const never = Infinity;

export function stream(value, what) {
    if (isStream(value)) {
        return value;
    }
    if (Array.isArray(value) || (typeof value === 'object' && value !== null && isFunction(value[Symbol.iterator]))) {
        return of(...value);
    }
    throw new TypeError(`${what} takes a stream or an array, not ${shown(value)}`);
}

const streams = (values, what) => values.map((value) => stream(value, what));
const handles = (list) => list.map(handleOf);
const fn = (value, what) => {
    if (!isFunction(value)) {
        throw new TypeError(`${what} takes a function, not ${shown(value)}`);
    }
    return value;
};
const optional = (value, what) => (value === undefined || value === null ? null : fn(value, what));
const giving = (value, what) => ((f) => (...args) => handleOfResult(stream(f(...args), `what the function of ${what} gives`)))(fn(value, what));
const count = (value, what, missing = never) => {
    if (value === undefined || value === null) {
        return missing;
    }
    if (typeof value !== 'number' || Number.isNaN(value)) {
        throw new TypeError(`${what} is ${shown(value)}: a number is wanted`);
    }
    return value;
};

// The options object among the arguments that RxJS lets a scheduler stand in front of.
const optionsOf = (...args) => args.find((arg) => isRecord(arg)) ?? {};

// What a subject is for share and its like: `() => new ReplaySubject(1)`.
const KINDS = { Subject: 0, BehaviorSubject: 1, ReplaySubject: 2, AsyncSubject: 3 };
class SubjectKind {
    constructor(kind, ...args) {
        this.spec = [kind, ...args];
    }
}
export class Subject extends SubjectKind {
    constructor() {
        super(KINDS.Subject);
    }
}
export class BehaviorSubject extends SubjectKind {
    constructor(value) {
        super(KINDS.BehaviorSubject, value);
    }
}
export class ReplaySubject extends SubjectKind {
    constructor(size = never, window = never) {
        super(KINDS.ReplaySubject, size, window);
    }
}
export class AsyncSubject extends SubjectKind {
    constructor() {
        super(KINDS.AsyncSubject);
    }
}
function subject(connector, what) {
    const made = isFunction(connector) ? connector() : connector;
    if (made !== undefined && made !== null && !(made instanceof SubjectKind)) {
        throw new TypeError(`the connector of ${what} gives a subject: () => new ReplaySubject(1)`);
    }
    return made?.spec ?? null;
}

// --- Making -------------------------------------------------------------------------------------

const one = (input, name, ...args) => new Stream(() => build(name, handleOf(input), ...args));
const two = (input, other, name, ...args) => new Stream(() => build(name, handleOf(input), handleOf(other), ...args));
const many = (inputs, name, ...args) => new Stream(() => build(name, handles(inputs), ...args));
const source = (name, ...args) => new Stream(() => build(name, ...args));

export const of = (...values) => source('of', values);
const empty = source.bind(undefined, 'empty');

// Inputs as an array or one by one, and a function behind them.
function inputsOf(args, what) {
    const [list, project] = Array.isArray(args[0]) && !isStream(args[0]) ? args : isFunction(args.at(-1)) ? [args.slice(0, -1), args.at(-1)] : [args, undefined];
    return { inputs: streams(list, what), project: optional(project, what) };
}

function combining(name) {
    return (...args) => {
        if (args.length === 1 && isRecord(args[0])) {
            const names = Object.keys(args[0]);
            const inputs = streams(Object.values(args[0]), name);
            return many(inputs, name, (...values) => Object.fromEntries(names.map((key, index) => [key, values[index]])));
        }
        const { inputs, project } = inputsOf(args, name);
        return many(inputs, name, project);
    };
}

// Alone with streams one by one, or with how many may run behind them.
function merge(...args) {
    const concurrent = typeof args.at(-1) === 'number' ? args.pop() : never;
    return new Stream(() => build('merge', concurrent, handles(streams(args, 'merge'))));
}

function throwing(value) {
    return isFunction(value) ? source('defer', () => handleOfResult(source('throwError', value()))) : source('throwError', value);
}

const timer = (due = 0, period = never) => (isDate(due) ? source('timerAt', due.getTime(), period < 0 ? never : duration(period, 'timer')) : source('timer', duration(due, 'timer'), period < 0 ? never : duration(period, 'timer')));
const defer = (make) => source('defer', giving(make, 'defer'));
const choosing = (name) => (...args) => {
    const inputs = inputsOf(args, name).inputs;
    return inputs.length === 0 ? empty() : many(inputs, name);
};
const combineLatest = combining('combineLatest');
const zip = combining('zip');
const partition = (input, predicate) => [operators.filter(input, predicate), operators.filter(input, (value, index) => !predicate(value, index))];

function generate(...args) {
    const given = args.length === 1 ? args[0] : { initialState: args[0], condition: args[1], iterate: args[2], resultSelector: args[3] };
    const made = source('generate', given.initialState, optional(given.condition, 'generate'), fn(given.iterate, 'generate'));
    return isFunction(given.resultSelector) ? operators.map(made, given.resultSelector) : made;
}

function using(open, make) {
    return defer(() => {
        const resource = open();
        return operators.finalize(stream(make(resource), 'using'), () => resource?.unsubscribe?.());
    });
}

function patterns(list, what) {
    const inputs = list.flatMap((pattern) => streams(pattern.slice(0, -1), what));
    const parts = list.flatMap((pattern) => [pattern.length - 1, fn(pattern.at(-1), what)]);
    return [inputs, parts];
}

function update(initial, ...list) {
    const [inputs, parts] = patterns(list, 'update');
    return many(inputs, 'update', parts, initial);
}

function when(...list) {
    const [inputs, parts] = patterns(list, 'when');
    return many(inputs, 'when', parts);
}

// {total: stream, of: {name: 'x'}} filled anew whenever one of its streams changes.
function combineTemplate(template) {
    const inputs = [];
    const read = (part) => {
        if (isStream(part)) {
            const place = inputs.push(part) - 1;
            return (values) => values[place];
        }
        if (Array.isArray(part)) {
            const parts = part.map(read);
            return (values) => parts.map((fill) => fill(values));
        }
        if (isRecord(part)) {
            const parts = Object.entries(part).map(([name, inner]) => [name, read(inner)]);
            return (values) => Object.fromEntries(parts.map(([name, fill]) => [name, fill(values)]));
        }
        return () => part;
    };
    const fill = read(template);
    return many(inputs, 'combineWith', (...values) => fill(values));
}

export const creation = {
    of,
    throwError: throwing,
    defer,
    interval: (period = 0) => source('interval', duration(period, 'interval')),
    timer,
    range: (start, size) => (size === undefined ? source('range', 0, start) : source('range', start, size)),
    generate,
    iif: (test, yes, no) => defer(() => (test() ? yes : no)),
    using,
    merge,
    concat: choosing('concat'),
    race: choosing('race'),
    onErrorResumeNext: choosing('onErrorResumeNext'),
    combineLatest,
    zip,
    forkJoin: combining('forkJoin'),
    partition,
    sequentially: (every, values) => source('sequentially', duration(every, 'sequentially'), values),
    repeatedly: (every, values) => source('repeatedly', duration(every, 'repeatedly'), values),
    fromPoll: (every, poll) => source('fromPoll', duration(every, 'fromPoll'), fn(poll, 'fromPoll')),
    constant: (value) => source('constant', value),
    groupSimultaneous: (...inputs) => many(streams(inputs, 'groupSimultaneous'), 'groupSimultaneous'),
    combineTemplate,
    combineWith: (project, ...inputs) => many(streams(inputs, 'combineWith'), 'combineWith', fn(project, 'combineWith')),
    update,
    when,
};

// --- Operators ----------------------------------------------------------------------------------

const same = (value) => value;
const flattening = (name) => (input, project, ...more) => one(input, name, giving(project, name), ...more);
const edges = ({ leading = true, trailing = false }) => (leading ? 1 : 0) + (trailing ? 2 : 0);
const mergeMap = (input, project, concurrent) => one(input, 'mergeMap', giving(project, 'mergeMap'), count(concurrent, 'mergeMap'));
const pathOf = (path) => {
    const members = path.split('.');
    return (value) => members.reduce((part, member) => part?.[member], value);
};
const fieldOf = (path) => (path.startsWith('@') ? (event) => event[path.slice(1)] : pathOf(path));

const COMPARE = {
    eq: (a, b) => a === b,
    ne: (a, b) => a !== b,
    gt: (a, b) => typeof a === typeof b && a > b,
    gte: (a, b) => typeof a === typeof b && a >= b,
    lt: (a, b) => typeof a === typeof b && a < b,
    lte: (a, b) => typeof a === typeof b && a <= b,
    in: (a, b) => b.includes(a),
    startsWith: (a, b) => typeof a === 'string' && a.startsWith(b),
    exists: (a, b) => (a !== undefined) === b,
};

function test(predicate) {
    if (predicate.not !== undefined) {
        return ((inner) => (value) => !inner(value))(test(predicate.not));
    }
    if (predicate.all !== undefined) {
        return ((inner) => (value) => inner.every((part) => part(value)))(predicate.all.map(test));
    }
    if (predicate.any !== undefined) {
        return ((inner) => (value) => inner.some((part) => part(value)))(predicate.any.map(test));
    }
    const field = fieldOf(predicate.path);
    return (value) => COMPARE[predicate.cmp](field(value), predicate.value);
}

function selecting(selection) {
    const parts = selection.map(([name, { path, value }]) => [name, path === undefined ? () => value : fieldOf(path)]);
    return (from) => Object.fromEntries(parts.map(([name, field]) => [name, field(from)]));
}

function timeout(input, given, ...rest) {
    const { each, first, with: other } = isDate(given) ? { first: given } : isRecord(given) ? given : { each: given };
    const makeOther = other === undefined ? null : isFunction(other) ? giving(() => other({ meta: undefined }), 'timeout') : giving(() => other, 'timeout');
    const firstDue = first === undefined ? 0 : isDate(first) ? first.getTime() : duration(first, 'timeout');
    return one(input, 'timeout', each === undefined ? 0 : duration(each, 'timeout'), firstDue, isDate(first), makeOther);
}

function retry(input, given) {
    const { count: times = never, delay, resetOnSuccess = false } = isRecord(given) ? given : { count: given };
    const byFunction = isFunction(delay) ? giving((error, index) => delay(error, index), 'retry') : null;
    return one(input, 'retry', count(times, 'retry'), delay !== undefined, isFunction(delay) || delay === undefined ? 0 : duration(delay, 'retry'), byFunction, resetOnSuccess);
}

function repeat(input, given) {
    const { count: times = never, delay } = isRecord(given) ? given : { count: given };
    return one(input, 'repeat', count(times, 'repeat'), delay !== undefined, isFunction(delay) || delay === undefined ? 0 : duration(delay, 'repeat'), isFunction(delay) ? giving(delay, 'repeat') : null);
}

function share(input, options = {}) {
    const { connector, resetOnError = true, resetOnComplete = true, resetOnRefCountZero = true } = options;
    const resets = [resetOnError, resetOnComplete, resetOnRefCountZero];
    return one(input, 'share', subject(connector, 'share'), ...resets.map((reset) => reset === false), ...resets.map((reset) => (isFunction(reset) ? giving(reset, 'share') : null)));
}

function shareReplay(input, given = never, window = never) {
    const { bufferSize = never, windowTime = never, refCount = false } = isRecord(given) ? given : { bufferSize: given, windowTime: window };
    return one(input, 'shareReplay', bufferSize, windowTime === never ? 0 : duration(windowTime, 'shareReplay'), refCount);
}

function groupBy(input, key, element, durationOf, connector) {
    const options = isRecord(element) ? element : { element, duration: durationOf, connector };
    return one(input, 'groupBy', fn(key, 'groupBy'), optional(options.element, 'groupBy'), options.duration === undefined ? null : giving(options.duration, 'groupBy'), subject(options.connector, 'groupBy'));
}

function tap(input, given, onError, onComplete) {
    const { next, error, complete } = isRecord(given) ? given : { next: given, error: onError, complete: onComplete };
    return one(input, 'tap', optional(next, 'tap'), optional(error, 'tap'), optional(complete, 'tap'));
}

function catchError(input, handler) {
    fn(handler, 'catchError');
    const caught = one(input, 'catchError', (error) => handleOfResult(stream(handler(error, caught), 'what the function of catchError gives')));
    return caught;
}

const distinctUntilChanged = (input, equal, key) => one(input, 'distinctUntilChanged', optional(equal, 'distinctUntilChanged'), optional(key, 'distinctUntilChanged'));
const withIndexed = (name) => (input, predicate, ...fallback) => one(input, name, optional(predicate, name), fallback[0]);
const collecting = (combine) => (input, project) => mergeMap(operators.toArray(input), (inner) => (project === undefined ? combine(streams(inner, 'combineLatestAll')) : combine(streams(inner, 'combineLatestAll'), project)));
const beside = (combine) => (input, ...others) => combine(...[input, ...others]);

// A state that is kept and what is given out for each event: (state, value) => [state, outputs].
function withStateMachine(input, initial, step) {
    fn(step, 'withStateMachine');
    return defer(() => {
        let state = initial;
        return operators.concatMap(input, (value) => {
            const [next, outputs] = step(state, value);
            state = next;
            return of(...outputs);
        });
    });
}

export const operators = {
    // Data, as in the flows of an APP.
    ofType: (input, ...types) => operators.filter(input, (event) => types.includes(event.type)),
    where: (input, predicate) => operators.filter(input, test(checkPredicate(predicate, false))),
    select: (input, selection) => operators.map(input, selecting(checkSelection(selection, 'select', false))),

    // One stream in, values out.
    map: (input, project) => one(input, 'map', fn(project, 'map')),
    mapTo: (input, value) => one(input, 'mapTo', value),
    filter: (input, predicate) => one(input, 'filter', fn(predicate, 'filter')),
    tap,
    scan: (input, fold, ...seed) => one(input, 'scan', fn(fold, 'scan'), ...(seed.length > 0 ? seed : [undefined])),
    reduce: (input, fold, ...seed) => one(input, 'reduce', fn(fold, 'reduce'), ...(seed.length > 0 ? seed : [undefined])),
    pairwise: (input) => one(input, 'pairwise'),
    distinctUntilChanged,
    distinctUntilKeyChanged: (input, key, equal) => distinctUntilChanged(input, equal, (value) => value[key]),
    distinct: (input, key, flush) => new Stream(() => build('distinct', handleOf(input), optional(key, 'distinct'), flush === undefined ? null : handleOf(stream(flush, 'distinct')))),
    ignoreElements: (input) => one(input, 'ignoreElements'),
    timestamp: (input) => operators.map(one(input, 'timestamp'), ([value, timestamp]) => ({ value, timestamp })),
    timeInterval: (input) => operators.map(one(input, 'timeInterval'), ([value, interval]) => ({ value, interval })),
    materialize: (input) => one(input, 'materialize'),
    dematerialize: (input) => operators.concatMap(operators.takeWhile(input, ({ kind }) => kind !== 'C'), ({ kind, value, error }) => (kind === 'N' ? of(value) : throwing(error))),
    finalize: (input, action) => one(input, 'finalize', fn(action, 'finalize')),
    take: (input, size) => one(input, 'take', count(size, 'take')),
    takeWhile: (input, predicate, inclusive = false) => one(input, 'takeWhile', fn(predicate, 'takeWhile'), inclusive),
    takeUntil: (input, notifier) => two(input, stream(notifier, 'takeUntil'), 'takeUntil'),
    takeLast: (input, size) => one(input, 'takeLast', count(size, 'takeLast')),
    skip: (input, size) => one(input, 'skip', count(size, 'skip')),
    skipWhile: (input, predicate) => one(input, 'skipWhile', fn(predicate, 'skipWhile')),
    skipUntil: (input, notifier) => two(input, stream(notifier, 'skipUntil'), 'skipUntil'),
    skipLast: (input, size) => one(input, 'skipLast', count(size, 'skipLast')),
    first: withIndexed('first'),
    last: withIndexed('last'),
    single: (input, predicate) => one(input, 'single', optional(predicate, 'single')),
    elementAt: (input, index, ...fallback) => one(input, 'elementAt', count(index, 'elementAt'), fallback[0]),
    find: (input, predicate) => one(input, 'find', fn(predicate, 'find'), undefined),
    findIndex: (input, predicate) => one(input, 'findIndex', fn(predicate, 'findIndex')),
    count: (input, predicate) => one(input, 'count', optional(predicate, 'count')),
    min: (input, compare) => one(input, 'min', optional(compare, 'min')),
    max: (input, compare) => one(input, 'max', optional(compare, 'max')),
    toArray: (input) => one(input, 'toArray'),
    every: (input, predicate) => one(input, 'every', fn(predicate, 'every')),
    isEmpty: (input) => one(input, 'isEmpty'),
    defaultIfEmpty: (input, value) => one(input, 'defaultIfEmpty', value),
    throwIfEmpty: (input, make) => one(input, 'throwIfEmpty', optional(make, 'throwIfEmpty')),
    startWith: (input, ...values) => one(input, 'startWith', values),
    endWith: (input, ...values) => one(input, 'endWith', values),
    bufferCount: (input, size, every) => one(input, 'bufferCount', count(size, 'bufferCount'), count(every, 'bufferCount', 0)),

    // Several streams.
    mergeWith: beside(merge),
    concatWith: beside(creation.concat),
    raceWith: beside(creation.race),
    onErrorResumeNextWith: beside(creation.onErrorResumeNext),
    combineLatestWith: beside(combineLatest),
    zipWith: beside(zip),
    withLatestFrom(input, ...args) {
        const { inputs, project } = inputsOf(args, 'withLatestFrom');
        return new Stream(() => build('withLatestFrom', handleOf(input), handles(inputs), project));
    },
    sequenceEqual: (input, other, equal) => two(input, stream(other, 'sequenceEqual'), 'sequenceEqual', optional(equal, 'sequenceEqual')),
    sample: (input, notifier) => two(input, stream(notifier, 'sample'), 'sample'),
    buffer: (input, notifier) => two(input, stream(notifier, 'buffer'), 'buffer'),
    window: (input, notifier) => two(input, stream(notifier, 'window'), 'window'),

    // A stream for each event.
    mergeMap,
    flatMap: mergeMap,
    concatMap: flattening('concatMap'),
    switchMap: flattening('switchMap'),
    exhaustMap: flattening('exhaustMap'),
    mergeAll: (input, concurrent) => mergeMap(input, same, concurrent),
    concatAll: (input) => operators.concatMap(input, same),
    switchAll: (input) => operators.switchMap(input, same),
    exhaustAll: (input) => operators.exhaustMap(input, same),
    combineLatestAll: collecting(combineLatest),
    zipAll: collecting(zip),
    expand: (input, project, concurrent) => one(input, 'expand', giving(project, 'expand'), count(concurrent, 'expand')),
    mergeScan: (input, fold, seed, concurrent) => one(input, 'mergeScan', giving(fold, 'mergeScan'), seed, count(concurrent, 'mergeScan')),
    switchScan: (input, fold, seed) => one(input, 'switchScan', giving(fold, 'switchScan'), seed),
    groupBy,
    bufferWhen: (input, closing) => one(input, 'bufferWhen', giving(closing, 'bufferWhen')),
    bufferToggle: (input, openings, closing) => two(input, stream(openings, 'bufferToggle'), 'bufferToggle', giving(closing, 'bufferToggle')),
    windowWhen: (input, closing) => one(input, 'windowWhen', giving(closing, 'windowWhen')),
    windowToggle: (input, openings, closing) => two(input, stream(openings, 'windowToggle'), 'windowToggle', giving(closing, 'windowToggle')),
    windowCount: (input, size, every) => one(input, 'windowCount', count(size, 'windowCount'), count(every, 'windowCount', 0)),

    // Time.
    delay: (input, due) => (isDate(due) ? one(input, 'delayUntil', due.getTime()) : one(input, 'delay', duration(due, 'delay'))),
    delayWhen: (input, notifier, subscriptionDelay) => new Stream(() => build('delayWhen', handleOf(input), giving(notifier, 'delayWhen'), subscriptionDelay === undefined ? null : handleOf(stream(subscriptionDelay, 'delayWhen')))),
    debounceTime: (input, due) => one(input, 'debounceTime', duration(due, 'debounceTime')),
    debounce: (input, notifier) => one(input, 'debounce', giving(notifier, 'debounce')),
    throttleTime: (input, due, ...more) => one(input, 'throttleTime', duration(due, 'throttleTime'), edges(optionsOf(...more))),
    throttle: (input, notifier, options) => one(input, 'throttle', giving(notifier, 'throttle'), edges(options ?? {})),
    auditTime: (input, due) => one(input, 'auditTime', duration(due, 'auditTime')),
    audit: (input, notifier) => one(input, 'audit', giving(notifier, 'audit')),
    sampleTime: (input, period) => one(input, 'sampleTime', duration(period, 'sampleTime')),
    bufferTime: (input, span, every, max) => one(input, 'bufferTime', duration(span, 'bufferTime'), every === undefined || every === null ? never : duration(every, 'bufferTime'), count(max, 'bufferTime')),
    windowTime: (input, span, every, max) => one(input, 'windowTime', duration(span, 'windowTime'), every === undefined || every === null ? never : duration(every, 'windowTime'), count(max, 'windowTime')),
    timeout,
    observeOn: (input, ...args) => one(input, 'observeOn', args.length === 0 ? 0 : duration(args.at(-1), 'observeOn')),
    subscribeOn: (input, ...args) => one(input, 'subscribeOn', args.length === 0 ? 0 : duration(args.at(-1), 'subscribeOn')),

    // Ends, errors, sharing.
    catchError,
    retry,
    repeat,
    retryWhen: (input, notifier) => one(input, 'retryWhen', giving((errors) => notifier(one(errors, 'fromErrors')), 'retryWhen')),
    repeatWhen: (input, notifier) => one(input, 'repeatWhen', giving((ends) => notifier(operators.map(ends, () => undefined)), 'repeatWhen')),
    share,
    shareReplay,
    connect: (input, selector, options) => one(input, 'connect', subject(options?.connector, 'connect'), giving(selector, 'connect')),

    // Properties, and the rest of Bacon.js.
    toProperty: (input, ...initial) => one(input, 'toProperty', initial[0]),
    changes: (input) => one(input, 'changes'),
    sampledBy: (input, sampler, project) => two(input, stream(sampler, 'sampledBy'), 'sampledBy', optional(project, 'sampledBy')),
    holdWhen: (input, valve) => two(input, stream(valve, 'holdWhen'), 'holdWhen'),
    awaiting: (input, other) => two(input, stream(other, 'awaiting'), 'awaiting'),
    slidingWindow: (input, max, min = 0) => one(input, 'slidingWindow', count(max, 'slidingWindow'), count(min, 'slidingWindow', 0)),
    diff: (input, start, difference) => one(input, 'diff', fn(difference, 'diff'), start),
    withStateMachine,
    mapError: (input, project) => one(input, 'mapError', fn(project, 'mapError')),
    flatMapError: (input, project) => one(input, 'flatMapError', giving(project, 'flatMapError')),
    skipErrors: (input) => one(input, 'skipErrors'),
    errors: (input) => one(input, 'errors'),
    endOnError: (input) => one(input, 'endOnError'),
    mapEnd: (input, value) => one(input, 'mapEnd', value),
    bufferingThrottle: (input, span) => one(input, 'bufferingThrottle', duration(span, 'bufferingThrottle')),
    bufferWithTime: (input, span, max) => one(input, 'bufferWithTime', duration(span, 'bufferWithTime'), count(max, 'bufferWithTime')),
};

// Streams that belong to one loop: made for each expression.
export const constants = () => ({ EMPTY: source('empty'), NEVER: source('never') });
