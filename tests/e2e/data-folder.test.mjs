// Catches: a data folder that two servers write, that is not ours and is touched, or a full disk that
// loses what was acknowledged or ends the server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { everfold, startServer, temporaryFolder } from './server.mjs';

test('two servers on one data folder: the second says who has it', async () => {
    const server = await startServer();
    const second = await everfold(['serve', '--data', server.data, '--port', '0']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(String(server.pid)));
    assert.ok(second.stderr.includes(server.data));
    assert.equal((await server.json('GET', '/health/ready')).status, 200);
    assert.equal(await server.stop(), 0);
});

test('a taken port is named with the way out', async () => {
    const server = await startServer();
    const second = await everfold(['serve', '--data', temporaryFolder(), '--port', new URL(server.url).port]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /--port/);
    await server.stop();
});

test('a data folder that is not ours is left as it is', async () => {
    const data = temporaryFolder();
    writeFileSync(join(data, 'letter.txt'), 'dear reader');
    const result = await everfold(['serve', '--data', data, '--port', '0']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /not/);
    assert.ok(result.stderr.includes(data));
    assert.deepEqual(readdirSync(data), ['letter.txt']);
    assert.equal(readFileSync(join(data, 'letter.txt'), 'utf8'), 'dear reader');
});

test('a file of the same name does not make a folder ours', async () => {
    const data = temporaryFolder();
    writeFileSync(join(data, 'store'), 'milk, bread\n');
    const result = await everfold(['serve', '--data', data, '--port', '0']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /is not a data folder of Everfold; it was left as it is/);
    assert.deepEqual(readdirSync(data), ['store']);
});

test('a folder that cannot be made is named', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const result = await everfold(['serve', '--data', join(file, 'data'), '--port', '0']);
    assert.equal(result.code, 1);
    assert.ok(result.stderr.includes(file));
});

/** Appends events of 100 kB until the server refuses one: { last, refusal }, the last position that was acknowledged. */
async function appendUntilRefused(server) {
    for (let last = 0, n = 0; n < 1000; n++) {
        const answer = await server.json('POST', `/streams/big-${n}`, { body: { type: 'Big', data: 'x'.repeat(100_000) } });
        if (answer.status !== 201) {
            return { last, refusal: answer };
        }
        last = answer.body.position;
    }
    return assert.fail('the disk never became full');
}

/** Every event up to `last` is there, once. */
async function expectWhole(server, last) {
    const answer = await server.request('GET', '/events', { headers: { accept: 'application/x-ndjson' } });
    const positions = (await answer.text()).trimEnd().split('\n').map((line) => JSON.parse(line)).filter((line) => !line.end).map((line) => line.position);
    assert.deepEqual(positions, Array.from({ length: last }, (_, n) => n + 1));
}

/** What holds on a full disk, when there is room again, and after the process was killed. */
async function expectGoesOn(server, makeRoom) {
    const { last, refusal } = await appendUntilRefused(server);
    assert.equal(refusal.status, 507, JSON.stringify(refusal.body));
    assert.equal(refusal.body.type, '/problems/disk-full');
    assert.ok(refusal.headers.get('retry-after'));
    assert.ok(last > 0);
    const command = await server.json('POST', '/deciders/account/alice/Open', { body: { owner: 'A'.repeat(1_000_000) } });
    assert.equal(command.status, 507, JSON.stringify(command.body));
    assert.equal(command.body.type, '/problems/disk-full');
    await expectWhole(server, last);
    assert.equal((await server.json('GET', '/deciders/account/alice')).body.revision, null, 'nothing of the command is left');

    makeRoom();
    assert.equal((await server.json('POST', '/deciders/account/alice/Open', { body: { owner: 'Alice' } })).status, 202);
    const small = await server.json('POST', '/streams/small-1', { body: { type: 'Small', data: 1 } });
    assert.equal(small.status, 201, JSON.stringify(small.body));
    assert.equal(small.body.position, last + 2, 'no position was lost or used twice');
    while (!/room again/.test(server.output.stderr)) { // told once a second
        await new Promise((done) => setTimeout(done, 20));
    }
    assert.equal(server.output.stderr.match(/the disk is full/g).length, 1, server.output.stderr);
    await server.kill();
    const again = await server.restart();
    await expectWhole(again, last + 2);
    const wait = { 'everfold-min-position': String(last + 2), prefer: 'wait=30' };
    assert.equal((await again.json('GET', '/views/balances/by_id?id=alice', { headers: wait })).body.rows.length, 1);
    assert.equal(await again.stop(), 0);
}

test('a limit on the size of files is a full disk, until it is lifted', async () => {
    for (const bytes of [6 << 20, 6_000_000]) { // at the end of a sector, and within
        const server = await startServer({ app: 'examples/bank' });
        const limit = (value) => execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${value}:`]);
        limit(bytes);
        await expectGoesOn(server, () => limit('unlimited'));
    }
});

const isRoot = process.getuid() === 0;

test('a full disk refuses appends, keeps what it has, and goes on when there is room', { skip: !isRoot && 'needs root to mount a small disk' }, async (t) => {
    const disk = join(temporaryFolder(), 'disk');
    mkdirSync(disk);
    try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch (error) {
        t.skip(`no file system can be mounted here: ${error.message}`);
        return;
    }
    try {
        const server = await startServer({ app: 'examples/bank', data: join(disk, 'data') });
        const filler = join(disk, 'filler');
        execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', 'count=10'], { stdio: 'ignore' });
        await expectGoesOn(server, () => execFileSync('rm', [filler]));
    } finally {
        execFileSync('umount', ['-l', disk]);
    }
});
