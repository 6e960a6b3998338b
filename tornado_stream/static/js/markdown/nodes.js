// @ts-check
/**
 * HTML to nodes, the only way there is: through DOMPurify, which knows what may be there, then
 * links, pictures, code and tables are made ours. Nothing that comes from here loads or runs.
 */
import "../../vendor/dompurify-3.4.18/purify.min.js";
import { t } from "../page/words.js";
import { codeFrame } from "./code.js";
import { safeImage, safeLink } from "./links.js";

const ALLOWED = {
  ALLOWED_TAGS: "p br em strong del code pre h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td a span div input".split(" "),
  ALLOWED_ATTR: ["href", "title", "start", "align", "class", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i, // of every attribute but those that hold no address:
  ADD_URI_SAFE_ATTR: ["start", "align", "type"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true,
};

/** @param {string} html @returns {DocumentFragment} */
export function nodesOf(html) {
  return /** @type {any} */ (globalThis).DOMPurify.sanitize(html, ALLOWED);
}

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
