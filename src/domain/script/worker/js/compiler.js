// compiler.js - turns the files of an APP into functions that runtime.js can link.
//
// Runs once at start, in a context of its own that no user code ever enters. `compile` takes JSON
// {files: {path: source}, entries: [path]} and gives JSON
//
//     {modules: [{path, code, imports: {specifier: path}, exports: {name: line}}], faults: [text]}
//
// Modules are those the entries reach, each behind the ones it imports. `code` is a function
// expression of (exports, require); its lines are the lines of the source, so that an error says
// where it is. A fault is "path:line: sentence".
import { parse } from 'acorn';
import { full } from 'acorn-walk';
import { transform } from 'sucrase';

globalThis.compile = (request) => JSON.stringify(compileProgram(JSON.parse(request)));

function compileProgram({ files, entries }) {
    const program = { files, modules: new Map(), order: [], faults: [] };
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
    const module = { path, code: '', imports: {}, exports: {}, importLines: {}, wanted: [], starFrom: [] };
    program.modules.set(path, module);
    const fault = (line, text) => program.faults.push(`${path}:${line}: ${text}`);
    const usable = readModule(module, program.files[path], fault);
    if (!usable) {
        return;
    }
    const steps = [...trail, path];
    for (const [specifier, line] of Object.entries(module.importLines)) {
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

// Fills code, exports and importLines; false when the file cannot be used.
function readModule(module, source, fault) {
    try {
        const plain = module.path.endsWith('.ts') ? withoutTypes(source) : source.replace(/^#!/, '//');
        const tree = parse(plain, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
        refuseClosed(tree, fault);
        noteImportsAndExports(tree, module, fault);
        module.code = `(function (exports, require) {${asFunctionBody(plain)}\n})`;
        return true;
    } catch (error) {
        const line = error.loc === undefined ? 1 : error.loc.line;
        fault(line, error.message.replace(/ \(\d+:\d+\)$/, ''));
        return false;
    }
}

const KEEP_SYNTAX = { disableESTransforms: true, preserveDynamicImport: true, production: true };

function withoutTypes(source) {
    return transform(source, { ...KEEP_SYNTAX, transforms: ['typescript'] }).code;
}

function asFunctionBody(source) {
    return transform(source, { ...KEEP_SYNTAX, transforms: ['imports'] }).code;
}

// --- What cannot be used ------------------------------------------------------------------------

const AT_ONCE = 'a decider runs to its end at once and cannot wait: return events, and let a reactor do what takes time';

function closedSyntax(node) {
    switch (node.type) {
        case 'AwaitExpression':
            return `await is closed: ${AT_ONCE}`;
        case 'ForOfStatement':
            return node.await ? `for await is closed: ${AT_ONCE}` : undefined;
        case 'FunctionDeclaration':
        case 'FunctionExpression':
        case 'ArrowFunctionExpression':
            return node.async ? `async functions are closed: ${AT_ONCE}` : undefined;
        case 'ImportExpression':
            return 'import() is closed: import the file at the top of this one';
        case 'MetaProperty':
            return node.meta.name === 'import' ? 'import.meta is closed: a file does not know where it runs' : undefined;
        default:
            return undefined;
    }
}

function refuseClosed(tree, fault) {
    full(tree, (node) => {
        const reason = closedSyntax(node);
        if (reason !== undefined) {
            fault(node.loc.start.line, reason);
        }
    });
}

// --- Imports and exports ------------------------------------------------------------------------

const nameOf = (node) => (node.type === 'Literal' ? node.value : node.name);

function noteImportsAndExports(tree, module, fault) {
    for (const node of tree.body) {
        const line = node.loc.start.line;
        if (node.source) {
            noteImport(node, line, module, fault);
        }
        if (node.type === 'ExportDefaultDeclaration') {
            module.exports.default = line;
        } else if (node.type === 'ExportAllDeclaration' && node.exported) {
            module.exports[nameOf(node.exported)] = line;
        } else if (node.type === 'ExportNamedDeclaration') {
            for (const name of exportedNames(node)) {
                module.exports[name] = line;
            }
        }
    }
}

function noteImport(node, line, module, fault) {
    const specifier = node.source.value;
    module.importLines[specifier] ??= line;
    if (node.attributes?.length > 0) {
        fault(line, 'import attributes are not known here');
    }
    if (node.type === 'ExportAllDeclaration' && !node.exported) {
        module.starFrom.push(specifier);
    }
    for (const part of node.specifiers ?? []) {
        if (part.type === 'ImportDefaultSpecifier') {
            module.wanted.push({ specifier, line, name: 'default' });
        } else if (part.type === 'ImportSpecifier') {
            module.wanted.push({ specifier, line, name: nameOf(part.imported) });
        } else if (part.type === 'ExportSpecifier') {
            module.wanted.push({ specifier, line, name: nameOf(part.local) });
        }
    }
}

function exportedNames(node) {
    if (!node.declaration) {
        return node.specifiers.map((part) => nameOf(part.exported));
    }
    if (node.declaration.type !== 'VariableDeclaration') {
        return [node.declaration.id.name];
    }
    return node.declaration.declarations.flatMap((declarator) => boundNames(declarator.id));
}

function boundNames(pattern) {
    switch (pattern?.type) {
        case 'Identifier':
            return [pattern.name];
        case 'ObjectPattern':
            return pattern.properties.flatMap((part) => boundNames(part.value ?? part.argument));
        case 'ArrayPattern':
            return pattern.elements.flatMap(boundNames);
        case 'AssignmentPattern':
            return boundNames(pattern.left);
        case 'RestElement':
            return boundNames(pattern.argument);
        default:
            return [];
    }
}

function resolve(from, specifier, files) {
    if (!specifier.startsWith('./') && !specifier.startsWith('../')) {
        return { fault: `"${specifier}" is not a file of this APP: imports begin with ./ or ../ and name one (packages cannot be imported)` };
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
        if (target !== undefined && target.code !== '' && !exportsOf(program, target).has(name)) {
            program.faults.push(`${module.path}:${line}: ${target.path} does not export ${name}`);
        }
    }
}
