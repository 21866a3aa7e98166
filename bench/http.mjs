// How many commands and appends a second does the server take over HTTP, at 1, 16 and 64 connections?
//
// Runs the release build with the bank example in a temporary folder and loads it with wrk, which
// needs one of the two cores for itself. Printed, never asserted.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const seconds = Number(process.env.BENCH_SECONDS ?? 4);
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
    const child = spawn(program, ['serve', 'examples/bank', '--port', '0', '--data', join(folder, 'data')],
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
        rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)[1]),
        p50: /^\s+50%\s+(\S+)/m.exec(output)[1],
        p99: /^\s+99%\s+(\S+)/m.exec(output)[1],
        failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0),
    };
}

const { child, url } = await start();
child.removeAllListeners('exit');
try {
    await openAccounts(url);
    console.log(`${cpus()[0].model}, ${cpus().length} cores; server, workers and load generator share them`);
    console.log('what        connections    per second     p50       p99   failed');
    for (const script of Object.keys(scripts)) {
        for (const connections of [1, 16, 64]) {
            const result = load(url, script, connections);
            console.log(`${script.padEnd(12)}${String(connections).padStart(11)}${result.rate.toFixed(0).padStart(14)}` +
                `${result.p50.padStart(10)}${result.p99.padStart(10)}${String(result.failed).padStart(9)}`);
        }
    }
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    console.log(`server memory: ${(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024).toFixed(1)} MB RSS, workers not counted`);
} finally {
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true });
}
