// @ts-check
/**
 * What the user can do with a message. The rule: one table defines the buttons of the toolbar below each message and
 * the buttons beside the line that says how an answer ended.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../conversation/branches.js").Message} Message
 * @typedef {{message: Message, element: HTMLElement, tools: HTMLElement, text?: HTMLElement}} View a message on the page; `tools`: the element for its toolbar
 *
 * @typedef {object} Page the parts of the page that actions use
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("../conversation/commands.js").Commands} commands
 * @property {Map<Message, View>} views of the messages that are shown
 * @property {{versions: {show: (view: View, step: 1 | -1) => void} | null} | null} toolbars
 * @property {MessageCallbacks} callbacks
 *
 * @typedef {object} MessageCallbacks
 * @property {() => void} questionSent a request was sent from a message
 * @property {() => void} keepPosition do not scroll to the end now
 * @property {(text: string) => void} say
 * @property {(text: string) => void} startAnew begin a new conversation with this question
 * @property {(request?: {button: HTMLElement, label: string, selected: () => string | undefined, choose: (id: string) => void}) => void} pickModel
 *
 * @typedef {object} MessageAction
 * @property {string} label key of its text in the language files
 * @property {string} [icon] for the toolbar
 * @property {(message: Message) => unknown} [appliesTo] whether a message's toolbar has it; absent: only outcomes offer it
 * @property {boolean} [sendsRequest] it sends a request, so it is not possible while an answer is being written
 * @property {boolean} [opens] it opens a list first, and sends its request after a choice
 * @property {(view: View, page: Page, button: HTMLElement) => void} run
 */
import { sourceOf } from "../answers/answer.js";
import { canContinue } from "../answers/outcome.js";
import { questionOf } from "../conversation/tree.js";
import { copyText } from "../page/clipboard.js";
import { holdKeys } from "../page/shortcuts.js";
import { t, withWords } from "../page/words.js";

/** By name, in the order of the toolbar. @type {Record<string, MessageAction>} */
export const ACTIONS = {
  previous: { label: "action.previous", icon: "previous", run: (view, { toolbars }) => toolbars?.versions?.show(view, -1) },
  next: { label: "action.next", icon: "next", run: (view, { toolbars }) => toolbars?.versions?.show(view, 1) },
  copy: { label: "action.copy", icon: "copy", appliesTo: (message) => (isQuestion(message) || hasEnded(message)) && sourceOf(message).trim(), run: copy },
  edit: { label: "action.edit", icon: "edit", appliesTo: canEdit, run: edit },
  editQuestion: { label: "action.editQuestion", run: edit },
  retry: { label: "action.retry", sendsRequest: true, run: retry },
  again: { label: "action.again", icon: "retry", sendsRequest: true, appliesTo: (message) => hasEnded(message) && message.id, run: retry },
  with: { label: "action.with", icon: "swap", sendsRequest: true, opens: true, appliesTo: (message) => hasEnded(message) && message.id, run: retryWith },
  continue: {
    label: "action.continue",
    icon: "continue",
    sendsRequest: true,
    appliesTo: (message) => !isQuestion(message) && canContinue(answerOf(message)),
    run: ({ message }, { commands }) => commands.continueAnswer(answerOf(message)),
  },
  goOn: { label: "action.continue", sendsRequest: true, run: ({ message }, { commands }) => commands.decide(answerOf(message)) },
  askToContinue: { label: "action.askToContinue", sendsRequest: true, run: (_, { commands }) => commands.send(t("message.continue")) },
  shorter: { label: "action.shorter", sendsRequest: true, run: (_, { commands }) => commands.retryShorter() },
  fresh: { label: "action.fresh", run: ({ message }, { callbacks }) => callbacks.startAnew(questionOf(message).text) },
  withoutPictures: { label: "action.withoutPictures", sendsRequest: true, run: ({ message }, { commands }) => commands.retry(answerOf(message), { pictures: false }) },
  model: { label: "action.model", run: (_, { callbacks }) => callbacks.pickModel() },
  details: { label: "action.details", icon: "details", appliesTo: (message) => hasEnded(message) && message.id, run: details },
};

/** The names of the actions in a message's toolbar. @param {Message} message @param {string[]} offered names of the actions that its outcome offers: they are left out */
export function toolbarOf(message, offered) {
  const runs = offered.map((name) => ACTIONS[name].run);
  return Object.keys(ACTIONS).filter((name) => ACTIONS[name].appliesTo?.(message) && !runs.includes(ACTIONS[name].run));
}

/** Perform an action. @param {string} name @param {View} view @param {Page} page @param {HTMLElement} button gets the focus back if the user gives up */
export function perform(name, view, page, button) {
  ACTIONS[name].run(view, page, button);
  if (ACTIONS[name].sendsRequest && !ACTIONS[name].opens) page.callbacks.questionSent();
}

/** @param {Message} message */
function isQuestion({ role }) {
  return role === "user";
}

/** Whether another question can take the place of a message. What a program sent between a question and its answer is not edited. @param {Message} message */
function canEdit(message) {
  const { parent } = message;
  return message.role === "user" && message.from === "user" && !(parent?.role === "user" && parent.from === "user");
}

/** @param {Message} message */
const hasEnded = (message) => message.role === "assistant" && message.state !== "running";

/** For the actions that only answers have. @param {Message} message */
const answerOf = (message) => /** @type {Answer} */ (message);

/** @param {View} view @param {Page} page */
function retry({ message }, { commands }) {
  commands.retry(answerOf(message));
}

/** @param {View} view @param {Page} page @param {HTMLElement} button */
function retryWith({ message }, { commands, callbacks }, button) {
  const choose = (/** @type {string} */ model) => (commands.retry(answerOf(message), { model }), callbacks.questionSent());
  callbacks.pickModel({ button, label: t("action.with"), selected: () => answerOf(message).model ?? undefined, choose });
}

/** The text of a message, with the pages that it refers to as in the file of a conversation (`.txt`). @param {Message} message */
export function copiedText(message) {
  const sources = message.role === "assistant" ? message.sources : [];
  const lines = sources.map(({ url, title }, i) => `[${i + 1}] ${title ? `${title}: ` : ""}${url}`);
  return sourceOf(message) + (lines.length ? `\n\n${lines.join("\n")}` : "");
}

/** @param {View} view @param {Page} page @param {HTMLElement} button */
async function copy({ message }, { callbacks }, button) {
  const done = await copyText(copiedText(message));
  callbacks.say(done ? t("copied") : t("action.notCopied"));
  if (!done) return;
  const { icon } = await import("../page/icons.js"); // its toolbar has loaded it
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), 2000);
}

/** @param {View} view @param {Page} page @param {HTMLElement} button */
function details({ message, tools }, { conversation, callbacks }, button) {
  withWords(import("./details.js")).then(
    ({ toggleDetails }) => toggleDetails(answerOf(message), conversation.messages, tools, button),
    () => callbacks.say(t("list.noServer")),
  );
}

/** Let the user edit a question, or the question of an answer, in its place. @param {View} view @param {Page} page @param {HTMLElement} button */
function edit({ message }, page, button) {
  const question = questionOf(message);
  const view = canEdit(question) ? page.views.get(question) : null;
  if (view?.text) void holdKeys(withWords(import("./question_editor.js")).then(({ edit }) => edit(question, view, page, button), () => page.callbacks.say(t("list.noServer"))));
}
