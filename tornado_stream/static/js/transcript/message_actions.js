// @ts-check
/**
 * What the buttons below a message do. Loaded when first needed.
 *
 * @typedef {import("./message_view.js").View} View
 * @typedef {import("./transcript.js").Transcript} Transcript
 */
import { sourceOf } from "../answers/answer.js";
import { copyText } from "../page/clipboard.js";
import { icon } from "../page/icons.js";
import { t } from "../page/words.js";
import { toggleDetails } from "./details.js";
import { edit } from "./question_editor.js";

/** Milliseconds that a button says that it has copied. */
const COPIED = 2000;

/** @param {string} name @param {View} view @param {HTMLButtonElement} button @param {Transcript} transcript */
export function press(name, view, button, transcript) {
  const { conversation, turns, acts } = transcript;
  const { message } = view;
  if (name === "copy") void copy(view, button, acts.say);
  else if (name === "edit") editQuestion(view, transcript);
  else if (name === "details") toggleDetails(/** @type {import("../answers/answer.js").Answer} */ (message), conversation.messages, view.tools, button);
  else if (name === "previous" || name === "next") turn(name, view, transcript);
  else {
    turns[/** @type {"retry" | "goOn"} */ (name)](/** @type {import("../answers/answer.js").Answer} */ (message));
    acts.asked();
  }
}

/** @param {View} view @param {Transcript} transcript @param {HTMLElement | null} [back] has the focus when it is given up; absent: the button for it */
export function editQuestion(view, transcript, back) {
  const { conversation, turns, acts } = transcript;
  const { message, element, text } = view;
  if (message.role !== "user" || !text || element.dataset.editing) return;
  element.dataset.editing = "true";
  const save = (/** @type {string} */ words) => {
    const { free } = conversation;
    if (free) turns.edit(message, words);
    else acts.say(t("edit.busy"));
    return free;
  };
  edit(text, save, (saved) => {
    delete element.dataset.editing;
    if (saved) acts.asked();
    else (back ?? buttonOf(view, "edit"))?.focus();
  });
}

/** @param {View} view @param {string} name @returns {HTMLButtonElement | null} */
const buttonOf = (view, name) => view.tools.querySelector(`[data-act="${name}"]`);

/** @param {View} view @param {HTMLElement} button @param {(text: string) => void} say */
async function copy({ message }, button, say) {
  const done = await copyText(sourceOf(message));
  say(done ? t("copied") : t("tool.notCopied"));
  if (!done) return;
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), COPIED);
}

/** Show the version before or after this one, in its place on the screen. @param {"previous" | "next"} way @param {View} view @param {Transcript} transcript */
function turn(way, { message, tools }, transcript) {
  const versions = transcript.conversation.branches.siblings(message);
  const at = versions.indexOf(message) + (way === "next" ? 1 : -1);
  if (!versions[at]) return;
  const top = tools.getBoundingClientRect().top;
  transcript.acts.stay();
  transcript.conversation.choose(versions[at]);
  const view = transcript.views.get(versions[at]);
  if (!view) return;
  transcript.toolbars?.show(view);
  transcript.scroller.scrollTop += view.tools.getBoundingClientRect().top - top;
  const [button, other] = [buttonOf(view, way), buttonOf(view, way === "next" ? "previous" : "next")];
  (button?.disabled ? other : button)?.focus({ preventScroll: true });
  transcript.acts.say(t("tool.version", { n: at + 1, of: versions.length }));
}
