// @ts-check
/** What the user can do about an upstream's error: a hint, an icon, and a button before the usual ones. (The server's message says what went wrong.) Pure. */
import { t } from "../page/words.js";

/** By the codes in docs/events.md. @type {Record<string, [hint: string, icon?: string, before?: "editQuestion" | "model"]>} */
const REMEDIES = {
  auth: ["end.auth", "key"],
  quota: ["next.quota", "key"],
  rate_limit: ["next.wait", "clock"],
  connect_failed: ["next.reach", "plug"],
  connect_timeout: ["next.reach", "plug"],
  tls_failed: ["next.url", "plug"],
  not_an_api: ["next.url", "plug"],
  first_byte_timeout: ["next.slow", "clock"],
  idle_timeout: ["next.slow", "clock"],
  answer_timeout: ["next.slow", "clock"],
  connection_closed: ["", "plug"],
  connection_reset: ["", "plug"],
  upstream_cut_off: ["", "plug"],
  answer_too_long: ["", "ruler"],
  line_too_long: ["", "ruler"],
  model_not_found: ["next.model", "", "model"],
  local_model_failed: ["", "", "model"],
  bad_request: ["next.change", "", "editQuestion"],
  upstream_5xx: ["next.theirs"],
  upstream_error: ["next.theirs"],
  server_error: ["next.log"],
};

/** The remedy for an error; its hint may be empty. @param {any} error of an `end` event */
export function remedyFor({ code }) {
  const [hint, icon, before] = REMEDIES[code] ?? [""];
  return { hint: hint && t(hint), icon, before };
}
