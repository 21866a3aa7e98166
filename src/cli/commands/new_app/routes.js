// REST paths of this APP: each is a command to a decider or a query of a view.
export default {
  'GET /api/tasks': { view: 'tasks', query: 'open' },
  'GET /api/tasks/{id}': { view: 'tasks', query: 'by_id', arguments: { id: '{id}' }, one: true },
  'POST /api/tasks/{id}': { decider: 'task', id: '{id}', command: 'Plan' },
  'POST /api/tasks/{id}/title': { decider: 'task', id: '{id}', command: 'Rename' },
  'POST /api/tasks/{id}/finish': { decider: 'task', id: '{id}', command: 'Finish' },
};
