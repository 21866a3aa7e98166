// flow.js - the module 'everfold/flow': streams of the log, operators on them, flows made of both.
//
// A file of an APP declares flows while it is loaded; `takeFlows()` gives what was declared. The
// operators stand in flow_operators.js and flow_window.js, what becomes of them in flow_graph.js.
import { checkChoice, checkCount, checkDuration, checkOptions, checkPath, checkTexts, currentPlace, fault, faultCount, isRecord, shown } from './flow_check.js';
import { checkFlows, graphOf } from './flow_graph.js';
import { combining, operators } from './flow_operators.js';
import { define, located, noStream, stepsOf, Stream } from './flow_stream.js';
import { defineWindowed, folds, needsWindow, windows } from './flow_window.js';

// --- Sources ------------------------------------------------------------------------------------

const SOURCES = ['category', 'stream', 'prefix', 'flow'];

function checkSource(kind, name) {
    if (typeof name !== 'string' || name === '') {
        fault(`from: ${kind} is ${shown(name)}: it is a text`);
    } else if (kind === 'category' && name.includes('-')) {
        fault(`from: a category is the part of a stream's name in front of the dash, and "${name}" has one; one stream is from({ stream: '${name}' })`);
    } else if (kind !== 'flow' && (name === 'flow' || name.startsWith('flow-'))) {
        fault(`from: the streams of flows are read by the flow's name: from({ flow: 'NAME' })`);
    } else if (name.startsWith('$command-')) {
        fault('from: flows do not see $command streams, the records of commands');
    }
}

function from(source) {
    const options = typeof source === 'string' ? { category: source } : source instanceof Flow ? { flow: source.name } : source ?? {};
    if (!isRecord(options)) {
        fault(`from takes a category, as in from('account'), a flow or { stream | prefix | flow, types, tags }, not ${shown(source)}`);
        return noStream();
    }
    checkOptions(options, [...SOURCES, 'types', 'tags'], 'from');
    const given = SOURCES.filter((kind) => Object.hasOwn(options, kind));
    if (given.length > 1) {
        fault(`from takes one of ${SOURCES.join(', ')}, not ${given.join(' and ')}; streams are joined by merge`);
    }
    given.forEach((kind) => checkSource(kind, options[kind]));
    const lists = ['types', 'tags'].filter((name) => options[name] !== undefined);
    const list = (name) => (Array.isArray(options[name]) ? checkTexts(options[name], name) : (fault(`from: ${name} is an array of texts, not ${shown(options[name])}`), []));
    const members = Object.fromEntries([...given.map((kind) => [kind, options[kind]]), ...lists.map((name) => [name, list(name)])]);
    return new Stream('from', members, [], { isEvent: true });
}

// --- Flows --------------------------------------------------------------------------------------

const FLOW_NAME = /^[a-z0-9_-]{1,100}$/;
const KEYS_MAX = 100_000_000;
const BYTES_MAX = 2 ** 36;

class Flow {
    constructor(name, place) {
        Object.assign(this, { name, place, version: 1, options: {}, emits: [] });
    }
}

const flows = [];
const emitted = new Set(); /* all that emit() made; what no flow took is a mistake */

const OPTIONS = ['version', 'lateness', 'time', 'ahead', 'idle', 'tick', 'onError', 'keys', 'bytes'];

function readOptions(flow, given) {
    const { version = 1, lateness = 0, time = null, ahead = '1d', idle = 0, tick = 0, onError = 'stop', keys = 1_000_000, bytes = 256 * 2 ** 20 } = checkOptions(given, OPTIONS, `flow ${flow.name}`);
    flow.version = checkCount(version, 'version', 1, 1_000_000_000);
    flow.options = {
        lateness: checkDuration(lateness, 'lateness'),
        time: time === null ? null : checkPath(time, 'time', true),
        ahead: checkDuration(ahead, 'ahead'),
        idle: checkDuration(idle, 'idle'),
        tick: tick === 0 ? 0 : checkDuration(tick, 'tick', 1000),
        onError: checkChoice(onError, ['stop', 'skip'], 'onError'),
        keys: checkCount(keys, 'keys', 1, KEYS_MAX),
        bytes: checkCount(bytes, 'bytes', 65_536, BYTES_MAX),
    };
}

const isEmit = (value) => value instanceof Stream && value.op === 'emit';

// The emits that the body made or gives back.
function readEmits(flow, body) {
    const before = new Set(emitted);
    const faultsBefore = faultCount();
    const result = body();
    const given = result === undefined ? [] : Array.isArray(result) ? result : [result];
    const made = [...emitted].filter((emit) => !before.has(emit));
    const wrong = given.find((value) => !isEmit(value));
    flow.emits = [...new Set([...made, ...given.filter(isEmit)])];
    flow.emits.forEach((emit) => emitted.delete(emit));
    if (faultCount() > faultsBefore) {
        return; /* what it gives back may come of them */
    }
    if (wrong !== undefined) {
        fault(`flow ${flow.name} gives back ${wrong instanceof Stream ? 'a stream that is not written' : shown(wrong)}: end the chain with .emit('Type')`);
    } else if (flow.emits.length === 0) {
        fault(`flow ${flow.name} emits nothing: end a chain with .emit('Type')`);
    }
}

