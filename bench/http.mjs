// How many commands and appends a second does the server take over HTTP, at 1, 16 and 64 connections?
//
// Runs the release build with the bank example, but for its flows, in a temporary folder and loads it
// with wrk, which shares the cores with it. The questions take turns in short rounds, each round beginning with
// another one. Prints the slowest, the median and the fastest round, and the processor time that
// server and workers spend on a request: on a shared machine that is the figure to trust.
// BENCH_SECONDS is how long a round lasts, BENCH_ROUNDS how many there are.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const seconds = Number(process.env.BENCH_SECONDS ?? 2);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const program = process.env.EVERFOLD_BIN ?? 'build/release/bin/everfold';
const folder = mkdtempSync(join(tmpdir(), 'everfold-bench-'));

const accounts = 1000;
const scripts = {
    command: `
local n = 0
request = function()
  n = n + 1
  return wrk.format("POST", "/deciders/account/a" .. (n * 7919 % ${accounts}) .. "/Deposit",
    {["Content-Type"] = "application/json"}, '{"amount":1}')
end`,
    append: `
local n = 0
local body = '{"type":"Noted","data":{"text":"${'x'.repeat(200)}"}}'
request = function()
  n = n + 1
  return wrk.format("POST", "/streams/note-" .. (n * 7919 % ${accounts}), {["Content-Type"] = "application/json"}, body)
end`,
    query: `
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/views/balances/by_id?id=a" .. (n * 7919 % ${accounts}))
end`,
};

function start() {
    const app = join(folder, 'bank');
    cpSync('examples/bank', app, { recursive: true, filter: (file) => basename(file) !== 'flows' });
    const child = spawn(program, ['serve', app, '--port', '0', '--data', join(folder, 'data')],
        { stdio: ['ignore', 'pipe', 'inherit'] });
    return new Promise((resolve, reject) => {
        let output = '';
        child.stdout.on('data', (d) => {
            output += d;
            const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
            if (url) {
                resolve({ child, url });
            }
        });
        child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
}

async function openAccounts(url) {
    for (let first = 0; first < accounts; first += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => fetch(`${url}/deciders/account/a${first + i}/Open`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"owner":"bench"}' })));
    }
}

function load(url, script, connections) {
    const file = join(folder, 'load.lua');
    writeFileSync(file, scripts[script]);
    const output = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', file, url]).toString();
    return {
        requests: Number(/(\d+) requests in/.exec(output)[1]),
        rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)[1]),
        p99: /^\s+99%\s+(\S+)/m.exec(output)[1],
        failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0),
    };
}

// --- What it costs -------------------------------------------------------------------------------

function workersOf(pid) {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean));
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

// Seconds, of all threads of the server and its workers.
function cpuSeconds(pid) {
    return [pid, ...workersOf(pid)].reduce((sum, process) => {
        const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }, 0);
}

function residentMb(pid) {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

function strippedMb() {
    const copy = join(folder, 'stripped');
    copyFileSync(program, copy);
    execFileSync('strip', [copy]);
    return statSync(copy).size / 1e6;
}

// --- In turn -------------------------------------------------------------------------------------

const questions = Object.keys(scripts).flatMap((script) =>
    [1, 16, 64].map((connections) => ({ script, connections, results: [] })));

function ask({ script, connections, results }, { child, url }) {
    const before = cpuSeconds(child.pid);
    const result = load(url, script, connections);
    results.push({ ...result, cpu: (cpuSeconds(child.pid) - before) / result.requests * 1e6 });
}

const sorted = (results, what) => results.map((result) => result[what]).sort((a, b) => a - b);
const middle = (values) => values[values.length >> 1];

function print({ script, connections, results }) {
    const rates = sorted(results, 'rate');
    const figures = [connections, rates[0].toFixed(0), middle(rates).toFixed(0), rates.at(-1).toFixed(0),
        middle(sorted(results, 'cpu')).toFixed(0), results.find(({ rate }) => rate === middle(rates)).p99,
        results.reduce((sum, { failed }) => sum + failed, 0)];
    console.log(script.padEnd(10) + figures.map((figure) => String(figure).padStart(10)).join(''));
}

const server = await start();
const { child, url } = server;
child.removeAllListeners('exit');
try {
    await openAccounts(url);
    for (let round = 0; round < rounds; round++) {
        questions.forEach((_, turn) => ask(questions[(round + turn) % questions.length], server));
    }
    console.log(`${cpus()[0].model}, ${cpus().length} cores; server, workers and load generator share them`);
    console.log('a second  connections slowest    median   fastest    CPU us       p99    failed');
    questions.forEach(print);
    console.log(`server memory: ${residentMb(child.pid).toFixed(1)} MB RSS, workers not counted; ` +
        `stripped program: ${strippedMb().toFixed(2)} MB`);
} finally {
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true });
}
