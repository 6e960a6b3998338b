// @ts-check
/** One timer for everything on the page that counts seconds. It runs only while something counts and the page is visible. */
/** @type {Set<() => void>} */
const listeners = new Set();
let timer = 0;

/** Call `listener` every second, until `stopTicking`. Adding a listener twice changes nothing. @param {() => void} listener */
export function tick(listener) {
  listeners.add(listener);
  update();
}

/** Stop the calls of `listener`. @param {() => void} listener */
export function stopTicking(listener) {
  listeners.delete(listener);
  update();
}

function callAll() {
  for (const listener of [...listeners]) listener(); // a copy, because listeners add and remove listeners
}

function update() {
  const wanted = listeners.size > 0 && !document.hidden;
  if (wanted && !timer) timer = window.setInterval(callAll, 1000);
  if (wanted || !timer) return;
  clearInterval(timer);
  timer = 0;
}

globalThis.document?.addEventListener("visibilitychange", () => {
  update();
  if (!document.hidden) callAll();
});
