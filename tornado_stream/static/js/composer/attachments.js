// @ts-check
/**
 * The files that belong to the next question: chips below the text, with what becomes of each. The rule: a file is on the server
 * before the question is sent, and its id is kept with the draft. So a reload loses none that had arrived. Loaded with the first file.
 *
 * @typedef {import("../answers/answer.js").AttachedFile} AttachedFile
 * @typedef {import("./file_chip.js").Shown & {id?: string, isOwn?: boolean, stop?: () => void, chip: FileChip}} Item `isOwn`: no message has the same file
 */
import { element } from "../page/dom.js";
import { isFinal, Refused } from "../page/api.js";
import { meaningOf } from "../page/errors.js";
import { deleteFile, sendFile, unusedFiles } from "../page/files_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { readJson, writeJson } from "../page/storage.js";
import { t } from "../page/words.js";
import { FileChip } from "./file_chip.js";
import { shrunk } from "./shrink_picture.js";

await loadStyleSheet("files").catch(() => {}); // it works without its style, too

const PREFIX = "tornado-stream:files:";
/** Milliseconds until the server is asked again what has become of a document. */
const AGAIN = 700;
/** Files that are sent at the same time. */
const AT_ONCE = 2;

export class Attachments {
  /** @type {Item[]} */
  #items = [];
  /** @type {string} of the draft that is shown; empty: it is not stored */
  #key = "";
  #asking = false;
  #isTemporary = false;
  #list = element("ul", "files");
  #warning = element("p", "files-warning");
  #original = Object.assign(element("input"), { type: "checkbox" });
  #option = element("label", "files-original");

