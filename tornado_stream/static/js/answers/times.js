// @ts-check
/** How long an answer's reader waits, in milliseconds. The server breaks its silence every 15 s. */
export const TIMES = {
  silence: 40_000, // without a byte: the connection is dead
  suspect: 20_000, // without a byte, and the page was just shown again: likewise
  hidden: 300, // a hidden page then lets go of its connection …
  poll: 10_000, // … and looks now and then
  turn: 1_000, // a visible page that holds none looks this often …
  idle: 4_000, // … and at least this often where nothing is new
  stop: 10_000, // for the answer to a stop
  slow: 2_000, // without news: see slow_times.js
  tick: 1_000, // what is waited for is told no more often
};
