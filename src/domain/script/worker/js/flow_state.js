// flow_state.js - the state of an operator, by key, as one call of its segment sees it.
//
// The server holds the truth; the worker remembers what passed here as JSON texts and parses what a
// call touches. `keep()` makes the call's changes the truth here too; until then nothing happened, so
// a call that fails, or is stopped at its time limit, leaves no trace.

export const NEED = Symbol('a state that the server must send');

export class OperatorState {
    constructor(name, statesMax) {
        this.name = name;
        this.statesMax = statesMax;
        this.texts = new Map(); /* key -> JSON text, null: known to have none; oldest first */
        this.isComplete = false; /* what is not in texts does not exist */
        this.cells = new Map(); /* of the call in hand: key -> {value, isChanged} */
        this.needs = new Set();
    }

    forget(isFresh) {
        this.texts.clear();
        this.isComplete = isFresh;
        this.undo();
    }

    undo() {
        this.cells.clear();
        this.needs.clear();
    }

    take(key, state) {
        this.texts.set(key, state === null ? null : JSON.stringify(state));
    }

    // The cell of a key; its value is undefined when there is no state yet. Throws NEED.
    cell(key) {
        const known = this.cells.get(key ?? '');
        return known ?? this.load(key ?? '');
    }

    load(key) {
        const text = this.texts.get(key);
        if (text === undefined && !this.isComplete) {
            this.needs.add(key);
            throw NEED;
        }
        const cell = { value: text == null ? undefined : JSON.parse(text), isChanged: false };
        this.cells.set(key, cell);
        return cell;
    }

    // {key: state} of what changed, as JSON text; undefined when nothing did.
    keep() {
        const changes = [];
        for (const [key, cell] of this.cells) {
            if (cell.isChanged) {
                const text = JSON.stringify(cell.value);
                changes.push(`${JSON.stringify(key)}:${text}`);
                this.texts.delete(key);
                this.texts.set(key, text);
            }
        }
        this.cells.clear();
        this.dropOldest();
        return changes.length === 0 ? undefined : `${JSON.stringify(this.name)}:{${changes.join(',')}}`;
    }

    dropOldest() {
        while (this.texts.size > this.statesMax) {
            this.texts.delete(this.texts.keys().next().value);
            this.isComplete = false;
        }
    }

    // {key, ...} the server must send, as JSON text.
    needText() {
        return `${JSON.stringify(this.name)}:${JSON.stringify([...this.needs])}`;
    }
}

export function change(cell, value) {
    cell.value = value;
    cell.isChanged = true;
}
