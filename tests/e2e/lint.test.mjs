// Catches: an arrow against the layers, or another fault of the house rules, that lands because only
// ./dev check looks; a lint that lets them pass.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './server.mjs';

const isRelease = (process.env.EVERFOLD_PRESET ?? 'release') === 'release';
const lint = (folder) => spawnSync('node', [join(root, 'tools/lint.mjs')], { cwd: folder, encoding: 'utf8' });

test('the tree keeps the house rules', { skip: !isRelease && 'the sources are the same for every build' }, () => {
    const result = lint(root);
    assert.equal(result.status, 0, result.stdout);
});

test('the lint names each fault with file and line', { skip: !isRelease && 'the sources are the same for every build' }, () => {
    const tree = temporaryFolder();
    const faulty = [
        ['src/base/a.c', '#include "log/log.h"', /base must not include log/],
        ['src/net/a.c', '#include "domain/app.h"', /net must not include domain/],
        ['src/gateway/a.c', '#include "cli/command.h"', /gateway must not include cli/],
        ['src/log/a.c', '    int fd = open(path, 0);', /past base/],
        ['src/store/a.c', '    int64_t now = time(NULL);', /past base/],
        ['src/cli/a.c', '    sprintf(line, "x");', /banned call/],
        ['tests/a.c', '    sleep(1);', /sleep/],
        ['src/cli/b.c', '/* TO' + 'DO: later */', /unfinished/],
        ['src/cli/c.c', `{\n${'    f();\n'.repeat(71)}}`, /71 lines/, 1],
        ['src/cli/lonely.h', '#pragma once', /nobody includes/, 1],
    ];
    for (const [path, line, , at = 2] of faulty) {
        mkdirSync(dirname(join(tree, path)), { recursive: true });
        writeFileSync(join(tree, path), `${at === 2 ? '\n' : ''}${line}\n`);
    }
    execFileSync('git', ['init', '-q'], { cwd: tree });
    const result = lint(tree);
    assert.equal(result.status, 1);
    const told = result.stdout.trim().split('\n');
    for (const [path, , sentence, at = 2] of faulty) {
        assert.ok(told.some((one) => one.startsWith(`${path}:${at}: `) && sentence.test(one)), `${path}: ${result.stdout}`);
    }
    assert.equal(told.length, faulty.length + 1, result.stdout);
});
