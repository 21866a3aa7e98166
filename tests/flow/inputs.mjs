// What is asked of RxJS: every operator with its arguments, over sources of every shape.
const src = (name) => ({ src: name });
const f = (...spec) => ({ fn: spec.length === 1 ? spec[0] : spec });
const hot = (marble, more = {}) => ({ kind: 'hot', marble, ...more });
const cold = (marble, more = {}) => ({ kind: 'cold', marble, ...more });
const cfg = (members) => ({ cfg: members });

const shapes = {
  basic: hot('--a--b--c--d--|'),
  dense: hot('-a-b-c-d-e-f-g-h-|'),
  group: hot('a-(bc)-d--(ef)--|'),
  repeats: hot('-a-a-b-b-a-c-c-|'),
  prior: hot('--a--^-b--c--d-|'),
  empty: hot('----|'),
  err: hot('--a--b--#'),
  cold: cold('-a-bc--d|'),
  sync: cold('(abcd|)'),
  syncErr: cold('(ab#)'),
  one: cold('---a---|'),
  far: cold('a 9ms b 4ms c 19ms d 1ms (ef) 7ms g|'),
};
const unending = { never: ['--a--b------', '^----------!'] };

// Operators with one source: each list of arguments over each shape, and once cut off.
const single = {
  map: [[f('add', 3)], [f('withIndex')], [f('throwIf', 2)]],
  mapTo: [[5]],
  filter: [[f('even')], [f('indexLt', 2)], [f('throwIf', 3, ['gt', 1])]],
  tap: [[], [f('throwIf', 2)]],
  finalize: [[f('id')]],
  scan: [[f('sum'), 0], [f('sum')], [f('append'), { val: [] }], [f('sumThrow', 3), 0]],
  reduce: [[f('sum'), 0], [f('sum')], [f('sumThrow', 3), 0]],
  pairwise: [[]],
  take: [[0], [1], [2], [10]],
  takeWhile: [[f('lt', 3)], [f('lt', 3), true], [f('throwIf', 2, ['lt', 9])]],
  takeLast: [[0], [1], [2], [10]],
  skip: [[0], [2], [10]],
  skipWhile: [[f('lt', 3)], [f('throwIf', 2, ['lt', 9])]],
  skipLast: [[0], [1], [3]],
  first: [[], [f('even')], [f('gt', 20)], [f('gt', 20), 99], [null, 7]],
  last: [[], [f('even')], [f('gt', 20)], [f('gt', 20), 99]],
  single: [[], [f('eq', 2)], [f('even')], [f('gt', 20)]],
  elementAt: [[0], [2], [20], [20, 99]],
  find: [[f('even')], [f('gt', 20)], [f('throwIf', 2, ['gt', 20])]],
  findIndex: [[f('even')], [f('gt', 20)]],
  every: [[f('lt', 9)], [f('lt', 2)]],
  isEmpty: [[]],
  count: [[], [f('even')], [f('throwIf', 2)]],
  min: [[], [f('cmpMod', 3)]],
  max: [[], [f('cmpMod', 3)]],
  toArray: [[]],
  defaultIfEmpty: [[99]],
  throwIfEmpty: [[], [f('errNew')]],
  ignoreElements: [[]],
  distinct: [[], [f('mod', 3)]],
  distinctUntilChanged: [[], [f('eqMod2', 2)], [f('eq2'), f('mod', 2)]],
  materialize: [[]],
  timestamp: [[]],
  timeInterval: [[]],
  startWith: [[24], [24, 25]],
  endWith: [[24], [24, 25]],
  bufferCount: [[1], [2], [3, 1], [3, 4], [2, 1]],
  windowCount: [[1], [2], [3, 1], [2, 3]],
  bufferTime: [[2], [5], [6, 3], [6, { default: true }, 2]],
  windowTime: [[3], [5], [6, 3], [6, { default: true }, 2]],
  debounceTime: [[0], [1], [2], [5], [10]],
  throttleTime: [[2], [3], [3, cfg({ leading: false, trailing: true })], [3, cfg({ leading: true, trailing: true })]],
  auditTime: [[1], [3], [5]],
  sampleTime: [[2], [5]],
  delay: [[0], [2], [3], [{ date: 6 }]],
  timeout: [[cfg({ each: 2 })], [cfg({ each: 4 })], [cfg({ first: 3 })], [cfg({ first: { date: 3 } })], [cfg({ each: 2, with: f('valueOf', 9) })]],
  observeOn: [[0], [3]],
  subscribeOn: [[2]],
  groupBy: [[f('mod', 2)], [f('mod', 3), cfg({ element: f('add', 10) })], [f('throwIf', 3, ['mod', 2])]],
  expand: [[f('expandMul', 2, 20)], [f('expandMul', 2, 20), 1], [f('expandMul', 3, 30), 2]],
  repeat: [[0], [2], [cfg({ count: 2, delay: 2 })]],
  retry: [[0], [1], [cfg({ count: 1, delay: 2 })], [cfg({ count: 2, delay: f('retryTimer', 2) })], [cfg({ count: 1, resetOnSuccess: true })]],
  catchError: [[f('valueOf', 9)], [f('rethrow')]],
  concatMap: [[f('toOf')], [f('throwAlways')]],
  mergeMap: [[f('toOf')], [f('throwAlways')]],
  share: [[]],
  connect: [[f('pipeConcatSelf')], [f('pipeMergeTake', 1)]],
};

