// @ts-check
/**
 * The parts that most answers do not have: reasoning, a refusal, tool calls, notes. The module is loaded when an
 * answer has one of them for the first time.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 */
import { element } from "../page/dom.js";
import { icon } from "../page/icons.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, language, t, withWords } from "../page/words.js";
import { ReasoningView } from "./reasoning_view.js";
import { SourcesView } from "./sources_view.js";
import { TextView } from "./text_view.js";
import { ToolCallsView } from "./tool_calls_view.js";

await loadStyleSheet("parts").catch(() => {}); // the parts work without their style, too

/** Why a picture can be missing: the codes of the notice `image_not_kept`. */
const WHY_LOST = /** @type {Record<string, () => string>} */ ({
  picture_damaged: () => t("message.imageDamaged"),
  file_type: () => t("message.imageType"),
  file_too_large: () => t("message.imageTooLarge"),
  too_many_files: () => t("message.imagesTooMany"),
  files_full: () => t("message.imageNoRoom"),
  not_saved: () => t("message.imageNotSaved"),
});

export class AnswerParts {
  #reasoning;
  #refusal = new TextView(element("div", "text"));
  #refusalBox = element("div", "refusal");
  #tools = new ToolCallsView();
  #sources = new SourcesView();
  #images = element("div");
  #imagesShown = 0;
  #notes = element("div", "asides");

  /** @param {Answer} answer @param {HTMLElement} content the element with the answer's text: reasoning goes before it, all else after it @param {(id: string) => string} [fileAddress] where its pictures are, if not with the user's files */
  constructor(answer, content, fileAddress) {
    this.answer = answer;
    this.fileAddress = fileAddress;
    this.#reasoning = new ReasoningView(answer);
    const title = element("p", "", t("message.refused"));
    title.prepend(icon("shield"));
    this.#refusalBox.append(title, this.#refusal.element);
    content.before(this.#reasoning.element);
    content.after(this.#images, this.#refusalBox, this.#tools.element, this.#sources.element, this.#notes);
  }

  /** @param {import("./approval.js").Decide | null} decide null: nothing can be decided now */
  show(decide) {
    const { answer } = this;
    this.#reasoning.show();
    this.#refusal.show(answer.refusal);
    this.#refusalBox.hidden = !answer.refusal.length;
    this.#tools.show(answer, decide);
    this.#sources.show(answer.sources);
    if (answer.images.length !== this.#imagesShown) void this.#showImages(answer.images);
    this.#showNotes();
  }

  /** @param {import("../answers/answer.js").AttachedFile[]} images */
  async #showImages(images) {
    this.#imagesShown = images.length;
    const loaded = await withWords(import("./question_files.js")).catch(() => null);
    if (!loaded) this.#imagesShown = 0; // the next change tries again
    else if (this.#imagesShown === images.length) this.#images.replaceChildren(...(images.length ? [loaded.fileList(images, t("files.ofAnswer"), this.fileAddress)] : []));
  }

  #showNotes() {
    const { trimmed, shortened, imagesLost, refused, without, low, unsaved } = this.answer;
    const lines = [
      trimmed ? t("message.trimmed", { n: trimmed }) : "",
      ...shortened.map(({ name, pages }) => (pages ? t("message.pagesSent", { n: pages, name }) : t("message.beginningSent", { name }))),
      ...imagesLost.map((reason) => (WHY_LOST[reason] ?? WHY_LOST.not_saved)()),
      refused.length ? t("message.optionRefused", { names: inRow(refused, ", ") }) : "",
      ...without.map(({ server, message }) => t("tools.without", { server, why: message })),
      low ? t("budget.low", { left: leftOf(low) }) : "",
      unsaved ? t("message.unsaved") : "",
    ].filter(Boolean);
    if (lines.join("\n") === [...this.#notes.children].map((line) => line.textContent).join("\n")) return;
    this.#notes.replaceChildren(...lines.map((line) => element("p", "", line)));
  }
}

/** What is left of a budget, as a text. @param {{left: number, currency: string | null}} low */
const leftOf = ({ left, currency }) => (currency ? `${left.toLocaleString(language, { maximumFractionDigits: left < 0.1 ? 4 : 2 })} ${currency}` : t("budget.tokens", { n: left }));
