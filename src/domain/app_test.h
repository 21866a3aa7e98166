/* app_test.h - the given/when/then tests of an APP, run without a server.
 *
 * A file tests/NAME.test.js exports an object, name of a test -> test:
 *
 *     'a deposit shows in the balance': {
 *         decider: 'account', id: 'alice',
 *         given: [{ type: 'Opened', data: { owner: 'Alice' } }],    what happened before
 *         when: { Deposit: { amount: 5 } },                         one command
 *         then: [{ type: 'Deposited', data: { amount: 5 } }],       its events
 *         view: { 'balances.by_id': { arguments: { id: 'alice' }, rows: [{ ... }] } },
 *     }
 *
 * A refusal is `then: { rejected: code }`. Without `when` it is a test of views alone. Events
 * without `stream` are of the test's decider and id. Commands are decided in a worker as in the
 * server, at a fixed time and with a fixed seed; view rows come from a store and databases made for
 * the one test. */
#pragma once
#include "domain/decider/decider.h"

struct app_test; /* the results of a run */

struct app_test_result { /* lent until free */
    const char *file;    /* "tests/account.test.js" */
    const char *name;
    bool passed;
    const char *message; /* what was expected and what came instead, some lines; "" when passed */
};

/* Runs all tests of `app` on a loop of its own. An error is about the APP, not about a test:
 * `report` says what is wrong, as deciders_open() and views_open() do. */
struct ever_err app_test_run(const struct app *app, const struct decider_options *options,
                             struct text *report, struct app_test **out_test);
size_t app_test_count(const struct app_test *test);
const struct app_test_result *app_test_at(const struct app_test *test, size_t index);
void app_test_free(struct app_test *test); /* NULL-safe. */
