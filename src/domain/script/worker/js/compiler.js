// compiler.js - turns the files of an APP into functions that runtime.js can link.
//
// Runs once at start, in a context of its own that no user code ever enters. `compile` takes JSON
// {files: {path: source}, entries: [path]}, or {expression} of a live subscription, and gives JSON
//
//     {modules: [{path, code, imports: {specifier: path}, exports: {name: line}}], faults: [text]}
//
// Modules are those the entries reach, each behind the ones it imports. A fault is "path:line: text".
import { everfoldFlow } from './flow.js';
import { didYouMean } from './flow_check.js';
import { liveNames } from './live.js';
import { readModule } from './module.js';

// Modules that are ours: the names each exports. runtime.js has them.
const OWN_MODULES = { 'everfold/flow': Object.keys(everfoldFlow) };
const LIVE_MODULES = { 'everfold/live': liveNames }; /* of an expression, which cannot import others */

globalThis.compile = (text) => {
    const request = JSON.parse(text);
    return JSON.stringify(request.expression === undefined ? compileProgram(request) : compileExpression(request.expression));
};

// A live expression becomes a module whose names are all in scope; its lines stay where they are. What is
// missing at its end is missing on its last line.
function compileExpression(expression) {
    const lines = expression.split('\n').length;
    const source = `import { ${liveNames.join(', ')} } from 'everfold/live'; export default (${expression.replace(/[\s;]+$/, '')}\n);`;
    const { modules, faults } = compileProgram({ files: { expression: source }, entries: ['expression'] }, LIVE_MODULES);
    return { modules, faults: faults.map((fault) => fault.replace(/^expression:(\d+)/, (whole, line) => `expression:${Math.min(Number(line), lines)}`)) };
}

function compileProgram({ files, entries }, own = OWN_MODULES) {
    const program = { files, own, modules: new Map(), order: [], faults: [] };
    for (const entry of entries) {
        visit(program, entry, []);
    }
    for (const module of program.order) {
        checkImportedNames(program, module);
    }
    return {
        modules: program.order.map(({ path, code, imports, exports }) => ({ path, code, imports, exports })),
        faults: program.faults,
    };
}

// Depth first: what a module imports is placed in front of it. `trail` is the way from the entry.
function visit(program, path, trail) {
    if (program.modules.has(path)) {
        return;
    }
    const fault = (line, text) => program.faults.push(`${path}:${line}: ${text}`);
    const module = readModule(path, program.files[path], fault);
    program.modules.set(path, module);
    if (module === undefined) {
        return;
    }
    const steps = [...trail, path];
    for (const { specifier, line } of module.requests) {
        if (Object.hasOwn(program.own, specifier)) {
            continue;
        }
        const target = resolve(path, specifier, program.files);
        if (target.fault !== undefined) {
            fault(line, target.fault);
        } else if (steps.includes(target.path)) {
            const cycle = [...steps.slice(steps.indexOf(target.path)), target.path];
            fault(line, `these files import each other in a circle: ${cycle.join(' -> ')}`);
        } else {
            module.imports[specifier] = target.path;
            visit(program, target.path, steps);
        }
    }
    program.order.push(module);
}

function resolve(from, specifier, files) {
    if (!specifier.startsWith('./') && !specifier.startsWith('../')) {
        const own = Object.keys(OWN_MODULES).join(', ');
        return { fault: `"${specifier}" is not a file of this APP: imports begin with ./ or ../ and name one, or are ${own} (packages cannot be imported)` };
    }
    const parts = from.split('/').slice(0, -1);
    for (const part of specifier.split('/')) {
        if (part === '..') {
            if (parts.length === 0) {
                return { fault: `"${specifier}" leads out of the APP` };
            }
            parts.pop();
        } else if (part !== '.') {
            parts.push(part);
        }
    }
    const path = parts.join('/');
    if (Object.hasOwn(files, path)) {
        return { path };
    }
    const hint = ['.js', '.ts'].find((ending) => Object.hasOwn(files, path + ending));
    return { fault: `there is no file ${path}${hint === undefined ? '' : `; did you mean "${specifier}${hint}"?`}` };
}

function exportsOf(program, module) {
    const names = new Set(Object.keys(module.exports));
    for (const specifier of module.starFrom) {
        const target = program.modules.get(module.imports[specifier]);
        (OWN_MODULES[specifier] ?? []).forEach((name) => names.add(name));
        if (target !== undefined) {
            exportsOf(program, target).forEach((name) => names.add(name));
        }
    }
    return names;
}

// As a linker would: an import of something that is not there is an error now, not undefined later.
function checkImportedNames(program, module) {
    for (const { specifier, line, name } of module.wanted) {
        const target = program.modules.get(module.imports[specifier]);
        const names = program.own[specifier] ?? (target === undefined ? undefined : [...exportsOf(program, target)]);
        if (names !== undefined && !names.includes(name)) {
            program.faults.push(`${module.path}:${line}: ${target?.path ?? specifier} does not export ${name}${didYouMean(name, names)}`);
        }
    }
}
