// What the bank notices in its accounts. A flow reads events and makes new ones; the server writes
// them to a stream of the flow's own. GET /flows shows all of them.
//
// Time is the time at which the bank took the command (`at` in each event), not the time at which the
// event was written: last year's events, imported today, give last year's alarms.
import { flow, from, merge, count, sum } from 'everfold/flow';

const account = from('account');
const deposited = account.ofType('Deposited');
const withdrawn = account.ofType('Withdrawn');

// Commands of different accounts may be written a moment out of order. Events without `at`, of a log
// from before it was there, are passed over and recorded.
const time = { time: 'data.at', lateness: '1m', onError: 'skip' };

// Large or sudden: 1,000.00 or more, or five withdrawals, from one account within ten minutes.
export const alarms = flow('alarms', time, () =>
  withdrawn.keyBy('@id')
    .sliding('10m')
    .aggregate({ withdrawals: count(), total: sum('data.amount') })
    .where({ any: [{ total: { gte: 100_000 } }, { withdrawals: { gte: 5 } }] })
    .emit('WithdrawalsNoticed', { account: 'key', since: 'start', until: 'end', withdrawals: 'withdrawals', total: 'total' }));

// Nothing has happened in an account for thirty days. Ticks let time pass when no account is used.
export const idle = flow('idle', { ...time, tick: '1d' }, () =>
  account.keyBy('@id')
    .debounceTime('30d')
    .emit('AccountIdle', { account: '@id', since: 'data.at' }));

// Money in and out, hour by hour.
export const money = flow('money', time, () =>
  merge(
    deposited.select({ in: 'data.amount', out: { value: 0 } }),
    withdrawn.select({ in: { value: 0 }, out: 'data.amount' }),
  )
    .tumbling('1h')
    .aggregate({ movements: count(), in: sum('in'), out: sum('out') })
    .emit('HourClosed'));
