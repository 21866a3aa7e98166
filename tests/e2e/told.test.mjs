// Catches: something that stops while the server runs, and an operator who is not told, or told all the time.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startServer, temporaryFolder } from './server.mjs';
import { workersOf } from './workers.mjs';

const files = {
    'deciders/quiet.js': `export const initial = {}; export const evolve = {};
        export const decide = { Do() { return []; } };`,
    'views/v.sql': '-- view v\ncreate table v (n integer primary key) strict;\n\n-- on X\ninsert into v values (:n);\n\n-- query all()\nselect n from v;\n',
    'flows/f.js': `import { flow, from } from 'everfold/flow';
        export const f = flow('f', {}, () => from('t').ofType('X').map((e) => { if (e.data.n === 7) throw new Error('seven'); return e.data; }).emit('Y'));`,
};

function makeApp() {
    const dir = temporaryFolder();
    for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(dir, path, '..'), { recursive: true });
        writeFileSync(join(dir, path), content);
    }
    return dir;
}

/** Waits until the server has told it. */
async function told(server, sentence) {
    for (let i = 0; i < 3000 && !sentence.test(server.output.stderr); i++) {
        await new Promise((done) => setTimeout(done, 20));
    }
    assert.match(server.output.stderr, sentence);
}

test('the operator is told what stops, once', async () => {
    const server = await startServer({ app: makeApp() });
    const append = (n) => server.json('POST', '/streams/t-1', { body: { type: 'X', data: { n } } });
    const first = (await append(1)).body.position;
    assert.equal((await server.json('GET', '/views/v/all', { headers: { 'everfold-min-position': String(first), prefer: 'wait=30' } })).status, 200);
    assert.equal(server.output.stderr, '');

    const { body: { position } } = await append(7);
    await told(server, new RegExp(`the flow f has stopped at position ${position}: .*seven`));
    const { body: again } = await append(1); // the view has it already
    await told(server, new RegExp(`the view v has stopped at position ${again.position}: .*(UNIQUE|unique)`));
    workersOf(server.pid).forEach((worker) => process.kill(worker, 'SIGKILL'));
    await told(server, /a worker process was replaced/);
    await append(8);
    assert.equal(await server.stop(), 0); // looks once more
    const lines = server.output.stderr.trimEnd().split('\n');
    assert.equal(lines.length, 3, server.output.stderr);
    assert.ok(lines.every((line) => line.startsWith('everfold: ')));
});
