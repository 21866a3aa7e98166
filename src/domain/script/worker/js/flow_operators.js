// flow_operators.js - the operators of a flow: what each takes, and the node it makes.
import { checkCount, checkDuration, checkFunction, checkChoice, checkOptions, checkPath, checkPaths, checkPlain, checkPredicate, checkSelection, checkTexts, fault } from './flow_check.js';
import { checkStream, noStream, Stream } from './flow_stream.js';

// A node on one stream that gives what it takes, or not: take, where ...
const passing = (stream, op, members) => new Stream(op, members, [stream], { isEvent: stream.isEvent });
// A node whose values are its own.
const making = (inputs, op, members = {}) => new Stream(op, members, inputs);
// A JavaScript function: `run` is what flow_script.js makes code of.
const calling = (inputs, run, isEvent = false) => new Stream('script', {}, inputs, { isEvent, run });

const streams = (values, what) => values.map((value) => checkStream(value, what));
// The value is an array, and the function gets its parts as arguments.
const spread = (stream, fn, isOwn = false) => calling([stream], { op: 'spread', fn, isOwn });
const projected = (stream, project, what) => (project === undefined ? stream : spread(stream, checkFunction(project, what)));

function filterBy(stream, op, fn, more = {}) {
    return calling([stream], { op, fn: checkFunction(fn, op), ...more }, stream.isEvent);
}

function mapBy(stream, op, fn) {
    return calling([stream], { op, fn: checkFunction(fn, op) });
}

function keyBy(stream, ...keys) {
    if (keys.length === 1 && typeof keys[0] === 'function') {
        return calling([stream], { op: 'keyBy', fn: keys[0] }, stream.isEvent);
    }
    if (keys.length === 0) {
        fault("keyBy takes paths, as in keyBy('data.account'), or one function");
    }
    return passing(stream, 'keyBy', { paths: checkPaths(keys, 'keyBy', stream.isEvent) });
}

function distinctUntilChanged(stream, by, keyOf) {
    if (typeof by === 'function' || keyOf !== undefined) {
        const compare = by === undefined ? undefined : checkFunction(by, 'distinctUntilChanged');
        return calling([stream], { op: 'distinctUntilChanged', fn: compare, keyOf: keyOf && checkFunction(keyOf, 'distinctUntilChanged') }, stream.isEvent);
    }
    return passing(stream, 'distinctUntilChanged', by === undefined ? {} : { path: checkPath(by, 'distinctUntilChanged', stream.isEvent) });
}

function distinct(stream, path, options) {
    const [by, given] = typeof path === 'object' ? [undefined, path] : [path, options];
    if (typeof by === 'function') {
        fault("distinct takes a path; a key that is computed is made first: .map(v => ({ key: f(v), v })).distinct('key')");
        return stream;
    }
    const { ttl } = checkOptions(given, ['ttl'], 'distinct');
    const members = by === undefined ? {} : { path: checkPath(by, 'distinct', stream.isEvent) };
    return passing(stream, 'distinct', ttl === undefined ? members : { ...members, ttl: checkDuration(ttl, 'ttl', 1) });
}

// State and outputs from several streams: each pattern is [stream, ..., function]. A pattern fires when
// each of its streams has something; a property is looked at, of another stream one value is used up.
function patternsOf(patterns, what) {
    if (patterns.length === 0) {
        fault(`${what} takes patterns: [stream, ..., function]`);
    }
    const inputs = [];
    const indexOf = (stream) => (inputs.includes(stream) ? inputs.indexOf(stream) : inputs.push(stream) - 1);
    const parts = patterns.map((pattern) => {
        const isPattern = Array.isArray(pattern) && pattern.length >= 2;
        if (!isPattern) {
            fault(`a pattern of ${what} is [stream, ..., function], not ${shape(pattern)}`);
            return { inputs: [], fn: () => null };
        }
        return { inputs: streams(pattern.slice(0, -1), what).map(indexOf), fn: checkFunction(pattern.at(-1), `the end of a pattern of ${what}`) };
    });
    if (parts.some((part) => part.inputs.length > 0 && part.inputs.every((index) => inputs[index].isProperty))) {
        fault(`a pattern of ${what} has properties only, which never fire: one of its streams must be no property`);
    }
    return { inputs, parts, sampled: inputs.map((input) => input.isProperty === true) };
}

const shape = (value) => (Array.isArray(value) ? `an array of ${value.length}` : typeof value);

function property(stream) {
    stream.isProperty = true;
    return stream;
}

