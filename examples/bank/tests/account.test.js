// Given these events, when this command comes, then these events or this refusal follow.
const at = '2026-01-01T00:00:00.000000Z'; // ctx.now of every test
const opened = { type: 'Opened', data: { owner: 'Alice', at } };
const deposited = (amount) => ({ type: 'Deposited', data: { amount, at } });
const withdrawn = (amount) => ({ type: 'Withdrawn', data: { amount, at } });
const alice = { decider: 'account', id: 'alice' };

export default {
  'an account opens for its owner': {
    ...alice, given: [], when: { Open: { owner: 'Alice' } }, then: [opened],
  },
  'an account opens once': {
    ...alice, given: [opened], when: { Open: { owner: 'Bob' } }, then: { rejected: 'already-open' },
  },
  'an account needs an owner': {
    ...alice, given: [], when: { Open: { owner: ' ' } }, then: { rejected: 'bad-owner' },
  },
  'nothing goes into an account that is not open': {
    ...alice, given: [], when: { Deposit: { amount: 5 } }, then: { rejected: 'not-open' },
  },
  'nothing comes out of an account that is not open': {
    ...alice, given: [], when: { Withdraw: { amount: 5 } }, then: { rejected: 'not-open' },
  },
  'a deposit shows in the balance': {
    ...alice,
    given: [opened, deposited(100)],
    when: { Deposit: { amount: 5 } },
    then: [deposited(5)],
    view: { 'balances.by_id': { arguments: { id: 'alice' }, rows: [{ id: 'alice', owner: 'Alice', balance: 105 }] } },
  },
  'a deposit of nothing is refused': {
    ...alice, given: [opened], when: { Deposit: { amount: 0 } }, then: { rejected: 'bad-amount' },
  },
  'a deposit of half a cent is refused': {
    ...alice, given: [opened], when: { Deposit: { amount: 0.5 } }, then: { rejected: 'bad-amount' },
  },
  'a deposit of a text is refused': {
    ...alice, given: [opened], when: { Deposit: { amount: '5' } }, then: { rejected: 'bad-amount' },
  },
  'a balance that no number can hold is refused': {
    ...alice,
    given: [opened, deposited(Number.MAX_SAFE_INTEGER)],
    when: { Deposit: { amount: 1 } },
    then: { rejected: 'balance-too-large' },
  },
  'all of the balance can be withdrawn': {
    ...alice,
    given: [opened, deposited(100)],
    when: { Withdraw: { amount: 100 } },
    then: [withdrawn(100)],
    view: { 'balances.by_id': { arguments: { id: 'alice' }, rows: [{ id: 'alice', owner: 'Alice', balance: 0 }] } },
  },
  'a withdrawal beyond the balance is refused': {
    ...alice,
    given: [opened, deposited(100), withdrawn(1)],
    when: { Withdraw: { amount: 100 } },
    then: { rejected: 'insufficient-funds' },
  },
};
