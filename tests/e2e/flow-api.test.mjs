// Catches: a flow that cannot be seen, read or followed over HTTP, or that is shown otherwise than it is.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { everfold, startServer, temporaryFolder } from './server.mjs';
import { serverSentEvents } from './sse.mjs';

const declarations = (least) => `
import { flow, from, count, sum } from 'everfold/flow';
const paid = from('till').ofType('Paid');
export const large = flow('large', () => paid.where({ 'data.amount': { gte: ${least} } })
  .emit('LargePayment', { till: '@id', amount: 'data.amount' }));
export const hours = flow('hours', { time: 'data.at', onError: 'skip' }, () => paid.keyBy('@id').tumbling('1h')
  .aggregate({ n: count(), total: sum('data.amount') }).emit('HourClosed'));
export const misspelt = flow('misspelt', () => from('tlil').emit('Never'));
`;

function write(app, path, content) {
  mkdirSync(dirname(join(app, path)), { recursive: true });
  writeFileSync(join(app, path), content);
}

function makeApp(least = 100) {
  const app = temporaryFolder();
  write(app, 'flows/tills.js', declarations(least));
  return app;
}

const hour = (n) => new Date(Date.UTC(2026, 0, 1, n)).toISOString();

/** Appends payments, and gives the position of the last. */
async function pay(server, payments, till = 'a') {
  const events = payments.map(([amount, at]) => ({ type: 'Paid', data: { amount, at } }));
  const answer = await server.json('POST', `/streams/till-${till}`, { body: events });
  assert.equal(answer.status, 201);
  return answer.body.position;
}

const reaching = (position) => ({ headers: { 'everfold-min-position': String(position), prefer: 'wait=30' } });

const amounts = (answer) => answer.body.events.map((event) => event.data.amount);

test('what a flow has made is read like a stream, not before it has passed the position asked for', async () => {
  const server = await startServer({ app: makeApp() });
  const position = await pay(server, [[50], [100], [7], [2000]]);
  const answer = await server.json('GET', '/flows/large/events', reaching(position));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(amounts(answer), [100, 2000]);
  assert.ok(Number(answer.headers.get('everfold-position')) >= position);
  const [first] = answer.body.events;
  assert.deepEqual([first.type, first.data, first.metadata.cause], ['LargePayment', { till: 'a', amount: 100 }, position - 2]);
  assert.match(answer.body.stream, /^flow-large\.[0-9a-f]{16}$/);

  const later = await server.json('GET', '/flows/large/events?from=1', reaching(position));
  assert.deepEqual(amounts(later), [2000]);
  const page = await server.json('GET', '/flows/large/events?limit=1');
  assert.equal(page.body.next, '/flows/large/events?from=1&limit=1');
  assert.deepEqual(amounts(await server.json('GET', '/flows/large/events?direction=backward&limit=1')), [2000]);

  const tag = answer.headers.get('etag');
  const same = await server.json('GET', '/flows/large/events', { headers: { 'if-none-match': tag } });
  assert.equal(same.status, 304);

  const lines = await server.request('GET', '/flows/large/events', { headers: { accept: 'application/x-ndjson' } });
  const read = (await lines.text()).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(read.map((line) => line.data?.amount ?? line.end), [100, 2000, true]);

  const ahead = await server.json('GET', '/flows/large/events', { headers: { 'everfold-min-position': '999' } });
  assert.equal(ahead.status, 503);
  assert.equal(ahead.body.type, '/problems/flow-behind');
  assert.equal(ahead.body.minPosition, 999);
  assert.equal(await server.stop(), 0);
});

