// @ts-check
/**
 * The question that waits on the server for the end of the running answer, shown above the composer. The rule: the
 * server sends it. This page sends the same request, with the same id, only to read its answer.
 *
 * @typedef {import("../answers/answer.js").AttachedFile} AttachedFile
 * @typedef {{request_id: string, message: string, files: AttachedFile[], model: string | null, options: object, version: number, held: {reason: string, message: string} | null}} Waiting
 */
import { isUndecided, newAnswer } from "../answers/answer.js";
import { hasArrived, newQuestion } from "../conversation/tree.js";
import { conversationPath, Refused } from "../page/api.js";
import { failureText, heldText } from "../page/errors.js";
import { uuid } from "../page/ids.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";
import { fileList } from "../transcript/question_files.js";

await loadStyleSheet("waiting").catch(() => {}); // it works without its style, too

/** Milliseconds until the server is asked again what has become of the question. */
const AGAIN = 1000;

export class WaitingQuestion {
  /** @type {Waiting | null} */
  question = null;
  #text = document.createElement("p");
  /** The list of its files, if it has some. @type {HTMLElement | null} */
  #files = null;
  #why = document.createElement("p");
  #send = button("composer.send", () => this.#ask());
  /** The conversation that is being read or changed; "": none. */
  #busy = "";
  /** What was to wait when the connection was lost, and the request. @type {{what: string, body: any} | null} */
  #lost = null;

