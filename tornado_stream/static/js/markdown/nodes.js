// @ts-check
/**
 * The blocks of the page's own HTML: sanitised, then links, pictures, code and tables are made the
 * page's own. Nothing that comes from here loads or runs.
 */
import { t } from "../page/words.js";
import { codeFrame } from "./code.js";
import { safeImage, safeLink } from "./links.js";
import { nodesOf } from "./sanitize.js";

/** The blocks that an HTML of ours is of, in order. @param {string} html @returns {HTMLElement[]} */
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
  const blocks = /** @type {HTMLElement[]} */ ([...fragment.children]);
  for (const block of blocks) if (!block.classList.contains("code")) block.dir = "auto";
  return blocks;
}

/** What is wider than the page is scrolled by itself, with the keyboard too. @param {HTMLElement} table */
function makeScrollable(table) {
  table.tabIndex = 0;
  table.setAttribute("role", "group");
  table.setAttribute("aria-label", t("markdown.table"));
}
