// Catches: a derived event that is missing, there twice or another after kills at any moment, after a
// lost snapshot or a changed flow; a proof that does not see a difference; a loop in a flow that takes
// anything else down with it.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { everfold, startServer, temporaryFolder } from './server.mjs';
import { workersOf } from './workers.mjs';

// Native operators, functions, and a flow that reads another.
const bank = `
import { flow, from, count, sum } from 'everfold/flow';
const withdrawals = () => from('account').ofType('Withdrawn');
export const large = flow('large', () =>
    withdrawals().where({ 'data.amount': { gte: 800 } }).emit('Large', { account: '@id', amount: 'data.amount' }));
flow('totals', () =>
    withdrawals().keyBy('@id').aggregate({ n: count(), total: sum('data.amount') }).emit('Total'));
flow('even', () =>
    withdrawals().keyBy('@id').map((e) => e.data.amount).scan((all, amount) => all + amount, 0)
        .filter((all) => all % 2 === 0).map((all) => ({ all })).emit('Even'));
flow('large-count', () => from(large).keyBy('data.account').aggregate({ n: count() }).emit('LargeCount'));
`;

function makeApp(source) {
    const app = temporaryFolder();
    mkdirSync(join(app, 'flows'));
    writeFileSync(join(app, 'flows/bank.js'), source);
    return app;
}

// --- The same by hand ---------------------------------------------------------------------------

function derive(roots, large = 800) {
    const made = { large: [], totals: [], even: [], 'large-count': [] };
    const totals = new Map();
    const larges = new Map();
    const put = (flow, root, data) => made[flow].push({ cause: root.position, data });
    for (const root of roots) {
        const key = root.stream.slice('account-'.length);
        const { amount } = root.data;
        const total = totals.get(key) ?? { n: 0, total: 0 };
        totals.set(key, total);
        total.n++;
        total.total += amount;
        put('totals', root, { key, ...total });
        if (total.total % 2 === 0) {
            put('even', root, { all: total.total });
        }
        if (amount >= large) {
            put('large', root, { account: key, amount });
            larges.set(key, (larges.get(key) ?? 0) + 1);
            put('large-count', root, { key, n: larges.get(key) });
        }
    }
    return made;
}

async function readAll(server) {
    const answer = await server.request('GET', '/events', { headers: { accept: 'application/x-ndjson' } });
    const lines = (await answer.text()).trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.ok(lines.pop().end);
    return lines;
}

const outputs = (events) => events.map((e) => ({ cause: e.metadata.cause, data: e.data }));

/** The streams that serve, `flows` says which, are what the log says, each cause once. */
function check(events, flows, large = 800) {
    const roots = events.filter((e) => e.type === 'Withdrawn');
    const want = derive(roots, large);
    for (const [name, list] of Object.entries(want)) {
        const { stream } = flows.find((flow) => flow.name === name);
        const got = events.filter((e) => e.stream === stream);
        assert.deepEqual(outputs(got), list, stream);
        assert.equal(new Set(got.map((e) => e.id)).size, got.length);
    }
    return roots.length;
}

/** A stream that no longer serves: what it has is as it was. */
function checkEarlier(events, stream, list) {
    const got = outputs(events.filter((e) => e.stream === stream));
    assert.ok(got.length > 0);
    assert.deepEqual(got, list.slice(0, got.length));
}

/** Until every flow has seen all there is. */
async function settled(server) {
    for (;;) {
        const { body } = await server.json('GET', '/flows').catch((error) => {
            throw new Error(`${error.cause ?? error}; the server said: ${server.output.stderr}`);
        });
        assert.ok(body.every((flow) => flow.state !== 'stopped'), JSON.stringify(body));
        if (body.every((flow) => flow.state === 'live' && flow.lag === 0)) {
            return body;
        }
    }
}

async function verify(app, data, ...more) {
    const result = await everfold(['flow', 'verify', app, ...more, '--data', data]);
    const flows = result.stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
    return { ...result, flows };
}

// --- Kills --------------------------------------------------------------------------------------

// The same numbers each time, so that a failure can be seen again.
function numbers(seed) {
    let state = seed;
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
}

/** Appends from several connections until `wanted` events are acknowledged. */
async function load(server, random, wanted, onAcknowledged = () => {}) {
    let acknowledged = 0;
    const one = async () => {
        while (acknowledged < wanted) {
            const count = 1 + random(20);
            const events = Array.from({ length: count }, () => ({ type: 'Withdrawn', data: { amount: random(1000) } }));
            try {
                const answer = await server.request('POST', `/streams/account-${random(25)}`, { body: events });
                await answer.text();
                acknowledged += answer.ok ? count : 0;
                onAcknowledged(acknowledged);
            } catch {
                return; // somebody pulled the plug
            }
        }
    };
    await Promise.all(Array.from({ length: 4 }, one));
}

/** The same, then pulls the plug. */
async function loadUntil(server, random, wanted) {
    await load(server, random, wanted, (acknowledged) => acknowledged >= wanted && server.kill());
    await server.ended;
}

