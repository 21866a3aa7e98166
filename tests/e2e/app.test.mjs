// Catches: user code that takes the server down, keeps a command without an answer, or is wrong
// without a word; a changed view that serves old rows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { binary, everfold, root, startServer, temporaryFolder } from './server.mjs';

function makeApp(files) {
    const dir = temporaryFolder();
    for (const [path, content] of Object.entries(files)) {
        mkdirSync(join(dir, path, '..'), { recursive: true });
        writeFileSync(join(dir, path), content);
    }
    return dir;
}

test('an APP in TypeScript: deciders, flows, routes, tests and what they import', async () => {
    const app = makeApp({
        'lib/count.ts': 'export interface Count { n: number }\nexport type Step = { by: number };\nexport const none: Count = { n: 0 };\n',
        'deciders/counter.ts': `import { none, type Count, type Step } from '../lib/count.ts';
            export const initial: Count = none;
            export const decide = {
              Add(state: Count, step: Step): object[] { return [{ type: 'Added', data: { by: step.by!, n: state.n + step.by } }]; },
            };
            export const evolve: Record<string, (state: Count, event: any) => Count> = {
              Added: (state, event) => ({ n: event.data.n as number }),
            };`,
        'flows/large.ts': `import { flow, from } from 'everfold/flow';
            type Added = { data: { by: number } };
            export const large = flow('large', {}, () => from('counter').ofType('Added').filter((e: Added): boolean => e.data.by > 10).emit('Large'));`,
        'routes.ts': `const command: string = 'Add';\nexport default { 'POST /api/counters/{id}': { decider: 'counter', id: '{id}', command } } satisfies Record<string, object>;`,
        'tests/counter.test.ts': `const by = (n: number) => ({ by: n });
            export default { 'it adds': { decider: 'counter', id: 'a', given: [], when: { Add: by(3) }, then: [{ type: 'Added', data: { by: 3, n: 3 } }] } };`,
        'types.d.ts': 'declare module "everfold/flow";',
    });
    const tested = await everfold(['test', app]);
    assert.equal(tested.code, 0, tested.stdout + tested.stderr);
    assert.match(tested.stdout, /1/);
    const server = await startServer({ app });
    const done = await server.json('POST', '/api/counters/a', { body: { by: 12 }, headers: { prefer: 'wait=5' } });
    assert.equal(done.status, 202, JSON.stringify(done.body));
    assert.deepEqual((await server.json('GET', '/deciders/counter/a')).body.state, { n: 12 });
    assert.equal((await server.json('GET', '/flows/large/events', { headers: { 'everfold-min-position': String(done.body.position), prefer: 'wait=5' } })).body.events.length, 1);
    assert.equal(await server.stop(), 0);
});

const naughty = `
export const initial = { count: 0 };
export const decide = {
  Fine(state) { return [{ type: 'Counted', data: { n: state.count + 1 } }]; },
  Nothing() { return []; },
  Throw() {
    throw new Error('the roof is on fire');
  },
  Loop() { for (;;) {} },
  Stubborn() { for (;;) { try { for (;;) {} } catch (e) { /* again */ } } },
  Hog() { const all = []; for (;;) all.push(new Array(1e6).fill(1)); },
  Undefined() {},
  Text() { return 'Counted'; },
  Untyped() { return [{ data: {} }]; },
  Odd() { return [{ type: '$System', data: {} }]; },
  Deep() { const f = () => f(); f(); },
  Refuse(state, data, ctx) { ctx.reject('no-way', 'This is refused.', { limit: 7 }); },
};
export const evolve = { Counted(state) { return { count: state.count + 1 }; } };
`;

