// Catches: rows lost, doubled or changed on their way from a file to the log and back; a failure that
// does not name the line, or hides what was imported before it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { binary, everfold, root, start, startServer, temporaryFolder } from './server.mjs';

const jsonLines = (text) => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
const allOf = async (data) => jsonLines((await everfold(['read', '--data', data])).stdout);

function fileOf(content) {
  const file = join(temporaryFolder(), 'input');
  writeFileSync(file, content);
  return file;
}

function pipeOf(dir) {
  const path = join(dir, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

test('CSV: quotes, numbers, streams named by a field', async () => {
  const data = temporaryFolder();
  const file = fileOf('id,name,amount\r\n007,"Smith, ""Al""",12.50\r\nx 1,,1e3\r\n');
  const result = await everfold(['import', file, '--data', data, '--stream', 'row-{id}', '--type', 'Row']);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(JSON.parse(result.stdout).events, 2);
  assert.deepEqual((await allOf(data)).map(({ stream, type, data: row }) => [stream, type, row]), [
    ['row-007', 'Row', { id: '007', name: 'Smith, "Al"', amount: 12.5 }],
    ['row-x 1', 'Row', { id: 'x 1', name: null, amount: 1000 }],
  ]);
  const text = await everfold(['import', '-', '--data', data, '--stream', 's-1', '--type', 'T', '--separator', ';', '--text'],
    { input: 'a;b\n1;2\n' });
  assert.equal(text.code, 0, text.stderr);
  assert.deepEqual((await allOf(data))[2].data, { a: '1', b: '2' });
});

test('JSON arrays and NDJSON are told apart from CSV by their first byte', async () => {
  for (const input of ['[{"n":1},\n {"n":2}]', '{"n":1}\n\n{"n":2}\n', 'n\n1\n2\n', '\ufeffn\r\n1\r\n2']) {
    const data = temporaryFolder();
    const result = await everfold(['import', '--data', data, '--stream', 's-1', '--type', 'T'], { input });
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual((await allOf(data)).map((event) => event.data), [{ n: 1 }, { n: 2 }], JSON.stringify(input));
  }
});

test('what export writes, import takes: the same events with the same ids', async () => {
  const from = temporaryFolder();
  const to = temporaryFolder();
  const file = join(temporaryFolder(), 'all.ndjson');
  const rows = Array.from({ length: 2500 }, (_, n) => ({
    stream: `s-${n % 7}`, type: n % 2 ? 'Odd' : 'Even', data: { n, text: 'é\n"' }, metadata: { n }, tags: [`t${n % 3}`],
  }));
  rows[3] = { stream: 's-bytes', type: 'Bytes', dataBase64: 'AAH/' };
  const made = await everfold(['import', '--data', from], { input: rows.map((row) => JSON.stringify(row)).join('\n') });
  assert.equal(made.code, 0, made.stderr);
  const exported = await everfold(['export', file, '--data', from]);
  assert.equal(exported.code, 0, exported.stderr);
  assert.match(exported.stderr, /^2,500 events in /);
  assert.deepEqual(readdirSync(join(file, '..')), ['all.ndjson']);

  const imported = await everfold(['import', file, '--data', to]);
  assert.equal(imported.code, 0, imported.stderr);
  const strip = ({ time, ...event }) => event; // the time is when it was committed here
  assert.deepEqual((await allOf(to)).map(strip), (await allOf(from)).map(strip));

  const again = await everfold(['import', file, '--data', to]);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).repeated, 2500);
  assert.equal((await allOf(to)).length, 2500);

  const part = await everfold(['export', '--from', '2490', '--data', from]);
  assert.deepEqual(jsonLines(part.stdout).map((event) => event.position), Array.from({ length: 11 }, (_, i) => 2490 + i));
});

