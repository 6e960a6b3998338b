// @ts-check
/**
 * Shows the code in a question: fenced blocks, and words between backticks. The rule: `textContent` stays the question
 * as it was written, backticks included, because the editor and the browser's own copying read it. Loaded when needed.
 */
import { copyText } from "../page/clipboard.js";
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { partsOf } from "./long_text.js";

/** A longer text between fences is split, and words between backticks are not looked for in a longer text. */
const LONG = 20_000;
/** In a question of more pieces, the code has no buttons. */
const PIECES = 200;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`\n]*)$/;

/** @param {HTMLElement} block has only this text @param {string} text */
export async function showCode(block, text) {
  await loadStyleSheet("wide").catch(() => {}); // the code can be read without its style, too
  const pieces = piecesOf(text);
  block.replaceChildren(...pieces.flatMap((piece) => (piece.isCode ? codeView(piece.text, pieces.length < PIECES) : proseView(piece.text))));
}

/**
 * The text in pieces, prose and fenced code in turn. The fences belong to the code. A fence that nothing closes lasts
 * to the end, as in CommonMark 4.5. Pure, and linear. @param {string} text
 */
export function piecesOf(text) {
  /** @type {{isCode: boolean, text: string}[]} */
  const pieces = [];
  let from = 0;
  let fence = "";
  const end = (/** @type {number} */ at, /** @type {boolean} */ isCode) => {
    if (at > from) pieces.push({ isCode, text: text.slice(from, at) });
    from = at;
  };
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf("\n", at) + 1 || text.length;
    const [, marks = "", info = ""] = FENCE.exec(text.slice(at, next).trimEnd()) ?? [];
    if (marks && !fence) {
      end(at, false);
      fence = marks;
    } else if (fence && marks.startsWith(fence) && !info.trim()) {
      end(next, true);
      fence = "";
    }
    at = next;
  }
  end(text.length, fence !== "");
  return pieces;
}

/** @param {string} text */
function proseView(text) {
  if (text.length > LONG) return partsOf(text).map((part) => element("span", "part", part));
  return text.split(/(`[^`\n]+`)/).map((part, index) => {
    if (!(index % 2)) return part;
    const code = element("code");
    code.append(element("span", "ticks", "`"), part.slice(1, -1), element("span", "ticks", "`"));
    return code;
  });
}

/** @param {string} text a block with its fences @param {boolean} copies whether it has a button that copies it */
function codeView(text, copies) {
  const [, first, body, last] = /** @type {RegExpExecArray} */ (/^([^\n]*\n?)([^]*?)((?:^|(?<=\n)) {0,3}(?:`{3,}|~{3,})[ \t]*\n?)?$/.exec(text));
  const view = element("span", "asked-code");
  const [, marks, info] = /** @type {RegExpExecArray} */ (/^(\s*[`~]+)([^]*)$/.exec(first));
  const head = element("span", copies || info.trim() ? "fence" : "ticks");
  head.append(element("span", "ticks", marks), element("span", "language", info));
  if (copies) head.append(copyButton(body));
  const code = element("code");
  code.append(...(body.length > LONG ? partsOf(body).map((part) => element("span", "part", part)) : [body]));
  view.append(head, code, element("span", "ticks", last ?? ""));
  return view;
}

/** A button that copies code. Its label is in an attribute, so that it is not a part of the question's text. @param {string} code */
function copyButton(code) {
  const button = element("button", "button small");
  button.type = "button";
  const say = (/** @type {string} */ label) => (button.ariaLabel = button.dataset.label = label);
  button.addEventListener("click", async () => {
    say(t((await copyText(code)) ? "copied" : "notCopied"));
    setTimeout(() => say(t("markdown.copy")), 2000);
  });
  say(t("markdown.copy"));
  return button;
}
