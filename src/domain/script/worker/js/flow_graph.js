// flow_graph.js - what was declared, as the graph JSON that the server checks, draws and runs.
//
// Nodes stand behind those they read. JavaScript functions that follow each other with nothing between
// and no other reader become one node, a segment, which is called once for a batch.
import { didYouMean, fault } from './flow_check.js';

const NODES_MAX = 1000;
const SOURCE_MAX = 2000; /* characters */

function inOrder(emits) {
    const order = [];
    const seen = new Set();
    const visit = (stream) => {
        if (!seen.has(stream)) {
            seen.add(stream);
            stream.inputs.forEach(visit);
            order.push(stream);
        }
    };
    emits.forEach(visit);
    return order;
}

// Names that were not given are the operator and its place among its like.
function nameAll(order, flow) {
    const taken = new Map();
    for (const stream of order.filter((one) => one.name !== undefined)) {
        if (taken.has(stream.name)) {
            fault(`flow ${flow.name}: two operators are named ${stream.name}; state is kept by name, so a name stands for one`, stream.place);
        }
        taken.set(stream.name, stream);
    }
    const counts = new Map();
    const names = new Map();
    for (const stream of order) {
        const op = stream.run?.op ?? stream.op;
        let name = stream.name;
        while (name === undefined || (name !== stream.name && taken.has(name))) {
            counts.set(op, (counts.get(op) ?? 0) + 1);
            name = `${op}${counts.get(op)}`;
        }
        names.set(stream, name);
    }
    return names;
}

// The streams of each node, first to last.
function fuse(order) {
    const readers = new Map();
    order.forEach((stream) => stream.inputs.forEach((input) => readers.set(input, (readers.get(input) ?? 0) + 1)));
    const groups = new Map(); // stream -> its node's group
    const all = [];
    for (const stream of order) {
        const [input] = stream.inputs;
        const joins = stream.op === 'script' && stream.inputs.length === 1 && input.op === 'script' && readers.get(input) === 1;
        const group = joins ? groups.get(input) : [];
        if (!joins) {
            all.push(group);
        }
        group.push(stream);
        groups.set(stream, group);
    }
    return { all, indexOf: (stream) => all.indexOf(groups.get(stream)) };
}

const placed = (place, flow) => (place.file === flow.place.file ? { line: place.line } : { file: place.file, line: place.line });

// What the APP's functions say, for pictures; none of ours (`isOwn`).
function sourceOf({ fn, keyOf, parts = [], isOwn }) {
    const functions = [fn, keyOf, ...parts.map((part) => part.fn)].filter((one) => one !== undefined);
    return isOwn || functions.length === 0 ? {} : { source: functions.map(String).join('\n').slice(0, SOURCE_MAX) };
}

// {graph, segments: [{segment, ops}]}: segments have the functions, which no JSON can hold.
export function graphOf(flow) {
    const order = inOrder(flow.emits);
    if (order.length > NODES_MAX) {
        fault(`flow ${flow.name} has ${order.length} operators; at most ${NODES_MAX}: let a second flow read the first`, flow.place);
    }
    const names = nameAll(order, flow);
    const { all, indexOf } = fuse(order);
    const segments = [];
    const nodes = all.map((group, index) => {
        const [head] = group;
        const node = { op: head.op, name: group.map((stream) => names.get(stream)).join('+'), ...placed(head.place, flow) };
        if (head.op !== 'from') {
            node.in = head.inputs.map(indexOf);
        }
        if (head.op !== 'script') {
            return { ...node, ...head.members };
        }
        const ops = group.map((stream) => ({ ...stream.run, name: names.get(stream), place: stream.place }));
        const segment = `${flow.name}/${index}`;
        segments.push({ segment, ops });
        const keyed = ops.some(({ op }) => op === 'keyBy') ? { keyed: true } : {};
        return { ...node, segment, ...keyed, ops: ops.map((op) => ({ op: op.op, name: op.name, ...placed(op.place, flow), ...sourceOf(op) })) };
    });
    const { name, place, version, options } = flow;
    return { graph: { name, file: place.file, line: place.line, version, options, nodes }, segments };
}

const sourcesOf = (flow) => inOrder(flow.emits).filter((stream) => stream.op === 'from' && stream.members.flow !== undefined);

function checkSources(flows) {
    const names = flows.map((flow) => flow.name);
    for (const flow of flows) {
        for (const { members, place } of sourcesOf(flow)) {
            if (!names.includes(members.flow)) {
                fault(`there is no flow ${members.flow}${didYouMean(members.flow, names)}`, place);
            }
        }
    }
}

function checkCycles(flows) {
    const byName = new Map(flows.map((flow) => [flow.name, flow]));
    const done = new Set();
    const visit = (flow, trail) => {
        if (trail.includes(flow)) {
            const names = [...trail.slice(trail.indexOf(flow)), flow].map(({ name }) => name);
            const { place } = sourcesOf(trail.at(-1)).find(({ members }) => members.flow === flow.name);
            fault(`these flows read each other in a circle: ${names.join(' <- ')}; what goes round must become a command, and so a new event`, place);
        } else if (!done.has(flow)) {
            const read = sourcesOf(flow).map(({ members }) => byName.get(members.flow));
            read.filter((source) => source !== undefined).forEach((source) => visit(source, [...trail, flow]));
            done.add(flow);
        }
    };
    flows.forEach((flow) => visit(flow, []));
}

export function checkFlows(flows) {
    checkSources(flows);
    checkCycles(flows);
}
