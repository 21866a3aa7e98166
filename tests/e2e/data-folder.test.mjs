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

test('a folder that cannot be made is named', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const result = await everfold(['serve', '--data', join(file, 'data'), '--port', '0']);
    assert.equal(result.code, 1);
    assert.ok(result.stderr.includes(file));
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
        const server = await startServer({ data: join(disk, 'data') });
        const filler = join(disk, 'filler');
        execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', 'count=10'], { stdio: 'ignore' });
        let acknowledged = 0;
        let full;
        for (let n = 0; n < 1000 && !full; n++) {
            const answer = await server.json('POST', `/streams/big-${n}`, { body: { type: 'Big', data: 'x'.repeat(100_000) } });
            if (answer.status === 201) {
                acknowledged = answer.body.position;
            } else {
                full = answer;
            }
        }
        assert.equal(full.status, 507);
        assert.equal(full.body.type, '/problems/disk-full');
        assert.ok(full.headers.get('retry-after'));
        assert.ok(acknowledged > 0);
        assert.equal((await server.json('GET', `/events/${acknowledged}`)).status, 200, 'reading goes on');

        execFileSync('rm', [filler]);
        const after = await server.json('POST', '/streams/small-1', { body: { type: 'Small', data: 1 } });
        assert.equal(after.status, 201, JSON.stringify(after.body));
        assert.equal(after.body.position, acknowledged + 1, 'no position was lost or used twice');
        await server.kill();
        const again = await server.restart();
        assert.equal((await again.json('GET', `/events/${acknowledged + 1}`)).body.type, 'Small');
        assert.equal(await again.stop(), 0);
    } finally {
        execFileSync('umount', ['-l', disk]);
    }
});
