/* Catches: a decider or routes file that is taken though it cannot work, or refused without file,
 * line and reason; code that can see the clock, chance or another call's leavings. */
#include "unit/unit.h"

#include "domain/decider/decider.h"
#include "unit/domain/script_app.h"

#define EMPTY "export const initial = {}, decide = {}, evolve = {};"

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

/* Opens deciders with these files; the report is given. The store is not touched before a command.
 */
static struct ever_err open_and_close(const struct script_source *files, size_t count,
                                      struct text *report)
{
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct decider_options options = {.worker_path = script_worker_path()};
    struct app app = script_app(files, count);
    struct deciders *deciders;
    struct ever_err err = deciders_open(&loop, NULL, &app, &options, report, &deciders);
    if (IS_OK(err)) {
        bool closed = false;
        deciders_close(deciders, note_closed, &closed);
        while (!closed) {
            uv_run(&loop, UV_RUN_ONCE);
        }
    }
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    assert_int_equal(uv_loop_close(&loop), 0);
    script_app_deinit(&app);
    return err;
}

static void assert_refused(enum app_file_kind kind, const char *path, const char *source,
                           const char *want)
{
    struct script_source files[] = {{kind, path, source}};
    struct text report = {0};
    struct ever_err err = open_and_close(files, 1, &report);
    if (IS_OK(err)) {
        fail_msg("accepted: %s", source);
    }
    assert_int_equal(err.code, EVER_INVALID);
    assert_slice(text_slice(&report), want);
    text_deinit(&report);
}

