// flow_stream.js - a stream of a flow while it is declared: a node of the graph and what it reads.
//
// An operator is one function of (stream, ...arguments); from it come the method `s.take(3)` and the
// function `s.pipe(take(3))`. Nothing runs here: a stream is data, and so are the functions in it.
import { at, callPlace, currentPlace, fault, shown } from './flow_check.js';

const NODE_NAME = /^[A-Za-z0-9_-]{1,100}$/;

export class Stream {
    // `members` is what the graph says of the node beside op, name and place; `isEvent`: what it gives are
    // the events of a source, not values made of them; `run`: of a JavaScript function, see flow_script.js.
    constructor(op, members, inputs, { isEvent = false, run } = {}) {
        this.op = op;
        this.members = members;
        this.inputs = inputs;
        this.place = currentPlace();
        this.isEvent = isEvent;
        this.run = run;
        this.name = undefined;
        for (const input of inputs) {
            if (input.op === 'emit') {
                fault('emit is the end of a chain: what comes behind it reads the stream in front of it');
            }
        }
    }

    // The name under which the operator's state is kept and shown.
    named(name) {
        at(callPlace(), () => {
            if (typeof name !== 'string' || !NODE_NAME.test(name)) {
                fault(`named takes a name of a-z, A-Z, 0-9, _ and -, at most 100 of them, not ${shown(name)}`);
            } else {
                this.name = name;
            }
        });
        return this;
    }
}

// A step of pipe.
export class Operator {
    constructor(apply) {
        this.apply = apply;
    }
}

// What an operator gives when its argument is no stream: the declaration goes on behind the fault.
export function checkStream(value, what) {
    if (value instanceof Stream) {
        return value;
    }
    fault(`${what} takes streams, as from() gives them, not ${shown(value)}; from(flow) is the stream of a flow`);
    return noStream();
}

// In place of a stream or step that could not be made; the fault is noted.
export const noStream = () => Object.assign(new Stream('from', {}, [], { isEvent: true }), { isMissing: true });

function applyStep(stream, step, index) {
    if (step instanceof Operator) {
        return step.apply(stream);
    }
    if (step?.isMissing) {
        return stream;
    }
    fault(`step ${index + 1} of pipe is ${shown(step)}: a step is an operator like map(f), imported from 'everfold/flow'`);
    return stream;
}

const perform = Symbol('perform');

// Gives `type` its methods, and pipe, whose steps are called like them.
export function define(type, operators) {
    const methods = type.prototype;
    methods[perform] = function (name, args) {
        return operators[name](this, ...args);
    };
    methods.pipe = function (...steps) {
        return at(callPlace(), () => steps.reduce(applyStep, this));
    };
    for (const name of Object.keys(operators)) {
        methods[name] = function (...args) {
            return at(callPlace(), () => this[perform](name, args));
        };
    }
    Object.freeze(methods);
}

// The functions for pipe: map(f) is a step that does what .map(f) does.
export function stepsOf(names) {
    return Object.fromEntries(names.map((name) => [name, (...args) => {
        const place = callPlace();
        return new Operator((stream) => at(place, () => stream[perform](name, args)));
    }]));
}

// The same for functions that are not of a stream.
export function located(functions) {
    return Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, (...args) => at(callPlace(), () => run(...args))]));
}
