// @ts-check
/** What the page says about an error: words of its own for each code of this server, and the server's text. Loaded with the first error. */
import { Refused } from "./api.js";
import { hasWords, t } from "./words.js";

/** What an error means; empty if its code is not known. The codes are those of docs/http-api.md and docs/events.md. @param {string} code */
export const meaningOf = (code) => (hasWords(`error.${code}`) ? t(`error.${code}`) : "");

/** What an error means, and what the server says about it. @param {string} code @param {string} message of the server */
export const errorText = (code, message) => [meaningOf(code), message && t("list.said", { why: message })].filter(Boolean).join(" ") || code;

/** What the user can do about an upstream's error, by the codes in docs/events.md. @type {Record<string, string>} */
const HINTS = {
  auth: "next.key",
  quota: "next.quota",
  rate_limit: "next.wait",
  connect_failed: "next.reach",
  connect_timeout: "next.reach",
  tls_failed: "next.url",
  not_an_api: "next.url",
  first_byte_timeout: "next.slow",
  idle_timeout: "next.slow",
  answer_timeout: "next.slow",
  bad_request: "next.change",
  upstream_5xx: "next.theirs",
  upstream_error: "next.theirs",
  server_error: "next.log",
};

/** What is shown of an outcome: a text, the server's text below it if that is not the text itself, and a hint at what to do next. @param {{tone: string, title: string, text: string, hint: string, code?: string}} outcome @returns {[text: string, detail: string, hint: string]} */
export function explained({ tone, title, text, hint, code = "" }) {
  const meaning = meaningOf(code);
  if (tone === "busy") return [`${text} ${meaning}`.trim(), "", hint];
  const next = hint || (Object.hasOwn(HINTS, code) ? t(HINTS[code]) : "");
  return meaning && meaning !== title ? [meaning, text, next] : [text, "", next];
}

/** The message for the user when a request has failed. @param {unknown} error */
export const failureText = (error) => (error instanceof Refused ? t("list.failed", { why: errorText(error.code, error.message) }) : t("list.noServer"));

/** Why a question is held: the state of the answer before it, or an error. @param {{reason: string, message: string}} held */
export const heldText = ({ reason, message }) => (hasWords(`held.${reason}`) ? t(`held.${reason}`) : `${t("waiting.held")} ${errorText(reason, message)}`);
