// Records what RxJS and Bacon.js really do into cases/*.jsonl. Run `npm ci && npm run record`;
// the inputs stand in inputs.mjs and bacon-inputs.mjs, nothing here knows what the answer should be.
import * as R from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { writeFileSync } from 'node:fs';
import { build, makeSubject } from './vocabulary.mjs';
import { cases, scripts } from './inputs.mjs';
import { recordBacon } from './record-bacon.mjs';

R.config.onUnhandledError = () => {}; // an observer without `error` is no failure of the recorder
TestScheduler.frameTimeFactor = 1; // one character is one millisecond, also outside of run()

const letterValue = (c) => c.charCodeAt(0) - 96;

// What may stand in the data: numbers, lists, records; errors and notifications by name.
function plain(v) {
  if (v === undefined) return { undef: true };
  if (v instanceof Error) return { err: v.name };
  if (Array.isArray(v)) return v.map(plain);
  if (v && typeof v === 'object' && 'hasValue' in v && 'kind' in v) {
    return v.kind === 'N' ? { kind: 'N', value: plain(v.value) }
      : v.kind === 'E' ? { kind: 'E', error: plain(v.error) } : { kind: 'C' };
  }
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
  return v;
}

function ear(scheduler, stream) {
  const log = [];
  const subscription = new R.Subscription();
  const observer = {
    next: (v) => log.push([scheduler.now(), 'N', v instanceof R.Observable ? inner(scheduler, v) : plain(v)]),
    error: (e) => log.push([scheduler.now(), 'E', plain(e)]),
    complete: () => log.push([scheduler.now(), 'C']),
  };
  return { log, start: () => subscription.add(stream.subscribe(observer)), stop: () => subscription.unsubscribe() };
}

function inner(scheduler, stream) {
  const { log, start } = ear(scheduler, stream);
  const entry = { obs: log };
  if ('key' in stream) entry.key = plain(stream.key);
  start();
  return entry;
}

function sourceOf(helpers, env, spec) {
  const values = { ...Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((c) => [c, letterValue(c)])), ...spec.values };
  for (const [letter, name] of Object.entries(spec.of ?? {})) values[letter] = env[name];
  return helpers[spec.kind](spec.marble, values, spec.error ?? 'error');
}

function messagesOf(spec) {
  return TestScheduler.parseMarbles(spec.marble, undefined, spec.error ?? 'error', false, true)
    .map(({ frame, notification: n }) => n.kind === 'C' ? [frame, 'C'] : n.kind === 'E' ? [frame, 'E', n.error]
      : [frame, 'N', spec.of?.[n.value] ? { src: spec.of[n.value] } : spec.values?.[n.value] ?? letterValue(n.value)]);
}

function recordCase(input) {
  const { id, op, tags = [], sources = {}, expr, sub = null, alsoSubscribeAt } = input;
  const scheduler = new TestScheduler(() => {});
  const env = {};
  const ears = [];
  const result = { messages: [], subs: {} };
  scheduler.run((helpers) => {
    for (const [name, spec] of Object.entries(sources)) env[name] = sourceOf(helpers, env, spec);
    const stream = build(expr, env);
    const span = sub === null ? { subscribedFrame: 0, unsubscribedFrame: Infinity }
      : TestScheduler.parseMarblesAsSubscriptions(sub, true);
    const main = ear(scheduler, stream);
    const from = span.subscribedFrame === Infinity ? 0 : span.subscribedFrame;
    scheduler.schedule(main.start, from);
    if (span.unsubscribedFrame !== Infinity) scheduler.schedule(main.stop, span.unsubscribedFrame);
    for (const frame of alsoSubscribeAt ?? []) {
      const one = ear(scheduler, stream);
      ears.push([frame, one]);
      scheduler.schedule(one.start, frame);
    }
    helpers.flush();
    result.messages = main.log;
  });
  if (ears.length > 0) result.also = Object.fromEntries(ears.map(([frame, one]) => [frame, one.log]));
  for (const name of Object.keys(sources)) {
    result.subs[name] = env[name].subscriptions.map((s) => [s.subscribedFrame, s.unsubscribedFrame === Infinity ? null : s.unsubscribedFrame]);
  }
  const withMessages = Object.fromEntries(Object.entries(sources).map(([n, s]) => [n, { ...s, messages: messagesOf(s) }]));
  return { id, op, tags, sources: withMessages, expr, sub, ...(alsoSubscribeAt && { alsoSubscribeAt }), expect: result };
}

function recordScript({ id, name, make, derived = {}, steps, react = [] }) {
  const s = makeSubject(make);
  const env = { s };
  for (const [key, expr] of Object.entries(derived)) env[key] = build(expr, env);
  const log = [];
  const subscriptions = {};
  const reactTo = (who, kind, value) => {
    for (const r of react) {
      if (r.who === who && r.on[0] === kind && (r.on.length === 1 || r.on[1] === value)) r.do.forEach(step);
    }
  };
  function step([verb, a, b]) {
    if (verb === 'next') s.next(a);
    else if (verb === 'error') s.error(a);
    else if (verb === 'complete') s.complete();
    else if (verb === 'mark') log.push(['-', a]);
    else if (verb === 'unsub') subscriptions[a]?.unsubscribe();
    else {
      const holder = (subscriptions[a] = new R.Subscription());
      const subscriber = new R.Subscriber();
      const observer = {
        next: (v) => { log.push([a, 'N', plain(v)]); reactTo(a, 'N', v); },
        error: (e) => { log.push([a, 'E', plain(e)]); reactTo(a, 'E'); },
        complete: () => { log.push([a, 'C']); reactTo(a, 'C'); },
      };
      holder.add(env[b ?? 's'].subscribe(observer));
    }
  }
  steps.forEach(step);
  return { id, name, make, ...(Object.keys(derived).length && { derived }), steps, ...(react.length && { react }), log };
}

function write(name, lines) {
  writeFileSync(new URL(`cases/${name}.jsonl`, import.meta.url), lines.map((l) => JSON.stringify(l) + '\n').join(''));
  console.log(`${name}: ${lines.length}`);
}

const seen = new Map();
const number = (op) => { seen.set(op, (seen.get(op) ?? 0) + 1); return `${op}-${String(seen.get(op)).padStart(3, '0')}`; };
write('cases', cases().map((input) => recordCase({ ...input, id: number(input.op) })));
write('scripts', scripts().map((input, i) => recordScript({ ...input, id: `script-${String(i + 1).padStart(3, '0')}` })));
write('bacon', recordBacon());
