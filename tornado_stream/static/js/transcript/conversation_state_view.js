// @ts-check
/** What the page shows in the place of a conversation that is loading, missing or deleted. */
import { byId } from "../page/dom.js";
import { t } from "../page/words.js";

/** Milliseconds of loading, after which the page says that it loads. */
const PATIENCE = 400;

export class ConversationStateView {
  #element = byId("place");
  #title = byId("place-title");
  #why = byId("place-why");
  #link = byId("place-new");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("../conversation/conversation.js").Conversation} conversation @param {() => void} startAnew */
  constructor(conversation, startAnew) {
    this.conversation = conversation;
    this.#link.addEventListener("click", (/** @type {Event} */ event) => {
      event.preventDefault();
      startAnew();
    });
    conversation.addEventListener("path", () => this.#show());
  }

  #show() {
    const { state } = this.conversation;
    clearTimeout(this.#timer);
    const shown = { ready: "", loading: "", unreachable: t("place.unreachable"), missing: t("place.missing"), deleted: t("place.deleted") }[state];
    if (state === "loading") this.#timer = setTimeout(() => this.#say(t("place.loading")), PATIENCE);
    this.#say(shown);
    this.#why.textContent = state === "missing" ? t("place.missingWhy") : state === "deleted" ? t("place.deletedWhy") : "";
    this.#link.hidden = state !== "missing" && state !== "deleted";
  }

  /** @param {string} text */
  #say(text) {
    this.#title.textContent = text;
    this.#element.hidden = !text;
  }
}
