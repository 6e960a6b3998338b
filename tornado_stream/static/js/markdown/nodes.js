// @ts-check
/**
 * Turns HTML into the elements of the page: it is sanitised, and links, pictures, code and tables get what they need.
 * The rule: the elements load nothing and run nothing.
 */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";
import { codeFrame } from "./code.js";
import { safeImage, safeLink } from "./links.js";
import { nodesOf } from "./sanitize.js";

const ALERTS = /** @type {Record<string, string>} */ ({
  note: "markdown.note", tip: "markdown.tip", important: "markdown.important", warning: "markdown.warning", caution: "markdown.caution",
});

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
  for (const title of fragment.querySelectorAll(".alert-title")) title.textContent = t(ALERTS[title.parentElement?.classList[1] ?? ""]);
  for (const summary of fragment.querySelectorAll("summary:empty")) summary.textContent = t("markdown.details");
  for (const place of fragment.querySelectorAll(".note-ref, .note-back")) place.replaceChildren(noteLink(place));
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

/** A button that leads from a reference to its footnote, or back. @param {Element} place */
function noteLink(place) {
  const number = place.textContent ?? "";
  const [other, label] = place.className === "note-ref" ? [".note-back", "markdown.footnote"] : [".note-ref", "markdown.back"];
  const link = element("button", "note-link", number);
  Object.assign(link, { type: "button", ariaLabel: t(label, { n: number }) });
  link.addEventListener("click", () => {
    const links = /** @type {HTMLElement[]} */ ([...(link.closest(".markdown")?.querySelectorAll(`${other} > button`) ?? [])]);
    links.find(({ textContent }) => textContent === number)?.focus();
  });
  return link;
}
