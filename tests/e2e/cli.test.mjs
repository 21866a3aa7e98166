// Catches: a command that does something else than its help says, hides a failure behind exit code 0,
// or speaks to a person in JSON and to a program in prose.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { binary, everfold, root, start, startServer, temporaryFolder } from './server.mjs';

const commands = ['serve', 'new', 'test', 'append', 'read', 'tail', 'state', 'views', 'flow', 'import', 'export'];
const linesOf = (text) => text.split('\n').filter((line) => line !== '');
const jsonLines = (text) => linesOf(text).map((line) => JSON.parse(line));

/** Runs a command on a terminal of its own; resolves with all it showed there. */
function onTerminal(args, env = {}) {
  const words = [binary, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return execFileSync('script', ['-qec', words, '/dev/null'], {
    cwd: root, env: { PATH: process.env.PATH, TERM: 'xterm', ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  }).toString().replaceAll('\r\n', '\n');
}

test('help lists every command, and every command helps', async () => {
  const all = await everfold(['--help']);
  assert.equal(all.code, 0);
  const listed = [...all.stdout.matchAll(/^ {2}(\w+) {2,}\S/gm)].map((match) => match[1]);
  assert.deepEqual(listed, commands);
  for (const name of commands) {
    for (const words of [[name, '--help'], [name, '-h'], ['help', name], [name, '--nonsense', '--help']]) {
      const help = await everfold(words);
      assert.equal(help.code, 0, words.join(' '));
      assert.ok(help.stdout.startsWith(`Usage: everfold ${name}`), words.join(' '));
    }
  }
  const tail = await everfold(['tail', '--help']);
  assert.doesNotMatch(tail.stdout, /--(data|app)\b/, 'it refuses them');
  const version = await everfold(['--version']);
  assert.match(version.stdout, /^everfold \d+\.\d+\.\d+\n$/);
});

test('a wrong command line is 2 and says what was meant', async () => {
  const wrong = [
    [[], /Usage: everfold COMMAND/],
    [['improt'], /'improt'; did you mean 'import'\?/],
    [['dance'], /no command 'dance'/],
    [['read', '--formt', 'x'], /no option --formt/],
    [['read', '--limt', '3'], /did you mean --limit\?/],
    [['serve'], /--data/],
    [['serve', 'a', 'b'], /'b' is one word too many/],
    [['serve', '--port', 'x', '--data', 'd'], /--port must be a whole number/],
    [['serve', '--data', 'd', '--host', '0.0.0.0'], /neither encryption nor a password[\s\S]*--insecure/],
    [['append', 'a-1'], /TYPE is missing/],
    [['append', 'a-1', 'T', '--expect', 'maybe'], /--expect is no-stream, exists or a revision/],
    [['import', '--stream', 's'], /--stream and --type go together/],
    [['import', '--format', 'xml'], /ndjson, json or csv/],
    [['read', 'a-1', '--type', 'T'], /--type looks through the whole log/],
    [['tail', '--data', 'd'], /running server/],
    [['views', 'v', 'q', 'x'], /'x' is no NAME=VALUE/],
  ];
  for (const [words, sentence] of wrong) {
    const result = await everfold(words);
    assert.equal(result.code, 2, words.join(' '));
    assert.equal(result.stdout, '', words.join(' '));
    assert.match(result.stderr, sentence);
  }
});

test('what is wrong with a name or a time is said of the name and the time', async () => {
    const data = temporaryFolder();
    assert.match((await everfold(['append', 'a/b', 'T', '--data', data])).stderr, /The name "a\/b" holds a slash/);
    assert.equal((await everfold(['append', 'a-1', 'T', '--data', data])).code, 0);
    const server = await startServer({ data });
    const { status, body } = await server.json('GET', '/events?at=3026-01-01T00:00:00Z');
    assert.equal(status, 400);
    assert.match(body.detail, /years 1678 to 2261/);
    assert.equal(await server.stop(), 0);
});

test('when nothing listens every command says so and what to do', async () => {
  const server = await startServer();
  await server.stop();
  for (const words of [['read'], ['tail'], ['views'], ['state', 'a', 'b'], ['append', 'a-1', 'T'], ['export']]) {
    const result = await everfold([...words, '--url', server.url]);
    assert.equal(result.code, 1, words.join(' '));
    assert.match(result.stderr, /nothing listens on 127\.0\.0\.1:\d+: start it with 'everfold serve APP', or say --url\n$/);
  }
  const elsewhere = await everfold(['read'], { env: { EVERFOLD_URL: 'https://example.org' } });
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /https:\/\/example\.org.*http:\/\//);
});

test('append and read, for programs', async () => {
  const server = await startServer();
  const env = { EVERFOLD_URL: server.url };
  const first = await everfold(['append', 'note-1', 'Written', '{"text":"h\\u00e9"}'], { env });
  assert.equal(first.code, 0, first.stderr);
  assert.equal(JSON.parse(first.stdout).position, 1);
  const more = await everfold(['append', 'note-1', 'Written', '-', '--expect', '0', '--tag', 'a', '--tag', 'b,c',
    '--metadata', '{"by":"me"}', '--id', '11111111-2222-4333-8444-555555555555'], { env, input: ' {"text": 2}\n' });
  assert.equal(more.code, 0, more.stderr);
  const again = await everfold(['append', 'note-1', 'Written', '{"text": 2}', '--metadata', '{"by":"me"}', '--tag', 'a',
    '--tag', 'b,c', '--id', '11111111-2222-4333-8444-555555555555'], { env });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).position, 2, 'the same id adds nothing');
  assert.equal((await everfold(['append', 'other-1', 'Made', '--expect', 'no-stream'], { env })).code, 0);

  const conflict = await everfold(['append', 'note-1', 'Written', '--expect', '0'], { env });
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /^everfold: .*revision.*1/);

  const all = jsonLines((await everfold(['read'], { env })).stdout);
  assert.deepEqual(all.map((e) => [e.position, e.stream, e.revision, e.type]),
    [[1, 'note-1', 0, 'Written'], [2, 'note-1', 1, 'Written'], [3, 'other-1', 0, 'Made']]);
  assert.deepEqual(all[0].data, { text: 'hé' });
  assert.deepEqual([all[1].data, all[1].metadata, all[1].tags], [{ text: 2 }, { by: 'me' }, ['a', 'b,c']]);
  assert.deepEqual(all[2].data, {});

  const positions = async (...words) =>
    jsonLines((await everfold(['read', ...words], { env })).stdout).map((e) => e.position);
  assert.deepEqual(await positions('note-1'), [1, 2]);
  assert.deepEqual(await positions('note-1', '--from', '1'), [2]);
  assert.deepEqual(await positions('--backward', '--limit', '2'), [3, 2]);
  assert.deepEqual(await positions('--type', 'Made,Other'), [3]);
  assert.deepEqual(await positions('--category', 'note'), [1, 2]);
  assert.deepEqual(await positions('--prefix', 'oth'), [3]);
  assert.deepEqual(await positions('--tag', 'a', '--tag', 'b,c'), [2]);

  const missing = await everfold(['read', 'nobody-1'], { env });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /nobody-1/);
  for (const [words, sentence] of [[['{x'], /DATA is not JSON/], [['hello'], /needs its quotes/],
    [['1', '--metadata', '{'], /--metadata is not JSON/]]) {
    const bad = await everfold(['append', 'note-1', 'Written', ...words], { env });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, sentence);
  }
  assert.equal(await server.stop(), 0);
});

