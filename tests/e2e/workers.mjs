// The worker processes of a server, as the system knows them.
import { readFileSync, readdirSync } from 'node:fs';

/** Their process ids; those that end while we look are left out. */
export function workersOf(pid) {
    const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return numbers.filter((number) => {
        try {
            const [, name, parent] = /^\d+ \((.*)\) \S+ (\d+)/.exec(readFileSync(`/proc/${number}/stat`, 'utf8'));
            return name === 'everfold-js' && Number(parent) === pid;
        } catch {
            return false; // it ended meanwhile
        }
    }).map(Number);
}
