// Starts the real binary for a test and speaks to it.
//
//     const server = await startServer({ app: 'examples/bank' });
//     const answer = await server.json('GET', '/views');      // { status, headers, body }
//     assert.equal(await server.stop(), 0);
//
// Every server gets a temporary data folder and, unless told otherwise, a port the system picks. Paths of apps are relative
// to the repository. EVERFOLD_BIN names the program, else the release build is taken.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = resolve(root, process.env.EVERFOLD_BIN ?? 'build/release/bin/everfold');

const startLimitMs = 60_000; // sanitized builds on a busy machine are slow; nothing waits for it

// A test that fails stops nothing: when the tests of the file are over, what it left running must not
// keep this process alive, and ends with it.
const children = new Set();
const folders = [];
const hold = (child, how) =>
  [child, child.stdin, child.stdout, child.stderr].forEach((handle) => handle?.[how]?.());
after(() => children.forEach((child) => hold(child, 'unref')));
process.on('exit', () => {
  children.forEach((child) => child.kill('SIGKILL'));
  folders.forEach((dir) => rmSync(dir, { recursive: true, force: true }));
});

/** Starts the program in the repository, with these words. */
export function start(args, options = {}) {
  const child = spawn(binary, args, { cwd: root, ...options, env: environment(options.env) });
  children.add(child);
  child.on('close', () => children.delete(child));
  return child;
}

/** A new empty folder, removed when the test process ends. */
export function temporaryFolder() {
  const dir = mkdtempSync(join(tmpdir(), 'everfold-test-'));
  folders.push(dir);
  return dir;
}

// The variables of the caller must not reach the program under test.
function environment(extra) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('EVERFOLD_'));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Runs one command to its end: { code, signal, stdout, stderr }. `input` goes to its stdin. */
export function everfold(args, { input = '', env = {}, cwd = root } = {}) {
  return new Promise((done, failed) => {
    const child = start(args, { cwd, env });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
    }
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, ...out }));
    child.stdin.on('error', () => {}); // a command that fails early does not read its input
    child.stdin.end(input);
  });
}

function addressOf(child, output) {
  return new Promise((found, failed) => {
    const fail = (why) => failed(new Error(`${why}\n${output.stdout}${output.stderr}`));
    const timer = setTimeout(() => fail('the server printed no address'), startLimitMs);
    const look = () => {
      const match = /^Listening on (http:\/\/\S+)$/m.exec(output.stdout);
      if (match) {
        clearTimeout(timer);
        found(match[1]);
      }
    };
    child.stdout.on('data', look);
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      fail(`the server ended with ${code} before it listened`);
    });
  });
}

/** Starts `everfold serve`. Rejects with all it printed when it ends before it listens. */
export async function startServer({ app, data = temporaryFolder(), port = 0, args = [], env = {} } = {}) {
  const words = ['serve', ...(app ? [resolve(root, app)] : []), '--port', String(port), '--data', data, ...args];
  const child = start(words, { env });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (output[name] += text));
  }
  const ended = new Promise((done) => child.on('close', (code, signal) => done(code ?? signal)));
  const url = await addressOf(child, output);

  const request = (method, path, { body, headers = {}, ...rest } = {}) => {
    const isText = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(url + path, {
      method,
      body: isText ? body : JSON.stringify(body),
      headers: { ...type, ...headers },
      ...rest,
    });
  };
  return {
    url,
    data,
    pid: child.pid,
    output, // { stdout, stderr } so far
    ended, // resolves with the exit code, or the name of the signal
    /** fetch() with the address in front; a body that is not text is sent as JSON. */
    request,
    /** The same, with the answer read: { status, headers, body }; JSON is parsed. */
    async json(method, path, options) {
      const answer = await request(method, path, options);
      const text = await answer.text();
      const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '');
      return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
    },
    /** A clean stop; resolves with the exit code. */
    stop() {
      hold(child, 'ref');
      child.kill('SIGTERM');
      return ended;
    },
    /** As if the power of the process were cut. */
    kill() {
      hold(child, 'ref');
      child.kill('SIGKILL');
      return ended;
    },
    /** A new server on the same data, after this one has ended. */
    async restart(more = {}) {
      await ended;
      return startServer({ app, data, port, args, env, ...more });
    },
  };
}
