// @ts-check
/** The pieces of the settings dialog: sections, rows that say for whom they hold, and choices among a few values. */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** For whom a row holds. @typedef {"browser" | "person" | "everybody"} Scope */

/** Whether the server has a login. If not, all who use it share their conversations. */
export const hasLogin = () => !!document.body.dataset.user;

/** To whom the conversations on this server belong. @returns {Scope} */
export const ownersScope = () => (hasLogin() ? "person" : "everybody");

/** @param {string} title @param {HTMLElement[]} rows */
export function section(title, rows) {
  const made = element("section", "settings-section");
  made.append(element("h3", "", title), ...rows);
  return made;
}

/** A row: what it is, for whom it holds, a hint, and the controls. @param {string} name @param {Scope} scope @param {string} hint @param {HTMLElement[]} controls */
export function row(name, scope, hint, ...controls) {
  const made = element("div", "setting");
  const head = element("p", "setting-head");
  head.append(element("strong", "", name), " ", scopeMark(scope));
  made.append(head, ...(hint ? [element("p", "panel-hint", hint)] : []), ...controls);
  return made;
}

/** @param {Scope} scope */
function scopeMark(scope) {
  return element("span", "setting-scope", { browser: t("settings.forBrowser"), person: t("settings.forPerson"), everybody: t("settings.forEverybody") }[scope]);
}

/**
 * A row in which one of a few values is chosen. @param {string} id @param {string} name @param {string} hint @param {[value: string, label: string][]} values
 * @param {string} value that is chosen now @param {(value: string) => void} choose
 */
export function choiceRow(id, name, hint, values, value, choose) {
  const group = element("fieldset", "setting");
  const legend = element("legend", "setting-head");
  legend.append(element("strong", "", name), " ", scopeMark("browser"));
  const options = element("div", "segments");
  for (const [one, label] of values) {
    const option = element("label", "segment");
    const input = element("input");
    Object.assign(input, { type: "radio", name: id, value: one, checked: one === value });
    input.addEventListener("change", () => choose(one));
    option.append(input, element("span", "", label));
    options.append(option);
  }
  group.append(legend, ...(hint ? [element("p", "panel-hint", hint)] : []), options);
  return group;
}

/** A line that says how something went; screen readers read it. */
export function statusLine() {
  const line = element("p", "setting-status");
  line.setAttribute("role", "status");
  return line;
}
