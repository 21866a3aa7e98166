// The functions and expressions that cases name, over RxJS.
import * as R from 'rxjs';

const boom = () => { throw 'boom'; };
const made = () => 'made';

export function fn(spec, env) {
  const [name, ...p] = Array.isArray(spec) ? spec : [spec];
  const pick = (x) => env[p[0][x] ?? p[0]['*']];
  switch (name) {
    case 'id': return (x) => x;
    case 'add': return (x) => x + p[0];
    case 'mul': return (x) => x * p[0];
    case 'mod': return (x) => x % p[0];
    case 'even': return (x) => x % 2 === 0;
    case 'odd': return (x) => x % 2 !== 0;
    case 'gt': return (x) => x > p[0];
    case 'lt': return (x) => x < p[0];
    case 'eq': return (x) => x === p[0];
    case 'const': return () => p[0];
    case 'withIndex': return (x, i) => [x, i];
    case 'indexLt': return (x, i) => i < p[0];
    case 'throwIf': {
      const then = p[1] === undefined ? undefined : fn(p[1], env);
      return (x, i) => (x === p[0] ? boom() : then ? then(x, i) : x);
    }
    case 'throwAlways': return boom;
    case 'sum': return (a, x) => a + x;
    case 'minus': return (a, x) => a - x;
    case 'sumThrow': return (a, x) => (x === p[0] ? boom() : a + x);
    case 'append': return (a, x) => [...a, x];
    case 'list': return (...all) => all;
    case 'sumAll': return (...all) => all.flat().reduce((a, x) => a + x, 0);
    case 'eq2': return (a, b) => a === b;
    case 'eqMod2': return (a, b) => a % p[0] === b % p[0];
    case 'cmpMod': return (a, b) => (a % p[0]) - (b % p[0]);
    case 'not': return (x) => !x;
    case 'pick': return pick;
    case 'src': return () => env[p[0]];
    case 'accPick': return (acc, x) => pick(x).pipe(R.map((v) => acc + v));
    case 'expandMul': return (x) => (x * p[0] > p[1] ? R.EMPTY : R.of(x * p[0]).pipe(R.delay(1)));
    case 'toOf': return (x) => R.of(x);
    case 'pipeConcatSelf': return (s) => R.concat(s, s);
    case 'pipeMergeTake': return (s) => R.merge(s.pipe(R.take(p[0])), s.pipe(R.map((x) => x * 10)));
    case 'valueOf': return () => R.of(p[0]);
    case 'rethrow': return (e) => { throw e; };
    case 'caught': return (e, caught) => caught;
    case 'retryTimer': return (e, i) => R.timer(p[0] * (i ?? e));
    case 'notifyTake': return (s) => s.pipe(R.take(p[0]));
    case 'notifyDelay': return (s) => s.pipe(R.delay(p[0]));
    case 'errNew': return made;
    default: throw new Error(`no function ${name}`);
  }
}

const subjects = {
  Subject: () => new R.Subject(),
  BehaviorSubject: (v) => new R.BehaviorSubject(v),
  ReplaySubject: (n, t) => new R.ReplaySubject(n ?? Infinity, t ?? Infinity),
  AsyncSubject: () => new R.AsyncSubject(),
};
export const makeSubject = ([kind, ...args]) => subjects[kind](...args);

export function argument(a, env) {
  if (a === 'Infinity') return Infinity;
  if (a === null || typeof a !== 'object') return a;
  if (Array.isArray(a)) return a;
  if ('fn' in a) return fn(a.fn, env);
  if ('src' in a) return env[a.src];
  if ('expr' in a) return build(a.expr, env);
  if ('val' in a) return a.val;
  if ('date' in a) return new Date(a.date);
  if ('default' in a) return undefined;
  if ('connector' in a) return () => makeSubject(a.connector);
  if ('cfg' in a) return Object.fromEntries(Object.entries(a.cfg).map(([k, v]) => [k, argument(v, env)]));
  return a;
}

const creators = {
  empty: () => R.EMPTY,
  never: () => R.NEVER,
  fromArray: (list) => R.from(list),
  combineLatestObj: (o) => R.combineLatest(o),
  forkJoinObj: (o) => R.forkJoin(o),
  mergeN: (n, ...s) => R.merge(...s, n),
  partition0: (s, f) => R.partition(s, f)[0],
  partition1: (s, f) => R.partition(s, f)[1],
  iif: (c, a, b) => R.iif(typeof c === 'function' ? c : () => c, a, b),
  throwError: (e) => R.throwError(() => e),
  using: (s) => R.using(() => ({ unsubscribe() {} }), () => s),
};
const operators = {
  mapTo: (v) => R.map(() => v),
  observeOn: (d) => R.observeOn(R.asyncScheduler, d),
  subscribeOn: (d) => R.subscribeOn(R.asyncScheduler, d),
  timeInterval: () => R.pipe(R.timeInterval(), R.map(({ value, interval }) => ({ value, interval }))),
  throttleTime: (d, o) => R.throttleTime(d, R.asyncScheduler, o),
  bufferTime: (s, c, m) => R.bufferTime(s, c ?? null, m ?? Infinity),
  windowTime: (s, c, m) => R.windowTime(s, c ?? null, m ?? Infinity),
};

export function build(expr, env) {
  if (typeof expr === 'string') return env[expr];
  if (expr.create) {
    const args = (expr.args ?? []).map((a) => argument(a, env));
    return (creators[expr.create] ?? R[expr.create])(...args);
  }
  return (expr.pipe ?? []).reduce((s, { op, args = [] }) => {
    const make = operators[op] ?? R[op];
    return s.pipe(make(...args.map((a) => argument(a, env))));
  }, build(expr.in, env));
}