function* ofSingle() {
  for (const [op, lists] of Object.entries(single)) {
    for (const args of lists) {
      for (const [tag, s] of Object.entries(shapes)) {
        const endless = tag === 'syncErr' && args[0]?.cfg?.resetOnSuccess;
        if (!endless) yield { op, tags: [tag], sources: { s }, expr: { in: 's', pipe: [{ op, args }] } };
      }
      yield { op, tags: ['unsub'], sources: { s: shapes.basic }, expr: { in: 's', pipe: [{ op, args }] }, sub: '^------!' };
      const [marble, sub] = unending.never;
      yield { op, tags: ['never'], sources: { s: hot(marble) }, expr: { in: 's', pipe: [{ op, args }] }, sub };
    }
  }
  for (const [tag, s] of Object.entries(shapes)) {
    yield { op: 'dematerialize', tags: [tag], sources: { s }, expr: { in: 's', pipe: [{ op: 'materialize' }, { op: 'dematerialize' }] } };
  }
}

// A second source that notifies, joins or decides.
const pairs = {
  both: [hot('-a-b-c-d-e-f-g-|'), hot('---x--x--x--x--|')],
  mid: [hot('--a--b--c--d--|'), hot('------x------|')],
  nEmpty: [hot('--a--b--c--d--|'), hot('------|')],
  nNever: [hot('--a--b--c--d--|'), hot('-')],
  nErr: [hot('--a--b--c--d--|'), hot('------#')],
  nSync: [hot('--a--b--|'), cold('(x|)')],
  nNone: [hot('--a--b--|'), cold('|')],
  sEmpty: [hot('---|'), hot('-x--x-|')],
  sErr: [hot('--a--#'), hot('-x--x-|')],
  sSync: [cold('(abc|)'), hot('--x--x|')],
  colds: [cold('-a-b-c-d-|'), cold('--x---x---x|')],
  late: [hot('-----a-b-c|'), hot('--x--------|')],
};
const withNotifier = {
  takeUntil: [src('n')], skipUntil: [src('n')], buffer: [src('n')], window: [src('n')], sample: [src('n')],
  bufferWhen: [f('src', 'n')], windowWhen: [f('src', 'n')], audit: [f('src', 'n')], throttle: [f('src', 'n')],
  debounce: [f('src', 'n')], delayWhen: [f('src', 'n')], combineLatestWith: [src('n')], concatWith: [src('n')],
  mergeWith: [src('n')], raceWith: [src('n')], zipWith: [src('n')], withLatestFrom: [src('n')],
  onErrorResumeNextWith: [src('n')], sequenceEqual: [src('n')],
};
const syncLoops = new Set(['bufferWhen', 'windowWhen']); // a notifier that speaks at once never ends there

