// @ts-check
/** What a slow answer is judged by, in milliseconds. Loaded with what judges it. */
export const SLOW_TIMES = {
  first: 3_000, // for the first word, before the wait is named
  pause: 5_000, // between words, likewise
  look: 5_000, // without a byte: a short request looks for what should have come
  trial: 2_000, // without a first byte, where a proxy is suspected
  late: 3_000, // a short request that is not answered by then is in trouble …
  short: 10_000, // … and by then given up
  deaf: 20_000, // nothing heard, not even the comments that break the silence
  doubt: 600_000, // a proxy may have been mended by then
};
