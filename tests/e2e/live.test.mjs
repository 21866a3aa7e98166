// Catches: a live expression that misses or repeats an event between past and present, that sees another time
// than its events had, that harms the server or its neighbours, or that goes on when its client has gone.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from './server.mjs';
import { parseEvents } from './sse.mjs';

const subscribe = (server, expression, { query = '', headers = {}, signal } = {}) =>
    server.request('POST', `/live${query}`, { body: expression, headers: { 'content-type': 'text/javascript', accept: 'text/event-stream', ...headers }, signal });

// The messages of a subscription; a comment or retry line is none.
async function* messages(server, expression, options) {
    const answer = await subscribe(server, expression, options);
    assert.equal(answer.status, 200, await (answer.ok ? '' : answer.text()));
    for await (const message of parseEvents(answer.body)) {
        if (message.data !== undefined) {
            yield message;
        }
    }
}

async function collect(server, expression, wanted, options) {
    const values = [];
    for await (const message of messages(server, expression, options)) {
        values.push(message.event ? { [message.event]: message.data === '{}' ? {} : JSON.parse(message.data) } : JSON.parse(message.data));
        if (values.length === wanted) {
            break;
        }
    }
    return values;
}

async function append(server, stream, type, ...amounts) {
    const answer = await server.json('POST', `/streams/${stream}`, { body: amounts.map((amount) => ({ type, data: { amount } })) });
    assert.equal(answer.status, 201);
}

test('an expression goes through the past and on, each event once', async () => {
    const server = await startServer();
    await append(server, 'account-a', 'Deposited', ...Array.from({ length: 700 }, (_, i) => i + 1));
    await append(server, 'other-a', 'Deposited', 1000);
    const seen = [];
    let ids = [];
    for await (const message of messages(server, "from('account').ofType('Deposited').map(e => e.data.amount)", { query: '?from=1' })) {
        seen.push(JSON.parse(message.data));
        ids.push(Number(message.id));
        if (seen.length === 350) {
            await append(server, 'account-b', 'Deposited', ...Array.from({ length: 300 }, (_, i) => i + 701));
        }
        if (seen.length === 1000) {
            break;
        }
    }
    assert.deepEqual(seen, Array.from({ length: 1000 }, (_, i) => i + 1));
    assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
    const behind = await collect(server, "from('account').map(e => e.position)", 3, { headers: { 'last-event-id': '998' } });
    assert.deepEqual(behind, [999, 1000, 1001]);
    assert.equal(await server.stop(), 0);
});

test('operators of RxJS and properties of Bacon.js work on events', async () => {
    const server = await startServer();
    await append(server, 'account-a', 'Deposited', 5, 7);
    await append(server, 'account-b', 'Deposited', 11);
    await append(server, 'account-a', 'Withdrawn', 3);
    const past = { query: '?from=1' };
    assert.deepEqual(await collect(server, "from('account').groupBy(e => e.id).mergeMap(g => g.pipe(scan((sum, e) => sum + e.data.amount, 0), map(sum => [g.key, sum])))", 4, past), [['a', 5], ['a', 12], ['b', 11], ['a', 15]]);
    assert.deepEqual(await collect(server, "from('account').where({ 'data.amount': { gt: 5 } }).select({ id: '@id', amount: 'data.amount' })", 2, past), [{ id: 'a', amount: 7 }, { id: 'b', amount: 11 }]);
    assert.deepEqual(await collect(server, "update(0, [from('account').ofType('Deposited'), (sum, e) => sum + e.data.amount], [from('account').ofType('Withdrawn'), (sum, e) => sum - e.data.amount])", 5, past), [0, 5, 12, 23, 20]);
    assert.deepEqual(await collect(server, "combineLatest([from({ stream: 'account-a' }), from({ stream: 'account-b' })]).pipe(map(([a, b]) => a.data.amount + b.data.amount), take(2))", 3, past), [18, 14, { end: {} }]);
    assert.deepEqual(await collect(server, 'of(1, 2, 3).pipe(\n  filter(x => x !== 2),\n  materialize(),\n)', 4, past), [{ kind: 'N', value: 1 }, { kind: 'N', value: 3 }, { kind: 'C' }, { end: {} }]);
    assert.equal(await server.stop(), 0);
});

