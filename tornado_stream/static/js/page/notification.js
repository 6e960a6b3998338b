// @ts-check
/**
 * Notifications of the system. The rule: they say nothing of a conversation, because others may see the screen, also
 * when it is locked.
 */
import { t } from "./words.js";

/**
 * Show a notification; a click on it shows this page. Returns null if the browser allows that only to a service worker.
 * @param {string} text @param {string} tag replaces the notification with the same tag @param {() => void} [open] what a click does besides
 */
export function showNotification(text, tag, open = () => {}) {
  try {
    const shown = new Notification(t("title"), { body: text, tag, icon: new URL("../../img/icon-192.png", import.meta.url).href });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
    return shown;
  } catch {
    return null; // Chromium on Android
  }
}

/** An answer has ended, or waits for its user, while nobody saw the page. Of one that is not kept, nothing is said. @param {{state: string, request: {keep?: unknown}, end?: any}} answer @param {string} id of its conversation @param {(id: string) => unknown} open opens a conversation */
export function notifyEnd({ state, request, end }, id, open) {
  if (request.keep === false || globalThis.Notification?.permission !== "granted") return;
  showNotification(t(end?.waiting?.length ? "notify.waiting" : state === "done" ? "notify.done" : "notify.failed"), id, () => void open(id));
}
