// @ts-check
/**
 * What the tabs of this browser tell each other; where they cannot, they ask the server soon enough.
 *
 * @typedef {{type: "started" | "ended" | "changed" | "deleted", conversation_id: string, generation_id?: string}} News
 */
export class Tabs {
  /** @type {BroadcastChannel | null} */
  #channel = null;

  constructor() {
    try {
      this.#channel = new BroadcastChannel("tornado-stream");
    } catch {
      // there is none, or not for this page
    }
  }

  /** @param {News} news */
  tell(news) {
    this.#channel?.postMessage(news);
  }

  /** @param {(news: News) => void} hear */
  listen(hear) {
    if (this.#channel) this.#channel.onmessage = ({ data }) => hear(data);
  }
}
