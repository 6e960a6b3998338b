// @ts-check
/** Turns HTML into nodes. The rule: this is the only place that does, and DOMPurify removes everything that is not allowed. */
import "../../vendor/dompurify-3.4.18/purify.min.js";

/** What DOMPurify leaves. */
let allowed = {
  ALLOWED_TAGS: "p br em strong del code pre h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td a span div input".split(" "),
  ALLOWED_ATTR: ["href", "title", "start", "align", "class", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i, // DOMPurify checks every attribute for this, except:
  ADD_URI_SAFE_ATTR: ["start", "align", "type"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true,
};

/** The nodes of HTML, after DOMPurify. @param {string} html @returns {DocumentFragment} */
export function nodesOf(html) {
  return /** @type {any} */ (globalThis).DOMPurify.sanitize(html, allowed);
}

/** Let DOMPurify leave these elements and attributes, too. @param {string[]} tags @param {string[]} attributes */
export function allow(tags, attributes) {
  // Another object, because DOMPurify reads the same one only once.
  allowed = { ...allowed, ALLOWED_TAGS: [...allowed.ALLOWED_TAGS, ...tags], ALLOWED_ATTR: [...allowed.ALLOWED_ATTR, ...attributes] };
}
