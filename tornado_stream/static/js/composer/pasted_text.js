// @ts-check
/** Shows a long text that was pasted or dropped beside the text box, with its size and its beginning. Loaded with the first of them. */
import { element, smallButton } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

await loadStyleSheet("waiting").catch(() => {}); // it works without its style, too

/** @param {HTMLElement} place @param {string} text @param {() => void} remove */
export function showPasted(place, text, remove) {
  const what = t("composer.pasted", { n: text.length, text: text.trimStart().slice(0, 60).replace(/\s+/g, " ") });
  const button = smallButton("×", remove);
  button.setAttribute("aria-label", t("composer.removePasted"));
  place.replaceChildren(element("span", "", what), button);
  place.hidden = false;
}
