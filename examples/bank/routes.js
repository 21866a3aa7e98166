// REST paths of this APP: each is a command to a decider or a query of a view.
export default {
  'POST /api/accounts/{id}': { decider: 'account', id: '{id}', command: 'Open' },
  'POST /api/accounts/{id}/deposits': { decider: 'account', id: '{id}', command: 'Deposit' },
  'POST /api/accounts/{id}/withdrawals': { decider: 'account', id: '{id}', command: 'Withdraw' },
  'GET /api/accounts/{id}': { view: 'balances', query: 'by_id', arguments: { id: '{id}' }, one: true },
  'GET /api/accounts/{id}/statement': { view: 'statement', query: 'by_account', arguments: { id: '{id}' } },
};
