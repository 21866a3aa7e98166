// A task: planned once, renamed as often as you like, finished once. Change it as you wish:
// decide says what a command leads to, evolve how the state follows from what happened.

export const initial = { title: null, done: false };

function checkTitle(title, ctx) {
  if (typeof title !== 'string' || title.trim() === '') {
    ctx.reject('bad-title', 'A task needs a title.');
  }
}

export const decide = {
  Plan(state, { title }, ctx) {
    if (state.title !== null) {
      ctx.reject('already-planned', 'There is such a task already.');
    }
    checkTitle(title, ctx);
    return [{ type: 'Planned', data: { title } }];
  },

  Rename(state, { title }, ctx) {
    if (state.title === null) {
      ctx.reject('not-planned', 'There is no such task.');
    }
    checkTitle(title, ctx);
    if (title === state.title) {
      return []; // nothing happens
    }
    return [{ type: 'Renamed', data: { title } }];
  },

  Finish(state, data, ctx) {
    if (state.title === null) {
      ctx.reject('not-planned', 'There is no such task.');
    }
    if (state.done) {
      ctx.reject('already-done', 'The task is done already.');
    }
    return [{ type: 'Finished', data: {} }];
  },
};

export const evolve = {
  Planned(state, event) {
    return { ...state, title: event.data.title };
  },
  Renamed(state, event) {
    return { ...state, title: event.data.title };
  },
  Finished(state) {
    return { ...state, done: true };
  },
};
