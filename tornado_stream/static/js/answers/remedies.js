// @ts-check
/** What stands beside an upstream's error: an icon, and a button before the usual ones. (What the error means, and what to do about it, is said in words by page/errors.js.) Pure. */

/** By the codes in docs/events.md. @type {Record<string, [icon: string, before?: "editQuestion" | "model" | "withoutPictures"]>} */
const REMEDIES = {
  auth: ["key"],
  quota: ["key"],
  rate_limit: ["clock"],
  connect_failed: ["plug"],
  connect_timeout: ["plug"],
  tls_failed: ["plug"],
  not_an_api: ["plug"],
  first_byte_timeout: ["clock"],
  idle_timeout: ["clock"],
  answer_timeout: ["clock"],
  connection_closed: ["plug"],
  connection_reset: ["plug"],
  upstream_cut_off: ["plug"],
  answer_too_long: ["ruler"],
  line_too_long: ["ruler"],
  model_not_found: ["", "model"],
  images_refused: ["", "withoutPictures"],
  no_vision: ["", "withoutPictures"],
  local_model_failed: ["", "model"],
  bad_request: ["", "editQuestion"],
};

/** The remedy for an error; its icon may be empty. @param {any} error of an `end` event */
export function remedyFor({ code }) {
  const [icon, before] = Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : [""];
  return { icon, before };
}