test('an export that has grown, or goes back into its own log, adds what is missing and no more', async () => {
  const data = temporaryFolder();
  const id = (n) => `0193d1f2-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const row = (n) => ({ stream: `s-${n % 7}`, type: 'T', id: id(n), data: { n } });
  const lines = (rows) => rows.map((one) => JSON.stringify(one)).join('\n');
  const all = Array.from({ length: 7300 }, (_, n) => row(n));
  const ofImport = async (input) => {
    const result = await everfold(['import', '--data', data], { input });
    assert.equal(result.code, 0, result.stderr);
    return JSON.parse(result.stdout);
  };
  assert.equal((await ofImport(lines(all.slice(0, 1500)))).repeated, 0);
  const grown = await ofImport(lines(all)); // its second batch is half known, those behind it are under way with it
  assert.deepEqual([grown.events, grown.repeated], [7300, 1500]);
  assert.deepEqual((await allOf(data)).map((event) => event.data.n), all.map((one) => one.data.n)); // and in order

  for (const n of [8000, 8001]) { // not by an import, each alone
    assert.equal((await everfold(['append', 's-1', 'T', `{"n":${n}}`, '--data', data])).code, 0);
  }
  const exported = await everfold(['export', '--data', data]);
  const back = await ofImport(exported.stdout);
  assert.deepEqual([back.events, back.repeated], [7302, 7302]);
  const twice = await ofImport(`${lines([row(9000)])}\n${exported.stdout}${lines([row(9000)])}`);
  assert.deepEqual([twice.events, twice.repeated], [7304, 7303]);
  assert.equal((await allOf(data)).length, 7303);

  const other = [...all.slice(0, 5), { ...row(5), data: { n: 'other' } }, row(10_000)];
  const refused = await everfold(['import', '--data', data], { input: lines(other) });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /line 6: .*other content/);
  assert.equal((await allOf(data)).length, 7303);
});

test('export writes into pipes and through links, and takes the place of neither', async () => {
  const data = temporaryFolder();
  const dir = temporaryFolder();
  assert.equal((await everfold(['append', 's-1', 'T', '1', '--data', data])).code, 0);
  const pipe = pipeOf(dir);
  const exporting = everfold(['export', pipe, '--data', data]);
  assert.equal(jsonLines(readFileSync(pipe, 'utf8')).length, 1); // ends when the writer does
  assert.equal((await exporting).code, 0);
  assert.ok(lstatSync(pipe).isFIFO());

  writeFileSync(join(dir, 'target'), 'old');
  symlinkSync('target', join(dir, 'link'));
  assert.equal((await everfold(['export', join(dir, 'link'), '--data', data])).code, 0);
  assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink());
  assert.equal(jsonLines(readFileSync(join(dir, 'target'), 'utf8')).length, 1);

  const folder = await everfold(['export', dir, '--data', data]);
  assert.equal(folder.code, 1);
  assert.match(folder.stderr, /folder/);
  assert.deepEqual(readdirSync(dir).sort(), ['link', 'pipe', 'target']);
});

test('an APP\'s own records are exported, and left out of an import with their count', async () => {
  const server = await startServer({ app: 'examples/bank' });
  await server.json('POST', '/deciders/account/a/Open', { body: { owner: 'A' } });
  assert.equal((await server.json('POST', '/deciders/account/a/Withdraw', { body: { amount: 1 } })).status, 422);
  const exported = await everfold(['export', '--url', server.url]);
  const streams = jsonLines(exported.stdout).map((event) => event.stream);
  const own = streams.filter((stream) => stream.startsWith('$command-') || stream.startsWith('flow-'));
  assert.deepEqual(streams.filter((stream) => !own.includes(stream)), ['account-a']);
  const imported = await everfold(['import', '--data', temporaryFolder()], { input: exported.stdout });
  assert.equal(imported.code, 0, imported.stderr);
  assert.equal(JSON.parse(imported.stdout).events, 1);
  assert.equal(JSON.parse(imported.stdout).leftOut, own.length);
  assert.ok(own.length > 1);
  assert.equal(await server.stop(), 0);
});

test('with --ids a repeated import adds nothing', async () => {
  const data = temporaryFolder();
  const file = fileOf(`n\n${Array.from({ length: 3210 }, (_, n) => n % 10).join('\n')}\n`);
  const words = ['import', file, '--data', data, '--stream', 's-1', '--type', 'T', '--ids'];
  assert.equal(JSON.parse((await everfold(words)).stdout).repeated, 0);
  assert.equal(JSON.parse((await everfold(words)).stdout).repeated, 3210);
  assert.equal((await allOf(data)).length, 3210);
});

test('bad input names its line, and what stands before its batch is there', async () => {
  const rows = Array.from({ length: 2000 }, (_, n) => `{"stream":"s-1","type":"T","data":${n}}`);
  const bad = [
    ['{"stream":"s-1","type":"T","data":}', /line 2005: not JSON: a value was expected/],
    ['{"stream":"s-1","data":1}', /line 2005: an event needs "type"/],
    ['{"stream":"s-1","type":"T","colour":1}', /line 2005: an event has no member 'colour'/],
    ['[]', /line 2005: an object was expected/],
    ['{"stream":"s\\u0000-1","type":"T","data":1}', /line 2005: .*name/],
    ['{"stream":"s-1","type":"T","data":1,"id":"x"}', /line 2005: .*(UUID|id)/],
  ];
  for (const [line, sentence] of bad) {
    const data = temporaryFolder();
    const input = [...rows, '', '', '', rows[0], line, rows[1]].join('\n');
    const result = await everfold(['import', '--data', data], { input });
    assert.equal(result.code, 1);
    assert.match(result.stderr, sentence);
    assert.equal(JSON.parse(result.stdout).lastLine, 2000);
    assert.equal((await allOf(data)).length, 2000);
  }
  const csv = await everfold(['import', '--data', temporaryFolder(), '--stream', 's-{a}', '--type', 'T'], { input: 'a,b\n1,2\n3\n' });
  assert.equal(csv.code, 1);
  assert.match(csv.stderr, /line 3: 1 field, but the header names 2/);
  const field = await everfold(['import', '--data', temporaryFolder(), '--stream', 's-{c}', '--type', 'T'], { input: 'a,b\n1,2\n' });
  assert.match(field.stderr, /line 2: there is no field 'c'/);
  const missing = await everfold(['import', '/nowhere/file.csv', '--data', temporaryFolder()]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /\/nowhere\/file\.csv/);
  const folder = await everfold(['import', root, '--data', temporaryFolder()]);
  assert.equal(folder.code, 1);
  assert.match(folder.stderr, /folder/);
});

test('nothing in, nothing out', async () => {
  const data = temporaryFolder();
  const result = await everfold(['import', '--data', data], { input: '' });
  assert.equal(result.code, 0, result.stderr);
  assert.equal(JSON.parse(result.stdout).events, 0);
  assert.equal((await everfold(['export', '--data', data])).stdout, '');
});

test('a server that dies during an import is a failure that says how far it came', async () => {
  const server = await startServer();
  const child = start(['import', '--url', server.url]);
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
  }
  child.stdin.on('error', () => {}); // it ends before it has read all
  const ended = new Promise((resolve) => child.on('close', resolve));
  const rows = (count) => `${Array(count).fill('{"stream":"s-1","type":"T","data":1}').join('\n')}\n`;
  child.stdin.write(rows(20_000));
  let seen = 0;
  while (seen < 1000) {
    seen = (await server.json('GET', '/events?direction=backward&limit=1')).body.position;
  }
  await server.kill();
  child.stdin.end(rows(20_000));
  assert.equal(await ended, 1);
  assert.match(out.stderr, /127\.0\.0\.1/);
  const { events, lastLine } = JSON.parse(out.stdout);
  assert.equal(events, lastLine);
  const again = await server.restart();
  const there = (await again.json('GET', '/events?direction=backward&limit=1')).body.position;
  assert.ok(there >= events, `${events} were acknowledged, ${there} are there`);
  assert.equal(await again.stop(), 0);
});

test('an interrupted import keeps what it wrote, whole, and goes on where it was cut off', async () => {
  const data = temporaryFolder();
  const pipe = pipeOf(temporaryFolder());
  const count = 40_000;
  const rows = Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join('');
  const words = (file) => ['import', file, '--data', data, '--stream', 's-1', '--type', 'T', '--ids'];
  const child = start(words(pipe));
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (told += text));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  const half = await open(pipe, 'w');
  await half.write(rows.slice(0, rows.length / 2)); // taken but for what the pipe and one batch hold
  child.kill('SIGINT');
  assert.equal(await ended, 'SIGINT');
  await half.close();
  const kept = (await allOf(data)).map((event) => event.data.n);
  assert.ok(kept.length > 0 && kept.length < count);
  const [, events, line] = /^everfold: interrupted: ([\d,]+) events are acknowledged, all up to line (\d+); the same import again adds what is missing\n$/.exec(told) ?? assert.fail(told);
  assert.equal(Number(line), Number(events.replaceAll(',', '')));
  assert.ok(Number(line) > 0 && Number(line) <= kept.length, told);
  assert.deepEqual(kept, Array.from({ length: kept.length }, (_, n) => n));

  const again = await everfold(words('-'), { input: rows });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).repeated, kept.length);
  assert.equal((await allOf(data)).length, count);
});

test('a terminal shows how far a long import is', async () => {
  const pipe = pipeOf(temporaryFolder());
  const terminal = spawn('script', ['-qec', `'${binary}' import '${pipe}' --stream s-1 --type T --data '${temporaryFolder()}'`, '/dev/null'],
    { env: { PATH: process.env.PATH, TERM: 'xterm' }, stdio: ['ignore', 'pipe', 'inherit'] });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (text) => (shown += text));
  const ended = new Promise((resolve) => terminal.on('close', resolve));
  const rows = await open(pipe, 'w');
  while (!/\r\x1b\[K[\d,]+ events {2}[\d,]+\/s/.test(shown)) { // from a second on
    await rows.write('{"n":1}\n'.repeat(1000));
  }
  await rows.close();
  assert.equal(await ended, 0);
  assert.match(shown, /\r\x1b\[K[\d,]+ events in \d+\.\d s, [\d,]+ events\/s\r?\n$/, 'the sentence takes the place of the bar');
});

test('on a terminal the summary is a sentence', () => {
  const shown = execFileSync('script', ['-qec', `'${binary}' import '${fileOf('n\n1\n2\n')}' --stream s-1 --type T --data '${temporaryFolder()}'`, '/dev/null'],
    { env: { PATH: process.env.PATH, TERM: 'xterm' }, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  assert.match(shown, /^2 events in \d+\.\d s, [\d,]+ events\/s\r?\n$/);
});
