// @ts-check
/**
 * Lets the user edit a question in its place. The keys that send are those of the composer, and Escape cancels. Neither key
 * does anything while an input method composes a character. The module is loaded when first needed.
 */
import { element, growToText } from "../page/dom.js";
import { shortcutOf } from "../page/shortcuts.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

await loadStyleSheet("parts").catch(() => {}); // it works without its style, too

/** Whether a program sent more than text with a question. An edited question is only text. @param {import("../answers/answer.js").Question} question */
const hasOtherParts = ({ sent }) => Array.isArray(sent?.content) && sent.content.some((/** @type {any} */ part) => typeof part?.text !== "string");

/**
 * Let the user edit a question. @param {import("../answers/answer.js").Question} question @param {{element: HTMLElement, text?: HTMLElement}} view of the question
 * @param {{conversation: import("../conversation/conversation.js").Conversation, commands: import("../conversation/commands.js").Commands, callbacks: {say: (text: string) => void, questionSent: () => void}}} page
 * @param {HTMLElement} button gets the focus back if the user gives up
 */
export function edit(question, { element, text }, { conversation, commands, callbacks }, button) {
  if (!text || element.dataset.editing) return;
  const mayBeEmpty = question.files.length > 0;
  const save = (/** @type {string} */ words) => {
    const { free } = conversation;
    if (free) commands.edit(question, words);
    else callbacks.say(t("edit.busy"));
    return free;
  };
  const closed = (/** @type {boolean} */ saved) => {
    delete element.dataset.editing;
    if (saved) callbacks.questionSent();
    else button.focus();
  };
  element.dataset.editing = "true";
  showEditor(text, save, closed, t(hasOtherParts(question) ? "edit.textOnly" : "edit.hint"), mayBeEmpty);
}

/**
 * Put an editor in the place of a text. @param {HTMLElement} text
 * @param {(text: string) => boolean} save returns false if the question cannot be sent now; the editor then stays
 * @param {(saved: boolean) => void} closed is called when the text is back in its place
 * @param {string} hint what the user should know @param {boolean} mayBeEmpty it has files
 */
function showEditor(text, save, closed, hint, mayBeEmpty) {
  const form = element("form", "editor");
  const field = element("textarea");
  field.value = text.textContent ?? "";
  field.setAttribute("aria-label", t("edit.label"));
  field.rows = 1;
  const end = (/** @type {boolean} */ saved) => {
    form.replaceWith(text);
    closed(saved);
  };
  const submit = () => {
    const changed = field.value !== text.textContent;
    if (!field.value.trim() && !mayBeEmpty) field.focus();
    else if (!changed || save(field.value)) end(changed);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => growToText(field));
  form.addEventListener("keydown", (event) => {
    const name = shortcutOf(event, "composer");
    if (name === "stop") end(false);
    else if (name === "send" && event.target === field) submit();
    else return;
    event.preventDefault();
    event.stopPropagation(); // Escape has other meanings elsewhere
  });
  form.append(field, buttons(() => end(false), hint));
  text.replaceWith(form);
  growToText(field);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

/** @param {() => void} cancel @param {string} hint */
function buttons(cancel, hint) {
  const row = element("div", "editor-buttons");
  const save = element("button", "button small primary", t("edit.save"));
  const no = element("button", "button small", t("edit.cancel"));
  save.type = "submit";
  no.type = "button";
  no.addEventListener("click", cancel);
  row.append(element("p", "editor-hint", hint), no, save);
  return row;
}
