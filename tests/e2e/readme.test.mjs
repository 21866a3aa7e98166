// Catches: a command in the README that does not work, or does not print what the README shows.
//
// Blocks marked ```console are run in order against the bank example: lines behind "$ " are
// commands, what follows is what they must print. UUIDs and times are compared by their shape, the
// address by the one the test picked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { binary, root, startServer } from './server.mjs';

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
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/[ \t]+$/gm, '');

function shell(command, server) {
    const env = { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}`, EVERFOLD_URL: server.url, NO_COLOR: '1' };
    return new Promise((resolve) => execFile('sh', ['-c', command.replaceAll('http://127.0.0.1:2113', server.url).replaceAll('127.0.0.1:2113', server.url.slice(7))],
        { cwd: root, env }, (error, stdout, stderr) => resolve(stdout + stderr)));
}

test('every command of the README prints what the README shows', async () => {
    const all = steps(readFileSync(join(root, 'README.md'), 'utf8'));
    assert.ok(all.length > 5);
    const server = await startServer({ app: 'examples/bank' });
    for (const { command, output } of all) {
        const printed = (await shell(command, server)).replaceAll(server.url, 'http://127.0.0.1:2113');
        assert.equal(shape(printed), shape(output), command);
    }
    assert.equal(await server.stop(), 0);
});
