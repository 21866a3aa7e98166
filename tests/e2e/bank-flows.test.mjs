// Catches: flows of the bank that notice something else than what its events say.
//
// The expected figures are computed here from GET /events, event by event, the plain way.
import assert from 'node:assert/strict';
import test from 'node:test';
import { everfold, startServer } from './server.mjs';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const lateness = minute;
const begin = Date.UTC(2025, 0, 1);
const iso = (ms) => new Date(ms).toISOString();

/** The same numbers in every run. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Movements of some accounts, often several of one account in a row; a few are written up to 40 s after later ones, some much too late. */
function movements(count) {
  const below = random(7);
  const events = [];
  const pauses = [5_000, minute, 5 * minute, 20 * minute, 3 * hour, 2 * day];
  let now = begin;
  let id = 'a0';
  for (let n = 0; n < count; n++) {
    now += 1_000 + below(pauses[below(pauses.length)]);
    id = below(3) === 0 ? `a${below(12)}` : id;
    const type = ['Deposited', 'Withdrawn', 'Withdrawn'][below(3)];
    const back = below(20) === 0 ? below(40_000) : below(150) === 0 ? 3 * hour : 0;
    events.push({ stream: `account-${id}`, type, data: { amount: 1 + below(60_000), at: iso(now - back) } });
  }
  return events;
}

/** What the log says: the events that flows read, in order. */
async function logged(server) {
  const lines = await server.request('GET', '/events?category=account', { headers: { accept: 'application/x-ndjson' } });
  return (await lines.text()).trim().split('\n').map((line) => JSON.parse(line)).filter((event) => event.data?.at !== undefined)
    .map((event) => ({ ...event, id: event.stream.slice('account-'.length), t: Math.floor(Date.parse(event.data.at)) }));
}

const isMovement = (event) => event.type !== 'Opened';

/** Large or sudden: what left an account in the ten minutes up to each withdrawal. */
function expectedAlarms(events) {
  const withdrawals = events.filter((event) => event.type === 'Withdrawn');
  const alarms = [];
  const late = [];
  let watermark = -Infinity;
  withdrawals.forEach((event, index) => {
    if (event.t < watermark) {
      late.push(event.position);
    } else {
      const near = withdrawals.slice(0, index + 1).filter((one) => one.id === event.id && one.t > event.t - 10 * minute && one.t <= event.t && !late.includes(one.position));
      const total = near.reduce((sum, one) => sum + one.data.amount, 0);
      if (total >= 100_000 || near.length >= 5) {
        alarms.push({ account: event.id, since: iso(event.t - 10 * minute), until: iso(event.t), withdrawals: near.length, total });
      }
    }
    watermark = Math.max(watermark, event.t - lateness);
  });
  return { alarms, late };
}

/** Hours that are over, with what came in time. */
function expectedHours(events) {
  const hours = new Map();
  const late = [];
  let watermark = -Infinity;
  for (const event of events.filter(isMovement)) {
    const start = Math.floor(event.t / hour) * hour;
    if (start + hour <= watermark) {
      late.push(event.position);
    } else {
      const of = hours.get(start) ?? { start: iso(start), end: iso(start + hour), movements: 0, in: 0, out: 0 };
      of.movements += 1;
      of[event.type === 'Deposited' ? 'in' : 'out'] += event.data.amount;
      hours.set(start, of);
    }
    watermark = Math.max(watermark, event.t - lateness);
  }
  const over = [...hours.entries()].filter(([start]) => start + hour <= watermark).sort(([a], [b]) => a - b);
  return { hours: over.map(([, of]) => of), late };
}

const made = async (server, flow, position, query = '') => {
  const events = [];
  for (let from = 0; ; from = events.length) {
    const headers = { 'everfold-min-position': String(position), prefer: 'wait=30' };
    const answer = await server.json('GET', `/flows/${flow}/events?limit=1000&from=${from}${query}`, { headers });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    events.push(...answer.body.events);
    if (answer.body.events.length < 1000) return events;
  }
};

async function append(server, events) {
  let position;
  for (let n = 0; n < events.length; n += 500) {
    const body = events.slice(n, n + 500).map((event) => JSON.stringify(event)).join('\n');
    const answer = await server.json('POST', '/append', { body, headers: { 'content-type': 'application/x-ndjson' } });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    position = answer.body.position;
  }
  return position;
}

test('a year of movements gives the alarms, hours and idle accounts that its events say', async () => {
  const server = await startServer({ app: 'examples/bank' });
  const position = await append(server, movements(3000));
  const events = await logged(server);

  const { alarms, late } = expectedAlarms(events);
  assert.ok(alarms.length > 50 && late.length > 3);
  const noticed = await made(server, 'alarms', position);
  assert.deepEqual(noticed.map((event) => event.data), alarms);
  assert.deepEqual((await made(server, 'alarms', position, '&side=late')).map((event) => event.data.position), late);

  const expected = expectedHours(events);
  assert.ok(expected.hours.length > 500 && expected.late.length > 3);
  const closed = await made(server, 'money', position);
  assert.deepEqual(closed.map((event) => event.data), expected.hours);
  assert.deepEqual((await made(server, 'money', position, '&side=late')).map((event) => event.data.position), expected.late);
  assert.equal(await server.stop(), 0);
});

test('an account is idle when nothing happened in it for thirty days, once, until it is used again', async () => {
  const server = await startServer({ app: 'examples/bank' });
  const deposit = (id, days) => ({ stream: `account-${id}`, type: 'Deposited', data: { amount: 5, at: iso(begin + days * day) } });
  const steps = [
    [deposit('a', 0), []], // nothing yet
    [deposit('b', 20), []],
    [deposit('b', 29), []],
    [deposit('b', 31), [['a', 0]]], // a was quiet from day 0 to 30
    [deposit('b', 45), []], // not told again
    [deposit('a', 50), []],
    [deposit('c', 76), [['b', 45]]],
    [deposit('c', 90), [['a', 50]]],
    [deposit('d', 200), [['c', 90]]],
  ];
  const expected = [];
  for (const [event, found] of steps) {
    const position = await append(server, [event]);
    expected.push(...found.map(([account, days]) => ({ account, since: iso(begin + days * day) })));
    const idle = await made(server, 'idle', position);
    assert.deepEqual(idle.map((one) => one.data), expected, `after day ${event.data.at}`);
  }
  assert.equal(await server.stop(), 0);
});

test('commands lead to the same alarms, and verify finds the log as the flows say', async () => {
  const server = await startServer({ app: 'examples/bank' });
  const command = async (path, body) => {
    const answer = await server.json('POST', path, { body });
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body.position;
  };
  await command('/api/accounts/alice', { owner: 'Alice' });
  await command('/api/accounts/alice/deposits', { amount: 500_000 });
  let position;
  for (const amount of [100, 200, 300, 400, 500, 99_000, 150_000]) {
    position = await command('/api/accounts/alice/withdrawals', { amount });
  }
  const alarms = await made(server, 'alarms', position);
  const totals = alarms.map(({ data }) => [data.account, data.withdrawals, data.total]);
  assert.deepEqual(totals, [['alice', 5, 1500], ['alice', 6, 100_500], ['alice', 7, 250_500]]);
  assert.equal(alarms[0].metadata.flow, 'alarms');

  const shown = await server.json('GET', '/flows/money', { headers: { accept: 'text/plain' } });
  assert.match(shown.body, /tumbling 1h/);
  assert.equal(await server.stop(), 0);
  const verified = await everfold(['flow', 'verify', 'examples/bank', '--data', server.data]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});
