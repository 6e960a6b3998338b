// @ts-check
/** How long an answer's reader waits for what, in milliseconds. The server breaks its silence every 15 s. */
export const TIMES = {
  silence: 40_000, // without a byte: the connection is dead
  suspect: 20_000, // without a byte, and the page was just shown again: likewise
  look: 5_000, // without a byte: a short request looks what should have come
  trial: 2_000, // without a single byte, where a proxy is suspected
  slow: 3_000, // a short request that is not answered by then is in trouble …
  short: 10_000, // … and by then given up
  hidden: 300, // a hidden page lets go of its connection …
  poll: 10_000, // … and looks now and then
  turn: 1_000, // a visible page that holds no connection looks this often …
  idle: 4_000, // … and where nothing is new, at least this often
  stop: 10_000, // for the answer to a stop
  tick: 1_000, // what is waited for is told no more often
  first: 3_000, // for the first word before the wait is worth a word
  pause: 5_000, // between words, likewise
  deaf: 20_000, // nothing heard of the server, not even the comments that break its silence
  doubt: 600_000, // a proxy that buffered may have been mended by then
};
