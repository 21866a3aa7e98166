// runtime.js - links the modules of an APP and hands requests to what they are for.
//
// Bundled with what it imports and evaluated behind lockdown.js; `makeRuntime` gives {load, step, flow,
// live, shed}, which take and give JSON texts, and {loading}: the file that load() was at when it was stopped.
import { makeDeciders } from './decide.js';
import { describe, LoadFault, setPaths } from './faults.js';
import { everfoldFlow, takeFlows } from './flow.js';
import { endDeclarations, takeFaults } from './flow_check.js';
import { makeFlows } from './flow_run.js';
import { makeLive } from './live.js';
import { plainText } from './plain.js';

function defaultExport(path, exports, lines) {
    const surplus = Object.keys(exports).find((exported) => exported !== 'default');
    if (surplus !== undefined || !Object.hasOwn(exports, 'default')) {
        throw new LoadFault(`${path}:${lines[surplus] ?? 1}: this file has one export: export default { ... }`);
    }
    try {
        return JSON.parse(plainText(exports.default, 'default'));
    } catch (error) {
        throw new LoadFault(`${path}:${lines.default}: ${error.message}`);
    }
}

// Modules that are ours, by the specifier that imports them; compiler.js knows the names they export.
const OWN_MODULES = { 'everfold/flow': everfoldFlow };

// evaluate(code, path) runs a script; user code has nothing like it. `world` and isLate: flow_run.js;
// makeNative: live.js.
export function makeRuntime(evaluate, statesMax, world, isLate, makeNative) {
    const deciders = makeDeciders(statesMax);
    const flows = makeFlows({ evaluate, statesMax, world, isLate });
    const live = makeLive(makeNative, world);
    let path = 'deciders'; /* in hand */

    // The modules come in such an order that each stands behind those it imports.
    function link(modules, own = OWN_MODULES) {
        const linked = new Map();
        for (const module of modules) {
            path = module.path;
            const exports = {};
            const require = (specifier) => own[specifier] ?? linked.get(module.imports[specifier]);
            Reflect.apply(evaluate(module.code, path), undefined, [exports, require]);
            linked.set(path, Object.freeze(exports));
        }
        return linked;
    }

    // {modules: [expression], now, from} -> {live: [filter...]} | {faults}
    function loadLive(request) {
        try {
            const linked = link(request.modules, { 'everfold/live': live.open(request) });
            const { fault, filters } = live.take(linked.get(path).default);
            return JSON.stringify(fault === undefined ? { live: filters } : { faults: [fault] });
        } catch (error) {
            return JSON.stringify({ faults: [describe(error, path)] });
        }
    }

    // {modules, deciders: [{name, path}], data: [path]}
    // -> {deciders: [info], data: {path: value}, flows: [graph]} | {faults}
    function load(text) {
        const request = JSON.parse(text);
        setPaths(request.modules.map((module) => module.path));
        if (request.live === true) {
            return loadLive(request);
        }
        const lines = new Map(request.modules.map((module) => [module.path, module.exports]));
        try {
            const linked = link(request.modules);
            const infos = [];
            for (const wanted of request.deciders) {
                path = wanted.path;
                infos.push(deciders.add(wanted, linked.get(path), lines.get(path)));
            }
            const data = {};
            for (const wanted of request.data) {
                path = wanted;
                data[path] = defaultExport(path, linked.get(path), lines.get(path));
            }
            const declared = takeFlows();
            flows.add(declared.segments);
            endDeclarations();
            const faults = takeFaults();
            return JSON.stringify(faults.length > 0 ? { faults } : { deciders: infos, data, flows: declared.flows });
        } catch (error) {
            const faults = takeFaults(); /* noted before; what was thrown may come of them */
            const thrown = error instanceof LoadFault ? error.message : describe(error, path);
            return JSON.stringify({ faults: faults.length > 0 ? faults : [thrown] });
        }
    }

    function shed() {
        flows.shed();
        return deciders.shed();
    }

    return { load, loading: () => path, step: deciders.step, flow: flows.run, live: live.step, shed };
}
