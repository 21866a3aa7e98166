// harness.mjs - recorded cases, built from the JavaScript operators of live expressions.
//
// The vocabulary is the one the cases were recorded with: `rxjs` is replaced by our module when this is
// bundled, so that the very same calls meet the other implementation.
import { build } from '../vocabulary.mjs';
import { begin, handleOf, loaded, Stream } from '../../../src/domain/script/worker/js/live_stream.js';
import { makeConstants } from './rx.mjs';

function plain(v) {
    if (v === undefined) return { undef: true };
    if (v instanceof Error) return v.name === 'Error' ? JSON.parse(v.message) : { err: v.name };
    if (Array.isArray(v)) return v.map(plain);
    if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
    return v;
}

function listen(marble, stream, now) {
    const log = [];
    const id = marble.subscribe(handleOf(stream), (v) => log.push([now(), 'N', v instanceof Stream ? inner(marble, v, now) : plain(v)]), (e) => log.push([now(), 'E', plain(e)]), () => log.push([now(), 'C']));
    return { log, id };
}

function inner(marble, stream, now) {
    const { log } = listen(marble, stream, now);
    return 'key' in stream ? { key: plain(stream.key), obs: log } : { obs: log };
}

function source(marble, env, { kind, messages }) {
    const value = (v) => (v !== null && typeof v === 'object' && 'src' in v ? env[v.src] : v);
    const handle = marble.source(kind === 'hot', messages.map(([at, letter, v]) => [at, letter, letter === 'N' ? value(v) : letter === 'E' ? JSON.stringify(v) : undefined]));
    return Object.assign(new Stream(() => handle), { handle });
}

const sorted = (v) => (Array.isArray(v) ? v.map(sorted) : v !== null && typeof v === 'object' ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x)])) : v);
const text = (v) => JSON.stringify(sorted(v));

// The report; empty when all is as recorded.
export function runCase(native, marble, line) {
    const { sources = {}, expr, sub, alsoSubscribeAt = [], expect } = JSON.parse(line);
    begin(native);
    makeConstants();
    const env = {};
    for (const [name, spec] of Object.entries(sources)) env[name] = source(marble, env, spec);
    const stream = build(expr, env);
    loaded();
    const span = sub ? marble.span(sub) : [0, Infinity];
    const from = span[0] === Infinity ? 0 : span[0];
    const observed = [[from, 'messages'], ...alsoSubscribeAt.map((frame) => [frame, frame])].map(([frame, name]) => ({ frame, name, ear: { log: [] } }));
    const start = (one) => () => { one.ear = listen(marble, stream, native.now); };
    marble.at(from, start(observed[0]));
    if (span[1] !== Infinity) marble.at(span[1], () => marble.unsubscribe(observed[0].ear.id));
    for (const one of observed.slice(1)) marble.at(one.frame, start(one));
    marble.play();
    const got = { messages: observed[0].ear.log, subs: Object.fromEntries(Object.keys(sources).map((name) => [name, marble.spans(env[name].handle)])) };
    if (observed.length > 1) got.also = Object.fromEntries(observed.slice(1).map(({ frame, ear }) => [frame, ear.log]));
    const { messages, subs, also } = expect;
    const wanted = also === undefined ? { messages, subs } : { messages, subs, also };
    return text(got) === text(wanted) ? '' : `  wanted ${text(wanted)}\n  got    ${text(got)}\n`;
}
