// @ts-check
/** The button that unfolds a long question. Loaded with the first one. */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** Fold a long text, and add the button that shows all of it, or the beginning again. @param {HTMLElement} block @param {string} text */
export async function addFold(block, text) {
  await loadStyleSheet("wide").catch(() => {}); // it works without its style, too
  const button = element("button", "link show-all");
  button.type = "button";
  const fold = (/** @type {boolean} */ folded) => {
    block.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
    button.textContent = folded ? t("message.showAll", { n: text.length }) : t("message.showLess");
  };
  button.addEventListener("click", () => {
    fold(!block.classList.contains("folded"));
    if (block.classList.contains("folded")) button.scrollIntoView({ block: "nearest" });
  });
  fold(true);
  block.after(button);
  block.parentElement?.classList.add("foldable-question");
}