function fillTemplate(template, values) {
    const fill = (part) => {
        if (typeof part === 'number') {
            return values[part];
        }
        if (Array.isArray(part)) {
            return part.map(fill);
        }
        return 'constant' in part ? part.constant : Object.fromEntries(Object.entries(part.members).map(([name, inner]) => [name, fill(inner)]));
    };
    return fill(template);
}

// {total: stream, of: {name: 'x'}} -> the places of its streams, filled anew whenever one changes.
function combineTemplate(template) {
    const inputs = [];
    const read = (part, what) => {
        if (part instanceof Stream) {
            return inputs.push(part) - 1;
        }
        if (Array.isArray(part)) {
            return part.map((inner, index) => read(inner, `${what}.${index}`));
        }
        if (typeof part === 'object' && part !== null) {
            return { members: Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, read(inner, `${what}.${name}`)])) };
        }
        return { constant: checkPlain(part, what) };
    };
    const places = read(template, 'combineTemplate');
    if (inputs.length === 0) {
        fault('combineTemplate takes an object or array with streams in it');
        return noStream();
    }
    return property(calling([making(inputs, 'combineLatest')], { op: 'map', fn: (values) => fillTemplate(places, values), isOwn: true }));
}

function combineLatest(...args) {
    const [inputs, project] = Array.isArray(args[0]) ? args : [args, undefined];
    const [given, last] = typeof inputs.at(-1) === 'function' ? [inputs.slice(0, -1), inputs.at(-1)] : [inputs, project];
    const node = making(streams(given, 'combineLatest'), 'combineLatest');
    if (given.length === 0) {
        fault('combineLatest takes streams');
    }
    return property(projected(node, last, 'combineLatest'));
}

function withLatestFrom(stream, ...others) {
    const project = typeof others.at(-1) === 'function' ? others.pop() : undefined;
    if (others.length === 0) {
        fault('withLatestFrom takes streams');
    }
    return projected(making([stream, ...streams(others, 'withLatestFrom')], 'withLatestFrom'), project, 'withLatestFrom');
}

// Each event with the latest of another stream for what stands at `path`, as of the same event of the log.
function lookup(stream, other, path, otherPath = '@id') {
    const by = (input, at) => passing(input, 'keyBy', { paths: [checkPath(at, 'lookup', input.isEvent)] });
    return making([by(stream, path), by(checkStream(other, 'lookup'), otherPath)], 'withLatestFrom');
}

function joinWithin(left, right, within, options) {
    const { join = 'inner' } = checkOptions(options, ['join'], 'joinWithin');
    const members = { within: checkDuration(within, 'joinWithin', 1), join: checkChoice(join, ['inner', 'left', 'outer'], 'join') };
    return making([left, checkStream(right, 'joinWithin')], 'joinWithin', members);
}

