// @ts-check
/**
 * Begins conversations with a preset, and temporary chats. A note above the composer says what holds for the conversation.
 *
 * @typedef {object} Page
 * @property {import("../page/api.js").Api} api
 * @property {import("../page/storage.js").Storage} tabStorage
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("./models.js").Models} models
 * @property {import("./preferences.js").Preferences} preferences
 * @property {import("../conversation/instructions.js").Instructions} instructions
 * @property {import("./composer.js").Composer} composer
 * @property {{close: () => void}} sidebar
 * @property {(text: string) => void} say
 */
import { filesOf, temporaryRequests } from "../conversation/temporary.js";
import { element, smallButton } from "../page/dom.js";
import { deleteFile } from "../page/files_api.js";
import { t } from "../page/words.js";

/** In the storage of the tab: it has a temporary chat, which a reload ends. */
const TEMPORARY = "tornado-stream:temporary";

export class NewChat {
  #note = element("section", "mode-note");
  #text = element("p");
  #end = smallButton("", () => this.#ended());
  #button = /** @type {HTMLElement} */ (document.getElementById("temporary"));
  #isGone = false;
  /** Id of the answer that is being written in a temporary chat. */
  #running = "";
  /** Ids of the files of the temporary chat, which the server has for as long as it lasts. @type {Set<string>} */
  #files = new Set();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    const { conversation, preferences, composer } = page;
    this.#note.hidden = true;
    this.#note.ariaLabel = t("mode.label");
    this.#text.setAttribute("role", "status");
    this.#note.append(this.#text, this.#end);
    composer.parts.form.before(this.#note);
    conversation.addEventListener("switched", () => this.#left());
    conversation.addEventListener("path", () => this.#update());
    preferences.addEventListener("change", () => this.#update());
    conversation.addEventListener("answer", () => this.#follow());
    addEventListener("pagehide", () => this.#leave());
    addEventListener("beforeunload", (event) => this.#hasMessages && event.preventDefault()); // the browser asks whether to leave
    this.#update();
  }

  /** Begin a conversation with a copy of a preset; in an empty temporary chat, this chat. @param {import("../page/presets_api.js").Preset} preset */
  begin(preset) {
    const { conversation, preferences } = this.page;
    this.#anew(conversation.newest ? null : conversation.temporary);
    preferences.setOwn(preset.model, preset);
    this.page.say(t("mode.begins", { name: preset.name }));
  }

  /** Begin a temporary chat, or end an empty one. */
  toggleTemporary() {
    const { conversation, instructions } = this.page;
    if (conversation.temporary) return this.#anew(null);
    this.#anew(temporaryRequests(() => instructions.text));
    this.page.say(t("mode.temporary"));
  }

  /** Say that a temporary chat is gone. */
  sayGone() {
    this.page.tabStorage.remove(TEMPORARY);
    this.#isGone = true;
    this.#update();
  }

  /** Begin a new conversation with what is in the composer. @param {import("../conversation/conversation.js").Conversation["temporary"]} temporary */
  #anew(temporary) {
    const { conversation, composer, sidebar } = this.page;
    const { text } = composer;
    const moves = !conversation.id;
    if (moves) composer.clear(); // or the draft of the new conversation would keep it
    conversation.clear(temporary);
    if (moves && text) composer.fill(text);
    sidebar.close();
    composer.focus();
  }

  #follow() {
    const { temporary, live } = this.page.conversation;
    if (!temporary) return; // the chat has been left, and `switched` follows
    this.#running = live?.request.request_id ?? "";
    for (const message of this.page.conversation.path) for (const file of filesOf(message)) if (!file.shared) this.#files.add(file.id);
  }

  /** Stop the answer, because nobody will read it. */
  #stop() {
    if (this.#running) this.page.api.stop(this.#running, AbortSignal.timeout(9000)).catch(() => {});
    this.#running = "";
  }

  /** The temporary chat has ended: nothing of it stays. */
  #leave() {
    this.#follow();
    this.#stop();
    for (const id of this.#files) void deleteFile(this.page.api, id).catch(() => {}); // the server deletes it after a day
    this.#files.clear();
  }

  /** Another conversation is open. */
  #left() {
    this.#leave();
    if (this.page.tabStorage.get(TEMPORARY)) this.sayGone();
    else this.#isGone = false;
  }

  #ended() {
    const { conversation } = this.page;
    this.#isGone = false;
    if (this.#preset) this.#anew(conversation.temporary);
    else if (conversation.temporary) this.#anew(null);
    this.#update();
    this.page.composer.focus();
  }

  /** A temporary chat has begun, which the end of the page would end. */
  get #hasMessages() {
    const { temporary, newest } = this.page.conversation;
    return !!temporary && !!newest;
  }

  /** The name of the preset that the conversation is about to begin with. */
  get #preset() {
    const { conversation, preferences } = this.page;
    return conversation.newest ? "" : preferences.begins?.name;
  }

  #update() {
    const { conversation, tabStorage } = this.page;
    const { temporary } = conversation;
    this.#follow();
    if (this.#hasMessages) tabStorage.set(TEMPORARY, "1");
    const name = this.#preset;
    const says = [temporary ? t("mode.temporary") : this.#isGone ? t("mode.gone") : "", name ? t("mode.begins", { name }) : ""].filter(Boolean);
    const text = says.join(" ");
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#note.hidden = !text;
    this.#end.textContent = t(name ? "mode.without" : temporary ? "mode.end" : "mode.close");
    document.body.toggleAttribute("data-temporary", !!temporary);
    this.#button.setAttribute("aria-pressed", String(!!temporary));
  }
}
