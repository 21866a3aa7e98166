// Graphs of Bacon.js: what every observer hears. Time is a clock of our own.
import * as Bacon from 'baconjs';

class Clock {
  constructor() { this.now = 0; this.timers = []; this.last = 0; }
  set(fn, delay, every) { this.timers.push({ id: ++this.last, due: this.now + delay, fn, every }); return this.last; }
  clear(id) { this.timers = this.timers.filter((t) => t.id !== id); }
  advance(to) {
    for (;;) {
      const due = this.timers.filter((t) => t.due <= to).sort((a, b) => a.due - b.due || a.id - b.id)[0];
      if (!due) break;
      this.now = due.due;
      if (due.every === undefined) this.clear(due.id); else due.due += due.every;
      due.fn();
    }
    this.now = to;
  }
}

const functions = {
  id: () => (x) => x, add: (k) => (x) => x + k, mul: (k) => (x) => x * k, mod: (k) => (x) => x % k, even: () => (x) => x % 2 === 0,
  gt: (k) => (x) => x > k, lt: (k) => (x) => x < k, sum: () => (a, x) => a + x, minus: () => (a, x) => a - x,
  list: () => (...all) => all, sumAll: () => (...all) => all.flat().reduce((a, x) => a + x, 0), const: (k) => () => k,
  eqMod2: (k) => (a, b) => a % k === b % k, once: () => (x) => Bacon.once(x * 10), later: (d) => (x) => Bacon.later(d, x * 10),
};
const fn = (spec) => { const [name, ...p] = Array.isArray(spec) ? spec : [spec]; return functions[name](...p); };

function record({ id, name, nodes, steps, react = [] }) {
  const clock = new Clock();
  Bacon.setScheduler({
    setTimeout: (f, d) => clock.set(f, d), setInterval: (f, d) => clock.set(f, d, d),
    clearTimeout: (i) => clock.clear(i), clearInterval: (i) => clock.clear(i), now: () => clock.now,
  });
  const env = {};
  const fill = (t) => (t && typeof t === 'object' ? ('node' in t ? env[t.node] : Array.isArray(t) ? t.map(fill)
    : Object.fromEntries(Object.entries(t).map(([k, v]) => [k, fill(v)]))) : t);
  const arg = (a) => (Array.isArray(a) ? a.map(arg) : a && typeof a === 'object'
    ? ('node' in a ? env[a.node] : 'fn' in a ? fn(a.fn) : 'tmpl' in a ? fill(a.tmpl) : 'val' in a ? a.val : a) : a);
  for (const [key, spec] of Object.entries(nodes)) {
    const args = (spec.args ?? []).map(arg);
    env[key] = spec.make === 'bus' ? new Bacon.Bus() : spec.make ? Bacon[spec.make](...args) : env[spec.of][spec.op](...args);
  }
  const log = [];
  const offs = {};
  function step([verb, a, b]) {
    if (verb === 'push') env[a].push(b);
    else if (verb === 'error') env[a].error(b);
    else if (verb === 'end') env[a].end();
    else if (verb === 'plug') env[a].plug(env[b]);
    else if (verb === 'at') clock.advance(a);
    else if (verb === 'unsub') offs[a]?.();
    else {
      offs[a] = env[b].subscribe((e) => {
        const kind = e.isEnd ? 'End' : e.isError ? 'Error' : e.isInitial ? 'Initial' : 'Next';
        log.push(e.isEnd ? [clock.now, a, kind] : [clock.now, a, kind, e.isError ? e.error : e.value]);
        for (const r of react) if (r.who === a && r.on === kind && (r.value === undefined || r.value === e.value)) r.do.forEach(step);
      });
    }
  }
  steps.forEach(step);
  return { id, name, nodes, steps, ...(react.length && { react }), log };
}