static void deciders_that_cannot_work(void **state)
{
    (void)state; /* cmocka's signature */
    static const struct {
        const char *source;
        const char *report;
    } bad[] = {
        {"", "deciders/a.js:1: a decider exports initial, decide and evolve; initial is missing\n"},
        {"export const initial = {}, decide = {};",
         "deciders/a.js:1: a decider exports initial, decide and evolve; evolve is missing\n"},
        {EMPTY "\n\nexport function helper() {}", "deciders/a.js:3: a decider exports initial, "
                                                  "decide and evolve, and nothing else; helper is "
                                                  "another\n"},
        {EMPTY "\nexport default 1;",
         "deciders/a.js:2: a decider exports initial, decide and evolve, and nothing else; default "
         "is another\n"},
        {"export const initial = {}, evolve = {};\nexport const decide = 1;",
         "deciders/a.js:2: decide must be an object of functions\n"},
        {"export const initial = {}, decide = {};\nexport const evolve = { A: 1 };",
         "deciders/a.js:2: evolve.A is not a function\n"},
        {"export const decide = {}, evolve = {};\nexport const initial = { n: NaN };",
         "deciders/a.js:2: initial.n is NaN, which JSON cannot hold\n"},
        {"export const decide = {}, evolve = {};\nexport const initial = { m: new Map() };",
         "deciders/a.js:2: initial.m is a Map: only plain objects, arrays, texts, numbers, true, "
         "false and null can be kept\n"},
        {"export const decide = {}, evolve = {};\nexport const initial = () => {};",
         "deciders/a.js:2: initial is undefined: it is the state before any event\n"},
        {EMPTY "\nthrow new RangeError('no');", "deciders/a.js:2: RangeError: no\n"},
        {EMPTY "\nconst started = Date.now();",
         "deciders/a.js:2: the clock is closed: use ctx.now, the time of the command\n"},
        {EMPTY "\nconst now = () =>\n  Date.now();\nnow();",
         "deciders/a.js:3: the clock is closed: use ctx.now, the time of the command\n"},
        {EMPTY "\nconst id = Math.random();",
         "deciders/a.js:2: Math.random is closed: use ctx.random(), or ctx.uuid() for an id\n"},
        {EMPTY "\nPromise.resolve().then(() => {});",
         "deciders/a.js:2: Promise is closed: this code runs to its end at once and waits for "
         "nothing: let a program that reads the events do what takes time\n"},
        {EMPTY "\n(0, eval)('1');", "deciders/a.js:2: EvalError: eval and new Function are closed: "
                                    "write the code in a file and import it\n"},
        {EMPTY "\nnew Function('return 1');", "deciders/a.js:2: EvalError: eval and new Function "
                                              "are closed: write the code in a file and "
                                              "import it\n"},
        {EMPTY "\nrequire('fs').x;",
         "deciders/a.js:2: ReferenceError: Can't find variable: require\n"},
        {EMPTY "\nglobalThis.leaving = 1;",
         "deciders/a.js:2: TypeError: Attempting to define property on object that is not "
         "extensible.\n"},
        {EMPTY "\nArray.prototype.push = null;",
         "deciders/a.js:2: TypeError: Attempted to assign to readonly property.\n"},
        {EMPTY "\nObject.prototype.toString = null;",
         "deciders/a.js:2: TypeError: built-ins cannot be changed: toString\n"},
        {EMPTY "\nundeclared = 1;",
         "deciders/a.js:2: ReferenceError: Can't find variable: undeclared\n"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused(APP_DECIDER, "deciders/a.js", bad[i].source, bad[i].report);
    }
}

static void names_with_a_dash(void **state)
{
    (void)state; /* cmocka's signature */
    assert_refused(APP_DECIDER, "deciders/a-b.js", EMPTY,
                   "deciders/a-b.js:1: a decider's name has no dash: the streams of account are "
                   "named account-ID\n");
}

static void the_name_of_the_flows_streams(void **state)
{
    (void)state; /* cmocka's signature */
    assert_refused(APP_DECIDER, "deciders/flow.js", EMPTY,
                   "deciders/flow.js:1: no decider is named flow: the streams flow-... are those "
                   "that flows write; give it another name\n");
}

static void routes_that_are_not_data(void **state)
{
    (void)state; /* cmocka's signature */
    assert_refused(APP_ROUTES, "routes.js", "export const routes = {};",
                   "routes.js:1: this file has one export: export default { ... }\n");
    assert_refused(APP_ROUTES, "routes.js", "\nexport default { 'GET /': () => 1 };",
                   "routes.js:2: default.GET / is a function, which JSON cannot hold\n");
}

/* Each statement must hold in a decider; the file refuses to load when one does not. */
static void the_language_is_whole_but_for_what_is_closed(void **state)
{
    (void)state; /* cmocka's signature */
    static const char source[] = EMPTY
        "\nconst check = (holds, what) => { if (!holds) throw new Error(what); };\n"
        "check(new Date(0).toISOString() === '1970-01-01T00:00:00.000Z', 'dates of a number');\n"
        "check(new Date(2024, 0, 1).getTime() === 1704067200000, 'time zone is UTC');\n"
        "check(new Date(0) instanceof Date && Date.UTC(1970, 0) === 0, 'Date itself');\n"
        "class Later extends Date { plus(ms) { return new Later(this.getTime() + ms); } }\n"
        "check(new Later(1).plus(1).getTime() === 2, 'heirs of Date');\n"
        "class Own extends Error { constructor(m) { super(m); this.name = 'Own'; } }\n"
        "check(String(new Own('m')) === 'Own: m', 'heirs of Error can be named');\n"
        "const plain = {}; plain.toString = () => 'mine';\n"
        "check(`${plain}` === 'mine', 'own toString');\n"
        "check(RegExp.$1 === undefined && /(a)/.test('a') && RegExp.$1 === undefined, "
        "'RegExp.$1');\n"
        "check(Object.groupBy([1, 2], (n) => n % 2 ? 'odd' : 'even').odd.length === 1, "
        "'groupBy');\n"
        "check([3, 1].toSorted()[0] === 1 && 'x'.at(-1) === 'x', 'newest methods');\n"
        "check(new Set([1]).union(new Set([2])).size === 2, 'sets');\n"
        "check([...(function* () { yield 1; })()].length === 1, 'generators');\n"
        "check(10n ** 20n > 5n, 'bigint');\n"
        "for (const name of ['toLocaleString']) {\n"
        "  try { (5)[name](); check(false, 'locale'); } catch (e) { "
        "check(/closed/.test(e.message), name); }\n"
        "}\n"
        "for (const name of ['Intl', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef',\n"
        "  'FinalizationRegistry', 'Promise', 'queueMicrotask']) {\n"
        "  let closed = false;\n"
        "  try { globalThis[name]; } catch (e) { closed = e.message.startsWith(name + ' is closed: "
        "'); }\n"
        "  check(closed, name);\n"
        "}\n";
    struct script_source files[] = {{APP_DECIDER, "deciders/a.js", source}};
    struct text report = {0};
    struct ever_err err = open_and_close(files, 1, &report);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
}

static void files_are_linked_as_the_language_says(void **state)
{
    (void)state; /* cmocka's signature */
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.js",
         "check(one === 1 && two === 2, 'imports stand above all code');\n"
         "import { one, two } from '../lib/many.js'\n"
         "import def, { default as same, three, 'a b' as text } from '../lib/many.js'\n"
         "import * as all from '../lib/many.js';\n"
         "import Kind from '../lib/kind.js'; import '../lib/kind.js'; import round from "
         "'../lib/round.js';\n"
         "function check(holds, what) { if (!holds) throw new Error(what); }\n"
         "check(def() === 'default' && same === def, 'default');\n"
         "check(three[0] === 3 && text === 'text' && all.rest.length === 1, 'names');\n"
         "check(all.again === 'own', 'own names win over those of a star');\n"
         "check(all.inner.deep === 'deep' && all.deep === 'deep', 'star, with and without a "
         "name');\n"
         "check(!('default' in all.inner) && all.renamed === 'deep', 'default is not in a star');\n"
         "check(Kind.has(new Kind()), 'a class');\n"
         "check(this === undefined, 'this');\n"
         "check(round === 2, 'a default in brackets');\n"
         "let frozen = false; try { all.one = 2; } catch { frozen = true; }\n"
         "check(frozen, 'what is imported cannot be changed');\n" EMPTY},
        {APP_MODULE, "lib/inner.js", "export const deep = 'deep', again = 'inner';"},
        {APP_MODULE, "lib/round.js", "export default /* in brackets */ (1, 2)\n"},
        {APP_MODULE, "lib/kind.js",
         "export default class { static #p = 1; static has(o) { return o instanceof this; } }\n"
         "(function () {})()\n"},
        {APP_MODULE, "lib/many.js",
         "export const one = 1, two = 2; export let { three, ...others } = { three: [3] }\n"
         "export const [first = 1, ...rest] = [0, 1]\n"
         "const t = 'text', again = 'own'\nexport { t as 'a b', again }\n"
         "export * from './inner.js'\nexport * as inner from './inner.js'\n"
         "export { deep as renamed } from './inner.js'\n"
         "export default function () { return 'default' }\n[1].length\n"},
    };
    struct text report = {0};
    struct ever_err err = open_and_close(files, 5, &report);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
}