test('for a person at a terminal: columns, colours unless NO_COLOR, nothing that moves the cursor', async () => {
  const server = await startServer();
  const env = { EVERFOLD_URL: server.url };
  assert.match(onTerminal(['append', 'note-1', 'Written', '{"text":"\\u001b[2J\x7f"}'], env), /^note-1@0 {2}position 1\n$/);
  const plain = onTerminal(['read'], { ...env, NO_COLOR: '1' });
  assert.match(plain, /^ {7}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}note-1@0 +Written +\{"text":"\\u001b\[2J\\x7f"\}\n$/);
  assert.ok(onTerminal(['read'], env).includes('\x1b[1mWritten\x1b[0m'));
  assert.equal(JSON.parse(onTerminal(['read', '--json'], env)).position, 1);
  assert.equal(await server.stop(), 0);
});

test('state and views of an APP, with a server and without', async () => {
  const server = await startServer({ app: 'examples/bank' });
  const deposit = (amount) => server.json('POST', '/deciders/account/eve/Deposit', { body: { amount } });
  await server.json('POST', '/deciders/account/eve/Open', { body: { owner: 'Eve' } });
  const first = await deposit(5);
  const last = await deposit(10);
  const headers = { 'everfold-min-position': String(last.body.position), prefer: 'wait=30' };
  assert.equal((await server.json('GET', '/views/balances/by_id?id=eve', { headers })).status, 200);

  const check = async (where) => {
    const state = await everfold(['state', 'account', 'eve', ...where]);
    assert.equal(state.code, 0, state.stderr);
    assert.equal(JSON.parse(state.stdout).state.balance, 15);
    const before = await everfold(['state', 'account', 'eve', '--at', String(first.body.position), ...where]);
    assert.equal(JSON.parse(before.stdout).state.balance, 5);
    const views = JSON.parse((await everfold(['views', ...where])).stdout);
    assert.deepEqual(views.map((view) => view.name), ['balances', 'statement']);
    const rows = JSON.parse((await everfold(['views', 'balances', 'by_id', 'id=eve', ...where])).stdout).rows;
    assert.deepEqual(rows, [{ id: 'eve', owner: 'Eve', balance: 15 }]);
  };
  await check(['--url', server.url]);
  const env = { EVERFOLD_URL: server.url, NO_COLOR: '1' };
  assert.match(onTerminal(['state', 'account', 'eve'], env), /^account eve {2}revision 2 {2}position \d+\n\{\n[\s\S]*"balance": 15/);
  assert.match(onTerminal(['views'], env), /^name +state +position +lag\nbalances +live +\d+ +0\nstatement +live/);
  assert.match(onTerminal(['views', 'balances', 'by_id', 'id=eve'], env), /^id +owner +balance\neve +Eve +15\n$/);

  for (const [words, sentence] of [[['state', 'nobody', 'eve'], /nobody/], [['views', 'nothing'], /nothing/],
    [['views', 'balances', 'by_id'], /id/], [['state', 'account', 'eve', '--at', 'noon'], /at/]]) {
    const wrong = await everfold([...words, '--url', server.url]);
    assert.equal(wrong.code, 1, words.join(' '));
    assert.match(wrong.stderr, sentence);
  }
  assert.equal(await server.stop(), 0);
  await check(['--app', 'examples/bank', '--data', server.data]);
});

test('commands on a folder need no server, and leave it whole', async () => {
  const data = join(temporaryFolder(), 'data');
  for (let n = 0; n < 3; n++) {
    const result = await everfold(['append', 'a-1', 'T', String(n), '--data', data]);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(JSON.parse(result.stdout).revision, n);
  }
  assert.deepEqual(jsonLines((await everfold(['read', '--data', data])).stdout).map((e) => e.data), [0, 1, 2]);
  const server = await startServer({ data });
  const held = await everfold(['read', '--data', data]);
  assert.equal(held.code, 1);
  assert.match(held.stderr, new RegExp(`process ${server.pid}`));
  assert.equal(await server.stop(), 0);
});

test('a folder that is not there is no empty log, and is not made by who only reads', async () => {
  const data = join(temporaryFolder(), 'mistyped');
  const app = join(temporaryFolder(), 'app');
  assert.equal((await everfold(['new', app])).code, 0);
  for (const words of [['read'], ['export'], ['views'], ['state', 'task', 'a']]) {
    const result = await everfold([...words, '--data', data]);
    assert.equal(result.code, 1, words.join(' '));
    assert.equal(result.stdout, '', words.join(' '));
    assert.ok(result.stderr.includes(data), result.stderr);
    assert.ok(!existsSync(data), words.join(' '));
    const ofApp = await everfold([...words, '--app', app]);
    assert.equal(ofApp.code, 1, words.join(' '));
    assert.match(ofApp.stderr, /\.everfold/);
    assert.ok(!existsSync(join(app, '.everfold')), words.join(' '));
  }
});

test('descriptors that the caller closed are not taken by files of the log', async () => {
  const dir = temporaryFolder();
  const shell = (line) => execFileSync('sh', ['-c', line, binary, dir]).toString();
  shell('"$0" append a-1 T 0 --data "$1/data" >&-');
  shell('"$0" append a-1 T 1 --data "$1/data" <&- >&- 2>&-');
  assert.deepEqual(jsonLines(shell('"$0" read --data "$1/data" 2>&-')).map((event) => event.data), [0, 1]);
  const serve = '"$0" serve --data "$1/new" --port 0 <&- >&- 2>&- & until [ -e "$1/new/store" ]; do :; done; kill -TERM $!; wait $!; echo $?';
  assert.equal(shell(serve), '0\n');
});

test('a reader that goes away ends read without a word', async () => {
  const data = temporaryFolder();
  const rows = Array.from({ length: 20_000 }, (_, n) => JSON.stringify({ stream: 'a-1', type: 'T', data: n })).join('\n');
  assert.equal((await everfold(['import', '--data', data], { input: rows })).code, 0);
  const out = execFileSync('sh', ['-c', '"$0" read --data "$1" 2>&1 | head -n 1', binary, data]).toString();
  assert.equal(jsonLines(out).length, 1);
});

test('tail shows the newest events, then new ones, through a restart', async () => {
  let server = await startServer();
  const port = new URL(server.url).port;
  const append = (n) => server.json('POST', '/streams/a-1', { body: { type: 'T', data: n } });
  for (let n = 0; n < 5; n++) {
    await append(n);
  }
  const child = start(['tail', '--count', '2', '--url', server.url]);
  const seen = [];
  let arrived = () => {};
  child.stdout.setEncoding('utf8').on('data', (text) => {
    seen.push(...jsonLines(text).map((event) => event.data));
    arrived();
  });
  const until = async (count) => {
    while (seen.length < count) {
      await new Promise((resolve) => (arrived = resolve));
    }
  };
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  await until(2);
  await append(5);
  await until(3);
  assert.equal(await server.stop(), 0);
  server = await server.restart({ port });
  await append(6);
  await until(4);
  assert.deepEqual(seen, [3, 4, 5, 6]);
  child.kill('SIGINT');
  assert.equal(await ended, 'SIGINT');
  assert.equal(await server.stop(), 0);
});

test('tail waits for a stream that has no events yet', async () => {
  const server = await startServer();
  const child = start(['tail', 'a-1', '--url', server.url]);
  const first = new Promise((resolve) => child.stdout.setEncoding('utf8').once('data', resolve));
  const ended = new Promise((resolve) => child.on('close', resolve));
  const follows = async () => /^everfold_feeds 1$/m.test((await server.json('GET', '/metrics')).body);
  const gone = ended.then(() => 'it has ended');
  while (!(await follows())) {
    assert.notEqual(await Promise.race([gone, server.json('GET', '/health/live')]), 'it has ended');
  }
  await server.json('POST', '/streams/b-1', { body: { type: 'T', data: 'another' } });
  await server.json('POST', '/streams/a-1', { body: { type: 'T', data: 'awaited' } });
  assert.equal(jsonLines(await first)[0].data, 'awaited');
  child.kill('SIGINT');
  await ended;
  assert.equal(await server.stop(), 0);
});

test('a new APP works as it is', async () => {
  const dir = join(temporaryFolder(), 'tasks');
  const made = await everfold(['new', dir]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(readdirSync(dir).sort(), ['README.md', 'deciders', 'routes.js', 'tests', 'views']);
  const tested = await everfold(['test', dir]);
  assert.equal(tested.code, 0, tested.stdout + tested.stderr);
  assert.match(tested.stdout, /^6 passed, 0 failed$/m);

  const server = await startServer({ app: dir });
  const pasted = linesOf(server.output.stdout).map((line) => line.trim()).filter((line) => line.startsWith('curl '));
  assert.equal(pasted.length, 3);
  const answers = pasted.map((line) => execFileSync('sh', ['-c', line.replace('curl ', 'curl -s -H "Prefer: wait=30" ')]).toString());
  assert.equal(JSON.parse(answers[0]).status, 'done');
  assert.match(answers[1], /Water the plants/);
  assert.equal(JSON.parse(answers[2]).status, 'done');
  assert.equal(await server.stop(), 0);

  const full = await everfold(['new', dir]);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /not an empty folder/);
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, 'mine');
  assert.equal((await everfold(['new', file])).code, 1);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('the tests of the examples pass, and a wrong one fails with both sides', async () => {
  for (const [app, count] of [['examples/bank', 12], ['examples/flights', 1]]) {
    const result = await everfold(['test', app]);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    assert.match(result.stdout, new RegExp(`^${count} passed, 0 failed$`, 'm'));
  }
  const dir = join(temporaryFolder(), 'app');
  await everfold(['new', dir]);
  const file = join(dir, 'tests/task.test.js');
  writeFileSync(file, readFileSync(file, 'utf8').replace("rejected: 'bad-title'", "rejected: 'no-title'"));
  const result = await everfold(['test', dir]);
  assert.equal(result.code, 1);
  assert.match(result.stdout, /^5 passed, 1 failed$/m);
  assert.match(result.stdout, /a task needs a title[\s\S]*no-title[\s\S]*bad-title|a task needs a title[\s\S]*bad-title[\s\S]*no-title/);
});

test('an APP in which nothing is found says so, and tests that are not there do not pass', async () => {
  const app = temporaryFolder();
  mkdirSync(join(app, 'decider')); // mistyped
  writeFileSync(join(app, 'decider/task.js'), 'export const initial = {}, decide = {}, evolve = {};');
  const server = await startServer({ app });
  assert.match(server.output.stderr, /holds no deciders\/NAME\.js/);
  assert.equal(await server.stop(), 0);
  const tested = await everfold(['test', app]);
  assert.equal(tested.code, 1);
  assert.match(tested.stderr, /tests\/NAME\.test\.js/);
});

test('serve prints an address and lines that work, and ends cleanly on a signal', async () => {
  const bank = await startServer({ app: 'examples/bank' });
  const pasted = linesOf(bank.output.stdout).map((line) => line.trim()).filter((line) => line.startsWith('curl '));
  assert.equal(pasted.length, 3);
  const answers = pasted.map((line) => JSON.parse(execFileSync('sh', ['-c', line.replace('curl ', 'curl -s -H "Prefer: wait=30" ')])));
  assert.deepEqual(answers[2], { id: 'alice', owner: 'Alice', balance: 5000 });
  process.kill(bank.pid, 'SIGINT');
  assert.equal(await bank.ended, 0);
  assert.equal(bank.output.stderr, '');

  const bare = await startServer();
  for (const line of linesOf(bare.output.stdout).map((text) => text.trim()).filter((text) => text.startsWith('curl '))) {
    assert.ok(JSON.parse(execFileSync('sh', ['-c', line.replace('curl ', 'curl -sf ')])), line);
  }
  assert.equal(await bare.stop(), 0);
});

test('settings come from variables too', async () => {
  const data = temporaryFolder();
  const server = await startServer({ data, args: [], env: { EVERFOLD_HOST: '127.0.0.2' } });
  assert.match(server.url, /^http:\/\/127\.0\.0\.2:\d+$/);
  assert.equal((await server.json('GET', '/health/live')).status, 200);
  assert.equal(await server.stop(), 0);
  const six = await startServer({ args: ['--host', '::1'] }).catch((error) => error);
  if (!(six instanceof Error)) { // a machine may lack IPv6
    assert.match(six.url, /^http:\/\/\[::1\]:\d+$/);
    assert.equal((await everfold(['read', '--url', six.url])).code, 0);
    assert.equal(await six.stop(), 0);
  }
});

test('a damaged log is named with its range, served for reading, and left as it is', async () => {
  const server = await startServer();
  for (let n = 0; n < 5; n++) {
    await server.json('POST', '/streams/a-1', { body: { type: 'T', data: { text: `event number ${n}` } } });
  }
  assert.equal(await server.stop(), 0);
  const file = join(server.data, 'log/0000000001.seg');
  const bytes = readFileSync(file);
  bytes[bytes.indexOf('event number 2')] ^= 1;
  writeFileSync(file, bytes);
  const damaged = await server.restart();
  assert.match(damaged.output.stderr, /is damaged: bytes \d+ to \d+ of log\/0000000001\.seg; of the events 3 to 3 some cannot be read/);
  assert.equal((await damaged.json('GET', '/events/5')).body.data.text, 'event number 4');
  assert.equal((await damaged.json('GET', '/events/3')).status, 500);
  assert.equal((await damaged.json('POST', '/streams/a-2', { body: { type: 'T', data: 1 } })).status, 503);
  const cut = await everfold(['export', '--url', damaged.url]);
  assert.equal(cut.code, 1, 'half an export is a failure');
  assert.equal(await damaged.stop(), 0);
  assert.ok(readFileSync(file).equals(bytes));
});

test('an address that is none is named', async () => {
  const result = await everfold(['serve', '--data', temporaryFolder(), '--host', '10.255.255.1', '--insecure', '--port', '0']);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /10\.255\.255\.1/);
});

test('an export that is interrupted leaves nothing behind', async (t) => {
  const half = createServer((request, answer) => {
    const isCount = request.url.includes('limit=1');
    answer.writeHead(200, { 'content-type': isCount ? 'application/json' : 'application/x-ndjson' });
    isCount ? answer.end('{"position":2}') : answer.write('{"position":1}\n', () => half.emit('begun'));
  });
  t.after(() => half.close().closeAllConnections());
  await once(half.listen(0, '127.0.0.1'), 'listening');
  const dir = temporaryFolder();
  const begun = once(half, 'begun');
  const child = start(['export', join(dir, 'all.ndjson'), '--url', `http://127.0.0.1:${half.address().port}`]);
  const ended = once(child, 'close');
  await begun;
  assert.deepEqual(readdirSync(dir), ['all.ndjson.part']);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [null, 'SIGINT']);
  assert.deepEqual(readdirSync(dir), []);
});

test('a running server and a data folder are not asked at once', async () => {
  for (const option of ['--data', '--app']) {
    const result = await everfold(['read', '--url', 'http://127.0.0.1:1', option, temporaryFolder()]);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /--(data|app) and --url do not go together: say one of them/);
  }
  const data = temporaryFolder();
  const env = { EVERFOLD_URL: 'http://127.0.0.1:1' };
  assert.equal((await everfold(['append', 's-1', 'T', '{}', '--data', data], { env })).code, 0);
});

test('a query that fails whoever asks is the view\'s fault, not the client\'s', async () => {
  const app = temporaryFolder();
  mkdirSync(join(app, 'views'));
  writeFileSync(join(app, 'views/v.sql'), '-- view v\ncreate table t (n integer primary key) strict;\n-- on A\n'
    + 'insert into t (n) values (@position);\n-- query overflow()\nselect abs(-9223372036854775807 - 1) as n;\n');
  const server = await startServer({ app });
  const answer = await server.json('GET', '/views/v/overflow');
  assert.deepEqual([answer.status, answer.body.type, answer.body.detail], [500, '/problems/query-failed', 'integer overflow']);
  assert.equal(await server.stop(), 0);
});
