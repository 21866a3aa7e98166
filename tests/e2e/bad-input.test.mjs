// Catches: bad input that is accepted, answered without a cause, or that takes the server down; a
// method or media type that a resource does not have.
import assert from 'node:assert/strict';
import net from 'node:net';
import test, { before } from 'node:test';
import { startServer } from './server.mjs';

let server;
before(async () => (server = await startServer({ app: 'examples/bank' })));

async function refused(method, path, options, status, type, detail) {
    const answer = await server.json(method, path, options);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    assert.equal(answer.body.status, status);
    assert.equal(answer.body.type, `/problems/${type}`);
    assert.match(answer.body.detail, detail);
    return answer;
}

/** Sends raw bytes; resolves with all the server says until it closes or a whole answer has come. */
function raw(bytes, { end = false } = {}) {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
        let text = '';
        const socket = net.connect(Number(port), hostname, () => {
            socket.write(bytes);
            if (end) {
                socket.end();
            }
        });
        socket.on('data', (d) => {
            text += d;
            const length = /content-length: (\d+)\r\n/i.exec(text);
            const head = text.indexOf('\r\n\r\n');
            if (length && head >= 0 && text.length >= head + 4 + Number(length[1])) {
                socket.destroy();
                resolve(text);
            }
        });
        socket.on('close', () => resolve(text));
        socket.on('error', (error) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
    });
}

test('malformed JSON says where and why', async () => {
    await refused('POST', '/streams/a-1', { body: '{"type":"X","data":{"a":1,}}' }, 400, 'malformed-json', /member name/);
    await refused('POST', '/streams/a-1', { body: '{"type":"X","data":' }, 400, 'malformed-json', /ends/);
    await refused('POST', '/streams/a-1', { body: '{"type":"X","type":"Y","data":1}' }, 400, 'malformed-json', /duplicate key/);
    await refused('POST', '/deciders/account/alice/Open', { body: 'nonsense' }, 400, 'malformed-json', /value/);
    await refused('POST', '/streams/a-1', { body: Buffer.from('{"type":"X","data":"\xff"}', 'latin1'),
        headers: { 'content-type': 'application/json' } }, 400, 'malformed-json', /UTF-8/);
});

test('wrong types and unknown members name the member', async () => {
    const bad = await server.json('POST', '/streams/a-1', { body: { type: 5, data: {} } });
    assert.equal(bad.status, 400);
    assert.match(JSON.stringify(bad.body), /type/);
    const unknown = await server.json('POST', '/streams/a-1', { body: { type: 'X', data: {}, colour: 'red' } });
    assert.equal(unknown.status, 400);
    assert.match(JSON.stringify(unknown.body), /colour/);
    const empty = await server.json('POST', '/streams/a-1', { body: [] });
    assert.ok(empty.status >= 400 && empty.status < 500);
});

test('the data of a command are checked before the decider sees them', async () => {
    const deposit = '/deciders/account/alice/Deposit';
    for (const path of [deposit, '/api/accounts/alice/deposits']) {
        await refused('POST', path, { body: '{"amount":5,"amount":6}' }, 400, 'malformed-json', /duplicate key/);
        await refused('POST', path, { body: '{"amount":5' }, 400, 'malformed-json', /comma/);
        await refused('POST', path, { body: '[5]' }, 400, 'bad-body', /object, not an array/);
        await refused('POST', path, { body: '{"amount":[1,{"x":-1e999}]}' }, 400, 'bad-body', /-1e999 is beyond/);
    }
    await refused('POST', deposit, { body: '{"amount":"5"}' }, 422, 'command-rejected', /not|open|amount/);
});

test('a packed body is refused, not taken for broken JSON', async () => {
    const answer = await refused('POST', '/streams/a-1', { body: '{"type":"X","data":1}', headers: { 'content-encoding': 'gzip' } },
        415, 'unsupported-media-type', /Content-Encoding is gzip/);
    assert.equal(answer.headers.get('accept-encoding'), 'identity');
    const plain = await server.json('POST', '/streams/a-1', { body: '{"type":"X","data":1}', headers: { 'content-encoding': 'identity' } });
    assert.equal(plain.status, 201);
});

test('what a client cannot take is 406 with what there is', async () => {
    for (const [path, type] of [['/events', 'image/png'], ['/streams/a-1', 'text/html'], ['/views', 'text/csv'], ['/', 'application/json'],
        ['/metrics', 'image/png'], ['/views/balances/by_id?id=a', 'application/x-ndjson'], ['/deciders/account/a', 'text/event-stream']]) {
        await refused('GET', path, { headers: { accept: type } }, 406, 'not-acceptable', /\w+\/\w+/);
    }
});

