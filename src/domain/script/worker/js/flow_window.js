// flow_window.js - folds, and the windows they run over.
import { at, checkChoice, checkCount, checkDuration, checkFunction, checkOptions, checkPath, checkPlain, currentPlace, fault, isRecord, shown } from './flow_check.js';
import { operators } from './flow_operators.js';
import { define, Operator, Stream } from './flow_stream.js';

const COLLECT_MAX = 100_000;

// What one value comes of many: count(), sum('data.amount') ...
class Fold extends Operator {
    constructor(fold, members, path) {
        const place = currentPlace();
        super((stream) => at(place, () => foldInPipe(stream, this)));
        Object.assign(this, { fold, members, path, place });
    }
}

// first() is an operator too; the others need a window.
function foldInPipe(stream, fold) {
    if (stream instanceof Windowed) {
        return aggregate(stream.stream, stream.shape, { [fold.fold]: fold });
    }
    if (fold.fold === 'first') {
        return operators.take(stream, 1);
    }
    fault(needsWindow(fold.fold === 'collect' ? 'toArray' : fold.fold));
    return stream;
}

const ofPath = (fold) => (path) => {
    if (path === undefined) {
        fault(`${fold} takes the path of what it folds, as in ${fold}('data.amount')`);
    }
    return new Fold(fold, {}, path ?? '@position');
};

const collect = (options, path) => {
    const { limit = 1000 } = checkOptions(options, ['limit'], 'toArray');
    return new Fold('collect', { limit: checkCount(limit, 'limit', 1, COLLECT_MAX) }, path);
};

const latest = (path) => new Fold('latest', {}, path);

export const folds = {
    count: () => new Fold('count', {}, undefined),
    sum: ofPath('sum'),
    avg: ofPath('avg'),
    min: ofPath('min'),
    max: ofPath('max'),
    minBy: ofPath('minBy'),
    maxBy: ofPath('maxBy'),
    countDistinct: ofPath('countDistinct'),
    first: (path) => new Fold('first', {}, path),
    latest,
    last: latest,
    topK(k, path) {
        const fold = ofPath('topK')(path);
        fold.members = { k: checkCount(k, 'topK', 1, 1000) };
        return fold;
    },
    toArray: (path, options) => (isRecord(path) ? collect(path) : collect(options, path)),
};

function readFold(name, fold, isEvent) {
    if (!(fold instanceof Fold)) {
        const instead = typeof fold === 'function' ? ': call it, as in count()' : `: a fold is one of ${Object.keys(folds).join(', ')}`;
        fault(`aggregate: ${name} is ${shown(fold)}${instead}`);
        return [name, { fold: 'count' }];
    }
    const path = fold.path === undefined ? {} : { path: at(fold.place, () => checkPath(fold.path, fold.fold, isEvent)) };
    return [name, { fold: fold.fold, ...fold.members, ...path }];
}

const RESULT = ['key', 'start', 'end', 'rev', 'final'];

function aggregate(stream, window, wanted, options) {
    const { mode = 'final' } = checkOptions(options, ['mode'], 'aggregate');
    const isFolds = isRecord(wanted) && Object.keys(wanted).length > 0;
    if (!isFolds) {
        fault(`aggregate takes { name: fold }, as in { n: count() }, not ${isRecord(wanted) ? 'an empty object' : shown(wanted)}`);
    }
    const read = isFolds ? Object.entries(wanted).map(([name, fold]) => readFold(name, fold, stream.isEvent)) : [];
    const taken = read.find(([name]) => RESULT.includes(name));
    if (taken !== undefined) {
        fault(`aggregate: ${taken[0]} is a member of every result; give the fold another name`);
    }
    const members = { ...(window === undefined ? {} : { window }), folds: read, mode: checkChoice(mode, ['final', 'updates'], 'mode') };
    return new Stream('aggregate', members, [stream]);
}

// A stream cut into windows: it has no value before it is folded.
class Windowed {
    constructor(stream, window) {
        this.stream = stream;
        this.shape = window;
    }
}

const windowMethods = {
    aggregate: (windowed, wanted, options) => aggregate(windowed.stream, windowed.shape, wanted, options),
    // JavaScript over all values of a window: they are kept until it closes, so there is a limit.
    reduce(windowed, fn, ...rest) {
        checkFunction(fn, 'reduce');
        const seed = rest.length > 0 ? [checkPlain(rest[0], 'the seed of reduce')] : [];
        const { limit } = checkOptions(rest[1], ['limit'], 'reduce');
        const all = aggregate(windowed.stream, windowed.shape, { value: collect(limit === undefined ? {} : { limit }) });
        const run = { op: 'map', isOwn: true, fn: (result) => ({ ...result, value: result.value.reduce((sum, value) => fn(sum, value), ...structuredSeed(seed)) }) };
        return new Stream('script', {}, [all], { run });
    },
};

// The function may change what it is given: each window begins with a seed of its own.
const structuredSeed = (seed) => (seed.length === 0 ? seed : [JSON.parse(JSON.stringify(seed[0]))]);

export const windows = {
    tumbling(stream, size, options) {
        const { offset } = checkOptions(options, ['offset'], 'tumbling');
        return new Windowed(stream, { kind: 'tumbling', size: checkDuration(size, 'tumbling', 1), offset: checkDuration(offset ?? 0, 'offset') });
    },
    hopping(stream, size, every, options) {
        const { offset } = checkOptions(options, ['offset'], 'hopping');
        const window = { kind: 'hopping', size: checkDuration(size, 'hopping', 1), every: checkDuration(every, 'hopping: every', 1), offset: checkDuration(offset ?? 0, 'offset') };
        if (window.size / window.every > 1000) {
            fault(`hopping: an event would be in ${Math.ceil(window.size / window.every)} windows at once; at most 1000: make every longer`);
        }
        return new Windowed(stream, window);
    },
    session: (stream, gap) => new Windowed(stream, { kind: 'session', gap: checkDuration(gap, 'session', 1) }),
    countWindow: (stream, size) => new Windowed(stream, { kind: 'count', size: checkCount(size, 'countWindow', 1, 1_000_000) }),
    sliding: (stream, size) => new Windowed(stream, { kind: 'sliding', size: checkDuration(size, 'sliding', 1) }),
    aggregate: (stream, wanted, options) => aggregate(stream, undefined, wanted, options),
};

export const needsWindow = (name) => `${name} needs an end, and a stream of the log has none: fold a window of it, as in .tumbling('1h').aggregate({ n: count() }), or each event, as in .aggregate({ n: count() })`;

// `others`: names of operators, which all ask for a fold first.
export function defineWindowed(others) {
    const named = Object.entries(folds).map(([name, fold]) => [name, (windowed, ...args) => windowMethods.aggregate(windowed, { [name]: fold(...args) })]);
    const methods = { ...Object.fromEntries(named), ...windowMethods };
    for (const name of others.filter((other) => !Object.hasOwn(methods, other))) {
        methods[name] = (windowed) => {
            fault(`${name} of a window: a window has no value before it is folded; put .aggregate({ n: count() }) or another fold in front`);
            return windowed.stream;
        };
    }
    define(Windowed, methods);
}

