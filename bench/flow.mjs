// What does an event cost? The same chain and diamond in RxJS, Bacon.js, a plain loop and Everfold's
// C library, in turn in one run. Usage: node bench/flow.mjs PATH/TO/flow-bench
// RxJS and Bacon.js come from tests/flow (npm ci there).
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

const require = createRequire(new URL('../tests/flow/package.json', import.meta.url));
const R = require('rxjs');
const Bacon = require('baconjs');
const program = process.argv[2] ?? 'build/release/bin/flow-bench';
const WINDOW = 4096;
const ROUNDS = 5;

const timed = (name, windows, run) => {
  const begin = process.hrtime.bigint();
  const check = run(windows);
  return [name, (windows * WINDOW) / Number(process.hrtime.bigint() - begin) * 1e3, String(check)];
};

const chain = (s) => s.pipe(R.map((x) => x * 3 + 1), R.filter((x) => x % 2 === 0), R.scan((a, x) => a + x, 0));

const forms = [
  ['JavaScript: one loop by hand', 4000, (windows) => {
    let total = 0, check = 0;
    for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) { const x = i * 3 + 1; if (x % 2 === 0) { total += x; check += total % 1024; } }
    return check;
  }],
  ['RxJS: cold source, one subscribe', 1000, (windows) => {
    let check = 0;
    chain(new R.Observable((s) => { for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) s.next(i); })).subscribe((v) => { check += v % 1024; });
    return check;
  }],
  ['RxJS: Subject.next for each event', 500, (windows) => {
    let check = 0;
    const s = new R.Subject();
    chain(s).subscribe((v) => { check += v % 1024; });
    for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) s.next(i);
    return check;
  }],
  ['Bacon.js: Bus.push for each event', 100, (windows) => {
    let check = 0;
    const bus = new Bacon.Bus();
    bus.map((x) => x * 3 + 1).filter((x) => x % 2 === 0).scan(0, (a, x) => a + x).changes().onValue((v) => { check += v % 1024; });
    for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) bus.push(i);
    return check;
  }],
  ['RxJS: diamond (emits 2N-1 times)', 200, (windows) => {
    let check = 0;
    const s = new R.Subject();
    R.combineLatest([s.pipe(R.map((x) => x * 3 + 1)), s.pipe(R.map((x) => x * 3 + 1))], (a, b) => a + b).subscribe((v) => { check += v; });
    for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) s.next(i);
    return check;
  }],
  ['Bacon.js: diamond', 30, (windows) => {
    let check = 0;
    const bus = new Bacon.Bus();
    const p = bus.toProperty();
    p.map((x) => x * 3 + 1).combine(p.map((x) => x * 3 + 1), (a, b) => a + b).onValue((v) => { check += v; });
    for (let w = 0; w < windows; w++) for (let i = 0; i < WINDOW; i++) bus.push(i);
    return check;
  }],
];

const results = new Map();
const add = ([name, rate]) => results.set(name, [...(results.get(name) ?? []), Number(rate)]);
for (let round = 0; round < ROUNDS; round++) {
  for (const form of forms) add(timed(...form));
  for (const line of execFileSync(program, { encoding: 'utf8' }).trim().split('\n')) add(line.split('\t'));
}
console.log(`million events a second on ${cpus()[0].model}, node ${process.version}; ${ROUNDS} rounds, interleaved`);
console.log(`${''.padEnd(48)}${'min'.padStart(9)}${'median'.padStart(9)}${'max'.padStart(9)}`);
for (const [name, rates] of results) {
  rates.sort((a, b) => a - b);
  const cells = [rates[0], rates[rates.length >> 1], rates.at(-1)].map((r) => r.toFixed(1).padStart(9));
  console.log(name.padEnd(48) + cells.join(''));
}