function* ofPairs() {
  for (const [op, args] of Object.entries(withNotifier)) {
    for (const [tag, [s, n]] of Object.entries(pairs)) {
      if (syncLoops.has(op) && (tag === 'nSync' || tag === 'nNone' || tag === 'nEmpty' || tag === 'late' || tag === 'both'
        || tag === 'mid' || tag === 'sEmpty' || tag === 'sErr' || tag === 'sSync') && op === 'windowWhen') continue;
      if (syncLoops.has(op) && tag === 'nSync') continue;
      yield { op, tags: [tag], sources: { s, n }, expr: { in: 's', pipe: [{ op, args }] } };
    }
    const [s, n] = pairs.both;
    yield { op, tags: ['unsub'], sources: { s, n }, expr: { in: 's', pipe: [{ op, args }] }, sub: '^------!' };
    const fromSelf = args.map((a) => (a.src ? src('s') : a));
    if (op === 'sample') yield { op, tags: ['self'], sources: { s }, expr: { in: 's', pipe: [{ op, args: fromSelf }] } };
  }
  for (const op of ['bufferToggle', 'windowToggle']) {
    for (const [tag, [s, n]] of Object.entries(pairs)) {
      for (const x of ['---x|', '--#', '|', '(x|)']) {
        yield { op, tags: [tag], sources: { s, n, x: cold(x) }, expr: { in: 's', pipe: [{ op, args: [src('n'), f('src', 'x')] }] } };
      }
    }
  }
  for (const [tag, s] of Object.entries(shapes)) {
    for (const op of ['audit', 'debounce', 'delayWhen', 'throttle']) {
      const args = [f('pick', { 1: 'x', 2: 'y', '*': 'z' })];
      const sources = { s, x: cold('--x|'), y: cold('---y|'), z: cold('-|') };
      yield { op, tags: [tag, 'pick'], sources, expr: { in: 's', pipe: [{ op, args }] } };
      if (op === 'throttle') {
        const both = cfg({ leading: true, trailing: true });
        yield { op, tags: [tag, 'trailing'], sources, expr: { in: 's', pipe: [{ op, args: [...args, both] }] } };
      }
    }
  }
}

// A stream for each event.
const inners = {
  x: cold('-a--b-|', { values: { a: 101, b: 102 } }),
  y: cold('--c-d|', { values: { c: 203, d: 204 } }),
  z: cold('---e---f|', { values: { e: 305, f: 306 } }),
  e: cold('--g#', { values: { g: 407 } }),
  n: cold('---h---', { values: { h: 508 } }),
  i: cold('(jk|)', { values: { j: 609, k: 610 } }),
  v: cold('|'),
};
const outers = {
  spaced: hot('a-----------b-----------c----|'), overlap: hot('-a--b--c-------------|'), group: hot('-(abc)----------------|'),
  err: hot('-a--b--#'), empty: hot('---|'), sync: cold('(abc|)'), open: hot('-a--b---------------'),
};
const choices = [['x', 'y', 'z'], ['x', 'e', 'z'], ['n', 'v', 'i'], ['i', 'i', 'x']];
const flatteners = { mergeMap: [[], [1], [2]], concatMap: [[]], switchMap: [[]], exhaustMap: [[]] };

function* ofFlat() {
  for (const [tag, s] of Object.entries(outers)) {
    for (const [a, b, c] of choices) {
      const sources = { s, ...Object.fromEntries([...new Set([a, b, c])].map((k) => [k, inners[k]])) };
      const pick = { 1: a, 2: b, 3: c };
      const sub = tag === 'open' ? '^ 25ms !' : '^ 40ms !';
      for (const [op, more] of Object.entries(flatteners)) {
        for (const args of more) yield { op, tags: [tag], sources, expr: { in: 's', pipe: [{ op, args: [f('pick', pick), ...args] }] }, sub };
      }
      yield { op: 'mergeScan', tags: [tag], sources, expr: { in: 's', pipe: [{ op: 'mergeScan', args: [f('accPick', pick), 0] }] }, sub };
      yield { op: 'switchScan', tags: [tag], sources, expr: { in: 's', pipe: [{ op: 'switchScan', args: [f('accPick', pick), 0] }] }, sub };
    }
  }
  const streamsOf = ['-x-y-z-----|', '-x------y------z---|', '(xyz|)', '-x-e-z-----|', '-i-v-x-|', '---|', '-x-n-y----|', '-x-y-#'];
  for (const marble of streamsOf) {
    const letters = [...new Set([...marble].filter((c) => inners[c]))];
    const of = Object.fromEntries(letters.map((c) => [c, c]));
    const sources = { ...Object.fromEntries(letters.map((c) => [c, inners[c]])), s: cold(marble, { of }) };
    for (const [op, args] of [['mergeAll', []], ['mergeAll', [1]], ['mergeAll', [2]], ['concatAll', []], ['switchAll', []],
      ['exhaustAll', []], ['combineLatestAll', []], ['zipAll', []]]) {
      yield { op, tags: ['streams'], sources, expr: { in: 's', pipe: [{ op, args }] }, sub: '^ 40ms !' };
    }
  }
}

