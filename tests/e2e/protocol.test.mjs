// Catches: the real server answering the protocol's edges otherwise than with a clear status and a
// decent end: broken requests, pipelining, clients that half-close, reset, stall or speak TLS.
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import test, { after, before } from 'node:test';
import { startServer } from './server.mjs';

let server;
before(async () => (server = await startServer({ app: 'examples/bank' })));
after(async () => assert.equal(await server.stop(), 0, 'it still stops cleanly'));

const host = 'Host: localhost\r\n';
const get = (path, fields = '') => `GET ${path} HTTP/1.1\r\n${host}${fields}\r\n`;

function connect() {
    const { hostname, port } = new URL(server.url);
    const socket = net.connect(Number(port), hostname);
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    return socket;
}

/** Sends the pieces one after another; resolves with all the server said when it has closed. */
function exchange(pieces, { half = false } = {}) {
    return new Promise((resolve, reject) => {
        const socket = connect();
        let text = '';
        socket.on('data', (data) => (text += data));
        socket.on('close', () => resolve(text));
        socket.on('error', reject); // a reset would take the answer away
        socket.on('connect', async () => {
            for (const piece of pieces) {
                await new Promise((sent) => socket.write(piece, 'latin1', sent));
            }
            if (half) {
                socket.end();
            }
        });
    });
}

/** The answers in what the server said: [{ status, headers, body }]. */
function answers(text) {
    const all = [];
    while (text !== '') {
        const [head] = text.split('\r\n\r\n', 1);
        const [line, ...fields] = head.split('\r\n');
        const headers = Object.fromEntries(fields.map((f) => f.split(': ')).map(([n, v]) => [n.toLowerCase(), v]));
        const size = Number(headers['content-length'] ?? 0);
        const status = Number(line.split(' ')[1]);
        all.push({ status, headers, body: text.slice(head.length + 4, head.length + 4 + size) });
        text = text.slice(head.length + 4 + size);
    }
    return all;
}

test('a request that breaks the rules gets a problem document, and the connection ends', async () => {
    const broken = [
        [get('/').replaceAll('\r\n', '\n'), 400],
        ['GET / HTTP/1.1\r\n\r\n', 400],
        [get('/', 'Bad : field\r\n'), 400],
        [get('/', 'Folded: a\r\n b\r\n'), 400],
        [get('/', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + '0\r\n\r\n', 400],
        [get('/', 'Transfer-Encoding: chunked\r\n') + 'zz\r\n', 400],
        [get('/%00'), 400],
        ['nonsense\r\n', 400],
        [get('/' + 'a'.repeat(10_000)), 414],
        [get('/', `X: ${'a'.repeat(20_000)}\r\n`), 431],
        [get('/', 'X: a\r\n'.repeat(100)), 431],
        [get('/', 'Content-Length: 1000000000000\r\n'), 413],
        [get('/', 'Expect: the-unexpected\r\n'), 417],
        [`BREW / HTTP/1.1\r\n${host}\r\n`, 501],
        [`GET / HTTP/3.0\r\n${host}\r\n`, 505],
    ];
    for (const [bytes, status] of broken) {
        for (const pieces of [[bytes], bytes.length < 200 ? [...bytes] : [bytes]]) {
            const [answer, ...more] = answers(await exchange(pieces));
            assert.equal(answer?.status, status, bytes.slice(0, 100));
            assert.equal(answer.headers['content-type'], 'application/problem+json', bytes.slice(0, 100));
            assert.equal(answer.headers.connection, 'close');
            const problem = JSON.parse(answer.body);
            assert.equal(problem.status, status);
            assert.match(problem.detail, /\w/);
            assert.deepEqual(more, []);
        }
    }
});

test('pipelined requests are answered in order', async () => {
    const paths = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? '/health/live' : `/nowhere/${i}`));
    const text = await exchange([paths.map((p) => get(p)).join('') + get('/health/live', 'Connection: close\r\n')]);
    const want = [...paths.map((_, i) => (i % 3 === 0 ? 200 : 404)), 200];
    assert.deepEqual(answers(text).map((a) => a.status), want);
});

