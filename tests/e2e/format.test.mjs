// Catches: bytes on disk that are not as docs/format.md says, so that nobody else could read them, or a
// page that says too little to do it. The reader in log-reader.mjs was made from that page alone.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { crc, readLog } from './log-reader.mjs';
import { startServer, temporaryFolder } from './server.mjs';

const segment = (data, number) => join(data, 'log', `${String(number).padStart(10, '0')}.seg`);

let data;
let told; // what GET /events says of it, as lines of text

async function fill(server, round) {
    const post = async (path, body) => {
        const answer = await server.json('POST', path, { body });
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
    };
    await post('/streams/plain-1', { type: 'Plain', data: { round, text: 'näïve \u2603 \ud83d\ude00', number: 1.50e3 } });
    await post('/streams/many-1', Array.from({ length: 300 }, (_, n) => ({ type: n % 2 ? 'Odd' : 'Even', data: n, tags: [`n${n % 7}`] })));
    await post('/streams/bytes-1', { type: 'Bytes', dataBase64: Buffer.from(Array.from({ length: 700 }, (_, n) => n & 255)).toString('base64') });
    await post('/streams/bytes-1', { type: 'Empty', dataBase64: '' });
    await post('/streams/known-1', { type: 'Known', id: `01994e5c-0000-7000-8000-00000000000${round}`, data: null, metadata: { by: 'a test', deep: [1, { a: 2 }] } });
    await post('/streams/long-1', { type: 'L'.repeat(256), data: 'x'.repeat(300_000), tags: Array.from({ length: 64 }, (_, n) => `tag ${n}`) });
    await post('/append', { writes: [{ stream: 'one-1', events: [{ type: 'Both', data: 1 }] }, { stream: 'two', events: [{ type: 'Both', data: 2 }, { type: 'More', data: 3 }] }] });
}

/** What a crash can leave behind the end: a write that never became whole. */
function tearTail(data, number) {
    const bytes = readFileSync(segment(data, number));
    let end = bytes.length;
    while (bytes[end - 1] === 0) {
        end--;
    }
    const next = Math.ceil(end / 4096) * 4096;
    bytes.copy(bytes, next, 4096, 8192); // a block of another place
    writeFileSync(segment(data, number), bytes);
}

before(async () => {
    let server = await startServer();
    data = server.data;
    await fill(server, 1);
    assert.equal(await server.stop(), 0);
    tearTail(data, 1);
    server = await server.restart();
    await fill(server, 2);
    await server.kill();
    server = await server.restart();
    await fill(server, 3);
    told = (await (await server.request('GET', '/events', { headers: { accept: 'application/x-ndjson' } })).text()).trimEnd().split('\n');
    assert.equal(await server.stop(), 0);
});

/** The line that protocol.md promises for an event read from the file. */
function lineOf(event) {
    const seconds = new Date(Number(event.time / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
    const micros = String((event.time % 1_000_000_000n) / 1000n).padStart(6, '0');
    const members = [`"position":${event.position}`, `"stream":${JSON.stringify(event.stream)}`, `"revision":${event.revision}`, `"type":${JSON.stringify(event.type)}`,
        `"id":"${event.id}"`, `"time":"${seconds}.${micros}Z"`, event.isBytes ? `"dataBase64":"${event.data.toString('base64')}"` : `"data":${event.data}`];
    if (event.metadata !== null) {
        members.push(`"metadata":${event.metadata}`);
    }
    if (event.tags.length > 0) {
        members.push(`"tags":${JSON.stringify(event.tags)}`);
    }
    return `{${members.join(',')}}`;
}

test('another program reads what the server wrote, byte for byte', () => {
    const log = readLog(data);
    assert.deepEqual(log.damage, []);
    assert.ok(statSync(segment(data, 2)).size > 0, 'the torn tail made a second segment');
    assert.deepEqual(log.events.map(lineOf), told.slice(0, -1));
    assert.deepEqual(JSON.parse(told.at(-1)), { end: true, position: log.events.length });
});

test('the events of an append stand in one block, and say so', () => {
    const log = readLog(data);
    assert.equal(log.blocks.filter((events) => events > 0).length, 3 * 7);
    assert.equal(log.events.filter((event) => !event.continues).length, 3 * 7);
    assert.deepEqual(log.events.slice(-3).map((event) => [event.stream, event.continues]), [['one-1', false], ['two', true], ['two', true]]);
});

test('a server that stops attests the end, one that is killed does not', () => {
    const { blocks } = readLog(data);
    const attests = blocks.flatMap((events, index) => events === 0 ? [index] : []);
    assert.deepEqual(attests, [7, 3 * 7 + 1]); // behind the first round, and behind the third
});

/** A copy of the folder with one segment changed. */
function changed(number, change) {
    const copy = join(temporaryFolder(), 'data');
    cpSync(data, copy, { recursive: true });
    const bytes = readFileSync(segment(copy, number));
    change(bytes);
    writeFileSync(segment(copy, number), bytes, { mode: 0o600 });
    return copy;
}

const firstBlock = (bytes) => bytes.readUInt32LE(36); // `alignment`

test('a flipped bit is found wherever it is', () => {
    const flips = { 'segment header': 50, 'block header': 40, previous: 70, payload: 96 + 40, 'record header': 96 + 5 };
    for (const [where, at] of Object.entries(flips)) {
        for (const number of [1, 2]) {
            const log = readLog(changed(number, (bytes) => { bytes[where === 'segment header' ? at : firstBlock(bytes) + at] ^= 4; }));
            assert.equal(log.damage.length, 1, `${where} of segment ${number}: ${JSON.stringify(log.damage)}`);
            assert.equal(log.damage[0].segment, number, where);
        }
    }
});

test('so is one in the very last event, behind which the server stopped', () => {
    const log = readLog(changed(2, (bytes) => { bytes[bytes.lastIndexOf('More')] ^= 1; }));
    assert.deepEqual(log.damage.map(({ segment, what }) => [segment, what]), [[2, 'block']]);
});

test('a block with other content breaks the chain, whole as it may be', () => {
    const forged = changed(1, (bytes) => {
        const block = firstBlock(bytes);
        const record = bytes.subarray(block + 96, block + 96 + bytes.readUInt32LE(block + 52));
        record[record.indexOf('"round":1') + 8]++;
        record.writeUInt32LE(crc(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), record.subarray(4)), 0);
        bytes.writeUInt32LE(crc(record), block + 56);
        bytes.writeUInt32LE(crc(bytes.subarray(block + 8, block + 96)), block + 4);
    });
    const log = readLog(forged);
    assert.match(String(log.events[0].data), /"round":2/);
    assert.deepEqual(log.damage.map(({ what }) => what), ['chain']);
});
