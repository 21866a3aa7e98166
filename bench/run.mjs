// Runs the benchmarks: C programs of bench/ in build/release/bench, and bench/*.mjs.
//
//   node bench/run.mjs [question]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';

const built = 'build/release/bench';
const questions = {};
const isProgram = ({ mode }) => (mode & 0o170111) === 0o100111;
for (const name of existsSync(built) ? readdirSync(built) : []) {
    if (isProgram(statSync(`${built}/${name}`))) { // what the build leaves beside them is none
        questions[name] = [`${built}/${name}`];
    }
}
for (const file of readdirSync('bench').filter((f) => f.endsWith('.mjs') && f !== 'run.mjs')) {
    questions[file.replace('.mjs', '')] = [process.execPath, `bench/${file}`];
}
const wanted = process.argv[2];
if (wanted && !(wanted in questions)) {
    console.error(`there is no question '${wanted}'; there are: ${Object.keys(questions).join(' ')}`);
    process.exit(2);
}
for (const name of wanted ? [wanted] : Object.keys(questions).sort()) {
    console.log(`--- ${name}`);
    const [command, ...args] = questions[name];
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    if (status !== 0) {
        process.exit(1);
    }
}
