// @ts-check
/**
 * Does work in slices of time, so that the page stays responsive. The rule: all text comes before colours and
 * formulas, and the newest work comes first, because the page shows a conversation from its end.
 */

/** How long a slice may take, in milliseconds. */
const SLICE = 8;

/** @type {(() => void)[]} */
const textWork = [];
/** @type {(() => void)[]} */
const finishingWork = [];
/** The next slice. @type {ReturnType<typeof setTimeout> | undefined} */
let planned;
let until = 0;
let loading = 0;

/** Whether this task of the event loop has time left for more work. */
export function hasTime() {
  if (!until) {
    until = performance.now() + SLICE;
    queueMicrotask(() => (until = 0));
  }
  return performance.now() < until;
}

/** Do this work in a later slice. @param {() => void} work */
export function later(work) {
  textWork.push(work);
  planned ??= setTimeout(slice);
}

/** Do work after all text, once what it needs is loaded. If that fails, the work is not done. @param {Promise<() => void>} work */
export async function whenReady(work) {
  loading++;
  const ready = await work.catch(() => null);
  loading--;
  if (ready) finishingWork.push(ready);
  planned ??= setTimeout(slice);
}

function slice() {
  const end = performance.now() + SLICE;
  planned = setTimeout(slice); // before the work, so that work that throws does not stop the rest
  do {
    const work = textWork.pop() ?? finishingWork.pop();
    if (!work) {
      clearTimeout(planned);
      planned = undefined;
      return;
    }
    work();
  } while (performance.now() < end);
}

/** Resolves when all work is done. */
export async function idle() {
  while (planned || loading) await new Promise((done) => setTimeout(done));
}
