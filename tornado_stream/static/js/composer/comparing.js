// @ts-check
/** Comparing models: their choice, how many requests a question makes, and what screen readers are told. Loaded when it is first used. */
import { loadTroubles, outcomeOf } from "../answers/outcome.js";
import { Comparison } from "../conversation/comparison.js";
import { byId, element } from "../page/dom.js";
import { inRow, t } from "../page/words.js";
import { Columns } from "../transcript/columns.js";

/** @typedef {import("../answers/answer.js").Answer} Answer */

/** Milliseconds between two announcements, so that none takes the place of another before it is heard. */
const PAUSE = 1000;

export class Comparing {
  #model = byId("model");
  #names = element("span", "model-name compare-names");
  #count = element("button", "quiet compare-count");
  /** @type {string[]} */
  #sentences = [];
  #timer = 0;

  /**
   * @param {{bar: import("./composer_bar.js").ComposerBar, commands: import("../conversation/commands.js").Commands, conversation: import("../conversation/conversation.js").Conversation, preferences: import("./preferences.js").Preferences, transcript: import("../transcript/transcript.js").Transcript, composer: {focus: () => void}, storage: import("../page/storage.js").Storage, say: (text: string) => void}} page
   */
  constructor(page) {
    this.page = page;
    const { bar, commands, conversation, transcript, storage } = page;
    this.comparison = new Comparison(conversation, commands, storage);
    transcript.columns = new Columns(transcript, { stop: (answer) => void commands.stop([answer]), goOn: (answer) => this.#goOn(answer) });
    bar.comparing = this;
    this.#names.dir = "auto";
    byId("model-name").after(this.#names);
    this.#count.type = "button";
    this.#count.setAttribute("aria-haspopup", "dialog");
    this.#count.addEventListener("click", () => this.pick());
    byId("send").before(this.#count);
    for (const event of ["path", "answer"]) conversation.addEventListener(event, () => this.#show());
    this.comparison.addEventListener("change", () => this.#show());
    conversation.addEventListener("answer", (event) => void this.#announce(/** @type {CustomEvent} */ (event).detail));
    this.#show();
    conversation.dispatchEvent(new Event("path")); // the transcript shows what was compared before
  }

  /** How many models can be ticked. */
  get most() {
    return Number(this.#model.dataset.beside);
  }

  /** What the list of models is opened for while several are ticked; null: for one. @returns {import("./model_picker.js").Request | null} */
  get request() {
    return this.comparison.models.length ? this.#request : null;
  }

  get #request() {
    const { comparison } = this;
    return {
      button: this.#model,
      label: t("compare.pick"),
      selected: () => undefined,
      ticked: () => comparison.models,
      note: () => t("compare.note", { most: this.most }),
      choose: (/** @type {string} */ id) => this.#tick(id),
    };
  }

  /** Let the user tick models. The chosen one is ticked at first. */
  pick() {
    const { preferences, bar } = this.page;
    if (!this.comparison.models.length && preferences.model) this.comparison.choose([preferences.model.id]);
    bar.openModels(this.#request);
  }

  /** @param {string} id */
  #tick(id) {
    const { models } = this.comparison;
    if (!models.includes(id) && models.length >= this.most) return this.page.say(t("compare.most", { n: this.most }));
    this.comparison.choose(models.includes(id) ? models.filter((one) => one !== id) : [...models, id]);
    this.page.say(t("compare.ticked", { n: this.comparison.models.length }));
  }

  #show() {
    const { comparison } = this;
    const { models, isReady } = comparison;
    const names = isReady ? inRow(models.map((id) => id.slice(id.lastIndexOf("/") + 1)), ", ") : "";
    this.#names.textContent = names;
    this.#names.title = inRow(models, ", ");
    this.#model.toggleAttribute("data-comparing", isReady);
    this.#count.textContent = t("compare.requests", { n: models.length });
    this.#count.hidden = !isReady || !this.page.conversation.free;
  }

  /** @param {Answer} answer */
  #goOn(answer) {
    const model = String(answer.model ?? answer.request.model);
    this.page.preferences.choose(model);
    this.comparison.goOn(answer);
    this.page.composer.focus();
    this.#say(t("compare.goneOn", { model }));
  }

  /** Two sentences for each answer: it has begun, and how it ended. @param {import("../conversation/conversation.js").AnswerDetail} detail */
  async #announce({ answer, what }) {
    if (!["start", "end", "failed"].includes(what) || !this.comparison.has(answer)) return;
    const model = String(answer.model ?? answer.request.model);
    if (what === "start") return this.#say(t("compare.began", { model }));
    if (outcomeOf(answer).pending) await loadTroubles();
    const { title, tone } = outcomeOf(answer);
    this.#say(answer.state === "done" && tone === "quiet" ? t("compare.ended", { model }) : t("compare.endedAs", { model, how: title || t("end.stopped") }));
  }

  /** Say a sentence when those before it were said. @param {string} text */
  #say(text) {
    this.#sentences.push(text);
    if (this.#timer) return;
    const next = () => {
      const sentence = this.#sentences.shift();
      this.#timer = sentence ? window.setTimeout(next, PAUSE) : 0;
      if (sentence) this.page.say(sentence);
    };
    next();
  }
}
