// @ts-check
/** Typesets formulas with KaTeX. This module, KaTeX, its style and its fonts are loaded when the first formula is complete. */
import { loadStyleSheet } from "../page/style_sheets.js";
import "../../vendor/katex-0.19.1/katex.min.js";

/** The rule: a formula cannot load anything, link or style, and its size is limited. */
const OPTIONS = { throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 500 };
/** A formula of more characters stays as it was written. */
const LONGEST = 5000;

/** Resolves when KaTeX's style is in use. Rejects if it could not be loaded; the next formula tries again. */
export const loadStyle = () => loadStyleSheet("../vendor/katex-0.19.1/katex.min");

/** Replace TeX by the formula. @param {HTMLElement} formula its text is the TeX */
export function typeset(formula) {
  const tex = formula.textContent ?? "";
  const displayMode = formula.classList.contains("display");
  if (tex.length > LONGEST) return;
  try {
    /** @type {any} */ (globalThis).katex.render(tex, formula, { ...OPTIONS, displayMode });
    formula.classList.add("set");
  } catch {
    formula.textContent = tex; // KaTeX refuses it: it has an error or exceeds a limit
  }
  if (displayMode && formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0; // so that the keyboard can scroll it
}
