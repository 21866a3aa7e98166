// How fast do events pass through a flow of native operators? The C program beside the same pipeline in
// RxJS on Node: events as JSON text, parsed there with JSON.parse, in turn in one run. Processor
// time is counted, Node's with that of its garbage collector. RxJS comes from tests/flow (npm ci there).
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

const require = createRequire(new URL('../tests/flow/package.json', import.meta.url));
const R = require('rxjs');
const program = 'build/release/bench/derive';
const EVENTS = 200_000;
const ACCOUNTS = 1000;
const ROUNDS = 3;

const events = Array.from({ length: EVENTS }, (_, i) => {
  const account = String(Number((BigInt(i) * 2654435761n) % BigInt(ACCOUNTS))).padStart(7, '0');
  return {
    stream: `account-${account}`,
    type: 'Withdrawn',
    data: `{"account":"a-${account}","currency":"EUR","amount":${(i * 7919) % 1000},"at":"2026-11-27T10:00:00Z","by":{"terminal":${i % 97},"city":"Utrecht"},"note":"some words that make it as long as such events often are, no more"}`,
  };
});

function runRxJS() {
  const found = { outputs: 0, totals: 0 };
  const source = new R.Subject();
  source.pipe(
    R.filter((e) => e.stream.startsWith('account-') && e.type === 'Withdrawn'),
    R.map((e) => JSON.parse(e.data)),
    R.filter((data) => data.amount >= 100),
    R.groupBy((data) => data.account),
    R.mergeMap((group) => group.pipe(R.scan((s, data) => ({ key: group.key, n: s.n + 1, total: s.total + data.amount }), { n: 0, total: 0 }))),
    R.filter((s) => s.n === 100 || s.n === 1000 || s.n === 10_000),
  ).subscribe((s) => {
    found.outputs++;
    found.totals += s.total;
  });
  const begin = process.cpuUsage();
  for (const event of events) source.next(event);
  const used = process.cpuUsage(begin);
  return { rate: EVENTS / (used.user + used.system), ...found };
}

const rates = [];
let output;
for (let round = 0; round < ROUNDS; round++) {
  const { rate, outputs } = runRxJS();
  if (outputs === 0) throw new Error('nothing was found');
  rates.push(rate);
  output = execFileSync(program, { encoding: 'utf8' });
}
rates.sort((a, b) => a - b);
console.log(`${cpus()[0].model}, node ${process.version}; the last of ${ROUNDS} interleaved rounds of the program`);
process.stdout.write(output);
console.log(`${'RxJS: filter, parse, groupBy, scan, filter'.padEnd(44)}${[rates[0], rates[ROUNDS >> 1], rates.at(-1)].map((r) => r.toFixed(2).padStart(8)).join('')}`);