  /**
   * @param {HTMLElement} place @param {{most: number, largest: number}} limits of a question and of a file, in bytes
   * @param {import("../page/api.js").Api} api @param {import("../page/storage.js").Storage} storage @param {import("../conversation/conversation.js").Conversation} conversation
   * @param {import("./preferences.js").Preferences} preferences @param {{say: (text: string) => void, focus: () => void, changed: () => void}} callbacks `changed`: there are others, or what becomes of one has changed
   */
  constructor(place, limits, api, storage, conversation, preferences, callbacks) {
    this.place = place;
    this.limits = limits;
    this.api = api;
    this.storage = storage;
    this.conversation = conversation;
    this.preferences = preferences;
    this.callbacks = callbacks;
    this.#list.ariaLabel = t("files.label");
    this.#warning.setAttribute("role", "status");
    this.#option.append(this.#original, t("files.original"));
    this.#original.addEventListener("change", () => this.#sendPicturesAgain());
    place.replaceChildren(this.#list, this.#option, this.#warning);
    conversation.addEventListener("switched", (event) => this.#switched(/** @type {CustomEvent} */ (event).detail.adopted));
    preferences.addEventListener("change", () => this.#show());
    addEventListener("pagehide", () => this.#isTemporary && (this.#forget(), this.#changed())); // a browser may bring the page back
    this.#restore();
  }

  /** The files of the question, as its view shows them. @returns {AttachedFile[]} */
  get files() {
    return this.#items.flatMap(({ file, state }) => (file && state === "ready" ? [file] : []));
  }

  /** Why the question cannot be sent with these files now; empty: it can. */
  get obstacle() {
    if (!this.#items.length) return "";
    if (this.#items.some(({ state }) => state === "failed")) return t("files.failed");
    if (this.#items.some(({ state }) => state !== "ready")) return t("files.busy");
    return this.#blind ? t("files.blind", { model: this.#blind }) : "";
  }

  /** @param {File[]} sources */
  add(sources) {
    const room = this.limits.most - this.#items.length;
    if (sources.length > room) this.callbacks.say(t("files.tooMany", { n: this.limits.most }));
    for (const source of sources.slice(0, Math.max(0, room))) this.#items.push(this.#item({ state: "preparing", source }));
    this.#changed();
    this.#next();
  }

  /** The question was sent with these files: they belong to it now. @param {AttachedFile[]} files */
  sent(files) {
    this.#items = this.#items.filter(({ id }) => !files.some((file) => file.id === id));
    this.#changed();
  }

  /** The question that had these files was taken back: they belong to the next one. @param {AttachedFile[]} files */
  putBack(files) {
    const others = files.filter(({ id }) => this.#items.every((item) => item.id !== id));
    this.#items.push(...others.map((file) => this.#item({ id: file.id, file })));
    this.#changed();
  }

  /** @param {Partial<Item>} what @returns {Item} */
  #item(what) {
    const chip = new FileChip({ remove: () => this.#remove(item), again: () => this.#again(item) });
    const item = /** @type {Item} */ ({ state: "ready", part: 0, why: "", ...what, chip });
    return item;
  }

  /** Send the next files that wait. */
  #next() {
    const sending = this.#items.filter(({ state }) => state === "sending").length;
    const waiting = this.#items.filter(({ state }) => state === "preparing");
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - sending))) void this.#send(item);
  }

  /** @param {Item} item */
  async #send(item) {
    const { source } = item;
    if (!source) return;
    item.state = "sending";
    const bytes = this.#original.checked ? source : await shrunk(source);
    if (!this.#items.includes(item)) return;
    if (bytes.size > this.limits.largest) return this.#fail(item, t("files.tooLarge", { size: Math.floor(this.limits.largest / 2 ** 20) }), false);
    const sent = sendFile(bytes, bytes.name, (part) => ((item.part = part), item.chip.show(item)));
    item.stop = sent.stop;
    item.chip.show(item);
    try {
      const { file, isNew } = await sent.done;
      item.isOwn = isNew;
      this.#arrived(item, isNew ? file : { ...file, shared: true });
    } catch (error) {
      if (item.state === "sending" && this.#items.includes(item)) this.#fail(item, error instanceof Refused ? meaningOf(error.code) || error.message : t("files.lost"), !(error instanceof Refused && isFinal(error.status)));
    }
    this.#next();
  }

  /** The server has a file. @param {Item} item @param {any} file as it tells it */
  #arrived(item, file) {
    if (!this.#items.includes(item)) return;
    const same = this.#items.find((other) => other !== item && other.file?.id === file.id);
    if (same) this.#items = this.#items.filter((one) => one !== item);
    const target = same ?? item;
    Object.assign(target, { id: file.id, file, state: file.state, why: file.detail });
    if (target.state === "failed") this.callbacks.say(t("files.notAdded", { name: file.name }));
    if (target.state === "ready") this.callbacks.say(t("files.added", { name: file.name }));
    this.#changed();
    this.#ask();
  }

  /** @param {Item} item @param {string} why @param {boolean} canRetry */
  #fail(item, why, canRetry) {
    Object.assign(item, { state: "failed", why, canRetry });
    this.callbacks.say(`${t("files.notAdded", { name: item.source?.name ?? "" })} ${why}`);
    this.#changed();
    this.#next();
  }

  /** Ask the server until all documents are read. */
  #ask() {
    if (this.#asking || !this.#items.some(({ state }) => state === "reading")) return;
    this.#asking = true;
    setTimeout(async () => {
      const files = await unusedFiles(this.api).catch(() => null);
      this.#asking = false;
      for (const item of this.#items.filter(({ state }) => state === "reading")) {
        const file = files?.find(({ id }) => id === item.id);
        if (file && file.state !== "reading") this.#arrived(item, file);
      }
      this.#ask();
    }, AGAIN);
  }

  /** @param {Item} item */
  #again(item) {
    Object.assign(item, { state: "preparing", why: "", part: 0 });
    this.#changed();
    this.#next();
  }

  /** @param {Item} item */
  #remove(item) {
    const at = this.#items.indexOf(item);
    this.#items = this.#items.filter((one) => one !== item);
    item.state = "failed";
    item.stop?.();
    this.#delete(item);
    this.#changed();
    const next = this.#items[Math.min(at, this.#items.length - 1)];
    if (next) next.chip.focus();
    else this.callbacks.focus();
    this.callbacks.say(t("files.removed"));
    this.#next();
  }

  /** Delete a file on the server, unless a message has it, too. @param {Item} item */
  #delete({ id, isOwn }) {
    if (id && isOwn) void deleteFile(this.api, id).catch(() => {}); // else the server deletes it after a day
  }

  /** The user has chosen otherwise whether pictures are sent as they are. */
  #sendPicturesAgain() {
    for (const item of this.#items.filter(({ source }) => source?.type.startsWith("image/"))) {
      item.stop?.();
      this.#delete(item);
      Object.assign(item, { id: undefined, file: undefined });
      this.#again(item);
    }
  }

  /** @param {boolean} adopted true: the new conversation has got its id */
  #switched(adopted) {
    if (!adopted) return this.#restore();
    this.storage.remove(this.#key);
    this.#key = PREFIX + (this.conversation.id ?? "");
    this.#store();
  }

  /** Show the files of the draft of the open conversation. */
  #restore() {
    for (const { stop } of this.#items) stop?.();
    if (this.#isTemporary) this.#forget();
    this.#isTemporary = !!this.conversation.temporary;
    this.#key = this.conversation.temporary ? "" : PREFIX + (this.conversation.id ?? "");
    const stored = /** @type {AttachedFile[]} */ (readJson(this.storage, this.#key) ?? []);
    this.#items = stored.map((file) => this.#item({ id: file.id, file, state: "reading" }));
    this.#show();
    if (stored.length) void this.#check(this.#items);
  }

  /** Nothing of a temporary chat stays. */
  #forget() {
    for (const item of this.#items) this.#delete(item);
    this.#items = [];
  }

  /** Look which files of a draft the server still has. @param {Item[]} items */
  async #check(items) {
    const files = await unusedFiles(this.api).catch(() => null);
    if (this.#items !== items || !files) return;
    this.#items = items.filter(({ id }) => files.some((file) => file.id === id));
    for (const item of this.#items) {
      const file = /** @type {any} */ (files.find(({ id }) => id === item.id));
      Object.assign(item, { file, isOwn: true, state: file.state, why: file.detail });
    }
    this.#changed();
    this.#ask();
  }

  #changed() {
    this.#store();
    this.#show();
    this.callbacks.changed();
  }

  #store() {
    if (!this.#key) return;
    const files = this.#items.flatMap(({ file, state }) => (file && state !== "failed" ? [file] : []));
    if (files.length) writeJson(this.storage, this.#key, files);
    else this.storage.remove(this.#key);
  }

  /** The name of the chosen model, if it cannot see the pictures; else empty. */
  get #blind() {
    const { model } = this.preferences;
    const pictures = this.#items.some(({ file }) => file?.kind === "image");
    return pictures && model?.can_known && !model.can?.includes("vision") ? model.id : "";
  }

  #show() {
    const chips = this.#items.map(({ chip }) => chip.element);
    for (const item of this.#items) item.chip.show(item);
    for (const child of [...this.#list.children]) if (!chips.includes(/** @type {HTMLLIElement} */ (child))) child.remove();
    for (const chip of chips) if (chip.parentElement !== this.#list) this.#list.append(chip);
    this.#option.hidden = !this.#items.some(({ source }) => source?.type.startsWith("image/"));
    const blind = this.#blind;
    const warning = blind ? t("files.blind", { model: blind }) : "";
    if (this.#warning.textContent !== warning) this.#warning.textContent = warning;
    this.place.hidden = !this.#items.length;
  }
}
