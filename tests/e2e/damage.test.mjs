// Catches: damage on disk that a reader is not told of, that hides what lies behind it, or that is
// told wrongly; a command line that takes what is left for the whole.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { everfold, startServer, temporaryFolder } from './server.mjs';

const count = 41;
const flipped = [18, 25, 26]; // positions; the event at position p has the data { "n": p }
const lost = [18, 25, 26, 27, 28, 29, 30]; // two in a row take the rest of their block along

/** A server on a log with these events damaged. Blocks of ten; the last one proves that those before it were durable. */
async function startDamaged() {
    const server = await startServer();
    for (let n = 1; n < count; n += 10) {
        const body = Array.from({ length: 10 }, (_, i) => ({ type: 'Counted', data: { n: n + i, pad: 'x'.repeat(600) } }));
        assert.equal((await server.json('POST', `/streams/${n < 20 ? 'low' : 'high'}-1`, { body })).status, 201);
    }
    await server.json('POST', '/streams/rare-1', { body: { type: 'Rare', data: {} } });
    assert.equal(await server.stop(), 0);
    const path = join(server.data, 'log/0000000001.seg');
    const bytes = readFileSync(path);
    for (const position of flipped) {
        const at = bytes.indexOf(`{"n":${position},`);
        assert.ok(at > 0);
        bytes[at + 30] ^= 1;
    }
    writeFileSync(path, bytes);
    return server.restart();
}

const lines = async (server, path) => {
    const answer = await server.request('GET', path, { headers: { accept: 'application/x-ndjson' } });
    assert.equal(answer.status, 200);
    return (await answer.text()).trimEnd().split('\n').map((line) => JSON.parse(line));
};

/** 17 for an event, "18-19" for damage. */
const shape = (line) => line.position && !line.end ? line.position : line.damaged ? `${line.damaged.from}-${line.damaged.to}` : line;
const upTo = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const end = { end: true, position: count, incomplete: true };

let server;
test('a server with damaged events starts, says where, and writes no more', async () => {
    server = await startDamaged();
    assert.match(server.output.stderr, /damaged/);
    const answer = await server.json('POST', '/streams/low-1', { body: { type: 'Counted', data: {} } });
    assert.equal(answer.status, 503);
    assert.equal(answer.body.type, '/problems/writing-stopped');
});

test('lines go on behind damage, tell of it where it is, and again at the end', async () => {
    assert.deepEqual((await lines(server, '/events')).map(shape),
        [...upTo(1, 17), '18-18', ...upTo(19, 24), '25-30', ...upTo(31, 41), end]);
    assert.deepEqual((await lines(server, '/events?direction=backward')).map(shape),
        [...upTo(31, 41).reverse(), '25-30', ...upTo(19, 24).reverse(), '18-18', ...upTo(1, 17).reverse(), end]);
    assert.deepEqual((await lines(server, '/events?from=26&limit=3')).map(shape), ['26-30', 31, 32, 33, { ...end, position: 33 }]);
    assert.deepEqual((await lines(server, '/events?at=26')).map(shape), [...upTo(1, 17), '18-18', ...upTo(19, 24), '25-26', { ...end, position: 26 }]);
    assert.deepEqual((await lines(server, '/events?at=17')).map(shape), [...upTo(1, 17), { end: true, position: 17 }]);
    assert.deepEqual((await lines(server, '/events?from=31')).map(shape), [...upTo(31, 41), { end: true, position: 41 }]);
});

test('whoever looks for some events is told that others may be among the lost', async () => {
    for (const filter of ['prefix=lo', 'category=low', 'type=Counted&prefix=lo']) {
        const found = (await lines(server, `/events?${filter}`)).map(shape);
        assert.deepEqual(found.filter((line) => typeof line === 'number'), upTo(1, 17).concat(19, 20), filter);
        assert.ok(found.some((line) => /^18-/.test(line)), `${filter}: ${JSON.stringify(found)}`);
        assert.deepEqual(found.at(-1), end, filter);
    }
    for (const rare of ['/events?category=rare', '/events?type=Rare&direction=backward']) { // by the index
        const found = (await lines(server, rare)).map(shape);
        assert.deepEqual(found.slice().sort((a, b) => (typeof b === 'number') - (typeof a === 'number')), [41, '18-30', end], rare);
    }
});

test('a page ends before damage, and the next one names it', async () => {
    const page = await server.json('GET', '/events?from=10');
    assert.deepEqual(page.body.events.map((event) => event.position), upTo(10, 17));
    assert.equal(page.body.next, '/events?from=18');
    const next = await server.json('GET', page.body.next);
    assert.equal(next.status, 500);
    assert.equal(next.body.type, '/problems/data-damaged');
    assert.deepEqual(next.body.damaged, { from: 18, to: 18 });
    assert.deepEqual((await server.json('GET', '/events?from=19')).body.events.map((event) => event.position), upTo(19, 24));
});

test('a follower is stopped at damage, and told where it may go on', async () => {
    const answer = await server.request('GET', '/events', { headers: { accept: 'text/event-stream' } });
    const text = await answer.text(); // it ends by itself
    assert.match(text, /id: 17\n/);
    assert.doesNotMatch(text, /id: 19\n/);
    const problem = JSON.parse(/event: error\ndata: (.*)\n/.exec(text)[1]);
    assert.equal(problem.type, '/problems/data-damaged');
    assert.deepEqual(problem.damaged, { from: 18, to: 18 });
});

