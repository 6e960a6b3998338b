// @ts-check
/**
 * Shows what code draws: a diagram, an SVG picture, an HTML page. The module is loaded with the first such code, all else
 * only when a reader asks for a preview. The rule: nothing of it runs in the page. It runs in a frame of another origin,
 * which has no network (handlers/preview.py) and can only say how high it is and what failed.
 */
import { base } from "../page/base.js";
import { element, smallButton } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

const MERMAID = new URL("../../vendor/mermaid-11.17.2/mermaid.min.js", import.meta.url);
/** Milliseconds within which a diagram must be drawn. */
const PATIENCE = 20_000;
/** The least and the greatest height of a preview, in pixels. */
const HEIGHTS = [48, 640];

/** Give a block of code a button that shows its preview in place of the code, or the code again. @param {HTMLElement} frame */
export function offer(frame) {
  const button = smallButton(t("markdown.preview"), () => {
    const isNew = !frame.classList.contains("previewed");
    frame.querySelector(".preview, .preview-error")?.remove();
    showState(frame, button, isNew);
    if (isNew) new Preview(frame, button);
  });
  button.setAttribute("aria-pressed", "false");
  frame.querySelector(".language")?.after(button);
}

/** @param {HTMLElement} frame @param {HTMLElement} button @param {boolean} isShown */
function showState(frame, button, isShown) {
  frame.classList.toggle("previewed", isShown);
  button.setAttribute("aria-pressed", String(isShown));
  /** @type {HTMLElement} */ (frame.querySelector("pre")).tabIndex = isShown ? -1 : 0;
}

class Preview {
  #box = element("iframe", "preview");

  /** @param {HTMLElement} frame @param {HTMLElement} button */
  constructor(frame, button) {
    this.frame = frame;
    this.button = button;
    this.text = frame.querySelector("code")?.textContent ?? "";
    this.kind = kindOf(frame.dataset.language ?? "");
    this.#box.classList.add(this.kind);
    this.#box.setAttribute("sandbox", "allow-scripts");
    Object.assign(this.#box, { title: t("markdown.preview"), referrerPolicy: "no-referrer", src: `${base}/preview` });
    addEventListener("message", this.#hear);
    void loadStyleSheet("markdown_extras").catch(() => {}); // the preview works without its style, too
    this.frame.querySelector(".code-head")?.after(this.#box);
    if (this.kind === "mermaid") setTimeout(() => this.#box.style.height || this.#fail(`${PATIENCE / 1000} s`), PATIENCE);
  }

  /** @param {MessageEvent} event */
  #hear = ({ data, source }) => {
    if (!this.#box.isConnected) return removeEventListener("message", this.#hear);
    if (source !== this.#box.contentWindow || typeof data !== "object" || !data) return;
    if (data.ready === true) void this.#send();
    if (typeof data.error === "string") this.#fail(data.error);
    if (Number.isFinite(data.height) && this.kind !== "html") this.#box.style.height = `${Math.min(Math.max(Math.ceil(data.height), HEIGHTS[0]), HEIGHTS[1])}px`;
  };

  /** Give the frame what it shows. Only once: a page that leads elsewhere in its frame gets nothing. */
  #send = async () => {
    this.#send = async () => {};
    try {
      const library = this.kind === "mermaid" ? await read(MERMAID) : "";
      const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
      this.#box.contentWindow?.postMessage({ kind: this.kind, text: this.text, library, dark }, "*");
    } catch (error) {
      this.#fail(String(error));
    }
  };

  /** @param {string} reason */
  #fail(reason) {
    if (!this.#box.isConnected) return;
    this.#box.replaceWith(element("p", "preview-error", t("markdown.refused", { reason: reason.slice(0, 500) })));
    showState(this.frame, this.button, false);
  }
}

/** @param {string} language */
const kindOf = (language) => (language === "mermaid" || language === "svg" ? language : "html");

/** @param {URL} url */
async function read(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.text();
}
