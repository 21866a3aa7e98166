// Catches: a library that cannot be installed, found by pkg-config, linked or run by somebody else's
// program; names in it that are not ours to take.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './server.mjs';

const isRelease = (process.env.EVERFOLD_PRESET ?? 'release') === 'release';

test('a program builds against the installed library, shared and static', { skip: !isRelease && 'sanitized builds make no library' }, () => {
    const prefix = temporaryFolder();
    const work = join(temporaryFolder(), 'embed');
    cpSync(join(root, 'examples/embed'), work, { recursive: true });
    execFileSync('cmake', ['--install', join(root, 'build/release'), '--prefix', prefix], { stdio: 'pipe' });
    const libdir = join(prefix, 'lib');
    const env = { ...process.env, PKG_CONFIG_PATH: join(libdir, 'pkgconfig'), LD_LIBRARY_PATH: libdir };
    const run = (command, ...args) => execFileSync(command, args, { cwd: work, env, stdio: 'pipe' }).toString();
    run('make', '-s', 'embed', 'static');

    const shown = /\$ \.\/embed some-folder\n([\s\S]*?)```/.exec(readFileSync(join(work, 'README.md'), 'utf8'))[1];
    assert.equal(run('./embed', join(work, 'shared-data')), shown);
    assert.equal(run('./embed-static', join(work, 'static-data')), shown);
    assert.match(run('./embed', join(work, 'shared-data')), /^appended: the stream is at revision 2\nconflict: .* 2\n(position \d.*\n){3}appended: .* 3\nposition 4: .*\n$/);

    const names = (...args) => run('nm', ...args).trim().split('\n').map((line) => line.split(' ').pop())
        .filter((name) => name && !name.endsWith(':') && !name.startsWith('EVERFOLD_'));
    for (const list of [names('-D', '--defined-only', join(libdir, 'libeverfold.so')), names('-g', '--defined-only', join(libdir, 'libeverfold.a'))]) {
        assert.ok(list.length > 10);
        assert.deepEqual(list.filter((name) => !name.startsWith('ever_')), []);
    }
});
