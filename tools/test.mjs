// Runs every test and closes with one line "N passed, N failed".
//
//   node tools/test.mjs [pattern]      only tests whose name contains the pattern
//
// Unit tests (cmocka programs, as ctest lists them) run from each build that is there; end-to-end
// tests (tests/e2e/*.test.mjs) run against the program of each build. Two programs run at a time, since
// many of them wait more than they compute; each has ports and folders of its own.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const pattern = process.argv[2] ?? '';
const presets = ['release', 'asan', 'tsan'].filter((p) => existsSync(`build/${p}/build.ninja`));
const totals = { passed: 0, failed: 0 };

const sanitizers = {
    ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=99',
    TSAN_OPTIONS: `halt_on_error=1:exitcode=99:second_deadlock_stack=1:suppressions=${join(process.cwd(), 'tools/tsan.supp')}`,
};

function run(command, args, env) {
    return new Promise((resolve) => {
        const started = Date.now();
        const child = spawn(command, args, { env: { ...process.env, ...sanitizers, ...env } });
        let output = '';
        child.stdout.on('data', (d) => (output += d));
        child.stderr.on('data', (d) => (output += d));
        child.on('error', (error) => (output += error.message));
        child.on('close', (code, signal) =>
            resolve({ ok: code === 0, code: code ?? signal, output, seconds: (Date.now() - started) / 1000 }));
    });
}

function report(name, passed, failed, result) {
    totals.passed += passed;
    totals.failed += failed;
    const verdict = failed === 0 ? 'ok  ' : 'FAIL';
    console.log(`${verdict} ${name}  ${passed} passed${failed ? `, ${failed} failed` : ''}  (${result.seconds.toFixed(1)} s)`);
    if (failed > 0) {
        console.log(result.output.split('\n').map((line) => `    ${line}`).join('\n'));
    }
}

// A program that dies counts as one failure beyond those it reported.
function count(result, passedPattern, failedPattern) {
    const sum = (re) => [...result.output.matchAll(re)].reduce((n, m) => n + Number(m[1] ?? m[2]), 0);
    const passed = sum(passedPattern);
    const failed = sum(failedPattern);
    return [passed, result.ok ? failed : Math.max(failed, 1)];
}

async function runUnitTest(name, command, cwd) {
    const result = await run('sh', ['-c', 'cd "$0" && exec "$@"', cwd, ...command]);
    const [passed, failed] = count(result, /\[ {2}PASSED {2}\] (\d+) test|^(?:.*: )?(\d+) passed, \d+ failed$/gm,
        /\[ {2}FAILED {2}\] (\d+) test/g);
    report(name, Math.max(passed, failed === 0 ? 1 : 0), failed, result);
}

function unitTests(preset) {
    const listed = JSON.parse(execFileSync('ctest', ['--test-dir', `build/${preset}`, '--show-only=json-v1']));
    return listed.tests.map((test) => {
        const name = `${preset}/${test.name}`;
        const cwd = test.properties?.find((p) => p.name === 'WORKING_DIRECTORY')?.value ?? '.';
        return { name, start: () => runUnitTest(name, test.command, cwd) };
    });
}

async function runEndToEnd(name, file, program, preset) {
    const result = await run('node', ['--test', '--test-reporter=tap', `tests/e2e/${file}`],
        { EVERFOLD_BIN: program, EVERFOLD_PRESET: preset });
    const [passed, failed] = count(result, /^# pass (\d+)$/gm, /^# fail (\d+)$/gm);
    report(name, passed, failed, result);
}

function endToEndTests(preset) {
    const program = join(process.cwd(), `build/${preset}/bin/everfold`);
    const files = existsSync(program) ? readdirSync('tests/e2e').filter((f) => f.endsWith('.test.mjs')).sort() : [];
    return files.map((file) => {
        const name = `${preset}/e2e/${basename(file, '.test.mjs')}`;
        return { name, start: () => runEndToEnd(name, file, program, preset) };
    });
}

const programsAtATime = 2;
const waiting = [...presets.flatMap(unitTests), ...presets.flatMap(endToEndTests)].filter(({ name }) => name.includes(pattern));

async function runInTurn() {
    for (let next; (next = waiting.shift()) !== undefined;) {
        await next.start();
    }
}

await Promise.all(Array.from({ length: programsAtATime }, runInTurn));
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
