// @ts-check
/**
 * A block of code: its language, a button that copies it, one that wraps it, and the code. It is
 * coloured when it has ended, by a module that only comes then; its height is the same before.
 */
import { copyBy } from "../page/clipboard.js";
import { element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";
import { whenReady } from "./scheduler.js";

/** Beyond this many characters code keeps one colour: a page that hangs is worse. */
const LONGEST = 20_000;

/** @param {HTMLElement} code that holds the text @param {string} language as it was written */
export function codeFrame(code, language) {
  const frame = element("div", "code");
  const head = element("div", "code-head");
  const pre = element("pre");
  const wrap = smallButton(t("markdown.wrap"), () => {
    wrap.setAttribute("aria-pressed", String(pre.classList.toggle("wrapped")));
  });
  wrap.setAttribute("aria-pressed", "false");
  const copying = smallButton(t("markdown.copy"), () => void copyBy(copying, t("markdown.copy"), code));
  head.append(element("span", "language", language || t("markdown.code")), wrap, copying);
  Object.assign(pre, { dir: "ltr", tabIndex: 0, role: "group", ariaLabel: t("markdown.code") });
  code.className = "";
  frame.dataset.language = language.toLowerCase();
  pre.append(code);
  frame.append(head, pre);
  return frame;
}

/** Colour this frame's code: it has ended. @param {HTMLElement} frame */
export function colour(frame) {
  const code = /** @type {HTMLElement} */ (frame.querySelector("code"));
  const { language = "" } = frame.dataset;
  frame.dataset.ended = "";
  if (!language || (code.textContent ?? "").length > LONGEST) return;
  void whenReady(import("./highlight.js").then(({ highlighter }) => highlighter(code, language)));
}
