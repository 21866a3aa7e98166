// An account: opened once, then money goes in and out. Amounts are whole cents; `at` is when the bank
// took the command.
//
// decide looks at the state and says what happens; evolve says how the state follows from what
// happened. Neither may look at a clock or a die but through ctx.

export const initial = { open: false, owner: null, balance: 0 };

function checkOpen(state, ctx) {
  if (!state.open) {
    ctx.reject('not-open', 'There is no such account: open it first.');
  }
}

function checkAmount(amount, ctx) {
  if (!Number.isSafeInteger(amount) || amount <= 0) {
    ctx.reject('bad-amount', 'The amount must be a whole number of cents above 0.', { amount: amount ?? null });
  }
}

export const decide = {
  Open(state, { owner }, ctx) {
    if (state.open) {
      ctx.reject('already-open', `The account is open already, for ${state.owner}.`);
    }
    if (typeof owner !== 'string' || owner.trim() === '') {
      ctx.reject('bad-owner', 'The owner must be a name.');
    }
    return [{ type: 'Opened', data: { owner, at: ctx.now } }];
  },

  Deposit(state, { amount }, ctx) {
    checkOpen(state, ctx);
    checkAmount(amount, ctx);
    if (!Number.isSafeInteger(state.balance + amount)) {
      ctx.reject('balance-too-large', 'No account holds more than 90 trillion.', { balance: state.balance });
    }
    return [{ type: 'Deposited', data: { amount, at: ctx.now } }];
  },

  Withdraw(state, { amount }, ctx) {
    checkOpen(state, ctx);
    checkAmount(amount, ctx);
    if (amount > state.balance) {
      ctx.reject('insufficient-funds', `The balance is ${state.balance}, less than ${amount}.`, {
        balance: state.balance,
        missing: amount - state.balance,
      });
    }
    return [{ type: 'Withdrawn', data: { amount, at: ctx.now } }];
  },
};

export const evolve = {
  Opened(state, event) {
    return { ...state, open: true, owner: event.data.owner };
  },
  Deposited(state, event) {
    return { ...state, balance: state.balance + event.data.amount };
  },
  Withdrawn(state, event) {
    return { ...state, balance: state.balance - event.data.amount };
  },
};