test('timed operators run on the time of past events, then on the clock', async () => {
    const server = await startServer();
    const expression = "from('account').pipe(bufferTime(20), filter(a => a.length > 0), map(a => [a.map(e => e.data.amount), Date.now()]))";
    await append(server, 'account-a', 'Deposited', 1, 2);
    const values = [];
    for await (const message of messages(server, expression, { query: '?from=1' })) {
        values.push(JSON.parse(message.data));
        if (values.length === 1) {
            await append(server, 'account-a', 'Deposited', 3);
        } else {
            break;
        }
    }
    assert.deepEqual(values.map(([amounts]) => amounts), [[1, 2], [3]]);
    assert.ok(values[0][1] < values[1][1] && values[1][1] <= Date.now(), String(values));
    assert.equal(await server.stop(), 0);
});

test('what is wrong with an expression is said, and harms nobody', async () => {
    const server = await startServer();
    await append(server, 'account-a', 'Deposited', 1);
    const refused = async (expression) => {
        const answer = await subscribe(server, expression, { query: '?from=1' });
        const problem = await answer.json();
        assert.equal(answer.status, 400);
        assert.equal(problem.type, '/problems/bad-expression');
        return problem.detail;
    };
    assert.match(await refused(''), /There is no expression/);
    assert.match(await refused("from('account'\n)\n.map(e => e)."), /^expression:3: Unexpected token/);
    assert.match(await refused('5'), /^expression:1: it gives 5: a live expression gives a stream/);
    assert.match(await refused("from('account').mapp(e => e)"), /mapp is not a function/);
    assert.match(await refused("from('account').keyBy('@id')"), /^expression:1: TypeError: keyBy is for flows .* groupBy/);
    assert.match(await refused("from('account').subscribe(e => e)"), /give the stream itself/);
    assert.match(await refused("from('account').map(5)"), /map takes a function, not 5/);
    assert.match(await refused("from('account').map(async e => e)"), /async functions are closed/);
    assert.match(await refused("from('account').debounceTime('soon')"), /a duration is a number of milliseconds/);
    assert.match(await refused('new Function("return 1")()'), /eval and new Function are closed/);

    const failed = async (expression) => {
        const [value] = await collect(server, expression, 1, { query: '?from=1' });
        assert.equal(value.error.type, '/problems/expression-failed');
        return value.error.detail;
    };
    assert.match(await failed("from('account').map(e => e.no.such)"), /^expression:1: TypeError/);
    assert.match(await failed("from('account').map(() => { for (;;) {} })"), /ran longer than it may/);
    assert.match(await failed("from('account').map(() => { const all = []; for (;;) all.push(new Array(1e5).fill(1)); })"), /memory|longer/);
    assert.match(await failed("from('account').map(() => new Map())"), /a value is a Map/);
    assert.match(await failed("throwError(() => new Error('out of luck'))"), /out of luck/);

    assert.equal((await server.json('POST', '/live', { body: {} })).status, 415);
    assert.equal((await server.json('GET', '/live?expression=of(1)&from=x', { headers: { accept: 'text/event-stream' } })).status, 400);
    assert.equal((await server.json('GET', '/health/live')).status, 200);
    assert.deepEqual(await collect(server, "from('account').map(e => e.data.amount)", 1, { query: '?from=1' }), [1]);
    assert.equal(await server.stop(), 0);
});

test('a subscription ends with its client, and too many at once are refused', async () => {
    const server = await startServer();
    const clients = [];
    for (let n = 0; n < 16; n++) {
        const controller = new AbortController();
        const answer = await subscribe(server, 'NEVER', { signal: controller.signal });
        assert.equal(answer.status, 200);
        clients.push(controller);
    }
    const refused = await subscribe(server, 'NEVER');
    assert.equal(refused.status, 429);
    assert.match((await refused.json()).detail, /16 live subscriptions run already/);
    clients.forEach((controller) => controller.abort());
    for (let status = 429; status === 429;) { // until the server has seen one go
        const controller = new AbortController();
        status = (await subscribe(server, 'NEVER', { signal: controller.signal })).status;
        controller.abort();
    }
    assert.equal(await server.stop(), 0);
});