test('kills at any moment leave the streams as if nothing had happened', async () => {
    const app = makeApp(bank);
    const random = numbers(Number(process.env.SEED ?? 7));
    let server = await startServer({ app });
    const { data } = server;
    const earlier = (await settled(server)).find((flow) => flow.name === 'large').stream;
    for (let round = 0; round < 8; round++) {
        await loadUntil(server, random, 1 + random(round % 2 === 0 ? 40 : 1500));
        if (round === 3) {
            rmSync(join(data, 'flows'), { recursive: true, force: true });
        } else if (round === 5) { // and the changed flow is built under kills
            writeFileSync(join(app, 'flows/bank.js'), bank.replace('gte: 800', 'gte: 700'));
        }
        server = await server.restart();
    }
    const flows = await settled(server);
    const events = await readAll(server);
    assert.ok(check(events, flows, 700) > 500);
    checkEarlier(events, earlier, derive(events.filter((e) => e.type === 'Withdrawn')).large);

    const beside = await verify(app, data); // beside the running server
    assert.equal(beside.code, 0, beside.stdout + beside.stderr);
    assert.ok(beside.flows.every((flow) => flow.verdict === 'ok' && flow.missing === 0));
    assert.equal(await server.stop(), 0);
    const offline = await verify(app, data);
    assert.deepEqual(offline.flows, beside.flows);

    rmSync(join(data, 'flows'), { recursive: true, force: true });
    server = await server.restart();
    await settled(server);
    assert.deepEqual(await readAll(server), events); // a rebuild adds nothing
    assert.equal(await server.stop(), 0);
});

test('a worker that dies is replaced, and its batch is run again', async () => {
    const server = await startServer({ app: makeApp(bank) });
    let next = 1;
    let killed = 0;
    await load(server, numbers(3), 3000, (acknowledged) => {
        if (acknowledged >= next) {
            next += 300;
            for (const worker of workersOf(server.pid)) {
                process.kill(worker, 'SIGKILL');
                killed++;
            }
        }
    });
    const flows = await settled(server);
    assert.ok(killed >= 3);
    assert.ok(check(await readAll(server), flows) >= 3000);
    assert.equal(await server.stop(), 0);
});

// --- Change -------------------------------------------------------------------------------------

test('a changed flow is built beside and takes over; the earlier stream stays', async () => {
    const app = makeApp(bank);
    let server = await startServer({ app });
    const events = [900, 1, 700, 850].map((amount) => ({ type: 'Withdrawn', data: { amount } }));
    await server.json('POST', '/streams/account-a', { body: events });
    const before = (await settled(server)).find((flow) => flow.name === 'large');
    await server.stop();
    writeFileSync(join(app, 'flows/bank.js'), bank.replace('gte: 800', 'gte: 600'));
    server = await server.restart();
    const after = (await settled(server)).find((flow) => flow.name === 'large');
    assert.notEqual(after.version, before.version);
    const amounts = async (version) =>
        (await server.json('GET', `/streams/flow-large.${version}`)).body.events.map((e) => e.data.amount);
    assert.deepEqual(await amounts(before.version), [900, 850]);
    assert.deepEqual(await amounts(after.version), [900, 700, 850]);
    const alias = (await server.json('GET', '/streams/flow-large')).body.events;
    assert.deepEqual(alias.map((e) => e.data.version), [before.version, after.version]);
    assert.equal((await verify(app, server.data)).code, 0);
    const listed = await everfold(['flow', 'list', '--url', server.url]);
    assert.equal(listed.code, 0, listed.stderr);
    assert.deepEqual(JSON.parse(listed.stdout).map((flow) => flow.name), ['even', 'large', 'large-count', 'totals']);
    await server.stop();
});

// --- What must not hurt anybody else ------------------------------------------------------------

test('a function that never ends, or throws, stops its flow only, with the event and the reason', async () => {
    const app = makeApp(`${bank}
flow('endless', () => from('account').map((e) => { while (e.data.amount === 13) {} return e.data; }).emit('Never'));
flow('fragile', () => from('account').map((e) => e.data.missing.part).emit('Never'));
`);
    const server = await startServer({ app });
    const body = [1, 2, 13, 4].map((amount) => ({ type: 'Withdrawn', data: { amount } }));
    await server.json('POST', '/streams/account-a', { body });
    let flows;
    do {
        flows = (await server.json('GET', '/flows')).body;
    } while (flows.some((flow) => flow.state !== 'stopped' && !(flow.state === 'live' && flow.lag === 0)));
    const stopped = Object.fromEntries(flows.filter((f) => f.state === 'stopped').map((f) => [f.name, f]));
    assert.deepEqual(Object.keys(stopped).sort(), ['endless', 'fragile']);
    assert.match(stopped.endless.failure, /longer than it may/);
    assert.match(stopped.fragile.failure, /flows\/bank\.js:\d+: TypeError/);
    assert.equal(flows.find((flow) => flow.name === 'totals').events, 4);
    const proof = await verify(app, server.data, 'fragile');
    assert.equal(proof.code, 1);
    assert.deepEqual(proof.flows.map((flow) => [flow.flow, flow.verdict]), [['fragile', 'failed']]);
    const unknown = await everfold(['flow', 'verify', app, 'fragil', '--data', server.data]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /there is no flow fragil; there are: endless even fragile/);
    await server.stop();
});