// Several sources at once.
const triples = {
  spread: ['-a--b-|', '--c-d|', '---e---f|'], sync: ['(ab|)', '(cd|)', '(ef|)'], empty: ['|', '|', '|'], oneEmpty: ['-a--b-|', '|', '---e|'],
  midErr: ['-a--b-|', '--#', '---e|'], never: ['-a-b-|', '-', '-e-f--|'], syncErr: ['(ab|)', '(c#)', '-e|'], same: ['-a-b|', '-c-d|', '-e-f|'],
};
function* ofSeveral() {
  for (const [tag, [x, y, z]] of Object.entries(triples)) {
    const sources = { x: cold(x), y: cold(y), z: cold(z) };
    const all = [src('x'), src('y'), src('z')];
    for (const create of ['merge', 'concat', 'combineLatest', 'zip', 'forkJoin', 'race', 'onErrorResumeNext']) {
      for (const sub of ['^ 29ms !', '^---!']) yield { op: create, tags: [tag], sources, expr: { create, args: all }, sub };
    }
    yield { op: 'combineLatest', tags: [tag, 'fn'], sources, expr: { create: 'combineLatest', args: [...all, f('sumAll')] }, sub: '^ 29ms !' };
    yield { op: 'combineLatest', tags: [tag, 'obj'], sources, expr: { create: 'combineLatestObj', args: [cfg({ p: src('x'), q: src('y') })] }, sub: '^ 29ms !' };
    yield { op: 'forkJoin', tags: [tag, 'obj'], sources, expr: { create: 'forkJoinObj', args: [cfg({ p: src('x'), q: src('y') })] }, sub: '^ 29ms !' };
    yield { op: 'merge', tags: [tag, 'n'], sources, expr: { create: 'mergeN', args: [1, ...all] }, sub: '^ 29ms !' };
    yield { op: 'merge', tags: [tag, 'n'], sources, expr: { create: 'mergeN', args: [2, ...all] }, sub: '^ 29ms !' };
  }
  for (const [tag, s] of Object.entries(shapes)) {
    for (const create of ['partition0', 'partition1']) {
      yield { op: 'partition', tags: [tag], sources: { s }, expr: { create, args: [src('s'), f('even')] } };
    }
    const plus = (k) => ({ expr: { in: 's', pipe: [{ op: 'map', args: [f('add', k)] }] } });
    yield { op: 'zip', tags: [tag, 'diamond'], sources: { s }, expr: { create: 'zip', args: [plus(10), plus(20)] } };
    yield { op: 'merge', tags: [tag, 'diamond'], sources: { s }, expr: { create: 'merge', args: [plus(10), plus(20)] } };
    yield { op: 'withLatestFrom', tags: [tag, 'self'], sources: { s }, expr: { in: 's', pipe: [{ op: 'withLatestFrom', args: [src('s')] }] } };
    yield { op: 'using', tags: [tag], sources: { s }, expr: { create: 'using', args: [src('s')] } };
  }
}

// From nothing.
function* ofNothing() {
  const make = (op, create, args, sub = null, pipe) => ({ op, tags: [], expr: pipe ? { in: { create, args }, pipe } : { create, args }, sub });
  const three = [{ op: 'take', args: [3] }];
  yield make('EMPTY', 'empty', []);
  yield make('NEVER', 'never', [], '^-----!');
  for (const args of [[], [1], [1, 2, 3]]) yield make('of', 'of', args);
  for (const list of [[], [1], [4, 5]]) yield make('from', 'fromArray', [{ val: list }]);
  for (const e of ['error', 7]) yield make('throwError', 'throwError', [e]);
  for (const args of [[0], [3], [{ date: 4 }]]) yield make('timer', 'timer', args);
  for (const args of [[0, 2], [5, 1], [3, 3], [{ date: 2 }, 2]]) yield make('timer', 'timer', args, null, three);
  for (const d of [1, 2, 7]) { yield make('interval', 'interval', [d], null, three); yield make('interval', 'interval', [d], '^------!'); }
  for (const args of [[3], [2, 3], [5, 0], [-1, 3]]) yield make('range', 'range', args);
  for (const args of [[f('throwAlways')], [f('valueOf', 4)]]) yield make('defer', 'defer', args);
  yield make('generate', 'generate', [1, f('lt', 9), f('mul', 2)]);
  yield make('generate', 'generate', [1, f('const', false), f('add', 1)]);
  yield make('generate', 'generate', [1, f('lt', 9), f('throwIf', 4, ['add', 1])]);
  for (const c of [true, false]) {
    yield { op: 'iif', tags: [], sources: { x: cold('-a|'), y: cold('-b|') }, expr: { create: 'iif', args: [c, src('x'), src('y')] } };
  }
}

