// @ts-check
/**
 * Makes the links and pictures of a model's text safe. The rule: a link leads only to http, https or mailto addresses,
 * sends no referrer, and cannot hide its address. A picture is never loaded; it becomes a link.
 */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

const SCHEMES = ["http:", "https:", "mailto:"];
/** A text that a reader takes for an address. */
const ADDRESS = /^\s*(?:[a-z][\w+.-]*:\/\/|(?:[^\s/@.]+\.)+[^\s/@.\d]{2,}(?:[/?#:]|\s*$))/iu;
/** The most characters of an address that are shown. A `data:` address may contain a whole picture. */
const SHOWN = 80;

/** @param {string} address @returns {URL | null} */
function targetOf(address) {
  try {
    const url = new URL(address);
    return SCHEMES.includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Make a link safe, or replace it by text. @param {HTMLAnchorElement} link after DOMPurify; its title is the address that the model wrote */
export function safeLink(link) {
  const written = link.title;
  const target = targetOf(link.getAttribute("href") ?? "");
  if (!target) return refuse(link, written);
  link.title = target.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.referrerPolicy = "no-referrer";
  if (misleads(link.textContent ?? "", target)) link.append(where(target.host || target.pathname));
}

/** Replace a link by its text, and show its address. @param {HTMLElement} link @param {string} address */
function refuse(link, address) {
  const text = element("span", "no-link");
  text.append(...link.childNodes);
  if (text.textContent !== address) text.append(where(address));
  link.replaceWith(text);
}

/** Whether the text looks like another address, or the host name may look like another one. @param {string} text @param {URL} target */
function misleads(text, target) {
  if (target.host.includes("xn--") || target.username || /[\u202a-\u202e\u2066-\u2069]/.test(text)) return true;
  if (!ADDRESS.test(text)) return false;
  const trimmed = text.trim();
  const named = targetOf(/^[a-z][\w+.-]*:/i.test(trimmed) && !/^[^/]*:\d/.test(trimmed) ? trimmed : `https://${trimmed}`);
  return bare(named?.host) !== bare(target.host);
}

/** @param {string} [host] */
const bare = (host = "") => host.replace(/^www\./, "");

/** @param {string} address */
function where(address) {
  const text = address.length > SHOWN ? `${address.slice(0, SHOWN)}…` : address;
  const shown = element("bdi", "where", ` (${text})`);
  shown.dir = "ltr";
  return shown;
}

/** Replace a picture by a link with its description and its address. @param {HTMLElement} image */
export function safeImage(image) {
  const address = image.title;
  image.prepend(element("span", "image-kind", `${t("markdown.image")} `));
  const target = targetOf(address);
  if (!target || image.closest("a")) return void image.append(where(address));
  const link = element("a", "image");
  link.href = target.href;
  link.title = address;
  link.append(...image.childNodes, where(target.host + target.pathname + target.search));
  image.replaceWith(link);
}
