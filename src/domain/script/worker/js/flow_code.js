// flow_code.js - the functions of a segment, fused into one that loops over a batch.
//
// For map(f).filter(g).scan(h, 0) comes, with the state of scan in S2:
//
//     for (...) {
//         v = F0(v);
//         if (!F1(v)) continue;
//         const c2 = S2.cell(key);
//         v = H.scan(O2, c2, v);
//         out.push([i, 0, v]);
//     }
//
// What is more than a line is a helper. `key` is null in a stream without keys.
import { checkPlain, plainCopy } from './plain.js';
import { change } from './flow_state.js';

const WAITING_MAX = 1000; /* values of a stream that wait for a pattern of when or update */

// An error whose place is the operator's: no function of the APP is on the stack.
function refuse(op, text) {
    throw Object.assign(new TypeError(`${op.name}: ${text}`), { op });
}

function inOp(op, run) {
    try {
        return run();
    } catch (error) {
        return refuse(op, error.message);
    }
}

const kept = (op, value) => inOp(op, () => plainCopy(value, 'what its function gave'));
const seedOf = (op) => (typeof op.seed === 'object' ? JSON.parse(JSON.stringify(op.seed)) : op.seed);

function nextIndex(cell) {
    const index = cell.value === undefined ? 0 : cell.value[0];
    change(cell, [index + 1]);
    return index;
}

function scan(op, cell, value) {
    const [sum, index] = cell.value ?? [seedOf(op), 0];
    if (cell.value === undefined && !('seed' in op)) {
        change(cell, [kept(op, value), 1]);
        return value;
    }
    const next = op.fn(sum, value, index);
    change(cell, [kept(op, next), index + 1]);
    return next;
}

// [state, [output...]] of (state, value).
function machine(op, cell, value) {
    const result = op.fn(cell.value === undefined ? seedOf(op) : cell.value[0], value);
    if (!Array.isArray(result) || result.length !== 2 || !Array.isArray(result[1])) {
        refuse(op, 'its function gives [state, [value, ...]]');
    }
    change(cell, [kept(op, result[0])]);
    return result[1];
}

function isSame(op, cell, value) {
    const by = op.keyOf === undefined ? value : op.keyOf(value);
    if (cell.value !== undefined && (op.fn === undefined ? JSON.stringify(cell.value[0]) === JSON.stringify(by) : op.fn(cell.value[0], by))) {
        return true;
    }
    change(cell, [kept(op, by)]);
    return false;
}

function list(op, value) {
    return Array.isArray(value) ? value : refuse(op, 'its function gives an array of values, [] for none');
}

function keyText(op, value) {
    if (value === undefined) {
        refuse(op, 'its function gave undefined, which is no key');
    }
    inOp(op, () => checkPlain(value, 'the key'));
    return JSON.stringify([value]);
}

// --- Patterns -----------------------------------------------------------------------------------

// [state, waiting, latest]: values by input, that wait for their partners; of properties the latest.
const freshPatterns = (op) => [op.seed === undefined ? null : seedOf(op), op.sampled.map(() => []), op.sampled.map(() => null)];

function arrive(op, touched, state, key, input, value) {
    const cell = state.cell(key);
    const now = cell.value ?? freshPatterns(op);
    const copy = kept(op, value);
    if (op.sampled[input]) {
        now[2][input] = [copy];
    } else if (now[1][input].push(copy) > WAITING_MAX) {
        refuse(op, `${WAITING_MAX} values of one stream wait for the others of its patterns`);
    }
    change(cell, now);
    touched.set(key, cell);
}

const isReady = ({ inputs }, [, waiting, latest]) => inputs.every((input) => latest[input] !== null || waiting[input].length > 0);
const valuesOf = ({ inputs }, [, waiting, latest]) => inputs.map((input) => (latest[input] === null ? waiting[input].shift() : latest[input][0]));

function fireWhen(op, cell) {
    const outputs = [];
    for (let part; (part = op.parts.find((one) => isReady(one, cell.value))) !== undefined;) {
        outputs.push(part.fn(...valuesOf(part, cell.value)));
    }
    return outputs;
}

function fireUpdate(op, cell) {
    const now = cell.value;
    let after;
    for (const part of op.parts) {
        while (isReady(part, now)) {
            after = part.fn(now[0], ...valuesOf(part, now));
            now[0] = kept(op, after);
        }
    }
    return after === undefined ? [] : [after];
}

// All keys that the items of one root have touched: [[key, value]...].
function fire(op, touched) {
    const run = op.op === 'when' ? fireWhen : fireUpdate;
    const outputs = [...touched].flatMap(([key, cell]) => run(op, cell).map((value) => [key, value]));
    touched.clear();
    return outputs;
}

const HELPERS = { nextIndex, scan, machine, isSame, list, keyText, arrive, fire, change };

// --- Code ---------------------------------------------------------------------------------------