const bus = { make: 'bus' };
const of = (node, op, ...args) => ({ of: node, op, args });
const f = (...spec) => ({ fn: spec.length === 1 ? spec[0] : spec });
const node = (n) => ({ node: n });
const pushes = [['sub', 'A', 'm'], ['push', 'd', 1], ['push', 'd', 2], ['push', 'd', 2], ['push', 'd', 3], ['end', 'd'], ['at', 50]];
const faulty = [['sub', 'A', 'm'], ['push', 'd', 1], ['error', 'd', 'e1'], ['push', 'd', 2], ['push', 'd', 3], ['error', 'd', 'e2'], ['end', 'd'], ['at', 50]];
const late = [['sub', 'A', 'm'], ['push', 'd', 1], ['sub', 'B', 'm'], ['push', 'd', 2], ['unsub', 'A'], ['push', 'd', 3], ['end', 'd'], ['at', 50]];
const paced = [['sub', 'A', 'm'], ['push', 'd', 1], ['at', 1], ['push', 'd', 2], ['at', 6], ['push', 'd', 3], ['at', 7], ['push', 'd', 4], ['at', 20], ['push', 'd', 6], ['end', 'd'], ['at', 60]];

const unary = {
  map: [f('add', 10)], filter: [f('even')], take: [2], takeWhile: [f('lt', 3)], skip: [1], skipWhile: [f('lt', 2)], skipDuplicates: [],
  scan: [0, f('sum')], diff: [0, f('minus')], fold: [0, f('sum')], mapError: [f('id')], mapEnd: [9], errors: [], skipErrors: [], endOnError: [],
  flatMap: [f('once')], flatMapLatest: [f('once')], flatMapFirst: [f('once')], flatMapConcat: [f('once')], slidingWindow: [2], first: [], last: [],
  bufferWithCount: [2], not: [],
};
const timed = { delay: [3], throttle: [4], debounce: [3], debounceImmediate: [3], bufferingThrottle: [4], bufferWithTime: [4], flatMap: [f('later', 5)], flatMapLatest: [f('later', 5)], flatMapFirst: [f('later', 5)], flatMapConcat: [f('later', 5)] };