// Sharing: who else listens, and when.
const sharers = [['share', []], ['share', [cfg({ resetOnError: false })]], ['share', [cfg({ resetOnComplete: false })]],
  ['share', [cfg({ resetOnRefCountZero: false })]], ['share', [cfg({ connector: { connector: ['ReplaySubject', 1] } })]],
  ['share', [cfg({ connector: { connector: ['BehaviorSubject', 0] } })]], ['share', [cfg({ connector: { connector: ['AsyncSubject'] } })]],
  ['share', [cfg({ resetOnRefCountZero: f('retryTimer', 0) })]],
  ['shareReplay', [1]], ['shareReplay', [2]], ['shareReplay', [cfg({ bufferSize: 1, refCount: true })]], ['shareReplay', [2, 3]]];
function* ofSharing() {
  for (const [op, args] of sharers) {
    if (args[0]?.cfg?.resetOnRefCountZero?.fn) continue;
    for (const marble of ['-a--b--c|', '-a--b--#', '(ab|)', '-a--b-----------']) {
      for (const also of [[0], [4], [1, 4], [9], [14]]) {
        for (const sub of ['^ 19ms !', '^----!']) {
          yield { op, tags: [], sources: { s: cold(marble) }, expr: { in: 's', pipe: [{ op, args }] }, sub, alsoSubscribeAt: also };
        }
      }
    }
  }
}

// Ends that start again, and chains.
function* ofAgain() {
  for (const marble of ['-a-b-#', '#', '-a-b-|', '(ab#)']) {
    const sources = { s: cold(marble) };
    for (const [op, args] of [['retryWhen', [f('notifyDelay', 3)]], ['repeatWhen', [f('notifyDelay', 3)]], ['retry', [2]], ['repeat', [3]],
      ['retry', [cfg({ count: 3, delay: 3 })]], ['repeat', [cfg({ count: 3, delay: 3 })]], ['repeat', [cfg({ count: 3, delay: f('retryTimer', 2) })]]]) {
      yield { op, tags: ['again'], sources, expr: { in: 's', pipe: [{ op, args }, { op: 'take', args: [6] }] }, sub: '^ 29ms !' };
    }
    yield { op: 'catchError', tags: ['caught'], sources, expr: { in: 's', pipe: [{ op: 'catchError', args: [f('src', 'x')] }] }, sub: null, sources: { ...sources, x: cold('-x|') } };
  }
  yield { op: 'retryWhen', tags: ['take'], sources: { s: cold('-a-#') }, expr: { in: 's', pipe: [{ op: 'retryWhen', args: [f('notifyTake', 2)] }] } };
  const chains = [
    [{ op: 'map', args: [f('add', 1)] }, { op: 'filter', args: [f('even')] }, { op: 'scan', args: [f('sum'), 0] }],
    [{ op: 'debounceTime', args: [2] }, { op: 'switchMap', args: [f('src', 'x')] }],
    [{ op: 'bufferCount', args: [2] }, { op: 'concatAll' }],
    [{ op: 'groupBy', args: [f('mod', 3)] }, { op: 'mergeAll' }],
    [{ op: 'share' }, { op: 'zipWith', args: [src('n')] }],
    [{ op: 'concatMap', args: [f('src', 'x')] }, { op: 'take', args: [3] }],
    [{ op: 'delay', args: [2] }, { op: 'takeUntil', args: [src('n')] }],
    [{ op: 'windowCount', args: [2] }, { op: 'concatAll' }],
    [{ op: 'throttleTime', args: [4] }, { op: 'withLatestFrom', args: [src('n')] }],
    [{ op: 'delay', args: [3] }, { op: 'sampleTime', args: [3] }],
    [{ op: 'auditTime', args: [2] }, { op: 'bufferTime', args: [4] }],
    [{ op: 'map', args: [f('throwIf', 3)] }, { op: 'retry', args: [1] }, { op: 'catchError', args: [f('valueOf', 26)] }],
    [{ op: 'exhaustMap', args: [f('src', 'x')] }, { op: 'timeout', args: [cfg({ each: 4 })] }],
  ];
  for (const [tag, s] of Object.entries(shapes)) {
    for (const pipe of chains) {
      const sources = { s, x: inners.x, n: hot('---x--x--x--x--|') };
      yield { op: `chain:${pipe.map((p) => p.op).join('-')}`, tags: [tag], sources, expr: { in: 's', pipe }, sub: '^ 60ms !' };
    }
  }
}