// Whether the function names a second parameter, the index within its key, which must be counted.
const counts = (op) => op.fn !== undefined && op.fn.length >= 2;
const called = (op, n) => (counts(op) ? `F${n}(v, H.nextIndex(S${n}.cell(key)))` : `F${n}(v)`);
const each = (n, values) => [`for (let j${n} = 0, l${n} = ${values}; j${n} < l${n}.length; j${n}++) {`, `v = l${n}[j${n}];`];
const done = (n) => `S${n}.cell(key).value !== undefined`;
const mark = (n) => `H.change(S${n}.cell(key), [1]);`;

// Lines for each operator; those that open a loop are closed at the end.
const CODE = {
    map: (op, n) => [`v = ${called(op, n)};`],
    spread: (op, n) => [`v = F${n}(...v);`],
    filter: (op, n) => [`if (!${called(op, n)}) continue;`],
    tap: (op, n) => [`${called(op, n)};`],
    keyBy: (op, n) => [`key = H.keyText(O${n}, F${n}(v));`],
    scan: (op, n) => [`v = H.scan(O${n}, S${n}.cell(key), v);`],
    flatMap: (op, n) => each(n, `H.list(O${n}, ${called(op, n)})`),
    withStateMachine: (op, n) => each(n, `H.machine(O${n}, S${n}.cell(key), v)`),
    distinctUntilChanged: (op, n) => [`if (H.isSame(O${n}, S${n}.cell(key), v)) continue;`],
    takeWhile: (op, n) => [`if (${done(n)}) continue;`, `if (!F${n}(v)) { ${mark(n)} ${op.inclusive ? '' : 'continue;'} }`],
    skipWhile: (op, n) => [`if (!(${done(n)})) { if (F${n}(v)) continue; ${mark(n)} }`],
    takeUntil: (op, n) => [`if (item[4] === 1) { ${mark(n)} continue; }`, `if (${done(n)}) continue;`],
    skipUntil: (op, n) => [`if (item[4] === 1) { ${mark(n)} continue; }`, `if (!(${done(n)})) continue;`],
    when: (op, n) => [
        `H.arrive(O${n}, T${n}, S${n}, key, item[4], v);`,
        `if (i + 1 < items.length && items[i + 1][0] === item[0]) continue;`,
        `for (const [k${n}, w${n}] of H.fire(O${n}, T${n})) {`,
        `key = k${n}; v = w${n};`,
    ],
};
CODE.update = CODE.when;

const WHOLE_ROOTS = ['when', 'update']; /* they wait for the last item of a root */
const LOOPS = ['flatMap', 'withStateMachine', 'when', 'update'];
const OWN_VALUE = ['map', 'spread', 'scan', ...LOOPS];
const OWN_KEY = ['keyBy', 'when', 'update'];
const STATEFUL = ['scan', 'withStateMachine', 'distinctUntilChanged', 'takeWhile', 'skipWhile', 'takeUntil', 'skipUntil', 'when', 'update'];
const has = (ops, names) => ops.some(({ op }) => names.includes(op));

// An output: see frame.h, FRAME_FLOW.
function outputOf(ops) {
    if (has(ops, OWN_VALUE)) {
        return `check(v); out.push([i, ${has(ops, OWN_KEY) ? 'key ?? 0' : '0'}, v]);`;
    }
    return has(ops, OWN_KEY) ? 'out.push([i, key]);' : 'out.push(i);';
}

const isStateful = (op) => STATEFUL.includes(op.op) || counts(op);

// The source of (ops, states, world, check, H, isLate) => (items, from, out) => how many were handled.
function sourceOf(ops) {
    const names = ops.flatMap((op, n) => [`F${n} = ops[${n}].fn`, `O${n} = ops[${n}]`, `S${n} = states[${n}]`, `T${n} = new Map()`]);
    const body = ops.flatMap((op, n) => CODE[op.op](op, n));
    return `(function (ops, states, world, check, H, isLate, eventOf) { 'use strict';
const ${names.join(', ')};
return function segment(items, from, out) {
    ${ops.map((op, n) => (WHOLE_ROOTS.includes(op.op) ? `T${n}.clear();` : '')).join('')}
    for (let i = from; i < items.length; i++) {
        const item = items[i];
        if (isLate[0] !== 0 && i > 0 && items[i - 1][0] !== item[0]) return i;
        world.time = item[3];
        world.item = item;
        world.index = i;
        let key = item[2];
        let v = item.length > 6 ? eventOf(item) : item[5];
        ${body.join('\n        ')}
        ${outputOf(ops)}
        ${'}'.repeat(ops.filter((op) => LOOPS.includes(op.op)).length)}
    }
    return items.length;
}; })`;
}

// {ops, states, wholeRoots, run}: states of the operators that have one; run as sourceOf() says.
export function compileSegment({ segment, ops }, { evaluate, world, isLate, eventOf, stateOf }) {
    const states = ops.map((op) => (isStateful(op) ? stateOf(op.name) : undefined));
    const last = ops.findLast((op) => OWN_VALUE.includes(op.op)) ?? ops.at(-1);
    const check = (value) => inOp(last, () => checkPlain(value, 'what its function gave'));
    const run = evaluate(sourceOf(ops), `everfold:flow ${segment}`)(ops, states, world, check, HELPERS, isLate, eventOf);
    return { ops, states: states.filter((state) => state !== undefined), wholeRoots: has(ops, WHOLE_ROOTS), run };
}