function* inputs() {
  for (const [op, args] of Object.entries(unary)) {
    const nodes = { d: bus, m: of('d', op, ...args) };
    for (const [tag, steps] of Object.entries({ pushes, faulty, late })) yield { name: `${op}: ${tag}`, nodes, steps };
  }
  for (const [op, args] of Object.entries(timed)) yield { name: `${op} in time`, nodes: { d: bus, m: of('d', op, ...args) }, steps: paced };
  const p = { d: bus, p: of('d', 'toProperty', 0) };
  for (const [op, args] of Object.entries({ map: [f('add', 1)], filter: [f('even')], take: [2], skipDuplicates: [], changes: [] })) {
    for (const [tag, steps] of Object.entries({ pushes, late, faulty })) yield { name: `property ${op}: ${tag}`, nodes: { ...p, m: of('p', op, ...args) }, steps };
  }
  const halves = { ...p, a: of('p', 'map', f('add', 1)), b: of('p', 'map', f('mul', 2)) };
  for (const [tag, steps] of Object.entries({ pushes, late })) {
    yield { name: `diamond: ${tag}`, nodes: { ...halves, m: of('a', 'combine', node('b'), f('list')) }, steps };
    yield { name: `diamond of three: ${tag}`, nodes: { ...halves, c: of('a', 'combine', node('b'), f('sum')), m: of('c', 'combine', node('p'), f('list')) }, steps };
    yield { name: `template: ${tag}`, nodes: { ...halves, m: { make: 'combineTemplate', args: [{ tmpl: { x: node('a'), y: { z: node('b'), k: 7 } } }] } }, steps };
    yield { name: `combineAsArray: ${tag}`, nodes: { ...halves, m: { make: 'combineAsArray', args: [node('a'), node('b'), node('p')] } }, steps };
    yield { name: `sampledBy own source: ${tag}`, nodes: { ...p, m: of('p', 'sampledBy', node('d')) }, steps };
    yield { name: `without initial: ${tag}`, nodes: { d: bus, m: of('d', 'toProperty') }, steps };
  }
  const two = (m) => ({ d: bus, e: bus, m });
  const steps = [['sub', 'A', 'm'], ['push', 'd', 1], ['push', 'e', 10], ['push', 'd', 2], ['push', 'e', 20], ['push', 'e', 30], ['end', 'd'], ['push', 'e', 40], ['end', 'e'], ['at', 50]];
  for (const op of ['merge', 'concat']) yield { name: op, nodes: two(of('d', op, node('e'))), steps };
  yield { name: 'zip', nodes: two(of('d', 'zip', node('e'), f('list'))), steps };
  yield { name: 'combineWith', nodes: two({ make: 'combineWith', args: [f('list'), node('d'), node('e')] }), steps };
  yield { name: 'takeUntil', nodes: two(of('d', 'takeUntil', node('e'))), steps };
  yield { name: 'skipUntil', nodes: two(of('d', 'skipUntil', node('e'))), steps };
  yield { name: 'awaiting', nodes: two(of('d', 'awaiting', node('e'))), steps };
  yield { name: 'mergeAll', nodes: two({ make: 'mergeAll', args: [node('d'), node('e')] }), steps };
  yield { name: 'zipAsArray', nodes: two({ make: 'zipAsArray', args: [node('d'), node('e')] }), steps };
  yield { name: 'groupSimultaneous', nodes: two({ make: 'groupSimultaneous', args: [node('d'), node('e')] }), steps };
  yield { name: 'when', nodes: two({ make: 'when', args: [[node('d'), node('e'), f('list')]] }), steps };
  yield { name: 'update', nodes: two({ make: 'update', args: [0, [node('d'), f('sum')], [node('e'), f('minus')]] }), steps };
  yield { name: 'plug', nodes: { d: bus, e: bus, m: bus }, steps: [['plug', 'm', 'd'], ['plug', 'm', 'e'], ...steps, ['push', 'm', 7], ['end', 'm']] };
  const hold = [['sub', 'A', 'm'], ['push', 'd', 1], ['push', 'h', true], ['push', 'd', 2], ['push', 'd', 3], ['push', 'h', false], ['push', 'd', 4], ['push', 'h', true], ['push', 'd', 5], ['end', 'd'], ['push', 'h', false], ['end', 'h']];
  yield { name: 'holdWhen', nodes: { d: bus, h: bus, v: of('h', 'toProperty', false), m: of('d', 'holdWhen', node('v')) }, steps: hold };
  const stale = [['sub', 'A', 'm'], ['push', 'd', 1], ['push', 'd', 2], ['unsub', 'A'], ['push', 'd', 3], ['sub', 'C', 'm'], ['push', 'd', 4], ['end', 'd'], ['sub', 'D', 'm']];
  yield { name: 'stale', nodes: { d: bus, m: of('d', 'toProperty', 0) }, steps: stale };
  yield { name: 're-entrant push', nodes: { m: bus }, steps: [['sub', 'A', 'm'], ['sub', 'B', 'm'], ['push', 'm', 1]], react: [{ who: 'A', on: 'Next', value: 1, do: [['push', 'm', 2]] }] };
  for (const [make, args] of [['once', [1]], ['fromArray', [{ val: [1, 2] }]], ['later', [3, 7]], ['sequentially', [2, { val: [1, 2, 3] }]], ['constant', [3]], ['never', []]]) {
    yield { name: make, nodes: { m: { make, args } }, steps: [['sub', 'A', 'm'], ['at', 20], ['sub', 'B', 'm'], ['at', 40]] };
  }
  for (const [make, args] of [['interval', [3, 1]], ['repeatedly', [2, { val: [1, 2] }]]]) {
    yield { name: make, nodes: { m: { make, args } }, steps: [['sub', 'A', 'm'], ['at', 10], ['unsub', 'A'], ['at', 20]] };
  }
}

export function recordBacon() {
  return [...inputs()].map((input, i) => record({ ...input, id: `bacon-${String(i + 1).padStart(3, '0')}` }));
}
