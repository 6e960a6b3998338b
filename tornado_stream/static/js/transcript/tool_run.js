// @ts-check
/**
 * Shows what becomes of a tool call that this server runs: its state and time, its arguments in full, and its result. Loaded
 * with the first of them. The rule: a result is untrusted. Its text is text, and nothing is loaded from elsewhere.
 *
 * @typedef {import("../answers/answer.js").ToolCall} ToolCall
 * @typedef {import("../answers/calls.js").ResultFile} ResultFile
 */
import { isOpen } from "../answers/answer.js";
import { resultParts, callState } from "../answers/calls.js";
import { aboutFile } from "../answers/file_facts.js";
import { element } from "../page/dom.js";
import { fileAddress } from "../page/files_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { stopTicking, tick } from "../page/ticker.js";
import { t } from "../page/words.js";
import { readable, seen } from "./json_text.js";
import { linkOf } from "./sources_view.js";

await Promise.all([loadStyleSheet("tools"), loadStyleSheet("files")]).catch(() => {}); // they work without their style, too

/** The most characters of a result's text that are shown at first. */
const LONGEST = 20_000;

export class ToolRun {
  #server = element("bdi", "tool-server");
  #state = element("span", "tool-state");
  #result = element("div", "tool-result");
  #pictures = element("div", "tool-pictures");
  /** What is shown of the result. */
  #shown = "";
  /** @type {ToolCall | null} */
  #call = null;
  /** When the answer began, by this page's clock. */
  #startedAt = 0;

  /** @param {HTMLElement} box of the call @param {import("./fold.js").Fold} fold @param {{label: HTMLElement, arguments: import("./text_view.js").TextView}} parts */
  constructor(box, fold, { label, arguments: given }) {
    this.fold = fold;
    this.given = given;
    label.hidden = true;
    fold.summary.append(this.#server, this.#state);
    given.element.before(element("p", "tool-heading", t("tools.arguments")));
    fold.element.append(this.#result);
    box.append(this.#pictures);
  }

  /** @param {ToolCall} call @param {import("../answers/answer.js").Answer} answer */
  show(call, answer) {
    const { state, server } = call;
    this.#startedAt = answer.startedAt ?? 0;
    this.#server.textContent = server ?? "";
    if (this.#call !== call) this.given.show([argumentsOf(call)]);
    this.#call = call;
    this.fold.element.dataset.state = call.decision ? "decided" : state;
    this.fold.show(isOpen(call));
    this.#showResult(call.result);
    this.fold.element.toggleAttribute("data-error", !!call.is_error);
    this.#label();
    if (state === "running" && call.since !== undefined) tick(this.#label);
    else stopTicking(this.#label);
  }

  #label = () => {
    const label = this.#call ? callState(this.#call, Date.now() - this.#startedAt) : "";
    if (this.#state.textContent !== label) this.#state.textContent = label;
    if (!this.#state.isConnected) stopTicking(this.#label);
  };

  /** @param {any} result */
  #showResult(result) {
    const shown = JSON.stringify(result ?? null);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { text, structured, pictures, others, isShortened } = resultParts(result);
    const blocks = [
      ...(text ? [textBlockOf(text)] : []),
      ...(structured ? [...(text ? [element("p", "tool-heading", t("tools.structured"))] : []), preOf(readable(structured))] : []),
      ...others.map(lineOf),
      ...(isShortened ? [element("p", "tool-note", t("tools.shortened"))] : []),
    ];
    this.#result.replaceChildren(...(blocks.length ? [element("p", "tool-heading", t("tools.result")), ...blocks] : []));
    this.#pictures.replaceChildren(...pictures.map(pictureOf));
  }
}

/** The arguments of a call, whole. @param {ToolCall} call */
function argumentsOf(call) {
  const text = call.arguments.join("");
  return /^\s*(\{\s*\})?\s*$/.test(text) ? t("tools.noArguments") : readable(text);
}

/** A text of a result; a long one has a button that shows the rest. @param {string} text */
function textBlockOf(text) {
  const whole = isJson(text) ? readable(text) : seen(text);
  const box = preOf(whole.slice(0, LONGEST));
  if (whole.length <= LONGEST) return box;
  const more = element("button", "button small", t("message.showAll", { n: whole.length }));
  more.type = "button";
  more.addEventListener("click", () => ((box.textContent = whole), box.focus()));
  const both = element("div");
  both.append(box, more);
  more.addEventListener("click", () => more.remove());
  return both;
}

/** @param {string} text */
const isJson = (text) => /^\s*[{[]/.test(text);

/** @param {string} text */
function preOf(text) {
  const box = element("div", "text tool-text", text);
  box.dir = "auto";
  box.tabIndex = 0; // it scrolls
  return box;
}

/** @param {ResultFile} file */
function pictureOf(file) {
  const link = Object.assign(element("a", "file-link"), { href: fileAddress(file.id), target: "_blank", rel: "noopener" });
  link.append(Object.assign(element("img", "sent-picture"), { src: link.href, alt: file.name || t("message.picture"), loading: "lazy" }));
  return link;
}

/** A line for a file or a page. @param {ResultFile | {url: string, title: string}} one */
function lineOf(one) {
  const line = element("p", "tool-line");
  const isFile = "id" in one;
  const { href, label } = isFile ? { href: fileAddress(one.id), label: one.name || t("files.one") } : linkOf(one);
  const shown = element("bdi", "", label);
  if (!href) return line.append(shown), line;
  const link = Object.assign(element("a"), { href, target: "_blank", rel: "noopener noreferrer nofollow" });
  link.append(shown);
  line.append(link, ...(isFile && one.size ? [element("span", "file-about", ` ${aboutFile(/** @type {any} */ (one))}`)] : []));
  return line;
}
