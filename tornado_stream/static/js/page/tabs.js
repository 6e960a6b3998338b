// @ts-check
import { base } from "./base.js";

/**
 * Messages among the tabs of this browser. Without them a tab learns of changes a few seconds later, from the server.
 *
 * @typedef {{type: "started" | "ended" | "changed" | "deleted", conversation_id: string, generation_id?: string, ids?: string[], changes?: object}} News
 */
export class Tabs {
  /** @type {BroadcastChannel | null} */
  #channel = null;

  constructor() {
    try {
      this.#channel = new BroadcastChannel(`tornado-stream${base}`);
    } catch {
      // The browser has no channel, or forbids it to this page.
    }
  }

  /** Tell all other tabs. @param {News} news */
  tell(news) {
    this.#channel?.postMessage(news);
  }

  /** @param {(news: News) => void} listener */
  listen(listener) {
    if (this.#channel) this.#channel.onmessage = ({ data }) => listener(data);
  }
}