export const operators = {
    // Data, not functions: these run without JavaScript.
    ofType(stream, ...types) {
        const wanted = checkTexts(types, 'ofType');
        if (stream.op === 'from' && stream.members.types === undefined && stream.members.of === undefined) {
            return new Stream('from', { ...stream.members, types: wanted }, [], { isEvent: true });
        }
        return passing(stream, 'where', { where: { path: '@type', cmp: 'in', value: wanted } });
    },
    where: (stream, predicate) => passing(stream, 'where', { where: checkPredicate(predicate, stream.isEvent) }),
    select: (stream, selection) => making([stream], 'select', { select: checkSelection(selection, 'select', stream.isEvent) }),
    keyBy,
    groupBy: keyBy,
    take: (stream, count) => passing(stream, 'take', { count: checkCount(count, 'take', 0, 1e9) }),
    skip: (stream, count) => passing(stream, 'skip', { count: checkCount(count, 'skip', 0, 1e9) }),
    pairwise: (stream) => making([stream], 'pairwise'),
    distinctUntilChanged,
    distinct,
    dedupe: distinct,
    bufferCount(stream, count, every) {
        const size = checkCount(count, 'bufferCount', 1, 100_000);
        return making([stream], 'bufferCount', { size, every: every === undefined ? size : checkCount(every, 'bufferCount: every', 1, 100_000) });
    },
    slidingWindow: (stream, size, min = 0) => making([stream], 'slidingWindow', { size: checkCount(size, 'slidingWindow', 1, 100_000), min: checkCount(min, 'slidingWindow: min', 0, 100_000) }),
    startWith: (stream, ...values) => making([stream], 'startWith', { values: values.map((value) => checkPlain(value, 'startWith')) }),
    debounceTime: (stream, due) => passing(stream, 'debounceTime', { due: checkDuration(due, 'debounceTime', 1) }),
    throttleTime: (stream, due) => passing(stream, 'throttleTime', { due: checkDuration(due, 'throttleTime', 1) }),
    delay: (stream, due) => passing(stream, 'delay', { due: checkDuration(due, 'delay') }),

    // Several streams.
    mergeWith: (stream, ...others) => merge(stream, ...others),
    withLatestFrom,
    combineLatestWith: (stream, ...others) => combineLatest([stream, ...others]),
    sampledBy(stream, sampler, project) {
        const both = making([checkStream(sampler, 'sampledBy'), stream], 'withLatestFrom');
        const turned = spread(both, (by, value) => [value, by], true);
        return project === undefined ? spread(turned, (value) => value, true) : projected(turned, project, 'sampledBy');
    },
    joinWithin,
    lookup,
    takeUntil: (stream, notifier) => calling([stream, checkStream(notifier, 'takeUntil')], { op: 'takeUntil' }, stream.isEvent),
    skipUntil: (stream, notifier) => calling([stream, checkStream(notifier, 'skipUntil')], { op: 'skipUntil' }, stream.isEvent),
    zipWith: (stream, ...others) => zip(stream, ...others),

    // JavaScript functions.
    map: (stream, fn) => mapBy(stream, 'map', fn),
    filter: (stream, fn) => filterBy(stream, 'filter', fn),
    tap: (stream, fn) => filterBy(stream, 'tap', fn),
    flatMap: (stream, fn) => mapBy(stream, 'flatMap', fn),
    mergeMap: (stream, fn) => mapBy(stream, 'flatMap', fn),
    concatMap: (stream, fn) => mapBy(stream, 'flatMap', fn),
    takeWhile: (stream, fn, inclusive = false) => filterBy(stream, 'takeWhile', fn, { inclusive: checkChoice(inclusive, [false, true], 'takeWhile: inclusive') }),
    skipWhile: (stream, fn) => filterBy(stream, 'skipWhile', fn),
    first: (stream, fn) => passing(fn === undefined ? stream : filterBy(stream, 'filter', fn), 'take', { count: 1 }),
    find: (stream, fn) => passing(filterBy(stream, 'filter', fn), 'take', { count: 1 }),
    scan(stream, fn, ...seed) {
        const first = seed.length === 0 ? {} : { seed: checkPlain(seed[0], 'the seed of scan') };
        return calling([stream], { op: 'scan', fn: checkFunction(fn, 'scan'), ...first });
    },
    withStateMachine: (stream, initial, fn) => calling([stream], { op: 'withStateMachine', fn: checkFunction(fn, 'withStateMachine'), seed: checkPlain(initial, 'the first state of withStateMachine') }),
    combineWith: (stream, other, fn) => combineLatest([stream, other], checkFunction(fn, 'combineWith')),
    toProperty: (stream, ...initial) => property(initial.length === 0 ? passing(stream, 'skip', { count: 0 }) : operators.startWith(stream, ...initial)),
    changes: (stream) => (stream.op === 'startWith' && stream.isProperty ? stream.inputs[0] : stream),

    // The end of a chain.
    emit(stream, type, selection, options) {
        if (typeof type !== 'string' || type === '' || type.startsWith('$')) {
            fault(`emit takes the type of the events it writes, a text that does not begin with $, not ${JSON.stringify(type) ?? 'nothing'}`);
        }
        const { tags } = checkOptions(options, ['tags'], 'emit');
        const members = { type: String(type) };
        if (selection !== undefined && selection !== null) {
            members.select = checkSelection(selection, 'emit', stream.isEvent);
        }
        if (tags !== undefined) {
            members.tags = Array.isArray(tags) ? checkPaths(tags, 'tags', stream.isEvent) : (fault('tags is an array of paths'), []);
        }
        return new Stream('emit', members, [stream]);
    },
};

function merge(...inputs) {
    if (inputs.length === 0) {
        fault('merge takes streams');
        return noStream();
    }
    const checked = streams(inputs, 'merge');
    return new Stream('merge', {}, checked, { isEvent: checked.every((input) => input.isEvent) });
}

function when(...patterns) {
    const { inputs, parts, sampled } = patternsOf(patterns, 'when');
    return calling(inputs, { op: 'when', parts, sampled });
}

function update(initial, ...patterns) {
    const { inputs, parts, sampled } = patternsOf(patterns, 'update');
    return property(calling(inputs, { op: 'update', parts, sampled, seed: checkPlain(initial, 'the first state of update') }));
}

const zip = (...inputs) => when([...inputs, (...values) => values]);

export const combining = {
    merge,
    combineLatest,
    combineTemplate,
    combineWith: (fn, ...inputs) => (typeof fn === 'function' ? combineLatest(inputs, fn) : combineLatest(inputs)),
    update,
    when,
    zip,
};
