// @ts-check
/**
 * What can be done with a message. One table, for the toolbar below each message and for the buttons
 * beside the way an answer ended.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../conversation/branches.js").Message} Message
 * @typedef {{message: Message, element: HTMLElement, tools: HTMLElement, text?: HTMLElement}} View a message on the page; `tools`: where its toolbar is put
 *
 * @typedef {object} Page what the actions need of the page
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("../conversation/commands.js").Commands} commands
 * @property {Map<Message, View>} views of the messages that are shown
 * @property {{showVersion: (view: View, step: 1 | -1) => void} | null} toolbars
 * @property {MessageCallbacks} callbacks
 *
 * @typedef {object} MessageCallbacks
 * @property {() => void} questionSent something was sent from a message
 * @property {() => void} keepPosition what is read is to stay where it is
 * @property {(text: string) => void} say
 * @property {(text: string) => void} startAnew begin a new conversation with this question
 * @property {() => void} pickModel
 *
 * @typedef {object} MessageAction
 * @property {string} label the key of its words
 * @property {string} [icon] for the toolbar
 * @property {(message: Message) => unknown} [appliesTo] whether the message's toolbar has it; absent: it is there only where an outcome offers it
 * @property {boolean} [sendsRequest] it sends a request, which is not possible while an answer is written
 * @property {(view: View, page: Page, button: HTMLElement) => void} run
 */
import { sourceOf } from "../answers/answer.js";
import { canContinue } from "../answers/outcome.js";
import { copyText } from "../page/clipboard.js";
import { t } from "../page/words.js";

/** In the order of the toolbar. @type {Record<string, MessageAction>} */
export const ACTIONS = {
  previous: { label: "action.previous", icon: "previous", run: (view, { toolbars }) => toolbars?.showVersion(view, -1) },
  next: { label: "action.next", icon: "next", run: (view, { toolbars }) => toolbars?.showVersion(view, 1) },
  copy: { label: "action.copy", icon: "copy", appliesTo: (message) => isQuestion(message) || (hasEnded(message) && sourceOf(message).trim()), run: copy },
  edit: { label: "action.edit", icon: "edit", appliesTo: isQuestion, run: edit },
  editQuestion: { label: "action.editQuestion", run: edit },
  retry: { label: "action.retry", sendsRequest: true, run: retry },
  again: { label: "action.again", icon: "retry", sendsRequest: true, appliesTo: (message) => hasEnded(message) && message.id, run: retry },
  continue: {
    label: "action.continue",
    icon: "continue",
    sendsRequest: true,
    appliesTo: (message) => !isQuestion(message) && canContinue(answerOf(message)),
    run: ({ message }, { commands }) => commands.continueAnswer(answerOf(message)),
  },
  askToContinue: { label: "action.askToContinue", sendsRequest: true, run: (_, { commands }) => commands.send(t("message.continue")) },
  shorter: { label: "action.shorter", sendsRequest: true, run: (_, { commands }) => commands.retryShorter() },
  fresh: { label: "action.fresh", run: ({ message }, { callbacks }) => callbacks.startAnew(answerOf(message).parent.text) },
  model: { label: "action.model", run: (_, { callbacks }) => callbacks.pickModel() },
  details: { label: "action.details", icon: "details", appliesTo: (message) => hasEnded(message) && message.id, run: details },
};

/** The names of what a message's toolbar has. @param {Message} message @param {string[]} offered what is offered beside how it ended */
export function toolbarOf(message, offered) {
  const runs = offered.map((name) => ACTIONS[name].run);
  return Object.keys(ACTIONS).filter((name) => ACTIONS[name].appliesTo?.(message) && !runs.includes(ACTIONS[name].run));
}

/** A button was pressed. @param {string} name @param {View} view @param {Page} page @param {HTMLElement} button has the focus again when the action is given up */
export function perform(name, view, page, button) {
  ACTIONS[name].run(view, page, button);
  if (ACTIONS[name].sendsRequest) page.callbacks.questionSent();
}

/** @param {Message} message */
function isQuestion({ role }) {
  return role === "user";
}

/** @param {Message} message */
const hasEnded = (message) => message.role === "assistant" && message.state !== "running";

/** The message of an action that only answers have. @param {Message} message */
const answerOf = (message) => /** @type {Answer} */ (message);

/** @param {View} view @param {Page} page */
function retry({ message }, { commands }) {
  commands.retry(answerOf(message));
}

/** @param {View} view @param {Page} page @param {HTMLElement} button */
async function copy({ message }, { callbacks }, button) {
  const done = await copyText(sourceOf(message));
  callbacks.say(done ? t("copied") : t("action.notCopied"));
  if (!done) return;
  const { icon } = await import("../page/icons.js");
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), 2000);
}

/** @param {View} view @param {Page} page @param {HTMLElement} button */
function details({ message, tools }, { conversation, callbacks }, button) {
  import("./details.js").then(
    ({ toggleDetails }) => toggleDetails(answerOf(message), conversation.messages, tools, button),
    () => callbacks.say(t("list.noServer")),
  );
}

/** Edit a question, or that of an answer, in its place. @param {View} view @param {Page} page @param {HTMLElement} button */
function edit({ message }, { views, conversation, commands, callbacks }, button) {
  const question = message.role === "user" ? message : message.parent;
  const { element, text } = views.get(question) ?? {};
  const save = (/** @type {string} */ words) => {
    const { free } = conversation;
    if (free) commands.edit(question, words);
    else callbacks.say(t("edit.busy"));
    return free;
  };
  const closed = (/** @type {boolean} */ saved) => {
    delete element?.dataset.editing;
    if (saved) callbacks.questionSent();
    else button.focus();
  };
  const open = (/** @type {typeof import("./question_editor.js")} */ editor) => {
    if (!element || !text || element.dataset.editing) return;
    element.dataset.editing = "true";
    editor.edit(text, save, closed);
  };
  import("./question_editor.js").then(open, () => callbacks.say(t("list.noServer")));
}