test('HTTP/1.0, HEAD and a client that half-closes get what they asked for', async () => {
    const [old] = answers(await exchange(['GET /health/live HTTP/1.0\r\n\r\n']));
    assert.equal(old.status, 200);
    assert.equal(old.headers.connection, 'close');
    const head = await exchange([get('/health/live', 'Connection: close\r\n').replace('GET', 'HEAD')]);
    assert.match(head, /^HTTP\/1\.1 200 [^]*content-length: [1-9]\d*\r\n[^]*\r\n\r\n$/i);
    const [half] = answers(await exchange([get('/health/live')], { half: true }));
    assert.equal(half.status, 200);
});

test('a client that asks first is told to go on', async () => {
    const { hostname, port } = new URL(server.url);
    const body = JSON.stringify({ type: 'Asked', data: {} });
    const status = await new Promise((resolve, reject) => {
        let told = false;
        const request = http.request({
            hostname, port, method: 'POST', path: '/streams/asked-1', agent: false,
            headers: { Expect: '100-continue', 'Content-Type': 'application/json', 'Content-Length': body.length },
        });
        request.on('continue', () => {
            told = true;
            request.end(body);
        });
        request.on('response', (answer) => resolve(told && answer.resume().statusCode));
        request.on('error', reject);
        request.flushHeaders();
    });
    assert.equal(status, 201);
});

test('every link of the page and of the list of problems leads somewhere', async () => {
    await server.json('POST', '/deciders/account/alice/Open', { body: { owner: 'Alice' } });
    const page = await server.request('GET', '/');
    assert.match(page.headers.get('content-type'), /^text\/html/);
    const links = [...(await page.text()).matchAll(/href="(\/[^"]*)"/g)].map((match) => match[1].replaceAll('&amp;', '&'));
    for (const wanted of ['/events', '/views', '/deciders', '/openapi.json', '/metrics', '/health/ready']) {
        assert.ok(links.some((link) => link.startsWith(wanted)), wanted);
    }
    const problems = (await server.json('GET', '/problems')).body;
    const types = JSON.stringify(problems).match(/\/problems\/[a-z-]+/g);
    assert.ok(types.length > 20);
    for (const path of [...links, ...types]) {
        const answer = await server.request('GET', path);
        assert.equal(answer.status, 200, path);
        await answer.arrayBuffer();
    }
});

test('TLS and HTTP/2 are refused in their own tongue', async () => {
    const tls = await new Promise((resolve) => {
        https.get(server.url.replace('http:', 'https:')).on('error', (error) => resolve(error));
    });
    assert.match(`${tls.code} ${tls.message}`, /alert/i);
    const session = http2.connect(server.url);
    session.on('error', () => {}); // the end of the session is reported as one, too
    const code = await new Promise((resolve) => session.on('goaway', resolve));
    assert.equal(code, http2.constants.NGHTTP2_HTTP_1_1_REQUIRED);
    session.destroy();
});

test('clients that stall or reset do not keep an honest one waiting', async () => {
    const stalled = Array.from({ length: 200 }, () => {
        const socket = connect().on('error', () => {});
        socket.write('POST /streams/a-1 HTTP/1.1\r\nHost');
        return socket;
    });
    await Promise.all(stalled.map((socket) => new Promise((done) => socket.once('connect', done))));
    assert.equal((await server.json('GET', '/health/live')).status, 200);
    stalled.forEach((socket) => socket.resetAndDestroy());
    const bytes = get('/events', 'Accept: text/event-stream\r\n');
    for (let size = 1; size <= bytes.length; size++) {
        const socket = connect().on('error', () => {});
        await new Promise((sent) => socket.write(bytes.slice(0, size), sent));
        socket.resetAndDestroy();
    }
    assert.equal((await server.json('GET', '/health/live')).status, 200);
});