test('a body of another media type is refused with those that are taken', async () => {
    const answer = await refused('POST', '/streams/a-1', { body: '<x/>', headers: { 'content-type': 'text/xml' } },
        415, 'unsupported-media-type', /text\/xml/);
    assert.match(answer.headers.get('accept-post'), /application\/json/);
    await refused('POST', '/streams/a-1', { body: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        415, 'unsupported-media-type', /form-urlencoded.*--json/);
    await refused('POST', '/live', { body: 'of(1)', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        415, 'unsupported-media-type', /text\/javascript.*add -H 'Content-Type/);
});

test('unknown things are 404 and say which', async () => {
    await refused('POST', '/deciders/nobody/a/Open', { body: {} }, 404, 'decider-not-found', /nobody/);
    await refused('POST', '/deciders/account/a/Dance', { body: {} }, 404, 'command-not-found', /Dance/);
    await refused('GET', '/views/nothing', {}, 404, 'view-not-found', /nothing/);
    await refused('GET', '/views/balances/nothing', {}, 404, 'query-not-found', /nothing.*it has .*by_id/);
    await refused('GET', '/streams/nobody-1', {}, 404, 'stream-not-found', /nobody-1/);
    await refused('GET', '/nowhere', {}, 404, 'not-found', /nowhere/);
    await refused('GET', '/commands/0190a5f0-0000-7000-8000-000000000000', {}, 404, 'command-not-found', /0190a5f0/);
});

test('each path of the description knows its methods and no other', async () => {
    const { paths } = (await server.json('GET', '/openapi.json')).body;
    assert.ok(Object.keys(paths).length > 15);
    for (const [template, item] of Object.entries(paths)) {
        const path = template.replace('{revision}', '0').replace('{position}', '1').replaceAll(/\{\w+\}/g, 'a');
        const want = Object.keys(item).filter((key) => ['get', 'put', 'post', 'patch', 'delete'].includes(key)).map((key) => key.toUpperCase());
        const all = [...want, 'OPTIONS', ...(want.includes('GET') ? ['HEAD'] : [])].sort();
        const sorted = (answer) => answer.headers.get('allow').split(', ').sort();
        for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].filter((name) => !want.includes(name))) {
            assert.deepEqual(sorted(await refused(method, path, {}, 405, 'method-not-allowed', new RegExp(method))), all, `${method} ${path}`);
        }
        const options = await server.request('OPTIONS', path);
        assert.equal(options.status, 204, path);
        assert.deepEqual(sorted(options), all, path);
        if (want.includes('GET')) {
            const [get, head] = [await server.request('GET', path), await server.request('HEAD', path)];
            assert.equal(head.status, get.status, path);
            assert.equal(head.headers.get('content-type'), get.headers.get('content-type'), path);
            assert.equal(await head.text(), '');
            await get.arrayBuffer();
        }
    }
});

test('names that would confuse are refused', async () => {
    for (const name of ['..%2fetc', 'a%2fb', 'a%00b', '%ff', 'a%zz', 'x'.repeat(600)]) {
        const answer = await server.json('POST', `/streams/${name}`, { body: { type: 'X', data: 1 } });
        assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
        assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    }
    const places = (name) => [`/streams/${name}`, `/streams/${name}/0`, `/deciders/${name}/a/Open`, `/deciders/account/${name}/Open`,
        `/deciders/account/a/${name}`, `/commands/${name}`, `/views/${name}`, `/views/balances/${name}`, `/api/accounts/${name}`];
    for (const name of ['..', '.', '%2e%2e', '%2E.', 'a%2fb', 'a%2Fb', 'a%00b', '%ff', '%c0%af', 'x'.repeat(513)]) { // fetch() would resolve some itself
        for (const path of places(name)) {
            const answer = await raw(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"type":"X","data":1}`);
            assert.match(answer, /^HTTP\/1.1 (400|405) [\s\S]*problem\+json/, path.slice(0, 60));
            const get = await raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
            assert.match(get, /^HTTP\/1.1 (400|405) [\s\S]*problem\+json/, path.slice(0, 60));
            assert.ok([answer, get].some((text) => text.startsWith('HTTP/1.1 400 ')), path.slice(0, 60));
        }
    }
});

test('a name of a megabyte, a header of a megabyte, a body over the limit', async () => {
    for (const path of ['/streams/', '/deciders/account/', '/views/', '/views/balances/by_id?id=', '/commands/', '/api/accounts/']) {
        assert.match(await raw(`GET ${path}${'x'.repeat(1 << 20)} HTTP/1.1\r\nHost: localhost\r\n\r\n`), /^HTTP\/1.1 414 [\s\S]*problem\+json[\s\S]*limit is 8192 bytes/);
    }
    assert.match(await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(1 << 20)}\r\n\r\n`), /^HTTP\/1.1 431 [\s\S]*problem\+json[\s\S]*limit is 16384 bytes in 64 fields/);
    const name = 'x'.repeat(1 << 20);
    await refused('POST', '/append', { body: { writes: [{ stream: name, events: [{ type: 'X', data: 1 }] }] } }, 400, 'bad-body', /longer than 512 bytes/);
    await refused('POST', '/streams/a-1', { body: { type: name, data: 1 } }, 400, 'bad-body', /longer than 256 bytes/);
    await refused('POST', '/streams/a-1', { body: { type: 'X', data: 1, tags: [name] } }, 400, 'bad-body', /longer than 256 bytes/);
    assert.match(await raw('POST /streams/a-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n'),
        /^HTTP\/1.1 413 [\s\S]*problem\+json[\s\S]*limit is 4194304 bytes/);
});

test('half requests and garbage end that connection and no other', async () => {
    assert.match(await raw('garbage\r\n\r\n'), /^HTTP\/1.1 400 [\s\S]*problem\+json/);
    assert.match(await raw('GET / HTTP/1.1\r\nHost : x\r\n\r\n'), /^HTTP\/1.1 400 /);
    assert.match(await raw('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc'), /^HTTP\/1.1 400 /);
    await raw('POST /streams/a-1 HTTP/1.1\r\nHost: localhost\r\nContent-Le', { end: true });
    await raw('POST /streams/a-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{"type"', { end: true });
    assert.match(await raw('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', { end: true }), /^(?!HTTP\/1.1 2)/);
    assert.equal((await server.json('GET', '/health/live')).status, 200);
});

test('conditions that do not hold are 412 with the actual revision', async () => {
    const made = await server.json('POST', '/streams/cond-1', { body: [{ type: 'A', data: 1 }, { type: 'B', data: 2 }] });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('etag'), '"1"');
    const exact = await refused('POST', '/streams/cond-1', { body: { type: 'C', data: 3 }, headers: { 'if-match': '"0"' } },
        412, 'append-condition-failed', /revision/);
    assert.equal(exact.body.revision, 1);
    assert.equal(exact.headers.get('etag'), '"1"');
    await refused('POST', '/streams/cond-1', { body: { type: 'C', data: 3 }, headers: { 'if-none-match': '*' } },
        412, 'append-condition-failed', /./);
    await refused('POST', '/streams/cond-2', { body: { type: 'C', data: 3 }, headers: { 'if-match': '*' } },
        412, 'append-condition-failed', /./);
    await refused('POST', '/streams/cond-1', { body: { type: 'C', data: 3 }, headers: { 'if-match': 'W/"1"' } },
        412, 'append-condition-failed', /./);
    await refused('POST', '/streams/cond-1', { body: { type: 'C', data: 3 }, headers: { 'if-match': '1' } },
        400, 'bad-header', /If-Match/i);
});

test('bad query parameters name the parameter', async () => {
    for (const query of ['from=-1', 'from=x', 'limit=0', 'limit=1.5', 'direction=sideways', 'at=3000-01-01T00:00:00Z']) {
        const answer = await server.json('GET', `/events?${query}`);
        assert.equal(answer.status, 400, query);
        assert.match(answer.body.detail, new RegExp(query.split('=')[0]), query);
    }
    const missing = await server.json('GET', '/views/balances/by_id');
    assert.equal(missing.status, 400);
    assert.match(missing.body.detail, /id/);
});

test('a stream of the server itself cannot be written', async () => {
    const answer = await server.json('POST', '/streams/$command-1', { body: { type: 'X', data: 1 } });
    assert.ok([400, 403].includes(answer.status));
    assert.match(answer.body.detail, /\$/);
});

test('after all that the server still stops cleanly', async () => {
    assert.equal(await server.stop(), 0);
});