test('a flow that has made nothing yet has an empty page, and unknown flows and sides are refused', async () => {
  const server = await startServer({ app: makeApp() });
  await pay(server, [[1]]);
  const empty = await server.json('GET', '/flows/large/events', reaching(1));
  assert.equal(empty.status, 200);
  assert.deepEqual(empty.body.events, []);
  for (const path of ['/flows/smal', '/flows/smal/events', '/flows/smal/marbles']) {
    const answer = await server.json('GET', path);
    assert.deepEqual([answer.status, answer.body.type], [404, '/problems/flow-not-found'], path);
  }
  const side = await server.json('GET', '/flows/large/events?side=left');
  assert.deepEqual([side.status, side.body.type], [400, '/problems/bad-parameter']);
  assert.equal(await server.stop(), 0);
});

test('a follower hears what there is and what comes, and after a break goes on behind its last event', async () => {
  const server = await startServer({ app: makeApp() });
  await pay(server, [[100], [200]]);
  const heard = [];
  let last;
  for await (const message of serverSentEvents(server, '/flows/large/events')) {
    if (message.event === 'LargePayment') {
      heard.push(JSON.parse(message.data).data.amount);
      last = message.id;
    }
    if (heard.length === 2 && message.event === 'LargePayment') await pay(server, [[300]]);
    if (heard.length === 3) break;
  }
  assert.deepEqual(heard, [100, 200, 300]);
  await pay(server, [[400]]);
  for await (const message of serverSentEvents(server, '/flows/large/events', { 'last-event-id': last })) {
    if (message.event === 'LargePayment') {
      assert.equal(JSON.parse(message.data).data.amount, 400);
      break;
    }
  }
  assert.equal(await server.stop(), 0);
});

test('late and failed events stand in the side streams', async () => {
  const server = await startServer({ app: makeApp() });
  const position = await pay(server, [[1, hour(1)], [2, hour(5)], [3, hour(1)], [4, undefined], [5, hour(9)]]);
  const made = await server.json('GET', '/flows/hours/events', reaching(position));
  assert.deepEqual(made.body.events.map((event) => event.data.total), [1, 2]);
  const late = await server.json('GET', '/flows/hours/events?side=late');
  assert.deepEqual(late.body.events.map((event) => event.data.position), [position - 2]);
  const errors = await server.json('GET', '/flows/hours/events?side=errors');
  assert.deepEqual(errors.body.events.map((event) => event.data.position), [position - 1]);
  const status = (await server.json('GET', '/flows/hours')).body;
  assert.deepEqual([status.late, status.errors, status.events], [1, 1, 2]);
  assert.equal(status.watermark, '2026-01-01T09:00:00.000Z');
  assert.equal(await server.stop(), 0);
});

test('when another version takes over, followers are told where to go on, and miss and repeat nothing', async () => {
  const app = makeApp(100);
  const server = await startServer({ app });
  let position = await pay(server, [[50], [100], [150]]);
  await server.json('GET', '/flows/large/events', reaching(position));
  const old = (await server.json('GET', '/flows/large')).body.version;
  const before = await server.json('GET', '/flows/large/events');
  const lastSeen = String(before.body.events.at(-1).position);
  assert.equal(await server.stop(), 0);

  write(app, 'flows/tills.js', declarations(40));
  const changed = await server.restart();
  position = await pay(changed, [[60]]);
  const now = await changed.json('GET', '/flows/large/events', reaching(position));
  assert.deepEqual(amounts(now), [50, 100, 150, 60]);
  const { version } = (await changed.json('GET', '/flows/large')).body;
  assert.notEqual(version, old);
  assert.equal(now.body.stream, `flow-large.${version}`);

  // One that was away meanwhile comes with an id of the old version.
  const messages = [];
  for await (const message of serverSentEvents(changed, '/flows/large/events', { 'last-event-id': lastSeen })) messages.push(message);
  assert.deepEqual(messages.map((message) => message.event), ['superseded']);
  const said = JSON.parse(messages[0].data);
  assert.deepEqual([said.flow, said.version, said.stream], ['large', version, now.body.stream]);
  const rest = await changed.json('GET', `/flows/large/events?from=${said.from}`);
  assert.deepEqual(amounts(rest), [60]);
  // A browser does the same by itself, with the id of that message.
  for await (const message of serverSentEvents(changed, '/flows/large/events', { 'last-event-id': messages[0].id })) {
    if (message.event === 'LargePayment') {
      assert.equal(JSON.parse(message.data).data.amount, 60);
      break;
    }
  }
  // The old version's events stay where they were.
  assert.deepEqual(amounts(await changed.json('GET', `/streams/flow-large.${old}`)), [100, 150]);
  assert.equal(await changed.stop(), 0);
});

