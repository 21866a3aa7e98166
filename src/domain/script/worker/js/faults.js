// faults.js - errors with the file and line of the APP they come from.

// A file of the APP that cannot be used; its message begins with file and line.
export class LoadFault extends Error {}

let paths = new Set();

// The files of the APP: all others in a stack are ours.
export function setPaths(all) {
    paths = new Set(all);
}

export function placeOf(error) {
    const stack = typeof error?.stack === 'string' ? error.stack : '';
    for (const line of stack.split('\n')) {
        const found = /^(?:.*@)?(.+):(\d+):\d+$/.exec(line);
        if (found !== null && paths.has(found[1])) {
            return `${found[1]}:${found[2]}`;
        }
    }
    return undefined;
}

function textOf(error) {
    if (error instanceof Error) {
        return error.name === 'Error' ? `${error.message}` : `${error.name}: ${error.message}`;
    }
    return `threw ${typeof error === 'object' && error !== null ? JSON.stringify(error) : String(error)}`;
}

// Never throws, whatever was thrown by user code.
export function describe(error, path) {
    try {
        const line = error instanceof SyntaxError && paths.has(error.sourceURL) ? `${error.sourceURL}:${error.line}` : undefined;
        return `${placeOf(error) ?? line ?? path}: ${textOf(error)}`.slice(0, 2000);
    } catch {
        return `${path}: threw something that cannot be shown`;
    }
}