// flow(name, options?, () => stream.emit('Type'))
function flow(name, ...rest) {
    const [options, body] = rest.length > 1 ? rest : [undefined, rest[0]];
    const place = currentPlace();
    if (typeof name !== 'string' || !FLOW_NAME.test(name)) {
        fault(`a flow's name has a-z, 0-9, _ and - only, at most 100 of them; ${shown(name)} is none`);
    }
    const declared = new Flow(String(name), place);
    const other = flows.find((one) => one.name === declared.name);
    if (other !== undefined) {
        fault(`there is a flow ${name} already, at ${other.place.file}:${other.place.line}`);
    }
    readOptions(declared, options);
    if (typeof body === 'function') {
        readEmits(declared, body);
    } else {
        fault(`flow ${name} has no function: flow('${name}', { ... }, () => from('account').emit('Type'))`);
    }
    flows.push(declared);
    return declared;
}

// {flows: [graph], segments: [{segment, ops}]} of all files; faults are noted.
export function takeFlows() {
    for (const emit of emitted) {
        fault("this emit belongs to no flow: make it in the function of one, or give it back there: flow('name', () => it)", emit.place);
    }
    checkFlows(flows);
    const graphs = flows.map(graphOf);
    return { flows: graphs.map(({ graph }) => graph), segments: graphs.flatMap(({ segments }) => segments) };
}

// --- What a flow cannot do ----------------------------------------------------------------------

const WALL_CLOCK = (name) => `${name} runs on the clock on the wall, which a replay cannot see again: a flow has debounceTime, throttleTime, delay and windows on the time of its events`;
const INNER = (name) => `${name} switches between streams made for each event, which a flow cannot replay: keyBy keeps them apart, flatMap gives arrays`;
const FAILURE = (name) => `${name} is not for flows: an event that fails stops the flow, or is skipped and recorded with { onError: 'skip' }`;
const SHARING = (name) => `${name} is not needed: a stream of a flow is computed once, whatever reads it; leave it out`;
const ALWAYS_ON = (name) => `${name} is not for flows, which are always on: end the chain with .emit('Type'), and GET /flows/NAME/events has what it makes`;
const START = (name) => `${name} makes values out of nothing: a flow begins with from(), events of the log`;

const REFUSED = [
    [WALL_CLOCK, 'audit auditTime bufferTime bufferingThrottle debounce delayWhen interval observeOn sample sampleTime subscribeOn throttle timeInterval timeout timer timestamp windowTime'],
    [INNER, 'concatAll concatLatest exhaustAll exhaustMap expand mergeAll mergeScan switchAll switchMap switchScan window windowToggle windowWhen'],
    [FAILURE, 'catchError mapError onErrorResumeNext retry retryWhen throwError throwIfEmpty'],
    [SHARING, 'connect publish share shareReplay'],
    [ALWAYS_ON, 'forEach subscribe'],
    [START, 'create defer generate of range'],
    [needsWindow, 'buffer bufferToggle bufferWhen concat concatWith defaultIfEmpty elementAt endWith every finalize findIndex forkJoin ignoreElements isEmpty materialize race raceWith reduce repeat sequenceEqual single skipLast takeLast'],
];

// The declaration goes on behind them.
const refusals = REFUSED.flatMap(([why, names]) => names.split(' ').map((name) => [name, why(name)]));
const refused = Object.fromEntries(refusals.map(([name, text]) => [name, (stream) => (fault(text), stream)]));
const refusedSteps = Object.fromEntries(refusals.map(([name, text]) => [name, () => (fault(text), noStream())]));
const foldNames = Object.keys(folds).filter((name) => name !== 'first');
const foldMethods = Object.fromEntries(foldNames.map((name) => [name, (stream) => (fault(needsWindow(name)), stream)]));

// --- The module ---------------------------------------------------------------------------------

function emit(stream, ...args) {
    const made = operators.emit(stream, ...args);
    emitted.add(made);
    return made;
}

const methods = { ...operators, ...windows, emit };
define(Stream, { ...foldMethods, ...refused, ...methods });
defineWindowed(Object.keys({ ...refused, ...methods }));

// What a file imports. A name that is an operator and something else is the other thing here:
// combineLatest(a, b), first('data.amount').
export const everfoldFlow = Object.freeze({
    ...stepsOf(Object.keys(methods)),
    ...located({ ...refusedSteps, ...combining, ...folds, from, flow }),
});
