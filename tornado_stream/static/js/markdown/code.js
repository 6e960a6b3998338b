// @ts-check
/**
 * A block of code: its language, a button that copies it, a button that wraps long lines, and the code. When the block
 * is complete, it is coloured by a module that is loaded then, and a drawing gets a button that shows it. This does not change its height.
 */
import { copyBy } from "../page/clipboard.js";
import { element, smallButton } from "../page/dom.js";
import { t, withWords } from "../page/words.js";
import { whenReady } from "./scheduler.js";

/** Longer code is not coloured, because that would block the page. In characters. */
const LONGEST = 20_000;
/** Code with more lines is folded. css/markdown.css shows one line more, so that nothing moves when code that is being written becomes too long. */
const FOLDED = 40;
/** How many lines the code of a frame has. @type {WeakMap<HTMLElement, number>} */
const counts = new WeakMap();
/** @type {Promise<typeof import("./code_fold.js")> | null} */
let folding = null;

/** The frame for a code element. @param {HTMLElement} code @param {string} language as the model wrote it */
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
  void import("./wide.js").catch(() => {});
  countLines(frame, code.textContent ?? "");
  return frame;
}

/** A frame's code has more text: fold it when it becomes long. @param {HTMLElement} frame @param {string} text */
export function countLines(frame, text) {
  let count = counts.get(frame) ?? 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  counts.set(frame, count);
  if (count <= FOLDED) return;
  frame.classList.add("foldable");
  folding ??= withWords(import("./code_fold.js"));
  void folding.then(
    ({ showCount }) => showCount(frame, count),
    () => {
      folding = null; // the next code tries again
      frame.classList.remove("foldable");
    },
  );
}

/** Colour the code, which is complete. @param {HTMLElement} frame */
export function colour(frame) {
  const code = /** @type {HTMLElement} */ (frame.querySelector("code"));
  const { language = "" } = frame.dataset;
  frame.dataset.ended = "";
  if (/^(?:html|mermaid|svg)$/.test(language)) void whenReady(withWords(import("./preview.js")).then(({ offer }) => () => offer(frame)));
  if (!language || (code.textContent ?? "").length > LONGEST) return;
  void whenReady(import("./highlight.js").then(({ highlighter }) => highlighter(code, language)));
}
