// Catches: events lost, doubled or mangled between a file, the log and a view: 200,000 real flights
// are imported, and the view's figure is compared with the same one computed straight from the file.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { everfold, root, startServer, temporaryFolder } from './server.mjs';

const file = execFileSync('examples/flights/fetch', { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }).toString().trim();

test('delays per hour are the same from the view and from the file', async () => {
    const rows = JSON.parse(readFileSync(file, 'utf8'));
    assert.ok(rows.length >= 100_000);
    const want = new Map();
    for (const { delay, time } of rows) {
        const hour = Math.floor(time);
        const sum = want.get(hour) ?? { flights: 0, total: 0 };
        want.set(hour, { flights: sum.flights + 1, total: sum.total + delay });
    }

    const server = await startServer({ app: 'examples/flights', data: temporaryFolder() });
    const imported = await everfold(['import', file, '--url', server.url, '--stream', 'flights-all', '--type', 'Flight']);
    assert.equal(imported.code, 0, imported.stderr);
    const headers = { 'everfold-min-position': String(rows.length), prefer: 'wait=30' };
    let answer;
    do { // a build under a sanitizer may need longer than the longest wait
        answer = await server.json('GET', '/views/delays/by_hour', { headers });
    } while (answer.status === 503);
    assert.equal(answer.status, 200);
    const got = new Map(answer.body.rows.map((row) => [row.hour, { flights: row.flights, total: row.total_delay }]));
    assert.deepEqual([...got].sort((a, b) => a[0] - b[0]), [...want].sort((a, b) => a[0] - b[0]));
    assert.equal(await server.stop(), 0);
});
