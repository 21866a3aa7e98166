// Catches: money that leaks. Commands from many connections, the server killed in the middle, the
// same commands sent again where no answer came: every deposit must be there, once, in the log, in
// the folded state and in both views.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { startServer } from './server.mjs';

// Sanitized builds go the same way with fewer commands.
const commandCount = process.env.EVERFOLD_PRESET === 'release' || !process.env.EVERFOLD_PRESET ? 100_000 : 5_000;
const connectionCount = 32;
const accountCount = 1_000;

const account = (n) => `a${n % accountCount}`;
const amount = (n) => 1 + (n % 97);

class Client {
    constructor(url) {
        this.agent = new http.Agent({ keepAlive: true, maxSockets: connectionCount });
        this.url = new URL(url);
    }

    post(path, body, headers = {}) {
        return new Promise((resolve, reject) => {
            const request = http.request({
                agent: this.agent, host: this.url.hostname, port: this.url.port, method: 'POST', path,
                headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
            }, (response) => {
                let text = '';
                response.on('data', (d) => (text += d));
                response.on('end', () => resolve({ status: response.statusCode, text }));
                response.on('error', reject);
            });
            request.on('error', reject);
            request.end(body);
        });
    }
}

// Sends the commands named by `numbers` over all connections; resolves with those not answered.
async function send(client, numbers, onAnswer) {
    const unanswered = [];
    let next = 0;
    async function connection() {
        while (next < numbers.length) {
            const n = numbers[next++];
            try {
                const answer = await client.post(`/api/accounts/${account(n)}/deposits`,
                    `{"amount":${amount(n)}}`, { 'idempotency-key': `"deposit-${n}"` });
                assert.equal(answer.status, 202, answer.text);
                onAnswer(n);
            } catch (error) {
                if (error.code === 'ERR_ASSERTION') {
                    throw error;
                }
                unanswered.push(n);
            }
        }
    }
    await Promise.all(Array.from({ length: connectionCount }, connection));
    client.agent.destroy();
    return unanswered;
}

async function eventsOf(server, category) {
    const response = await server.request('GET', `/events?category=${category}`,
        { headers: { accept: 'application/x-ndjson' } });
    const lines = (await response.text()).trim().split('\n').map((line) => JSON.parse(line));
    const end = lines.pop();
    assert.equal(end.end, true, 'the last line says that nothing is missing');
    return lines;
}

test('every acknowledged deposit is there once, though the server was killed in the middle', async () => {
    let server = await startServer({ app: 'examples/bank' });
    for (let n = 0; n < accountCount; n += connectionCount) {
        const group = Array.from({ length: Math.min(connectionCount, accountCount - n) }, (_, i) => account(n + i));
        await Promise.all(group.map(async (id) => {
            const answer = await server.json('POST', `/api/accounts/${id}`, { body: { owner: `Owner of ${id}` } });
            assert.equal(answer.status, 202);
        }));
    }

    const numbers = Array.from({ length: commandCount }, (_, n) => n);
    let answered = 0;
    let killed;
    const first = await send(new Client(server.url), numbers, () => {
        answered++;
        if (answered === commandCount / 2) {
            killed = server.kill();
        }
    });
    await killed;
    assert.ok(first.length > 0, 'some commands were cut off');

    server = await server.restart();
    const second = await send(new Client(server.url), first, () => answered++);
    assert.deepEqual(second, []);
    assert.equal(answered, commandCount);

    const want = new Map();
    numbers.forEach((n) => want.set(account(n), (want.get(account(n)) ?? 0) + amount(n)));

    const events = await eventsOf(server, 'account');
    const inLog = new Map();
    events.filter((e) => e.type === 'Deposited')
        .forEach((e) => inLog.set(e.stream.slice('account-'.length), (inLog.get(e.stream.slice('account-'.length)) ?? 0) + e.data.amount));
    assert.equal(events.length, commandCount + accountCount);
    assert.deepEqual([...inLog].sort(), [...want].sort());

    const last = events.at(-1).position;
    const headers = { 'everfold-min-position': String(last), prefer: 'wait=30' };
    for (let n = 0; n < accountCount; n += 37) {
        const id = account(n);
        const [balance, state, statement] = await Promise.all([
            server.json('GET', `/views/balances/by_id?id=${id}`, { headers }),
            server.json('GET', `/deciders/account/${id}`),
            server.json('GET', `/views/statement/by_account?id=${id}`, { headers }),
        ]);
        assert.equal(balance.body.rows[0].balance, want.get(id));
        assert.equal(state.body.state.balance, want.get(id));
        assert.equal(statement.body.rows.at(-1).balance, want.get(id), 'the running balance ends there');
        assert.equal(statement.body.rows.reduce((sum, row) => sum + row.amount, 0), want.get(id));
    }
    assert.equal(await server.stop(), 0);
});
