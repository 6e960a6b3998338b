// @ts-check
/** Sets formulas by KaTeX, which comes with its style and fonts when the first one has ended. */
import "../../vendor/katex-0.19.1/katex.min.js";

const STYLE = new URL("../../vendor/katex-0.19.1/katex.min.css", import.meta.url);
/** Formulas may not load, link or style; nor grow without bounds. */
const OPTIONS = { throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 500 };
/** Beyond this many characters a formula stays as it was written. */
const LONGEST = 5000;

/** Resolves when formulas can be set. */
export const styled = new Promise((done) => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = STYLE.href;
  for (const event of ["load", "error"]) link.addEventListener(event, done);
  document.head.append(link);
});

/** @param {HTMLElement} formula that holds its TeX */
export function typeset(formula) {
  const tex = formula.textContent ?? "";
  const displayMode = formula.classList.contains("display");
  if (tex.length > LONGEST) return;
  try {
    /** @type {any} */ (globalThis).katex.render(tex, formula, { ...OPTIONS, displayMode });
    formula.classList.add("set");
  } catch {
    formula.textContent = tex; // it is wrong, or wants what it may not
  }
  if (displayMode && formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0; // scrolled with the keyboard too
}
