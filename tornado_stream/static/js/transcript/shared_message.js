// @ts-check
/** One message of a shared branch. Its elements are those that the server writes without scripts (templates/shared.html). */
import { hasText } from "../answers/answer.js";
import { storedAnswer } from "../answers/stored_answer.js";
import { MarkdownView } from "../markdown/markdown_view.js";
import { element, whenNeeded } from "../page/dom.js";
import { t } from "../page/words.js";

/** What most answers do not have. */
const loadParts = whenNeeded(() => import("./answer_parts.js"));

/** How an answer ended that did not simply end well, by its state. @type {Record<string, () => string>} */
const ENDINGS = {
  stopped: () => t("end.stopped"),
  error: () => t("end.errorLate"),
  cut_off: () => t("end.cutOff"),
  interrupted: () => t("end.interrupted"),
};

export class SharedMessage {
  element = element("article", "shared-message");
  #text = element("div", "shared-text");
  #ending = element("p", "shared-note is-warning");
  #markdown = new MarkdownView(element("div", "shared-text markdown"));
  /** @type {import("./answer_parts.js").AnswerParts | null} */
  #parts = null;

  /** @param {string} address path of the link @param {any} raw a message of its JSON */
  constructor(address, raw) {
    const asked = raw.role === "user";
    this.address = address;
    this.id = raw.id;
    this.answer = asked ? null : storedAnswer(raw);
    this.element.classList.toggle("is-question", asked);
    const heading = element("h2", "", asked ? t("message.you") : t("message.answer"));
    if (raw.model) heading.append(" ", element("bdi", "shared-model", raw.model));
    this.element.append(heading);
    if (asked && raw.files.length) this.element.append(filesOf(address, raw.files));
    this.element.append(asked ? this.#text : this.#markdown.element, this.#ending);
    this.#text.dir = "auto";
    this.#text.textContent = raw.content;
    this.#note(raw);
    this.show();
  }

  /** The message was read again. @param {any} raw */
  update(raw) {
    this.#note(raw);
    if (!this.answer || (this.answer.state !== "running" && this.answer.state === raw.state)) return;
    Object.assign(this.answer, storedAnswer(raw), { parent: this.answer.parent });
    this.show();
  }

  /** Show the answer as it is now. */
  show = () => {
    const { answer } = this;
    if (!answer) return;
    answer.parent ??= /** @type {any} */ ({ id: null }); // which the event `start` names
    const { content, toolCalls } = answer;
    this.#markdown.show(hasText(content) ? content : [], 0, toolCalls[0]?.at); // behind a call its own view shows the text
    if (answer.state !== "running") this.#markdown.finish();
    this.#ending.textContent = ENDINGS[answer.state]?.() ?? "";
    if (this.#parts) this.#parts.show(null);
    else if (answer.reasoning.length || answer.refusal.length || answer.toolCalls.length || answer.sources.length || answer.images.length) void this.#showParts(answer);
  };

  /** @param {import("../answers/answer.js").Answer} answer */
  async #showParts(answer) {
    const module = await loadParts();
    const fileAddress = (/** @type {string} */ id) => fileOf(this.address, id);
    if (module) this.#parts ??= new module.AnswerParts(answer, this.#markdown.element, fileAddress);
    this.#parts?.show(null);
  }

  /** Where the rest of the answer comes from. @param {any} raw */
  #note(raw) {
    this.generationId = raw.generation_id;
    this.lastEventId = raw.last_event_id ?? 0;
  }
}

/** Where a file of the branch is. @param {string} address @param {string} id */
const fileOf = (address, id) => `${address}/files/${id}`;

/** @param {string} address @param {any[]} files */
function filesOf(address, files) {
  const list = element("ul", "shared-files");
  list.ariaLabel = t("files.ofQuestion");
  for (const { id, name, kind } of files) {
    const item = element("li");
    const link = Object.assign(element("a"), { href: fileOf(address, id), rel: "noopener", dir: "auto" });
    if (kind === "image") link.append(Object.assign(element("img"), { src: link.href, alt: name || t("files.one"), loading: "lazy" }));
    else link.textContent = name || t("files.one");
    item.append(link);
    list.append(item);
  }
  return list;
}
