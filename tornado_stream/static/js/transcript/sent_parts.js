// @ts-check
/**
 * Shows what a message of a program has beside a text: who speaks, calls of tools, pictures, other parts. The rule:
 * only a picture that is in the message itself is shown; nothing is loaded.
 *
 * @typedef {import("../answers/answer.js").Question} Question
 */
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { Fold } from "./fold.js";
import { pretty } from "./json_text.js";

/** Keys of the words for roles. @type {Record<string, string>} */
const ROLES = { system: "message.fromSystem", developer: "message.fromDeveloper", assistant: "message.fromAssistant", tool: "message.fromTool", function: "message.fromTool" };
const PICTURE = /^data:image\/(png|jpeg|gif|webp|avif);base64,/i;

/** @param {Question} message @param {HTMLElement} article @param {HTMLElement} text the element that has its text */
export function showSent(message, article, text) {
  void loadStyleSheet("parts").catch(() => {}); // the parts work without their style, too
  const { from, sent } = message;
  const extras = extrasOf(sent);
  text.hidden = !message.text && extras.length > 0;
  if (from !== "user") {
    const fold = new Fold("tool-call");
    fold.summary.textContent = speakerOf(message);
    fold.show(from === "assistant");
    if (from === "system" && !message.parent) article.setAttribute("aria-label", speakerOf(message)); // which is no message of a program
    text.before(fold.element);
    fold.element.append(text);
  }
  text.after(...extras.map(viewOf));
}

/** Who speaks. A system message that no program has sent is a summary. @param {Question} message */
export function speakerOf({ from, sent }) {
  if (from === "system" && !sent) return t("message.fromSummary");
  return Object.hasOwn(ROLES, from) ? t(ROLES[from]) : from;
}

/**
 * @typedef {{kind: "picture", url: string} | {kind: "part", label: string} | {kind: "call", name: string, text: string}} Extra
 * What a message as sent has beside its text. Pure. @param {any} sent @returns {Extra[]}
 */
export function extrasOf(sent) {
  const parts = Array.isArray(sent?.content) ? sent.content.filter((/** @type {any} */ part) => part && typeof (part.text ?? part.refusal) !== "string") : [];
  const calls = [...(Array.isArray(sent?.tool_calls) ? sent.tool_calls : []), ...(sent?.function_call ? [{ function: sent.function_call }] : [])];
  return [...parts.map(partOf), ...calls.map((/** @type {any} */ call) => ({ kind: "call", name: String(call?.function?.name ?? call?.custom?.name ?? ""), text: pretty(String(call?.function?.arguments ?? call?.custom?.input ?? "")) }))];
}

/** @param {any} part @returns {Extra} */
function partOf(part) {
  const url = String(part.image_url?.url ?? part.image_url ?? "");
  if (PICTURE.test(url)) return { kind: "picture", url };
  return { kind: "part", label: url && !url.startsWith("data:") ? url.slice(0, 200) : String(part.type ?? "") };
}

/** @param {Extra} extra */
function viewOf(extra) {
  if (extra.kind === "part") return element("p", "sent-part", t("message.part", { what: extra.label }));
  if (extra.kind === "picture") return Object.assign(element("img", "sent-picture"), { src: extra.url, alt: t("message.picture") });
  const fold = new Fold("tool-call");
  fold.summary.append(element("span", "", t("message.toolCall")), element("code", "", extra.name));
  fold.element.append(element("div", "text", extra.text));
  return fold.element;
}
