// Catches: bad input to flows that is taken without a word, or stops more than the flow it belongs to.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { binary, everfold, startServer, temporaryFolder } from './server.mjs';

const event = { type: 'T', data: 1 };

test('a client that writes into a flow\'s stream is refused, whichever way it comes', async () => {
  const server = await startServer();
  const refused = (answer, where) => {
    assert.equal(answer.status, 403);
    assert.equal(answer.body.type, '/problems/flow-stream');
    assert.match(answer.body.detail, where);
    assert.match(answer.body.detail, /belongs to the flow "large"; append to another stream/);
  };
  refused(await server.json('POST', '/streams/flow-large', { body: event }), /^The stream flow-large /);
  refused(await server.json('POST', '/streams/flow-large.0123456789abcdef', { body: event }), /^The stream flow-large\.0123/);
  const writes = [{ stream: 'a-1', events: [event] }, { stream: 'flow-large', events: [event] }];
  refused(await server.json('POST', '/append', { body: { writes } }), /^\/writes\/1\/stream: /);

  const appended = await everfold(['append', 'flow-large', 'T', '1', '--url', server.url]);
  assert.equal(appended.code, 1);
  assert.match(appended.stderr, /belongs to the flow "large"; append to another stream/);
  const rows = ['import', '--stream', '{s}', '--type', 'T', '--url', server.url];
  const imported = await everfold(rows, { input: '{"s":"a-1"}\n{"s":"flow-large"}\n' });
  assert.equal(imported.code, 1);
  assert.match(imported.stderr, /line 2: The stream flow-large belongs to the flow "large"/);

  assert.equal((await server.json('GET', '/events')).body.position, 0, 'nothing was written beside it');
  assert.equal(await server.stop(), 0);
});

test('an import leaves out what flows have written, and says how much', async () => {
  const lines = [{ stream: 'a-1', ...event }, { stream: 'flow-large.0123456789abcdef', ...event }];
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  const imported = await everfold(['import', '--data', temporaryFolder()], { input });
  assert.equal(imported.code, 0, imported.stderr);
  const summary = JSON.parse(imported.stdout);
  assert.deepEqual([summary.events, summary.leftOut], [1, 1]);
});

// --- What stops a flow, and nothing else ---------------------------------------------------------

const module = (body) => `import { flow, from, count, sum } from 'everfold/flow';\nconst paid = from('till').ofType('Paid');\n${body}\n`;
const healthy = "flow('healthy', () => paid.emit('Seen'));";

function makeApp(body) {
  const app = temporaryFolder();
  mkdirSync(join(app, 'flows'));
  writeFileSync(join(app, 'flows/tills.js'), module(body));
  return app;
}

/** Appends payments, one for each data, and gives the position of each. */
async function pay(server, ...payments) {
  const events = payments.map((data) => ({ type: 'Paid', data }));
  const answer = await server.json('POST', '/streams/till-a', { body: events });
  assert.equal(answer.status, 201);
  return payments.map((_, index) => answer.body.firstPosition + index);
}

/** What the flow has made when everything up to the position has passed, or when it has stopped. */
async function made(server, flow, position, query = '') {
  const headers = { 'everfold-min-position': String(position), prefer: 'wait=30' };
  const answer = await server.json('GET', `/flows/${flow}/events${query}`, { headers });
  return answer.status === 200 ? answer.body.events.map((event) => event.data) : answer;
}

