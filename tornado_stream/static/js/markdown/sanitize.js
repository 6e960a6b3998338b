// @ts-check
/** Turns HTML into nodes. The rule: this is the only place that does, and DOMPurify removes everything that is not allowed. */
import "../../vendor/dompurify-3.4.18/purify.min.js";

const ALLOWED = {
  ALLOWED_TAGS: (
    "p br em strong del code pre h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody tr th td a span div input " +
    "b bdi cite details dfn i ins kbd mark q rp rt ruby s samp small sub summary sup u var wbr"
  ).split(" "),
  ALLOWED_ATTR: ["href", "title", "start", "align", "class", "type", "checked", "disabled", "open"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i, // DOMPurify checks every attribute for this, except:
  ADD_URI_SAFE_ATTR: ["start", "align", "type"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  KEEP_CONTENT: true,
  RETURN_DOM_FRAGMENT: true,
};

/** The nodes of HTML, after DOMPurify. @param {string} html @returns {DocumentFragment} */
export function nodesOf(html) {
  return /** @type {any} */ (globalThis).DOMPurify.sanitize(html, ALLOWED);
}