test('read and export give what there is, say what is missing, and fail', async () => {
    const read = await everfold(['read', '--url', server.url]);
    assert.equal(read.code, 1);
    assert.match(read.stderr, /between the positions 18 and 18 cannot be read/);
    const file = join(temporaryFolder(), 'all.ndjson');
    const written = await everfold(['export', '--url', server.url, file]);
    assert.equal(written.code, 1);
    assert.match(written.stderr, /between the positions 25 and 30 cannot be read/);
    const positions = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).position);
    assert.deepEqual(positions, upTo(1, count).filter((position) => !lost.includes(position)));
    assert.equal(await server.stop(), 0);
});

test('damage to the very last event is told after a stop, and nothing is cut off', async () => {
    const server = await startServer();
    for (const n of [1, 2]) {
        assert.equal((await server.json('POST', '/streams/last-1', { body: { type: 'Counted', data: { n } } })).status, 201);
    }
    assert.equal(await server.stop(), 0);
    const path = join(server.data, 'log/0000000001.seg');
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('{"n":2}') + 5] ^= 1;
    writeFileSync(path, bytes);
    const again = await server.restart();
    assert.match(again.output.stderr, /damaged/);
    assert.deepEqual((await lines(again, '/events')).map(shape), [1, '2-2', { end: true, position: 2, incomplete: true }]);
    assert.equal((await again.json('POST', '/streams/last-1', { body: { type: 'Counted', data: {} } })).status, 503);
    assert.equal(await again.stop(), 0);
    assert.deepEqual(readFileSync(path), bytes);
    assert.equal(existsSync(join(server.data, 'log/0000000002.seg')), false);
});

// Segments are 64 MiB, so this one writes three of them. Those that are full are mapped.
test('a segment cut off under a running server is damage like any other', async () => {
    const server = await startServer();
    const append = (stream, body = { type: 'Counted', data: {} }) => server.json('POST', `/streams/${stream}`, { body });
    const large = { type: 'Filled', data: 'x'.repeat(4_000_000) };
    await append('early-1');
    for (let i = 0; i < 12; i++) await append('large-1', large);
    await append('late-1');
    for (let i = 12; i < 35; i++) await append('large-1', large);
    await append('now-1');
    assert.equal(existsSync(join(server.data, 'log/0000000003.seg')), true);
    assert.equal((await server.json('GET', '/streams/late-1')).status, 200); // by the map

    const segment = join(server.data, 'log/0000000001.seg');
    chmodSync(segment, 0o644);
    truncateSync(segment, 1 << 20);
    const checkReads = async (server) => {
        const late = await server.json('GET', '/streams/late-1');
        assert.equal(late.status, 500);
        assert.equal(late.body.type, '/problems/data-damaged');
        const page = await server.json('GET', '/events?from=14');
        assert.equal(page.status, 500);
        assert.deepEqual([page.body.type, page.body.damaged.from], ['/problems/data-damaged', 14]);
        assert.deepEqual((await server.json('GET', '/streams/early-1')).body.events.length, 1);
        assert.deepEqual((await server.json('GET', '/streams/now-1')).body.events.length, 1);
        const found = await lines(server, '/events?type=Counted');
        assert.deepEqual(found.filter((line) => line.stream).map((line) => line.stream), ['early-1', 'now-1']);
        assert.ok(found.some((line) => line.damaged));
        assert.equal(found.at(-1).incomplete, true);
    };
    await checkReads(server);
    assert.equal((await append('early-1')).status, 201);

    assert.equal(await server.stop(), 0);
    const again = await server.restart(); // the last segments are sound, so it writes on
    const late = await again.json('POST', '/streams/late-1', { body: { type: 'Counted', data: {} } });
    assert.equal(late.status, 500);
    assert.equal(late.body.type, '/problems/data-damaged');
    assert.equal((await again.json('POST', '/streams/new-1', { body: { type: 'Counted', data: {} } })).status, 201);
    assert.equal(await again.stop(), 0);
});

test('a log that was deleted, or emptied, is not taken for a new one', async () => {
    const server = await startServer();
    const event = { type: 'Counted', data: {} };
    assert.equal((await server.json('POST', '/streams/a-1', { body: event })).status, 201);
    assert.equal(await server.stop(), 0);
    const segment = join(server.data, 'log/0000000001.seg');
    truncateSync(segment, 0);
    const damaged = await server.restart();
    assert.match(damaged.output.stderr, /log\/0000000001\.seg; no event from position 1 on can be read, if there were any/);
    assert.equal((await damaged.json('POST', '/streams/a-1', { body: event })).status, 503);
    assert.equal(await damaged.stop(), 0);
    for (const gone of [segment, join(server.data, 'log')]) {
        rmSync(gone, { recursive: true });
        const refused = await everfold(['serve', '--data', server.data, '--port', '0']);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /the log is gone: .*\/log has no segment file.*put log\/ back from a copy/);
        assert.equal(existsSync(gone), false);
    }
});
