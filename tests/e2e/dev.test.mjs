// Catches: a word of ./dev that is not listed or does something else; a run that installs or builds
// what is there, or serves nothing that can be pasted.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './server.mjs';

const isRelease = (process.env.EVERFOLD_PRESET ?? 'release') === 'release';
const dev = (...words) => spawnSync('./dev', words, { cwd: root, encoding: 'utf8' });

test('./dev alone lists its words, and knows no others', () => {
    const listed = dev();
    assert.equal(listed.status, 0);
    for (const word of ['build', 'run', 'test', 'check', 'bench', 'lint', 'format', 'fuzz']) {
        assert.match(listed.stderr, new RegExp(`^  ${word} .*\\w`, 'm'));
    }
    const unknown = dev('dance');
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /no word 'dance'/);
    const example = dev('run', 'nothing');
    assert.equal(example.status, 1);
    assert.match(example.stderr, /no example nothing; there are: .*bank/);
    const firstScreen = readFileSync(join(root, 'README.md'), 'utf8').split('\n').slice(0, 24).join('\n');
    assert.match(firstScreen, /\.\/dev run [\s\S]*\.\/dev test /);
    assert.match(readFileSync(join(root, '.ci/run'), 'utf8'), /^cd .* && exec \.\/dev test$/m);
});

test('./dev run serves the bank with three lines to paste, and installs nothing again', { skip: !isRelease && 'it runs the release build' }, async () => {
    const child = spawn('./dev', ['run', '--port', '0', '--data', temporaryFolder()], { cwd: root });
    let shown = '';
    let complaint = '';
    child.stderr.on('data', (bytes) => (complaint += bytes));
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
    const pasted = () => shown.split('\n').filter((line) => /^ +curl .*[^ ]$/.test(line));
    await new Promise((resolve, reject) => {
        child.stdout.setEncoding('utf8').on('data', (text) => {
            shown += text;
            if (pasted().length === 3 && shown.endsWith('\n')) {
                resolve();
            }
        });
        child.on('close', () => reject(new Error(`it ended: ${shown}${complaint}`)));
    });
    assert.match(shown, /^Listening on http:\/\/127\.0\.0\.1:\d+$/m);
    const answers = pasted().map((line) => JSON.parse(execFileSync('sh', ['-c', line.replace('curl ', 'curl -s -H "Prefer: wait=30" ')])));
    assert.deepEqual(answers[2], { id: 'alice', owner: 'Alice', balance: 5000 });
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    assert.equal(complaint, '', 'nothing was installed or built anew');
});
