// @ts-check
/**
 * Once a second, for what counts seconds on the page: only while there is something that counts,
 * and the page is visible.
 */
/** @type {Set<() => void>} */
const counting = new Set();
let timer = 0;

/** Call this every second until it is given to `stopTicking`. @param {() => void} listener the same one again changes nothing */
export function tick(listener) {
  counting.add(listener);
  follow();
}

/** @param {() => void} listener */
export function stopTicking(listener) {
  counting.delete(listener);
  follow();
}

function all() {
  for (const listener of [...counting]) listener(); // a copy: they come and go while they are called
}

function follow() {
  const wanted = counting.size > 0 && !document.hidden;
  if (wanted && !timer) timer = window.setInterval(all, 1000);
  if (wanted || !timer) return;
  clearInterval(timer);
  timer = 0;
}

globalThis.document?.addEventListener("visibilitychange", () => {
  follow();
  if (!document.hidden) all();
});