test('a decider that throws, loops, eats memory or returns nonsense gets an answer that says so', async () => {
    const server = await startServer({ app: makeApp({ 'deciders/box.js': naughty }) });
    const command = (name) => server.json('POST', `/deciders/box/a/${name}`, { body: {} });
    assert.equal((await command('Fine')).status, 202);
    const expected = {
        Throw: [500, /the roof is on fire[\s\S]*|deciders\/box\.js/], Loop: [500, /longer than .*100 ms/], Stubborn: [500, /longer than .*100 ms/],
        Hog: [500, /memory|longer than/i], Undefined: [500, /undefined/], Text: [500, /array|event/i], Untyped: [500, /type/],
        Odd: [500, /\$/], Deep: [500, /stack|recurs|call/i],
    };
    for (const [name, [status, detail]] of Object.entries(expected)) {
        const answer = await command(name);
        assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`);
        assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
        assert.match(answer.body.detail, detail, name);
    }
    const rejected = await command('Refuse');
    assert.equal(rejected.status, 422);
    assert.equal(rejected.body.code, 'no-way');
    assert.equal(rejected.body.detail, 'This is refused.');
    assert.equal(rejected.body.limit, 7);
    assert.equal((await command('Nothing')).status, 202);
    assert.equal((await command('Fine')).status, 202);
    const state = await server.json('GET', '/deciders/box/a');
    assert.deepEqual(state.body.state, { count: 2 });
    assert.equal(state.body.revision, 1);
    assert.equal(await server.stop(), 0);
});

test('the commands waiting beside one that hangs all get their answers', async () => {
    const server = await startServer({ app: makeApp({ 'deciders/box.js': naughty }) });
    const commands = [];
    for (let n = 0; n < 40; n++) {
        const name = n % 10 === 3 ? 'Loop' : 'Fine';
        commands.push(server.json('POST', `/deciders/box/s${n}/${name}`, { body: {} }).then((a) => [name, a.status]));
    }
    for (const [name, status] of await Promise.all(commands)) {
        assert.equal(status, name === 'Fine' ? 202 : 500);
    }
    assert.equal(await server.stop(), 0);
});

test('a command is known by its id, what became of it too', async () => {
    const server = await startServer({ app: makeApp({ 'deciders/box.js': naughty }) });
    const send = (name, key) => server.json('POST', `/deciders/box/k/${name}`, { body: {}, headers: { 'idempotency-key': `"${key}"` } });
    const first = await send('Fine', 'one');
    const second = await send('Fine', 'one');
    assert.equal(first.status, 202);
    assert.equal(second.status, 202);
    assert.equal(second.body.position, first.body.position);
    assert.equal(second.headers.get('idempotency-replayed'), 'true');
    assert.equal((await send('Nothing', 'one')).status, 422, 'the key belongs to another command');
    const done = await server.json('GET', first.headers.get('location'));
    assert.equal(done.body.status, 'done');
    assert.equal(done.body.name, 'Fine');
    const rejected = await send('Refuse', 'two');
    const record = await server.json('GET', rejected.headers.get('location'));
    assert.equal(record.body.status, 'rejected');
    assert.equal(record.body.problem.code, 'no-way');
    assert.equal(await server.stop(), 0);
});

const faulty = {
    'a syntax error': [{ 'deciders/a.js': 'export const initial = {};\nexport const decide = {{;\n' }, /deciders\/a\.js:2/],
    'a decider without evolve': [{ 'deciders/a.js': 'export const initial = {};\nexport const decide = {};\n' }, /deciders\/a\.js.*evolve/],
    'async': [{ 'deciders/a.js': 'export const initial = {};\nexport const evolve = {};\nexport const decide = { async X() { return []; } };\n' }, /deciders\/a\.js:3.*async/],
    'an import from outside': [{ 'deciders/a.js': "import fs from 'node:fs';\nexport const initial = {}, evolve = {}, decide = {};\n" }, /deciders\/a\.js:1.*node:fs/],
    'an import that climbs out': [{ 'deciders/a.js': "import x from '../../x.js';\nexport const initial = {}, evolve = {}, decide = {};\n" }, /deciders\/a\.js:1/],
    'a view with a wrong table': [{ 'views/v.sql': '-- view v\ncreate table t (id text primary key) strict;\n-- on X\ninsert into nope (id) values (@id);\n-- query all()\nselect * from t;\n' }, /views\/v\.sql:4.*nope/],
    'a view with an unknown word': [{ 'views/v.sql': '-- view v\ncreate table t (id text primary key) strict;\n-- on X\ninsert into t (id) values (@nonsense);\n-- query all()\nselect * from t;\n' }, /views\/v\.sql:4.*@nonsense/],
    'a query that writes': [{ 'views/v.sql': '-- view v\ncreate table t (id text primary key) strict;\n-- on X\ninsert into t (id) values (@id);\n-- query wipe()\ndelete from t;\n' }, /views\/v\.sql:6/],
    'a syntax error in an imported file': [{ 'deciders/a.js': "import { x } from '../lib/x.js';\nexport const initial = x, evolve = {}, decide = {};\n", 'lib/x.js': '\n\nexport const x = ;\n' }, /lib\/x\.js:3/],
    'a syntax error in the routes': [{ 'routes.js': 'export default {\n  GET /api/x\n};\n' }, /routes\.js:2/],
    'a syntax error in a view': [{ 'views/v.sql': '-- view v\ncreate table t (id text primary key) strict;\n-- on X\ninsert int t (id) values (@id);\n-- query all()\nselect * from t;\n' }, /views\/v\.sql:4.*int/],
    'a file that throws': [{ 'deciders/a.js': "export const initial = {}, evolve = {}, decide = {};\nthrow new Error('not today');\n" }, /deciders\/a\.js:2: not today/],
    'a file that eats memory': [{ 'deciders/a.js': 'export const initial = {}, evolve = {}, decide = {};\nconst all = [];\nfor (;;) all.push(new Array(1e6).fill(1));\n', 'deciders/b.js': naughty }, /deciders\/a\.js: loading takes more memory/],
    'bytes that are no text': [{ 'deciders/a.js': Buffer.from([0xff, 0xfe, 0, 1]) }, /deciders\/a\.js/],
    'a route to nobody': [{ 'routes.js': "export default { 'POST /api/x/{id}': { decider: 'nobody', id: '{id}', command: 'Do' } };\n" }, /routes\.js.*nobody/],
};

for (const [name, [files, message]] of Object.entries(faulty)) {
    test(`${name} is named with file and line at start`, async () => {
        const result = await everfold(['serve', makeApp(files), '--port', '0', '--data', temporaryFolder()]);
        assert.equal(result.code, 1, result.stdout);
        assert.match(result.stderr, message);
    });
}

test('an APP file that cannot be read is named', async () => {
    const app = makeApp({ 'deciders/a.js': naughty });
    symlinkSync('/nowhere/at/all.js', join(app, 'deciders/b.js'));
    const broken = await everfold(['serve', app, '--port', '0', '--data', temporaryFolder()]);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /deciders\/b\.js/);

    const missing = await everfold(['serve', join(app, 'missing'), '--port', '0']);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /missing/);
});

/** The program as somebody who is not root, for whom a file can be closed. */
function asNobody() {
    if (process.getuid() !== 0) {
        return { program: binary, ids: {} };
    }
    const folder = temporaryFolder(); // the tree may stand where only root can go
    chmodSync(folder, 0o755);
    for (const name of ['everfold', 'everfold-js']) {
        cpSync(join(dirname(binary), name), join(folder, name));
    }
    return { program: join(folder, 'everfold'), ids: { uid: 65534, gid: 65534 } };
}

test('each kind of APP file is named when it is closed to the server, and so is a data folder', () => {
    const { program, ids } = asNobody();
    const app = temporaryFolder();
    cpSync(join(root, 'examples/bank'), app, { recursive: true, filter: (path) => !path.includes('.everfold') });
    const data = temporaryFolder();
    chmodSync(data, 0o777);
    chmodSync(app, 0o755);
    const serve = (folder) => spawnSync(program, ['serve', app, '--port', '0', '--data', folder], { ...ids, encoding: 'utf8' });
    for (const path of ['deciders/account.js', 'views/balances.sql', 'routes.js', 'deciders']) {
        chmodSync(join(app, path), 0);
        const result = serve(data);
        assert.equal(result.status, 1, path);
        assert.ok(result.stderr.includes(`${path}: Permission denied`), result.stderr);
        chmodSync(join(app, path), 0o755);
    }
    const closed = join(temporaryFolder(), 'data');
    chmodSync(dirname(closed), 0o500);
    const result = serve(closed);
    assert.equal(result.status, 1);
    assert.ok(result.stderr.includes(`${closed}: Permission denied`), result.stderr);
});

const greedy = `-- view v
create table t (id text primary key, n integer not null) strict;
-- on X
insert into t (id, n) values (@id, :n);
-- query slow()
with recursive c(i) as (select 1 union all select i + 1 from c) select count(*) as n from c;
-- query many()
with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000) select i from c;
-- query big()
select printf('%.*c', 20000000, 'x') as s;
-- query all()
select id, n from t;
`;

test('a query that takes too much, and an event a view cannot apply, are told apart from a healthy view', async () => {
    const server = await startServer({ app: makeApp({ 'views/v.sql': greedy }) });
    const refused = async (path, status, type, detail) => {
        const answer = await server.json('GET', path);
        assert.deepEqual([answer.status, answer.body.type], [status, `/problems/${type}`], JSON.stringify(answer.body));
        assert.match(answer.body.detail, detail);
    };
    await refused('/views/v/many', 422, 'result-too-large', /10000 rows/);
    await refused('/views/v/big', 422, 'result-too-large', /16777216 bytes/);
    if ((process.env.EVERFOLD_PRESET ?? 'release') === 'release') { // it takes its five seconds
        await refused('/views/v/slow', 503, 'query-time-limit', /^the query slow.* longer than 5 s$/);
    }
    await server.json('POST', '/streams/t-1', { body: [{ type: 'X', data: { n: 1 } }, { type: 'X', data: { n: 'text' } }] });
    await server.json('GET', '/views/v/all', { headers: { 'everfold-min-position': '1', prefer: 'wait=30' } });
    let view;
    do {
        view = (await server.json('GET', '/views/v')).body;
    } while (view.state !== 'stopped');
    assert.equal(view.failedPosition, 2);
    assert.match(view.failure, /TEXT value in INTEGER column t\.n/);
    assert.equal((await server.json('GET', '/health/ready')).body.status, 'degraded');
    assert.equal((await server.json('POST', '/streams/t-2', { body: { type: 'X', data: { n: 2 } } })).status, 201, 'the log goes on');
    assert.equal(await server.stop(), 0);
});

test('a changed view file is built from the first event and takes over', async () => {
    const app = temporaryFolder();
    cpSync(join(root, 'examples/bank'), app, { recursive: true, filter: (path) => !path.includes('.everfold') });
    let server = await startServer({ app });
    await server.json('POST', '/deciders/account/alice/Open', { body: { owner: 'Alice' } });
    const last = await server.json('POST', '/deciders/account/alice/Deposit', { body: { amount: 500 } });
    assert.equal(await server.stop(), 0);

    const file = join(app, 'views/balances.sql');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n-- query rich(least integer)\nselect id, balance from account where balance >= :least order by id;\n`);
    server = await server.restart();
    const headers = { 'everfold-min-position': String(last.body.position), prefer: 'wait=30' };
    let answer;
    do { // the old version may answer until the new one has caught up; it does not know this query
        answer = await server.json('GET', '/views/balances/rich?least=100', { headers });
    } while (answer.status === 404 || answer.status === 503);
    assert.deepEqual(answer.body.rows, [{ id: 'alice', balance: 500 }]);
    assert.equal(await server.stop(), 0);
});
