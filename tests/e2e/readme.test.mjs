// Catches: a command in the README or in docs/event-streams.md that does not work, or does not print what
// the page shows; an example in docs/deciders.md that is no working APP.
//
// Blocks marked ```console are run in order against the bank example, or the APP of the page: lines behind
// "$ " are commands, what follows is what they must print. UUIDs, times and versions of flows are compared
// by their shape, the address by the one the test picked. A block marked ```javascript is an example beside them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { binary, everfold, root, startServer, temporaryFolder } from './server.mjs';

function steps(markdown) {
    const found = [];
    for (const [, block] of markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
        for (const line of block.split('\n')) {
            if (line.startsWith('$ ')) {
                found.push({ command: line.slice(2), output: '' });
            } else if (found.at(-1)?.command.endsWith('\\')) {
                found.at(-1).command += `\n${line}`;
            } else {
                found.at(-1).output += `${line}\n`;
            }
        }
    }
    return found;
}

const shape = (text) => text.trim()
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\b[0-9a-f]{16}\b/g, '<version>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/[ \t]+$/gm, '');

function shell(command, server, cwd = root) {
    const env = { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}`, EVERFOLD_URL: server.url, NO_COLOR: '1' };
    return new Promise((resolve) => execFile('sh', ['-c', command.replaceAll('http://127.0.0.1:2113', server.url).replaceAll('127.0.0.1:2113', server.url.slice(7))],
        { cwd, env }, (error, stdout, stderr) => resolve(stdout + stderr)));
}

async function runSteps(page, server, cwd) {
    const all = steps(readFileSync(join(root, page), 'utf8'));
    assert.ok(all.length > 5);
    for (const { command, output } of all) {
        const printed = (await shell(command, server, cwd)).replaceAll(server.url, 'http://127.0.0.1:2113');
        assert.equal(shape(printed), shape(output), command);
    }
}

test('every command of the README prints what the README shows', async () => {
    const server = await startServer({ app: 'examples/bank' });
    await runSteps('README.md', server);
    assert.equal(await server.stop(), 0);
});

// Each block of the page is the file that was named last before it.
function filesOf(markdown) {
    const files = {};
    let before = '';
    for (const part of markdown.split(/^(```(?:js|sql)\n[\s\S]*?^```)$/m)) {
        const block = /^```\w+\n([\s\S]*)```$/.exec(part);
        if (block === null) {
            before += part;
        } else {
            files[[...before.matchAll(/`((?:deciders|tests|views|flows)\/[\w.]+)`/g)].at(-1)[1]] = block[1];
        }
    }
    return files;
}

function writeFiles(app, files) {
    for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(app, path)), { recursive: true });
        writeFileSync(join(app, path), content);
    }
}

test('the files shown in docs/deciders.md are an APP whose tests pass', async () => {
    const files = filesOf(readFileSync(join(root, 'docs/deciders.md'), 'utf8'));
    assert.deepEqual(Object.keys(files), ['deciders/seat.js', 'tests/seat.test.js', 'views/seats.sql']);
    const app = temporaryFolder();
    writeFiles(app, files);
    const result = await everfold(['test', app]);
    assert.match(result.stdout, /^4 passed, 0 failed$/m);
    assert.equal(result.code, 0);
});

test('the flows of docs/event-streams.md print what the page shows', async () => {
    const files = filesOf(readFileSync(join(root, 'docs/event-streams.md'), 'utf8'));
    assert.deepEqual(Object.keys(files), ['flows/tills.js']);
    const folder = temporaryFolder();
    const app = join(folder, 'tills');
    writeFiles(app, files);
    const server = await startServer({ app, data: join(app, '.everfold') });
    await runSteps('docs/event-streams.md', server, folder);
    assert.equal(await server.stop(), 0);
});

test('the flow of the five minutes gives one event to each account that has paid in enough', async () => {
    const [, example] = /^```javascript\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'docs/event-streams.md'), 'utf8'));
    const app = temporaryFolder();
    writeFiles(app, { 'flows/gifts.js': example });
    const server = await startServer({ app, data: join(app, '.everfold') });
    for (const [id, amount] of [['a', 600_000], ['b', 500_000], ['a', 400_000], ['a', 100]]) {
        await shell(`everfold append account-${id} Deposited '{"amount":${amount}}'`, server);
    }
    const { events: [{ position }] } = await (await fetch(`${server.url}/events?direction=backward&limit=1`)).json();
    const response = await fetch(`${server.url}/flows/gifts/events`, { headers: { 'Everfold-Min-Position': `${position}`, Prefer: 'wait=10' } });
    const { events } = await response.json();
    assert.deepEqual(events.map((event) => [event.type, event.data]), [['GiftEarned', { account: 'a', sum: 1_000_000 }]]);
    assert.equal(await server.stop(), 0);
});
