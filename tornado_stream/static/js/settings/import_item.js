// @ts-check
/** One import: its upload, its growing numbers, how it has ended. The rule: an import of which nothing came is never shown as a success. */
import { Refused } from "../page/api.js";
import { button, element } from "../page/dom.js";
import { failureText, meaningOf } from "../page/errors.js";
import { readImport, stopImport, uploadImport } from "../page/settings_api.js";
import { inRow, language, t } from "../page/words.js";
import { statusLine } from "./rows.js";

/** @typedef {import("../page/settings_api.js").Import} Import */

/** Milliseconds between two looks, and between two tries to reach the server. */
const LOOK = 500;
const RETRY = 3000;
/** Conversations and files that could not be imported which are listed. */
const MOST_LISTED = 100;
/** Why a conversation could not be imported, by the words of docs/import.md; why a file could not is said as of an upload. @type {Record<string, string>} */
const REASONS = {
  damaged: "importWhy.damaged",
  damaged_archive: "importWhy.damagedArchive",
  empty: "importWhy.empty",
  encrypted: "importWhy.encrypted",
  failed: "importWhy.failed",
  full: "importWhy.full",
  no_conversations: "importWhy.noConversations",
  not_known: "importWhy.notKnown",
  not_saved: "importWhy.notSaved",
  too_large: "importWhy.tooLarge",
};

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class ImportItem {
  element = element("li", "import");
  #bar = element("progress");
  #counts = element("p", "panel-hint");
  #status = statusLine();
  #stop = button(t("settings.importStop"), () => void this.#end(), "small");
  #upload = new AbortController();
  /** @type {string | null} */
  #id = null;
  #told = 0;

  /** @param {import("../page/api.js").Api} api @param {string} name @param {() => void} changed called when conversations have been added */
  constructor(api, name, changed) {
    this.api = api;
    this.changed = changed;
    this.#bar.setAttribute("aria-label", name);
    this.#status.tabIndex = -1;
    this.#stop.setAttribute("aria-label", `${t("settings.importStop")}: ${name}`);
    const line = element("div", "setting-line");
    line.append(this.#bar, this.#stop);
    const title = element("strong", "import-name", name);
    title.dir = "auto";
    this.element.append(title, line, this.#counts, this.#status);
  }

  /** Upload a file, and show its import until that has ended. @param {File} file @param {(id: string) => void} began */
  async upload(file, began) {
    try {
      const about = await uploadImport(this.api, file, this.#upload.signal, (part) => this.#showUpload(part));
      began(about.id);
      await this.follow(about);
    } catch (error) {
      this.#close(this.#upload.signal.aborted ? t("settings.importStopped") : failureText(error));
    }
  }

  /** Show an import until it has ended. @param {Import} about */
  async follow(about) {
    this.#id = about.id;
    this.#bar.removeAttribute("value");
    for (let now = about; ; now = await this.#next(now)) {
      this.#counts.textContent = counts(now) || t("settings.importReading");
      if (now.imported && (!this.#told || now.state !== "reading")) this.#tell(now.imported);
      if (now.state !== "reading") return this.#showEnd(now);
    }
  }

  /** The same import a little later. @param {Import} before @returns {Promise<Import>} */
  async #next(before) {
    await wait(LOOK);
    try {
      return await readImport(this.api, before.id);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return { ...before, state: "stopped" };
      await wait(RETRY); // the server goes on with it, also after a restart
      return before;
    }
  }

  /** @param {number} part from 0 to 1 */
  #showUpload(part) {
    this.#bar.value = part;
    this.#counts.textContent = t("settings.importUploading", { percent: part.toLocaleString(language, { style: "percent" }) });
  }

  /** @param {number} imported */
  #tell(imported) {
    if (imported !== this.#told) this.changed();
    this.#told = imported;
  }

  /** @param {Import} about */
  #showEnd(about) {
    const why = REASONS[about.why] ? t(REASONS[about.why]) : "";
    this.#counts.textContent = "";
    this.#close([verdict(about), why].filter(Boolean).join(" "), about.state === "done" ? "" : "bad");
    if (about.left_out) this.element.append(element("p", "panel-hint", t("settings.importLeftOut", { n: about.left_out })));
    if (about.skipped.length) this.element.append(skippedList(about));
  }

  /** @param {string} text @param {string} [kind] */
  #close(text, kind = "bad") {
    const hadFocus = this.#stop === document.activeElement;
    this.#bar.parentElement?.remove();
    this.#counts.textContent = "";
    this.#status.classList.toggle("import-bad", kind === "bad");
    this.#status.textContent = text;
    if (hadFocus) this.#status.focus(); // the pressed button is gone
  }

  async #end() {
    if (this.#id === null) return this.#upload.abort();
    await stopImport(this.api, this.#id).catch((error) => (this.#status.textContent = failureText(error)));
  }
}

/** @param {Import} about */
const counts = (about) =>
  inRow([
    about.imported && t("settings.importImported", { n: about.imported }),
    about.known && t("settings.importKnown", { n: about.known }),
    about.presets && t("settings.importPresets", { n: about.presets }),
    about.skipped_count && t("settings.importSkipped", { n: about.skipped_count }),
  ]);

/** How an import has ended, in a sentence and numbers. @param {Import} about */
function verdict(about) {
  const isNew = about.imported || about.presets;
  if (about.state === "stopped") return inRow([t("settings.importStopped"), counts(about)]);
  if (about.state === "failed") return isNew || about.known ? inRow([t("settings.importBroken"), counts(about)]) : t("settings.importNothing");
  return isNew ? counts(about) : inRow([t("settings.importNoNews"), counts(about)]);
}

/** What could not be imported, each with its title and the reason. @param {Import} about */
function skippedList(about) {
  const details = element("details", "import-skipped");
  const list = element("ul");
  for (const { title, why } of about.skipped.slice(0, MOST_LISTED)) {
    const item = element("li");
    const name = element("bdi", "", title || t("settings.importUntitled"));
    item.append(name, `: ${REASONS[why] ? t(REASONS[why]) : meaningOf(why) || why}`);
    list.append(item);
  }
  const more = about.skipped_count - list.children.length;
  details.append(element("summary", "", t("settings.importWhich", { n: about.skipped_count })), list, ...(more > 0 ? [element("p", "panel-hint", t("settings.importMore", { n: more }))] : []));
  return details;
}
