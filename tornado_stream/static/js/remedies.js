// @ts-check
/**
 * What can be done about each of the errors in docs/events.md: what to look at, in words, and what
 * the buttons are. The server's own message says what went wrong. Pure.
 *
 * @typedef {"retry" | "goOn" | "askOn" | "edit" | "fresh" | "shorter" | "model"} ActionName
 * @typedef {{name: ActionName, label: string}} Action
 * @typedef {{hint?: string, icon?: string, before?: Action}} Remedy `before`: a button before the usual ones
 */
import { t } from "./words.js";

/** @param {ActionName} name @param {string} key @returns {Action} */
const action = (name, key) => ({ name, label: t(key) });

export const RETRY = action("retry", "action.retry");
export const AGAIN = action("retry", "action.again");
export const GO_ON = action("goOn", "action.goOn");
export const ASK_ON = action("askOn", "action.askOn");
export const EDIT = action("edit", "action.edit");
export const FRESH = action("fresh", "action.fresh");
export const SHORTER = action("shorter", "action.shorter");
const MODEL = action("model", "action.model");

/** @type {Remedy} */
const SLOW = { hint: "next.slow", icon: "clock" };
/** @type {Remedy} */
const BROKEN = { icon: "plug" };
/** @type {Remedy} */
const THEIRS = { hint: "next.theirs" };

/** @type {Record<string, Remedy>} */
const REMEDIES = {
  connect_failed: { hint: "next.reach", icon: "plug" },
  connect_timeout: { hint: "next.reach", icon: "plug" },
  tls_failed: { hint: "next.url", icon: "plug" },
  not_an_api: { hint: "next.url", icon: "plug" },
  first_byte_timeout: SLOW,
  idle_timeout: SLOW,
  answer_timeout: SLOW,
  connection_closed: BROKEN,
  connection_reset: BROKEN,
  malformed_response: BROKEN,
  auth: { hint: "end.auth", icon: "key" },
  quota: { hint: "next.quota", icon: "key" },
  rate_limit: { hint: "next.wait", icon: "clock" },
  model_not_found: { hint: "next.model", before: MODEL },
  context_length: { icon: "ruler" },
  answer_too_long: { icon: "ruler" },
  line_too_long: { icon: "ruler" },
  bad_request: { hint: "next.change", before: EDIT },
  upstream_5xx: THEIRS,
  upstream_error: THEIRS,
  local_model_failed: { before: MODEL },
  server_error: { hint: "next.log" },
};

/** @param {any} error of an answer's end @returns {Remedy} */
export function remedyFor(error) {
  const remedy = REMEDIES[error.code] ?? {};
  const said = error.code === "auth" && String(error.message).includes("OPENAI_API_KEY");
  return { ...remedy, hint: said || !remedy.hint ? "" : t(remedy.hint) };
}
