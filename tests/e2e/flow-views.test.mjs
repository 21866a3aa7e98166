// Catches: a view over the events of a flow that sees those of two versions, or stays on an old one.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startServer, temporaryFolder } from './server.mjs';

function app(limit) {
    const dir = temporaryFolder();
    return (change) => {
        mkdirSync(join(dir, 'flows'), { recursive: true });
        mkdirSync(join(dir, 'views'), { recursive: true });
        writeFileSync(join(dir, 'flows/large.js'), `import { flow, from } from 'everfold/flow';\nflow('large', () => from('till').where({ 'data.amount': { gte: ${change ?? limit} } }).emit('Large', { amount: 'data.amount' }));\n`);
        writeFileSync(join(dir, 'views/alarms.sql'), "-- view alarms\ncreate table alarm (n integer not null, total integer not null) strict;\ninsert into alarm values (0, 0);\n-- on Large\nupdate alarm set n = n + 1, total = total + :amount;\n-- query sum()\nselect n, total from alarm");
        return dir;
    };
}

// The answer as soon as the view reflects `position`.
const sum = async (server, position) => {
    for (;;) {
        const answer = await server.json('GET', '/views/alarms/sum', { headers: { 'everfold-min-position': String(position), prefer: 'wait=5' } });
        if (answer.status === 200) {
            return answer.body.rows[0];
        }
        assert.equal(answer.status, 503);
    }
};

// The position of the last event of the flow's serving version that has this cause.
async function written(server, cause) {
    for (;;) {
        const answer = await server.json('GET', '/flows/large/events?direction=backward&limit=1', { headers: { 'everfold-min-position': String(cause), prefer: 'wait=5' } });
        if (answer.status === 200) {
            return answer.body.events[0].position;
        }
        assert.equal(answer.status, 503);
    }
}

test('a view counts the events of the present version of a flow, and is built anew with it', async () => {
    const write = app(100);
    const data = temporaryFolder();
    let server = await startServer({ app: write(), data });
    const pay = async (...amounts) => (await server.json('POST', '/streams/till-1', { body: amounts.map((amount) => ({ type: 'Paid', data: { amount } })) })).body.position;
    let last = await pay(50, 100, 150);
    assert.deepEqual(await sum(server, await written(server, last)), { n: 2, total: 250 });
    assert.equal(await server.stop(), 0);

    server = await startServer({ app: write(), data }); // unchanged: it goes on where it was
    last = await pay(200, 10);
    assert.deepEqual(await sum(server, await written(server, last)), { n: 3, total: 450 });
    assert.equal(await server.stop(), 0);

    server = await startServer({ app: write(120), data }); // another flow: its own events, from the first
    last = await pay(120, 119);
    assert.deepEqual(await sum(server, await written(server, last)), { n: 3, total: 470 });
    assert.equal(await server.stop(), 0);
});
