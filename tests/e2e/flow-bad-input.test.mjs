// Catches: bad input to flows that is taken without a word, or stops more than the flow it belongs to.
import assert from 'node:assert/strict';
import test from 'node:test';
import { everfold, startServer, temporaryFolder } from './server.mjs';

const event = { type: 'T', data: 1 };

test('a client that writes into a flow\'s stream is refused, whichever way it comes', async () => {
  const server = await startServer();
  const refused = (answer, where) => {
    assert.equal(answer.status, 403);
    assert.equal(answer.body.type, '/problems/flow-stream');
    assert.match(answer.body.detail, where);
    assert.match(answer.body.detail, /belongs to the flow "large"; append to another stream/);
  };
  refused(await server.json('POST', '/streams/flow-large', { body: event }), /^The stream flow-large /);
  refused(await server.json('POST', '/streams/flow-large.0123456789abcdef', { body: event }), /^The stream flow-large\.0123/);
  const writes = [{ stream: 'a-1', events: [event] }, { stream: 'flow-large', events: [event] }];
  refused(await server.json('POST', '/append', { body: { writes } }), /^\/writes\/1\/stream: /);

  const appended = await everfold(['append', 'flow-large', 'T', '1', '--url', server.url]);
  assert.equal(appended.code, 1);
  assert.match(appended.stderr, /belongs to the flow "large"; append to another stream/);
  const rows = ['import', '--stream', '{s}', '--type', 'T', '--url', server.url];
  const imported = await everfold(rows, { input: '{"s":"a-1"}\n{"s":"flow-large"}\n' });
  assert.equal(imported.code, 1);
  assert.match(imported.stderr, /line 2: The stream flow-large belongs to the flow "large"/);

  assert.equal((await server.json('GET', '/events')).body.position, 0, 'nothing was written beside it');
  assert.equal(await server.stop(), 0);
});

test('an import leaves out what flows have written, and says how much', async () => {
  const lines = [{ stream: 'a-1', ...event }, { stream: 'flow-large.0123456789abcdef', ...event }];
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  const imported = await everfold(['import', '--data', temporaryFolder()], { input });
  assert.equal(imported.code, 0, imported.stderr);
  const summary = JSON.parse(imported.stdout);
  assert.deepEqual([summary.events, summary.leftOut], [1, 1]);
});
