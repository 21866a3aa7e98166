// module.js - one file: read, held to the rules, and turned into a function.
//
// An ES module becomes `(function ($exports, $require) { ... })`. Imports move to its beginning,
// exports to its end; that is the same as what a linker of modules does, because files that import
// each other in a circle are refused and a module's exports do not change once it has run. Every line
// stays where it was, so that an error says where it is.
import { parse } from 'acorn';
import { full } from 'acorn-walk';
import { transform } from 'sucrase';

// {path, code, exports: {name: line}, requests: [{specifier, line}], wanted: [{specifier, line, name}],
// starFrom: [specifier], imports: {} to be filled}; undefined when the file cannot be used at all.
export function readModule(path, source, fault) {
    try {
        const plain = path.endsWith('.ts') ? withoutTypes(source) : source.replace(/^#!/, '//');
        const tree = parse(plain, { ecmaVersion: 'latest', sourceType: 'module', locations: true, preserveParens: true });
        refuseClosed(tree, path, fault);
        const module = { path, code: '', exports: {}, requests: [], wanted: [], starFrom: [], imports: {} };
        module.code = asFunction(plain, tree, module, fault);
        return module;
    } catch (error) {
        fault(error.loc?.line ?? 1, error.message.replace(/ \(\d+:\d+\)$/, ''));
        return undefined;
    }
}

function withoutTypes(source) {
    return transform(source, { transforms: ['typescript'], disableESTransforms: true }).code;
}

// --- What cannot be used ------------------------------------------------------------------------

const AT_ONCE = 'this code runs to its end at once and waits for nothing: let a program that reads the events do what takes time';
const FLOW_AT_ONCE = 'a flow gives the same events whenever it is run, and waits for nothing: let a program that reads its events do what takes time';

function closedSyntax(node, atOnce) {
    switch (node.type) {
        case 'AwaitExpression':
            return `await is closed: ${atOnce}`;
        case 'ForOfStatement':
            return node.await ? `for await is closed: ${atOnce}` : undefined;
        case 'FunctionDeclaration':
        case 'FunctionExpression':
        case 'ArrowFunctionExpression':
            return node.async ? `async functions are closed: ${atOnce}` : undefined;
        case 'ImportExpression':
            return 'import() is closed: import the file at the top of this one';
        case 'MetaProperty':
            return node.meta.name === 'import' ? 'import.meta is closed: a file does not know where it runs' : undefined;
        default:
            return undefined;
    }
}

// The engine computes ** by the system's library, but for whole powers. In a flow that can be run again on
// another machine the last digit matters.
function closedInFlows(node) {
    const isPower = (node.type === 'BinaryExpression' && node.operator === '**') || (node.type === 'AssignmentExpression' && node.operator === '**=');
    const isWhole = isPower && Number.isInteger(node.right.value) && node.right.value <= 1000;
    return isPower && !isWhole ? '** is closed in flows but for whole numbers, as in x ** 2: its last digit depends on the machine; use Math.pow' : undefined;
}

function refuseClosed(tree, path, fault) {
    const isFlow = path.startsWith('flows/');
    full(tree, (node) => {
        const reason = closedSyntax(node, isFlow ? FLOW_AT_ONCE : AT_ONCE) ?? (isFlow ? closedInFlows(node) : undefined);
        if (reason !== undefined) {
            fault(node.loc.start.line, reason);
        }
    });
}

// --- From module to function --------------------------------------------------------------------

const nameOf = (node) => (node.type === 'Literal' ? node.value : node.name);
const quoted = (text) => JSON.stringify(text);

function asFunction(source, tree, module, fault) {
    const made = { source, module, fault, head: [], tail: [], edits: [] };
    for (const node of tree.body) {
        const change = CHANGES[node.type];
        if (change !== undefined) {
            change(made, node, node.loc.start.line);
        }
    }
    const body = edited(source, made.edits);
    return `(function ($exports, $require) {'use strict';${made.head.join('')}${body}\n${made.tail.join('')}})`;
}

const CHANGES = {
    ImportDeclaration(made, node, line) {
        request(made, node, line);
        blank(made, node.start, node.end);
        const from = `$require(${quoted(node.source.value)})`;
        const names = [];
        for (const part of node.specifiers) {
            if (part.type === 'ImportNamespaceSpecifier') {
                made.head.push(`const ${part.local.name} = ${from};`);
            } else {
                const name = part.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(part.imported);
                want(made, node, line, name);
                names.push(`${quoted(name)}: ${part.local.name}`);
            }
        }
        if (names.length > 0) {
            made.head.push(`const { ${names.join(', ')} } = ${from};`);
        }
    },

    ExportNamedDeclaration(made, node, line) {
        if (node.declaration) {
            blank(made, node.start, node.declaration.start);
            for (const name of declaredNames(node.declaration)) {
                give(made, line, name, name);
            }
            return;
        }
        blank(made, node.start, node.end);
        if (node.source) {
            request(made, node, line);
        }
        for (const part of node.specifiers) {
            if (node.source) {
                want(made, node, line, nameOf(part.local));
                give(made, line, nameOf(part.exported), `$require(${quoted(node.source.value)})[${quoted(nameOf(part.local))}]`);
            } else {
                give(made, line, nameOf(part.exported), part.local.name);
            }
        }
    },

    ExportDefaultDeclaration(made, node, line) {
        const { declaration } = node;
        const isStatement = /^(Function|Class)Declaration$/.test(declaration.type);
        const isNamed = isStatement && declaration.id;
        replace(made, node.start, declaration.start, isNamed ? '' : 'const $default = ');
        if (isStatement && !isNamed) {
            replace(made, node.end, node.end, ';'); // as a value it would run on into the next line
        }
        give(made, line, 'default', isNamed ? declaration.id.name : '$default');
    },

    ExportAllDeclaration(made, node, line) {
        request(made, node, line);
        blank(made, node.start, node.end);
        const from = `$require(${quoted(node.source.value)})`;
        if (node.exported) {
            give(made, line, nameOf(node.exported), from);
        } else {
            made.module.starFrom.push(node.source.value);
            // Own names win over those of a star, so these come first.
            made.tail.unshift(`for (const [$name, $value] of Object.entries(${from})) if ($name !== 'default') $exports[$name] = $value;`);
        }
    },
};

function request(made, node, line) {
    made.module.requests.push({ specifier: node.source.value, line });
    if (node.attributes?.length > 0) {
        made.fault(line, 'import attributes are not known here');
    }
}

function want(made, node, line, name) {
    made.module.wanted.push({ specifier: node.source.value, line, name });
}

function give(made, line, name, expression) {
    made.module.exports[name] = line;
    made.tail.push(`$exports[${quoted(name)}] = ${expression};`);
}

function declaredNames(declaration) {
    if (declaration.type !== 'VariableDeclaration') {
        return [declaration.id.name];
    }
    return declaration.declarations.flatMap((declarator) => boundNames(declarator.id));
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

// --- Text ---------------------------------------------------------------------------------------

// Line ends of what is replaced stay.
function replace(made, start, end, text) {
    made.edits.push({ start, end, text: text + made.source.slice(start, end).replace(/[^\n\r\u2028\u2029]/g, '') });
}

// A statement that goes leaves its end, so that those around it do not run together.
function blank(made, start, end) {
    replace(made, start, end, made.source[end - 1] === ';' ? ';' : '');
}

function edited(source, edits) {
    let at = 0;
    let text = '';
    for (const edit of edits) {
        text += source.slice(at, edit.start) + edit.text;
        at = edit.end;
    }
    return text + source.slice(at);
}
