// @ts-check
/**
 * One file of the next question: its picture or its name, its size, and what becomes of it. It has no state of its own.
 *
 * @typedef {"preparing" | "sending" | "reading" | "ready" | "failed"} State
 * @typedef {{state: State, part: number, why: string, canRetry?: boolean, source?: File, file?: import("../answers/answer.js").AttachedFile}} Shown `part` of it was sent, from 0 to 1; `source` is as the user gave it, until a reload
 */
import { aboutFile } from "../answers/file_facts.js";
import { element, smallButton } from "../page/dom.js";
import { fileAddress } from "../page/files_api.js";
import { t } from "../page/words.js";

/** Keys of the words for what becomes of a file. @type {Record<string, string>} */
const STATES = { preparing: "files.preparing", sending: "files.sending", reading: "files.reading" };

export class FileChip {
  element = element("li", "file");
  #picture = element("img", "file-picture");
  #name = element("span", "file-name");
  #about = element("span", "file-about");
  #bar = element("progress", "file-progress");
  #again;
  #remove;

  /** @param {{remove: () => void, again: () => void}} callbacks */
  constructor({ remove, again }) {
    this.#picture.alt = "";
    this.#name.dir = "auto";
    this.#again = smallButton(t("files.again"), again);
    this.#remove = smallButton("×", remove);
    const facts = element("span", "file-facts");
    facts.append(this.#name, this.#about, this.#bar);
    this.element.append(this.#picture, facts, this.#again, this.#remove);
  }

  focus() {
    this.#remove.focus();
  }

  /** @param {Shown} item */
  show({ file, source, state, part, why, canRetry }) {
    const name = file?.name ?? source?.name ?? "";
    this.element.dataset.state = state;
    this.#name.textContent = name;
    this.#about.textContent = state === "failed" ? why : state === "ready" && file ? aboutFile(file) : t(STATES[state] ?? "files.preparing");
    this.#about.title = this.#about.textContent;
    this.#bar.hidden = state !== "sending";
    this.#bar.value = part;
    this.#bar.ariaLabel = t("files.sending");
    this.#again.hidden = state !== "failed" || !source || !canRetry;
    this.#remove.setAttribute("aria-label", t("files.remove", { name }));
    const address = file?.kind === "image" && state === "ready" ? fileAddress(file.id) : "";
    this.#picture.hidden = !address;
    if (address && !this.#picture.src.endsWith(address)) this.#picture.src = address;
  }
}