test('a flow is shown as JSON, as text, as SVG and as a page', async () => {
  const server = await startServer({ app: makeApp() });
  const position = await pay(server, [[50], [100]]);
  await server.json('GET', '/flows/large/events', reaching(position));
  const list = await server.json('GET', '/flows');
  assert.deepEqual(list.body.map((flow) => [flow.name, flow.state]), [['hours', 'live'], ['large', 'live'], ['misspelt', 'live']]);

  const { body } = await server.json('GET', '/flows/large');
  assert.deepEqual([body.file, body.lag, body.taken, body.events, body.serving], ['flows/tills.js', 0, 2, 1, body.version]);
  assert.deepEqual(body.nodes.map((node) => [node.op, node.counts.in, node.counts.out]), [['from', 2, 2], ['where', 2, 1], ['emit', 1, 1]]);
  assert.equal(body.nodes[0].matched, true);

  const as = (media) => server.json('GET', '/flows/large', { headers: { accept: media } });
  const text = await as('text/plain');
  assert.match(text.body, /┌─ where1 ─+┐\n *│ where +│\n *│ data\.amount ≥ 100 +│/);
  const svg = await as('image/svg+xml');
  assert.match(svg.headers.get('content-type'), /^image\/svg\+xml/);
  assert.match(svg.body, /^<svg [\s\S]*emit LargePayment[\s\S]*<\/svg>\n$/);
  const page = await as('text/html');
  assert.match(page.headers.get('content-security-policy'), /script-src 'self'/);
  assert.match(page.body, /<script src="\/assets\/flow\.js" data-flow="large"><\/script>/);
  assert.match(page.body, /<b>from till · types Paid<\/b>/, 'one source of a category is told from another');
  assert.doesNotMatch(page.body, /(src|href)="(https?:)?\/\//, 'nothing from elsewhere');
  const script = await server.request('GET', '/assets/flow.js');
  assert.match(script.headers.get('content-type'), /^text\/javascript/);
  assert.match(await script.text(), /EventSource/);
  assert.equal((await as('image/png')).status, 406);
  assert.equal(await server.stop(), 0);
});

test('an input that no event ever matched is seen as such', async () => {
  const server = await startServer({ app: makeApp() });
  await pay(server, [[1]]);
  const { body } = await server.json('GET', '/flows/misspelt');
  assert.equal(body.nodes[0].matched, false);
  const text = await server.json('GET', '/flows/misspelt', { headers: { accept: 'text/plain' } });
  assert.match(text.body, /never matched/);
  assert.equal(await server.stop(), 0);
});

test('marbles tell what passes each operator', async () => {
  const server = await startServer({ app: makeApp() });
  const marks = [];
  let status;
  let position;
  for await (const message of serverSentEvents(server, '/flows/large/marbles')) {
    if (message.event === 'flow') {
      if (status === undefined) position = await pay(server, [[50], [100]], 'b');
      status = JSON.parse(message.data);
    } else if (message.event === 'mark') {
      marks.push(JSON.parse(message.data));
    }
    if (marks.length >= 4 && status.events === 1) break;
  }
  const of = (node) => marks.filter((mark) => mark.node === node);
  assert.deepEqual(of('from1').map((mark) => [mark.position, mark.type, mark.value.amount]), [[position - 1, 'Paid', 50], [position, 'Paid', 100]]);
  assert.deepEqual(of('where1').map((mark) => mark.position), [position]);
  assert.deepEqual(of('emit1').map((mark) => mark.value), [{ till: 'b', amount: 100 }]);
  assert.ok(marks.every((mark) => Math.abs(Date.parse(mark.t) - Date.now()) < 600_000));
  assert.deepEqual(status.counts.map((counts) => counts.out), [2, 1, 1]);
  assert.equal(await server.stop(), 0);
});

test('marks that are too many are counted, and hold nothing up', async () => {
  const server = await startServer({ app: makeApp() });
  const wanted = 20_000;
  let shown = 0;
  let dropped = 0;
  let status;
  for await (const message of serverSentEvents(server, '/flows/large/marbles')) {
    if (message.event === 'flow') {
      if (status === undefined) for (let n = 0; n < wanted; n += 5000) await pay(server, Array.from({ length: 5000 }, () => [200]));
      status = JSON.parse(message.data);
    }
    if (message.event === 'mark') shown++;
    if (message.event === 'dropped') dropped += JSON.parse(message.data).count;
    if (status?.events === wanted && shown + dropped === 3 * wanted) break;
  }
  assert.ok(dropped > 0 && shown > 0);
  assert.equal(await server.stop(), 0);
});

test('flows are in the description, the metrics, the health and on the first page', async () => {
  const server = await startServer({ app: makeApp() });
  const position = await pay(server, [[100, hour(1)]]);
  await server.json('GET', '/flows/large/events', reaching(position));
  const api = (await server.json('GET', '/openapi.json')).body;
  for (const path of ['/flows', '/flows/{flow}', '/flows/{flow}/events', '/flows/{flow}/marbles']) assert.ok(api.paths[path]?.get, path);
  assert.ok(api.components.schemas.Flow.properties.watermark);
  const metrics = (await server.json('GET', '/metrics')).body;
  assert.match(metrics, /^everfold_flow_events\{flow="large"\} 1$/m);
  assert.match(metrics, /^everfold_flow_lag_events\{flow="large"\} 0$/m);
  assert.match(metrics, /^everfold_flow_stopped\{flow="misspelt"\} 0$/m);
  const health = (await server.json('GET', '/health/ready')).body;
  assert.deepEqual([health.status, health.flows.large], ['ok', 'live']);
  assert.match((await server.json('GET', '/')).body, /<a href="\/flows\/large">/);
  assert.equal(await server.stop(), 0);
});

test('the program draws flows without running them', async () => {
  const app = makeApp();
  const all = await everfold(['flow', 'draw', app]);
  assert.equal(all.code, 0, all.stderr);
  assert.match(all.stdout, /^large {2}flows\/tills\.js:4$/m);
  assert.match(all.stdout, /^hours {2}flows\/tills\.js:6\ntime data\.at · onError skip$/m);
  assert.match(all.stdout, /│ tumbling 1h +│\n│ n: count\(\) +│/);
  const one = await everfold(['flow', 'draw', join(app, 'flows/tills.js'), 'misspelt']);
  assert.match(one.stdout, /^misspelt [\s\S]*│ from tlil │/);
  assert.doesNotMatch(one.stdout, /large/);
  const svg = await everfold(['flow', 'draw', app, 'large', '--svg']);
  assert.match(svg.stdout, /^<svg [\s\S]*<\/svg>\n$/);
  const none = await everfold(['flow', 'draw', app, 'smal']);
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /there is no flow 'smal'/);
  const elsewhere = join(app, 'tills.js');
  write(app, 'tills.js', '');
  assert.match((await everfold(['flow', 'draw', elsewhere])).stderr, /not in a folder flows\//);
  write(app, 'flows/bad.js', 'import { from } from "everfold/flow";\nfrom(7);');
  const bad = await everfold(['flow', 'draw', app]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /flows\/bad\.js:2/);
});
