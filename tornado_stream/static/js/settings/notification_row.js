// @ts-check
/** Whether the page tells the user outside of the browser that an answer is done. The browser asks only after a click here. */
import { button, element } from "../page/dom.js";
import { showNotification } from "../page/notification.js";
import { t } from "../page/words.js";
import { choose, chosen } from "./choices.js";
import { row, statusLine } from "./rows.js";

export function notificationRow() {
  const status = statusLine();
  const toggle = button("", () => (isOn() ? off() : on()));
  const update = (text = "") => {
    toggle.textContent = t(isOn() ? "settings.notifyOff" : "settings.notifyOn");
    status.textContent = text || (isOn() ? t("settings.notifyIsOn") : "");
  };
  const off = () => (choose("notify", ""), update());
  const on = async () => {
    const reason = await whyNot();
    if (!reason) choose("notify", "on");
    update(reason);
  };
  const line = element("div", "setting-line");
  line.append(toggle, status);
  update();
  return row(t("settings.notify"), "browser", t("settings.notifyHint"), line);
}

const isOn = () => !!chosen("notify") && globalThis.Notification?.permission === "granted";

/** Ask for the permission, and show what a notification looks like. @returns {Promise<string>} why it is impossible; empty: it works */
async function whyNot() {
  if (!isSecureContext) return t("settings.notifyInsecure");
  if (!globalThis.Notification) return t("settings.notifyMissing");
  if ((await Notification.requestPermission()) !== "granted") return t("settings.notifyDenied");
  return showNotification(t("settings.notifySample"), "sample") ? "" : t("settings.notifyMissing");
}
