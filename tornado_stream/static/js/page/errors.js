// @ts-check
/** What the page says about an error: words of its own for each code of this server, and the server's text. Loaded with the first error. */
import { Refused } from "./api.js";
import { hasWords, t } from "./words.js";

/** What an error means; empty if its code is not known. The codes are those of docs/http-api.md and docs/events.md. @param {string} code */
export const meaningOf = (code) => (hasWords(`error.${code}`) ? t(`error.${code}`) : "");

/** What an error means, and what the server says about it. @param {string} code @param {string} message of the server */
export const errorText = (code, message) => [meaningOf(code), message && t("list.said", { why: message })].filter(Boolean).join(" ") || code;

/** What is shown of an outcome: a text, and the server's text below it if that is not the text itself. @param {{tone: string, title: string, text: string, code?: string}} outcome @returns {[text: string, detail: string]} */
export function explained({ tone, title, text, code }) {
  const meaning = code ? meaningOf(code) : "";
  if (tone === "busy") return [`${text} ${meaning}`.trim(), ""];
  return meaning && meaning !== title ? [meaning, text] : [text, ""];
}

/** The message for the user when a request has failed. @param {unknown} error */
export const failureText = (error) => (error instanceof Refused ? t("list.failed", { why: errorText(error.code, error.message) }) : t("list.noServer"));

/** Why a question is held: the state of the answer before it, or an error. @param {{reason: string, message: string}} held */
export const heldText = ({ reason, message }) => (hasWords(`held.${reason}`) ? t(`held.${reason}`) : `${t("waiting.held")} ${errorText(reason, message)}`);
