// @ts-check
/**
 * Where a model's links and pictures lead: to the web or a mailbox and nowhere else, only when
 * clicked, without telling where from; and the reader sees where. Pictures are never loaded.
 */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

const SCHEMES = ["http:", "https:", "mailto:"];
/** A text that readers take for an address. */
const ADDRESS = /^\s*(?:[a-z][\w+.-]*:\/\/|(?:[^\s/@.]+\.)+[^\s/@.\d]{2,}(?:[/?#:]|\s*$))/iu;
/** Of a picture's address this much is shown; it may hold a whole picture. */
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

/** @param {HTMLAnchorElement} link as DOMPurify left it, with the address that was written as its title */
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

/** What leads nowhere is text, and its address can be read. @param {HTMLElement} link @param {string} address */
function refuse(link, address) {
  const text = element("span", "no-link");
  text.append(...link.childNodes);
  if (text.textContent !== address) text.append(where(address));
  link.replaceWith(text);
}

/** Does the text look like another address, or the host like another host? @param {string} text @param {URL} target */
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

/** Put its words and its address in a picture's place. @param {HTMLElement} image */
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
