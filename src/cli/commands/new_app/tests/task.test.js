// Given these events, when this command comes, then these events or this refusal follow.
const planned = { type: 'Planned', data: { title: 'Water the plants' } };
const finished = { type: 'Finished', data: {} };

export default {
  'a task is planned': {
    decider: 'task', id: 'plants', given: [], when: { Plan: { title: 'Water the plants' } }, then: [planned],
  },
  'a task needs a title': {
    decider: 'task', id: 'plants', given: [], when: { Plan: { title: '' } }, then: { rejected: 'bad-title' },
  },
  'a renamed task still needs a title': {
    decider: 'task', id: 'plants', given: [planned], when: { Rename: {} }, then: { rejected: 'bad-title' },
  },
  'the same title again changes nothing': {
    decider: 'task', id: 'plants', given: [planned], when: { Rename: { title: 'Water the plants' } }, then: [],
  },
  'a finished task is no longer open': {
    decider: 'task',
    id: 'plants',
    given: [planned],
    when: { Finish: {} },
    then: [finished],
    view: { 'tasks.open': { arguments: {}, rows: [] } },
  },
  'a task is finished once': {
    decider: 'task', id: 'plants', given: [planned, finished], when: { Finish: {} }, then: { rejected: 'already-done' },
  },
};