  /**
   * @param {HTMLElement} form it is shown above @param {import("../page/api.js").Api} api @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {{chosen: import("../conversation/requests.js").Chosen}} preferences @param {{fill: (text: string) => void, attachments: () => Promise<import("./attachments.js").Attachments | null>, focus: () => void, say: (text: string) => void}} callbacks `attachments` loads the part that has the files of the next question
   */
  constructor(form, api, conversation, preferences, callbacks) {
    this.api = api;
    this.conversation = conversation;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.element = document.createElement("section");
    this.element.className = "waiting-question";
    this.element.hidden = true;
    this.element.ariaLabel = t("waiting.label");
    this.#text.dir = "auto";
    this.#why.setAttribute("role", "status");
    const bar = document.createElement("div");
    bar.append(this.#send, button("waiting.edit", () => void this.#takeBack(true)), button("waiting.back", () => void this.#takeBack(false)));
    this.element.append(this.#text, this.#why, bar);
    form.before(this.element);
    conversation.addEventListener("switched", (event) => /** @type {CustomEvent} */ (event).detail.adopted || this.show(null));
    conversation.addEventListener("loaded", (event) => this.show(/** @type {CustomEvent} */ (event).detail.waiting ?? null));
    conversation.addEventListener("path", () => this.#follow());
    conversation.addEventListener("answer", (event) => /** @type {CustomEvent} */ (event).detail.what === "end" && setTimeout(() => this.#follow()));
  }

  /** @param {Waiting | null} question */
  show(question) {
    const focused = this.element.querySelector(":focus-visible"); // not after a touch, which would open the keyboard of the screen
    this.question = question;
    this.element.hidden = !question;
    if (focused && !question) this.callbacks.focus();
    this.#text.textContent = question?.message ?? "";
    this.#text.hidden = !question?.message;
    this.#files?.remove();
    this.#files = question?.files.length ? fileList(question.files, t("files.ofQuestion")) : null;
    if (this.#files) this.#text.after(this.#files);
    this.#why.textContent = question?.held ? heldText(question.held) : t("waiting.waits");
    this.#send.hidden = !question?.held;
  }

  /** Let a text wait with these files; below what waits already, if there is something. Returns whether it waits. @param {string} text @param {AttachedFile[]} added @param {string} id of the conversation where it was written */
  async put(text, added, id) {
    if (id !== this.conversation.id || this.#busy) return false; // its user has left that conversation before this module was loaded
    const old = this.question;
    const { model = null, options = {} } = this.preferences.chosen;
    const { message, files } = addedTo(old, text, added);
    const what = JSON.stringify([id, text, fileIds(added)]);
    let lost = this.#lost?.what === what ? this.#lost.body : null; // it may have arrived
    if (lost && hasArrived(this.conversation.messages, lost)) lost = null; // its user sees it, so this is another question
    const body = lost ?? { request_id: old?.request_id ?? uuid(), message, files, model, options, version: old?.version ?? null };
    return this.#change(id, async () => {
      this.#lost = { what, body };
      try {
        const question = await this.api.request("PUT", waitingPath(id), body);
        this.#lost = null;
        return question;
      } catch (error) {
        if (!(error instanceof Refused) || error.status >= 500) throw error;
        this.#lost = null;
        if (!lost || error.code !== "already_sent") throw error;
        void this.conversation.refresh();
        return null;
      }
    });
  }

  /** @param {boolean} edit whether its text and its files go back to the composer */
  async #takeBack(edit) {
    const { question, conversation } = this;
    const { id } = conversation;
    if (!question || !id || this.#busy) return;
    const { request_id, version, message, files } = question;
    const attached = edit && files.length ? await this.callbacks.attachments() : null;
    if (edit && files.length && !attached) return this.callbacks.say(t("composer.noPart")); // it goes on waiting, so no file is lost
    if (conversation.id !== id || this.#busy) return; // its user has left it, or has done something else, meanwhile
    const done = await this.#change(id, () => this.api.request("DELETE", waitingPath(id), { request_id, version }));
    if (!done || !edit) return;
    attached?.putBack(files);
    if (message) this.callbacks.fill(message);
    else this.callbacks.focus();
  }

  /** Do a change on the server, and show what waits then. Returns whether it was done. @param {string} id @param {() => Promise<Waiting | null>} change */
  async #change(id, change) {
    this.#busy = id;
    try {
      const question = await change();
      if (this.conversation.id === id) this.show(question);
      return true;
    } catch (error) {
      this.callbacks.say(failureText(error));
      if (error instanceof Refused && error.status === 409) await this.#read(id);
      return false;
    } finally {
      this.#busy = "";
      this.#follow();
    }
  }

  /** Read from the server what waits. @param {string} id */
  async #read(id) {
    const snapshot = await this.api.conversation(id, AbortSignal.timeout(20_000)).catch(() => null);
    if (snapshot && this.conversation.id === id) this.show(snapshot.waiting);
    if (snapshot && !snapshot.waiting) void this.conversation.refresh();
  }

  /** If the answer has ended, read the answer to the question, or why it is held. */
  #follow() {
    const { question, conversation } = this;
    const { id, newest, free } = conversation;
    if (!question || question.held || !free || !id || this.#busy) return;
    const last = [...conversation.messages.values()].at(-1) ?? null; // the server asks it below this answer, whatever branch is shown
    if (newest === last && (!newest || (newest.state === "done" && !isUndecided(newest)))) return this.#ask();
    this.#busy = id;
    void conversation.refresh().finally(() => {
      this.#busy = "";
      setTimeout(() => this.#follow(), AGAIN); // the server may not have asked it yet
    });
  }

  #ask() {
    const { question, conversation } = this;
    const { id, newest, free } = conversation;
    if (!question || !free) return;
    this.show(null);
    const { request_id, message, files, model, options } = question;
    const request = { request_id, message, files: fileIds(files), conversation_id: id, parent_id: newest?.id ?? undefined, model: model ?? undefined, options };
    conversation.ask(newAnswer(newQuestion(null, message, newest, files), request));
  }
}

/** A text and files below what waits already. @param {Pick<Waiting, "message" | "files"> | null} old @param {string} text @param {AttachedFile[]} files */
export const addedTo = (old, text, files) => ({
  message: [old?.message, text].filter((part) => part?.trim()).join("\n\n"),
  files: [...new Set(fileIds([...(old?.files ?? []), ...files]))], // the same file may be added again
});

/** @param {AttachedFile[]} files */
const fileIds = (files) => files.map(({ id }) => id);

/** @param {string} id of the conversation */
const waitingPath = (id) => `${conversationPath(id)}/waiting`;

/** @param {string} label key of its text @param {() => void} run */
function button(label, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = t(label);
  made.addEventListener("click", run);
  return made;
}

/**
 * The view of the page. @param {import("../page/api.js").Api} api @param {import("../conversation/conversation.js").Conversation} conversation
 * @param {import("./preferences.js").Preferences} preferences @param {import("./composer.js").Composer} composer @param {import("../transcript/announcer.js").Announcer} announcer
 */
export const waitingQuestion = (api, conversation, preferences, composer, announcer) =>
  new WaitingQuestion(composer.parts.form, api, conversation, preferences, { fill: (text) => composer.fill(text), attachments: () => composer.callbacks.attachments(), focus: () => composer.focus(), say: (text) => announcer.say(text) });
