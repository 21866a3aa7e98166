// The house lint: what the compiler does not see and a reader would stumble over.
//
//   layers     an #include points down the picture in docs/architecture.md, never up or sideways
//   purity     no clock, randomness or file call in src/log and src/store but through base's tables
//   banned     calls with a safer form, and words that mean unfinished work
//   sizes      a function over 70 lines, a file over 620
//   unused     a header that nobody includes
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'])
    .toString().trim().split('\n').filter((f) => /\.(c|h|mjs|js|sh|md|txt)$|^dev$/.test(f));
const faults = [];
const fault = (file, line, text) => faults.push(`${file}:${line}: ${text}`);

// Who may include whom, beside itself.
const below = {
    base: [],
    log: ['base'],
    store: ['log', 'base'],
    flow: [],
    domain: ['store', 'base'],
    net: ['base'],
    gateway: ['domain', 'net', 'store', 'base'],
    cli: ['gateway', 'domain', 'net', 'store', 'base', 'flow'],
};

const impure = /\b(clock_gettime|gettimeofday|time|rand|random|getrandom|arc4random|open|openat|fopen|pread|pwrite|pwritev2?|fsync|fdatasync|rename|unlink|mkdir|opendir|setlocale|usleep|nanosleep)\s*\(/;
const banned = [
    [/(?<![.>])\b(sprintf|vsprintf|strcpy|strcat|gets|atoi|atol|atof|strtok|rand|srand|alloca)\s*\(/, 'banned call'],
    [/\b(sleep|usleep)\s*\(/, 'never sleep to wait'],
    [/\b(TODO|FIXME|XXX|HACK)\b/, 'unfinished work'],
];

function withoutComments(text) {
    return text.replace(/\/\*[\s\S]*?\*\//g, (c) => c.replace(/[^\n]/g, ' ')).replace(/"(\\.|[^"\\\n])*"/g, '""');
}

function checkIncludes(file, lines) {
    const layer = /^src\/(\w+)\//.exec(file)?.[1];
    if (layer === undefined) {
        return;
    }
    lines.forEach((line, i) => {
        const target = /^#include "(\w+)\//.exec(line)?.[1];
        if (target && target in below && target !== layer && !below[layer].includes(target)) {
            fault(file, i + 1, `${layer} must not include ${target}`);
        }
    });
}

// A function's body is what stands between a "{" and a "}" at the start of a line.
function checkFunctions(file, lines) {
    let start = -1;
    lines.forEach((line, i) => {
        if (line === '{') {
            start = i;
        } else if (line === '}' && start >= 0) {
            if (i - start - 1 > 70) {
                fault(file, start + 1, `a function of ${i - start - 1} lines; 70 is the most`);
            }
            start = -1;
        }
    });
}

const included = new Set();
for (const file of files) {
    const raw = readFileSync(file, 'utf8');
    for (const match of raw.matchAll(/^#include "([^"]+)"/gm)) {
        included.add(match[1].split('/').pop());
    }
    if (file === 'tools/lint.mjs') {
        continue;
    }
    const isC = /\.[ch]$/.test(file);
    const lines = raw.split('\n');
    const code = isC ? withoutComments(raw).split('\n') : lines;
    if (isC) {
        checkIncludes(file, lines);
        checkFunctions(file, lines);
        if (/^src\//.test(file) && lines.length > 620) {
            fault(file, 1, `${lines.length} lines; does it still have one job? 620 is the most`);
        }
    }
    code.forEach((line, i) => {
        // Tests make paths of known length; the code of the product has no such excuse.
        if (isC && /^(src|include)\//.test(file) && banned[0][0].test(line)) {
            fault(file, i + 1, banned[0][1]);
        }
        if (/^(src|tests)\//.test(file) && isC && banned[1][0].test(line)) {
            fault(file, i + 1, banned[1][1]);
        }
        if (!file.endsWith('.md') && banned[2][0].test(lines[i])) {
            fault(file, i + 1, banned[2][1]);
        }
        if (/^src\/(log|store)\/.*\.c$/.test(file) && impure.test(line) && !/->\s*\w+\s*\(|\.\w+\s*\(/.test(line)) {
            fault(file, i + 1, 'reaches the world past base/vfs.h and base/env.h');
        }
    });
}
for (const file of files.filter((f) => /^src\/.*\.h$/.test(f))) {
    if (!included.has(file.split('/').pop())) {
        fault(file, 1, 'nobody includes this header');
    }
}

for (const line of faults) {
    console.log(line);
}
console.log(`${files.length} files, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
