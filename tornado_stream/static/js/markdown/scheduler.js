// @ts-check
/**
 * Work that can wait, in pieces that leave the page time to answer. Text goes before its colours
 * and formulas, and of both the newest is first: readers begin at the end.
 */

/** Milliseconds of work at a time. */
const SLICE = 8;

/** @type {(() => void)[]} */
const textWork = [];
/** @type {(() => void)[]} */
const finishingWork = [];
/** @type {Promise<void> | null} */
let working = null;
let until = 0;
let loading = 0;

/** Is there time left for work in this turn of the event loop? */
export function hasTime() {
  if (!until) {
    until = performance.now() + SLICE;
    queueMicrotask(() => (until = 0));
  }
  return performance.now() < until;
}

/** @param {() => void} work */
export function later(work) {
  textWork.push(work);
  working ??= workOff();
}

/** Last, when what it needs has come; without that it is left undone. @param {Promise<() => void>} work */
export async function whenReady(work) {
  loading++;
  const ready = await work.catch(() => null);
  loading--;
  if (ready) finishingWork.push(ready);
  working ??= workOff();
}

async function workOff() {
  const next = () => textWork.pop() ?? finishingWork.pop();
  while (textWork.length || finishingWork.length) {
    await new Promise((done) => setTimeout(done));
    const end = performance.now() + SLICE;
    do next()?.();
    while (performance.now() < end && (textWork.length || finishingWork.length));
  }
  working = null;
}

/** Resolves when nothing is left to do. */
export async function idle() {
  while (working || loading) await (working ?? new Promise((done) => setTimeout(done)));
}
