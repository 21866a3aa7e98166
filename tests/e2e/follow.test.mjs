// Catches: a seam between catching up and following: an event missed, given twice or out of order.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startServer } from './server.mjs';
import { serverSentEvents } from './sse.mjs';

const isControl = (message) => ['caught-up', 'checkpoint', 'evicted', 'error'].includes(message.event) || message.data === undefined;

async function append(server, stream, from, count) {
    for (let n = from; n < from + count; n += 50) {
        const events = Array.from({ length: Math.min(50, from + count - n) }, (_, i) => ({ type: i % 2 ? 'Odd' : 'Even', data: { n: n + i } }));
        const answer = await server.json('POST', `/streams/${stream}`, { body: events });
        assert.equal(answer.status, 201);
    }
}

test('a subscriber catches up, follows, and resumes behind the last event it saw', async () => {
    const server = await startServer();
    await append(server, 'count-a', 0, 1000);
    const positions = [];
    let writer;
    for await (const message of serverSentEvents(server, '/events')) {
        if (isControl(message)) {
            continue;
        }
        positions.push(Number(message.id));
        if (positions.length === 500) {
            writer = append(server, 'count-b', 0, 1000); // while it is still catching up
        }
        if (positions.length === 1500) {
            break;
        }
    }
    await writer;
    for await (const message of serverSentEvents(server, '/events', { 'last-event-id': String(positions.at(-1)) })) {
        if (!isControl(message)) {
            positions.push(Number(message.id));
        }
        if (positions.length === 2000) {
            break;
        }
    }
    assert.deepEqual(positions, Array.from({ length: 2000 }, (_, i) => i + 1));
    assert.equal(await server.stop(), 0);
});

test('a filtered subscriber gets its events only, and each of them', async () => {
    const server = await startServer();
    await append(server, 'count-a', 0, 200);
    const seen = [];
    let writer;
    for await (const message of serverSentEvents(server, '/events?type=Odd&category=count')) {
        if (isControl(message)) {
            continue;
        }
        const event = JSON.parse(message.data);
        assert.equal(event.type, 'Odd');
        seen.push(event.data.n);
        if (seen.length === 100) {
            writer = append(server, 'count-a', 200, 200);
        }
        if (seen.length === 200) {
            break;
        }
    }
    await writer;
    assert.deepEqual(seen, Array.from({ length: 200 }, (_, i) => 2 * i + 1));
    assert.equal(await server.stop(), 0);
});

test('a query pushed as server-sent events shows each new balance', async () => {
    const server = await startServer({ app: 'examples/bank' });
    const deposit = (amount) => server.json('POST', '/deciders/account/eve/Deposit', { body: { amount } });
    assert.equal((await server.json('POST', '/deciders/account/eve/Open', { body: { owner: 'Eve' } })).status, 202);
    const balances = [];
    for await (const message of serverSentEvents(server, '/views/balances/by_id?id=eve')) {
        if (isControl(message) || message.event === undefined) {
            continue;
        }
        const balance = JSON.parse(message.data).rows?.[0]?.balance ?? JSON.parse(message.data)[0]?.balance;
        if (balance === undefined) {
            continue;
        }
        balances.push(balance);
        if (balance === 30) {
            break;
        }
        assert.equal((await deposit(10)).status, 202);
    }
    assert.deepEqual(balances, [0, 10, 20, 30]);
    assert.equal(await server.stop(), 0);
});