static void typescript_is_taken(void **state)
{
    (void)state; /* cmocka's signature */
    struct script_source files[] = {
        {APP_DECIDER, "deciders/a.ts",
         "import type { State } from '../lib/state.ts';\n"
         "import { start } from '../lib/state.ts';\n"
         "export const initial: State = start;\n"
         "export const decide = { Do(state: State, data: { n: number }) { return []; } };\n"
         "export const evolve: Record<string, (state: State) => State> = {};\n"},
        {APP_MODULE, "lib/state.ts",
         "export interface State { n: number }\nexport const start = { n: 1 } satisfies State;\n"},
    };
    struct text report = {0};
    struct ever_err err = open_and_close(files, 2, &report);
    if (!IS_OK(err)) {
        fail_msg("%s", report.data);
    }
    text_deinit(&report);
}

static void an_app_without_scripts(void **state)
{
    (void)state; /* cmocka's signature */
    struct text report = {0};
    assert_ok(open_and_close(NULL, 0, &report));
    text_deinit(&report);
}

int main(void)
{
    (void)setenv("TZ", "America/New_York", 1); /* a worker must not follow it */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deciders_that_cannot_work),
        cmocka_unit_test(names_with_a_dash),
        cmocka_unit_test(the_name_of_the_flows_streams),
        cmocka_unit_test(routes_that_are_not_data),
        cmocka_unit_test(the_language_is_whole_but_for_what_is_closed),
        cmocka_unit_test(files_are_linked_as_the_language_says),
        cmocka_unit_test(typescript_is_taken),
        cmocka_unit_test(an_app_without_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
