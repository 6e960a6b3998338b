// @ts-check
/** What the page looks like in this browser, and what Enter does. */
import { button, byId, element } from "../page/dom.js";
import { enterSends, isMac } from "../page/shortcuts.js";
import { language, t } from "../page/words.js";
import { choose, chosen } from "./choices.js";
import { choiceRow, row } from "./rows.js";

/** The sizes of text in percent. The server knows them too (`page/choices.py`); 100 is what the browser itself has. */
const SIZES = ["90", "100", "120", "150", "200"];

export function displayRows() {
  const { theme, text } = document.documentElement.dataset;
  return [
    choiceRow("setting-theme", t("settings.theme"), "", [["", t("settings.system")], ["light", t("settings.light")], ["dark", t("settings.dark")]], theme ?? "", chooseTheme),
    choiceRow("setting-text", t("settings.text"), "", SIZES.map((size) => [size, (Number(size) / 100).toLocaleString(language, { style: "percent" })]), text ?? "100", (size) => choose("text", size === "100" ? "" : size)),
    languageRow(),
  ];
}

/** @param {string} theme */
function chooseTheme(theme) {
  choose("theme", theme);
  const metas = /** @type {NodeListOf<HTMLMetaElement>} */ (document.querySelectorAll('meta[name="theme-color"]'));
  ["light", "dark"].forEach((one, index) => (metas[index].media = theme ? (one === theme ? "all" : "not all") : `(prefers-color-scheme: ${one})`));
}

/** The language needs a new page, so a button takes it. Users of the keyboard can walk through the list. */
function languageRow() {
  const select = element("select", "field");
  select.setAttribute("aria-label", t("settings.language"));
  const tags = /** @type {string} */ (byId("settings").dataset.languages).split(" ");
  select.append(new Option(t("settings.asBrowser"), ""), ...tags.map((tag) => new Option(nameOf(tag), tag)));
  select.value = chosen("language");
  const take = button(t("settings.useLanguage"), () => {
    choose("language", select.value);
    location.reload();
  });
  take.disabled = true;
  select.addEventListener("change", () => (take.disabled = select.value === chosen("language")));
  const line = element("div", "setting-line");
  line.append(select, take);
  return row(t("settings.language"), "browser", t("settings.languageHint"), line);
}

/** The language's own name. @param {string} tag */
const nameOf = (tag) => new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;

export function enterRow() {
  const keys = isMac ? "⌘↩" : `${t("shortcuts.ctrl")}+${t("shortcuts.enter")}`;
  return choiceRow("setting-enter", t("settings.enter"), t("settings.enterHint", { keys }), [["send", t("settings.enterSends")], ["newline", t("settings.enterNewline")]], enterSends() ? "send" : "newline", (how) => {
    choose("enter", how);
    byId("question").enterKeyHint = how === "send" ? "send" : "enter";
    byId("composer-hint").replaceChildren(element("span", "", how === "send" ? t("composer.hint") : t("composer.hintNewline")));
  });
}
