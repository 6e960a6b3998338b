// @ts-check
/** Typesets formulas with KaTeX. This module, KaTeX, its style and its fonts are loaded when the first formula is complete. */
import "../../vendor/katex-0.19.1/katex.min.js";

const STYLE = new URL("../../vendor/katex-0.19.1/katex.min.css", import.meta.url);
/** The rule: a formula cannot load anything, link or style, and its size is limited. */
const OPTIONS = { throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 500 };
/** A formula of more characters stays as it was written. */
const LONGEST = 5000;

/** Resolves when KaTeX's style is loaded, or cannot be loaded. */
export const styled = new Promise((done) => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = STYLE.href;
  for (const event of ["load", "error"]) link.addEventListener(event, done);
  document.head.append(link);
});

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
