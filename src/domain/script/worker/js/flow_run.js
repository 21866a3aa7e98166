// flow_run.js - runs a batch of items through a segment, a linear run of the JavaScript of a flow.
//
// Request and answer are those of FRAME_FLOW (frame.h). The items handled are always the first ones: a
// call that takes long stops in time and says how far it came, and so does one in which a function
// throws. How a flow's items are cut into calls can therefore not be seen in what comes out.
import { compileSegment } from './flow_code.js';
import { describe } from './faults.js';
import { NEED, OperatorState } from './flow_state.js';
import { makeRandom, unitOf } from './random.js';

// [p, k, key, time, input, type, data, metadata, stream, revision, tags] as functions get it.
function eventOf(item) {
    const stream = item[8];
    return {
        type: item[5],
        data: item[6],
        metadata: item[7],
        stream,
        id: stream.slice(stream.indexOf('-') + 1),
        position: item[0],
        revision: item[9],
        time: item[3],
        tags: item[10],
    };
}

// 32 hexadecimal digits of the segment and the logical time, for makeRandom(): four runs of FNV-1a.
function seedOf(segment, [p, k]) {
    const text = `${segment} ${p} ${k}`;
    let seed = '';
    for (let lane = 0; lane < 4; lane++) {
        let hash = 0x811c9dc5 ^ lane;
        for (let i = 0; i < text.length; i++) {
            hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
        }
        seed += (hash >>> 0).toString(16).padStart(8, '0');
    }
    return seed;
}

const placeOf = ({ place }) => `${place.file}:${place.line}`;

// `world` is what Date and Math.random look at while an item is in hand (lockdown.js); isLate[0] is not 0
// when half of the time for this call is over.
export function makeFlows({ evaluate, statesMax, world, isLate }) {
    const segments = new Map(); /* name -> {segment, ops} as declared */
    const compiled = new Map(); /* instance and name -> as compileSegment() gives it, with `generation` */

    function add(declared) {
        declared.forEach((one) => segments.set(one.segment, one));
    }

    function find({ instance = '', segment }) {
        const name = `${instance} ${segment}`;
        let found = compiled.get(name);
        if (found === undefined) {
            const stateOf = (operator) => new OperatorState(operator, statesMax);
            found = { ...compileSegment(segments.get(segment), { evaluate, world, isLate, eventOf, stateOf }), segment, generation: undefined };
            compiled.set(name, found);
        }
        return found;
    }

    function randomFor({ segment }) {
        let item;
        let next;
        return () => {
            if (item !== world.item) {
                item = world.item;
                next = makeRandom(seedOf(segment, item));
            }
            return unitOf(next);
        };
    }

    // The states are those the server expects, or what is known of them is forgotten.
    function prepare(segment, { generation, fresh = false, states = {} }) {
        if (segment.generation !== generation || fresh) {
            segment.states.forEach((state) => state.forget(fresh));
        }
        segment.generation = undefined; /* a call that is cut off leaves nothing to rely on */
        for (const state of segment.states) {
            state.undo();
            for (const [key, value] of Object.entries(states[state.name] ?? {})) {
                state.take(key, value);
            }
        }
    }

    const isInNeed = (segment) => segment.states.some((state) => state.needs.size > 0);

    // Behind an item that needs a state the others are looked at too, so that one answer names all needs.
    function tryItems(segment, items, out) {
        let from = 0;
        for (;;) {
            try {
                return { done: segment.run(items, from, out), failed: undefined };
            } catch (error) {
                if (error !== NEED && !isInNeed(segment)) {
                    return { done: world.index, failed: describe(error, placeOf(error?.op ?? segment.ops[0])) };
                }
                from = world.index + 1;
            }
        }
    }

    // The items in front of the first that fails, and why it fails.
    function runItems(segment, items, out) {
        const first = tryItems(segment, items, out);
        if (first.failed === undefined || isInNeed(segment)) {
            return first;
        }
        let { done } = first;
        while (segment.wholeRoots && done > 0 && items[done - 1][0] === items[done][0]) {
            done--;
        }
        segment.states.forEach((state) => state.undo());
        out.length = 0;
        const again = runItems(segment, items.slice(0, done), out);
        return again.failed === undefined && again.done === done ? { done, failed: first.failed } : again;
    }

    function answer(segment, request) {
        const out = [];
        const { done, failed } = runItems(segment, request.items, out);
        if (isInNeed(segment)) {
            segment.generation = request.generation;
            const needs = segment.states.filter((state) => state.needs.size > 0).map((state) => state.needText());
            segment.states.forEach((state) => state.undo());
            return `{"need":{${needs.join(',')}}}`;
        }
        const states = segment.states.map((state) => state.keep()).filter((text) => text !== undefined);
        segment.generation = request.generation + 1;
        const failure = failed === undefined ? '' : `,"failed":${JSON.stringify(failed)}`;
        return `{"done":${done},"out":${JSON.stringify(out)},"states":{${states.join(',')}}${failure}}`;
    }

    function run(text) {
        const request = JSON.parse(text);
        const segment = find(request);
        prepare(segment, request);
        world.random = randomFor(segment);
        try {
            return answer(segment, request);
        } finally {
            world.time = undefined;
        }
    }

    function shed() {
        for (const segment of compiled.values()) {
            segment.states.forEach((state) => state.forget(false));
            segment.generation = undefined;
        }
    }

    return { add, run, shed };
}
