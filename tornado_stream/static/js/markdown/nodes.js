// @ts-check
/**
 * Turns HTML into the elements of the page: it is sanitised, and links, pictures, code and tables get what they need.
 * The rule: the elements load nothing and run nothing.
 */
import { t } from "../page/words.js";
import { codeFrame } from "./code.js";
import { safeImage, safeLink } from "./links.js";
import { nodesOf } from "./sanitize.js";

/** Functions that give the elements of a fragment what they need. extras.js adds its own. @type {((fragment: DocumentFragment) => void)[]} */
export const finishers = [];

/** The elements of the blocks, in order. @param {string} html as html.js makes it @returns {HTMLElement[]} */
export function blocksOf(html) {
  const fragment = nodesOf(html);
  for (const pre of fragment.querySelectorAll("pre")) {
    const code = /** @type {HTMLElement} */ (pre.firstElementChild);
    pre.replaceWith(codeFrame(code, code.className.replace("language-", "")));
  }
  for (const image of fragment.querySelectorAll("span.image")) safeImage(/** @type {HTMLElement} */ (image));
  for (const link of fragment.querySelectorAll("a")) safeLink(link);
  for (const box of fragment.querySelectorAll("input")) box.setAttribute("aria-label", t(box.checked ? "markdown.done" : "markdown.open"));
  for (const table of /** @type {NodeListOf<HTMLElement>} */ (fragment.querySelectorAll("div.table"))) makeScrollable(table);
  if (fragment.querySelector(".table, .image, .task")) void import("./wide.js").catch(() => {});
  finishers.forEach((finish) => finish(fragment));
  const blocks = /** @type {HTMLElement[]} */ ([...fragment.children]);
  for (const block of blocks) if (!block.classList.contains("code")) block.dir = "auto";
  return blocks;
}

/** A table that is wider than the page scrolls by itself; with a tabIndex also by keyboard. @param {HTMLElement} table */
function makeScrollable(table) {
  table.tabIndex = 0;
  table.setAttribute("role", "group");
  table.setAttribute("aria-label", t("markdown.table"));
}