// Operators whose RxJS answer is a glitch or a recursion by design differ on purpose: they stand in
// cases/differences.jsonl, by hand.
export function cases() {
  return [...ofSingle(), ...ofPairs(), ...ofFlat(), ...ofSeveral(), ...ofNothing(), ...ofSharing(), ...ofAgain()]
    .filter(({ op, tags }) => !(op === 'repeat' && tags.includes('err')));
}

const kinds = [['Subject'], ['BehaviorSubject', 0], ['ReplaySubject'], ['ReplaySubject', 2], ['AsyncSubject']];
const plots = [
  ['two observers', [['sub', 'A'], ['next', 1], ['sub', 'B'], ['next', 2], ['unsub', 'A'], ['next', 3], ['complete'], ['sub', 'C'], ['next', 4]]],
  ['error', [['sub', 'A'], ['next', 1], ['error', 'e'], ['next', 2], ['sub', 'B']]],
  ['double complete', [['sub', 'A'], ['complete'], ['complete'], ['next', 1], ['error', 'e']]],
  ['no observers', [['next', 1], ['next', 2], ['sub', 'A'], ['next', 3], ['complete']]],
  ['unsubscribe oneself', [['sub', 'A'], ['sub', 'B'], ['next', 1], ['next', 2]], [{ who: 'A', on: ['N', 1], do: [['unsub', 'A']] }]],
  ['unsubscribe a later one', [['sub', 'A'], ['sub', 'B'], ['sub', 'C'], ['next', 1], ['next', 2]], [{ who: 'A', on: ['N', 1], do: [['unsub', 'B']] }]],
  ['unsubscribe an earlier one', [['sub', 'A'], ['sub', 'B'], ['next', 1], ['next', 2]], [{ who: 'B', on: ['N', 1], do: [['unsub', 'A']] }]],
  ['subscribe inside next', [['sub', 'A'], ['next', 1], ['next', 2]], [{ who: 'A', on: ['N', 1], do: [['sub', 'X']] }]],
  ['subscribe inside complete', [['sub', 'A'], ['next', 1], ['complete']], [{ who: 'A', on: ['C'], do: [['sub', 'X']] }]],
];
const piped = (...pipe) => ({ in: 's', pipe });
const derivations = {
  map: piped({ op: 'map', args: [f('add', 10)] }), scan: piped({ op: 'scan', args: [f('sum'), 0] }), take: piped({ op: 'take', args: [2] }),
  pairwise: piped({ op: 'pairwise' }), bufferCount: piped({ op: 'bufferCount', args: [2] }), share: piped({ op: 'share' }),
  shareReplay: piped({ op: 'shareReplay', args: [1] }), concatMap: piped({ op: 'concatMap', args: [f('toOf')] }),
  switchSelf: piped({ op: 'switchMap', args: [f('src', 's')] }), exhaustSelf: piped({ op: 'exhaustMap', args: [f('src', 's')] }),
  mergeSelf: piped({ op: 'take', args: [2] }, { op: 'mergeMap', args: [f('src', 's')] }), skip: piped({ op: 'skip', args: [1] }),
  startWith: piped({ op: 'startWith', args: [7] }), distinct: piped({ op: 'distinctUntilChanged' }),
  mergeDiamond: { create: 'merge', args: [{ expr: piped({ op: 'map', args: [f('add', 10)] }) }, { expr: piped({ op: 'map', args: [f('add', 20)] }) }] },
  zipDiamond: { create: 'zip', args: [{ expr: piped({ op: 'map', args: [f('add', 10)] }) }, { expr: piped({ op: 'map', args: [f('add', 20)] }) }] },
};
export function scripts() {
  const list = [];
  for (const make of kinds) {
    for (const [name, steps, react = []] of plots) list.push({ name: `${make.join(' ')}: ${name}`, make, steps, react });
  }
  for (const [name, d] of Object.entries(derivations)) {
    const onD = (steps) => steps.map((s) => (s[0] === 'sub' ? [...s, 'd'] : s));
    for (const [plot, steps, react = []] of plots.slice(0, 8)) {
      list.push({ name: `${name}: ${plot}`, make: ['Subject'], derived: { d }, steps: onD(steps), react: react.map((r) => ({ ...r, do: onD(r.do) })) });
    }
  }
  return list;
}
