// There is no decider here: the flights come from outside, so only the view is tested.
const flight = (time, delay) => ({ type: 'Flight', data: { time, delay, distance: 100 } });

export default {
  'flights are counted in the hour they took off': {
    given: [flight(0.02, 14), flight(5.98, -11), flight(5.5, 4), flight(23.99, 0)],
    view: {
      'delays.by_hour': {
        arguments: {},
        rows: [
          { hour: 0, flights: 1, total_delay: 14, mean_delay: 14 },
          { hour: 5, flights: 2, total_delay: -7, mean_delay: -3.5 },
          { hour: 23, flights: 1, total_delay: 0, mean_delay: 0 },
        ],
      },
    },
  },
};