/** The flow has stopped at one of the events, says why, and nothing else has stopped with it. */
async function assertStopped(server, flow, positions, index, why, node) {
  const position = positions[index];
  const behind = await made(server, flow, position);
  assert.deepEqual([behind.status, behind.body?.type], [503, '/problems/flow-behind'], JSON.stringify(behind));
  assert.match(behind.body.detail, why);
  const { body } = await server.json('GET', `/flows/${flow}`);
  assert.deepEqual([body.state, body.failedPosition, body.failedNode], ['stopped', position, node]);
  assert.match(body.failure, why);
  assert.equal((await made(server, 'healthy', positions.at(-1))).length, positions.length);
  const ready = await server.json('GET', '/health/ready');
  assert.deepEqual([ready.status, ready.body.status, ready.body.flows[flow]], [200, 'degraded', 'stopped']);
  const page = await server.json('GET', `/flows/${flow}`, { headers: { accept: 'text/html' } });
  assert.match(page.body, new RegExp(`At position <a href="/events/${position}">`));
  const picture = await server.json('GET', `/flows/${flow}`, { headers: { accept: 'text/plain' } });
  assert.match(picture.body, new RegExp(`^stopped at position ${position}, ${node}: .`, 'm'));
  const list = execFileSync('script', ['-qec', `'${binary}' flow list --url ${server.url}`, '/dev/null'],
    { env: { PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  assert.match(list, new RegExp(`^${flow} .* ${position} +${node} +.*${body.failure.slice(0, 10).replace(/[^\w]/g, '.')}`, 'm'));
}

test('flows that read each other in a circle are refused at start, by name', async () => {
  const app = makeApp("flow('a', () => from({ flow: 'b' }).emit('A'));\nflow('b', () => from({ flow: 'a' }).emit('B'));");
  const { code, stderr } = await everfold(['serve', app, '--port', '0', '--data', temporaryFolder()]);
  assert.equal(code, 1);
  assert.match(stderr, /flows\/tills\.js:[34]: .*(a.*b.*a|b.*a.*b)/);
});

test('a flow of a flow that does not exist is refused at start', async () => {
  const app = makeApp("flow('a', () => from({ flow: 'nobody' }).emit('A'));");
  const { code, stderr } = await everfold(['serve', app, '--port', '0', '--data', temporaryFolder()]);
  assert.equal(code, 1);
  assert.match(stderr, /flows\/tills\.js:3: .*nobody/);
});

test('a set of keys without bound stops its flow at the bound', async () => {
  const server = await startServer({ app: makeApp(`${healthy}\nflow('keys', { keys: 3 }, () => paid.keyBy('data.card').aggregate({ n: count() }).emit('Count'));`) });
  const positions = await pay(server, { card: 1 }, { card: 2 }, { card: 1 }, { card: 3 }, { card: 4 });
  await assertStopped(server, 'keys', positions, 4, /keys/, 'aggregate1');
  const before = await server.json('GET', '/flows/keys/events');
  assert.deepEqual(before.body.events.map((event) => event.data.n), [1, 1, 2, 1], 'what came before stays');
  assert.equal(await server.stop(), 0);
});

test('a function that throws stops its flow with the place in the file', async () => {
  const server = await startServer({ app: makeApp(`${healthy}\nflow('throws', () => paid.map((event) => event.data.card.number).emit('Number'));`) });
  const positions = await pay(server, { card: { number: 1 } }, {}, { card: { number: 2 } });
  await assertStopped(server, 'throws', positions, 1, /flows\/tills\.js:4/, 'map1');
  assert.equal(await server.stop(), 0);
});

test('with onError skip what fails is recorded and passed over', async () => {
  const server = await startServer({ app: makeApp("flow('skips', { onError: 'skip' }, () => paid.map((event) => event.data.card.number).emit('Number'));") });
  const positions = await pay(server, { card: { number: 1 } }, {}, { card: { number: 2 } });
  assert.deepEqual(await made(server, 'skips', positions[2]), [1, 2]);
  const errors = await made(server, 'skips', positions[2], '?side=errors');
  assert.deepEqual(errors.map((error) => error.position), [positions[1]]);
  assert.match(errors[0].message, /flows\/tills\.js:3/);
  assert.equal((await server.json('GET', '/health/ready')).body.status, 'ok');
  assert.equal(await server.stop(), 0);
});

test('a function that loops for ever stops its flow, also with skip', async () => {
  const loops = "flow('loops', { onError: 'skip' }, () => paid.map((event) => { while (event.data.loop); return 1; }).emit('One'));";
  const server = await startServer({ app: makeApp(`${healthy}\n${loops}`) });
  const positions = await pay(server, {}, { loop: true }, {});
  await assertStopped(server, 'loops', positions, 1, /longer than/, 'map1');
  assert.equal(await server.stop(), 0);
});

const hourly = (options) => `${healthy}\nflow('hours', ${options}, () => paid.tumbling('1h').aggregate({ n: count() }).emit('Hour'));`;
const at = (text) => ({ at: text });

test('an event without a time stops a flow that needs one', async () => {
  const server = await startServer({ app: makeApp(hourly("{ time: 'data.at' }")) });
  const positions = await pay(server, at('2026-01-01T10:00:00Z'), {}, at('2026-01-01T12:00:00Z'));
  await assertStopped(server, 'hours', positions, 1, /no data\.at/, 'from1');
  assert.equal(await server.stop(), 0);
});

test('a time far in the future closes no window: it stops the flow, or is passed over', async () => {
  for (const future of ['2200-01-01T00:00:00Z', '2300-01-01T00:00:00Z', 'tomorrow', true]) {
    const server = await startServer({ app: makeApp(hourly("{ time: 'data.at' }") + "\nflow('skips', { time: 'data.at', onError: 'skip' }, () => paid.tumbling('1h').aggregate({ n: count() }).emit('Hour'));") });
    const positions = await pay(server, at('2026-01-01T10:00:00Z'), at(future), at('2026-01-01T10:30:00Z'), at('2026-01-01T11:00:00Z'));
    await assertStopped(server, 'hours', positions, 1, /data\.at/, 'from1');
    assert.deepEqual((await made(server, 'skips', positions[3])).map((hour) => [hour.start, hour.n]), [['2026-01-01T10:00:00.000Z', 2]], future);
    assert.equal((await server.json('GET', '/flows/skips/events?side=late')).body.events.length, 0);
    assert.equal(await server.stop(), 0);
  }
});

test('a time in 1970 is a time: its window is made, or it is late', async () => {
  const server = await startServer({ app: makeApp(hourly("{ time: 'data.at' }")) });
  const positions = await pay(server, at('1970-01-01T00:10:00Z'), at('2026-01-01T10:00:00Z'), at('1970-01-01T00:20:00Z'), at(0));
  const hours = await made(server, 'hours', positions[3]);
  assert.deepEqual(hours.map((hour) => [hour.start, hour.n]), [['1970-01-01T00:00:00.000Z', 1]]);
  const late = await made(server, 'hours', positions[3], '?side=late');
  assert.deepEqual(late.map((event) => event.position), [positions[2], positions[3]]);
  assert.equal(await server.stop(), 0);
});

test('a changed flow goes through the log anew beside the old stream, which stays as it was', async () => {
  const app = makeApp("flow('sums', () => paid.aggregate({ n: count() }).emit('Sum'));");
  const server = await startServer({ app });
  const [first] = await pay(server, { amount: 5 });
  await made(server, 'sums', first);
  const old = (await server.json('GET', '/flows/sums')).body.stream;
  assert.equal(await server.stop(), 0);
  writeFileSync(join(app, 'flows/tills.js'), module("flow('sums', () => paid.aggregate({ total: sum('data.amount') }).emit('Sum'));"));
  const changed = await server.restart();
  const [second] = await pay(changed, { amount: 7 });
  assert.deepEqual(await made(changed, 'sums', second), [{ total: 5 }, { total: 12 }]);
  const kept = await changed.json('GET', `/streams/${old}`);
  assert.deepEqual(kept.body.events.map((event) => event.data), [{ n: 1 }]);
  assert.equal(await changed.stop(), 0);
});
