// @ts-check
/**
 * Tells the user outside of the browser that an answer has ended which the user asked for on this page and left for
 * another conversation. The rule: it asks the server only while the page is hidden and such an answer is being written.
 *
 * @typedef {Map<string, string>} Asked by the id of a conversation, that of the answer which was asked for on this page
 */
import { notifyEnd } from "../page/notification.js";

/** Milliseconds between two requests. */
const INTERVAL = 10_000;

/**
 * @param {Asked} asked the answers that have ended are taken out @param {{id: string | null}} conversation the open one: its answers are followed elsewhere
 * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").PageLifecycle} lifecycle @param {(id: string) => unknown} open opens a conversation
 */
export async function watchLeftAnswers(asked, conversation, api, lifecycle, open) {
  /** The number of the last event of each answer. @type {Map<string, string>} */
  const seen = new Map();
  while (lifecycle.hidden) {
    const left = [...asked].filter(([id]) => id !== conversation.id);
    if (!left.length) return;
    for (const [id, answer] of left) {
      const isKnown = seen.has(answer); // it was running while the page was hidden; others ended before that
      const end = await endOfAnswer(answer, seen, api);
      if (end !== "running") asked.delete(id);
      if (end && end !== "running" && isKnown && lifecycle.hidden) notifyEnd({ state: String(end.state), request: {}, end }, id, open);
    }
    await lifecycle.sleep(INTERVAL);
  }
}

/** `running`, or the data of its `end`; null: the server does not know it any more. @param {string} id @param {Map<string, string>} seen @param {import("../page/api.js").Api} api */
async function endOfAnswer(id, seen, api) {
  try {
    const response = await api.read(id, Number(seen.get(id) ?? 0), false, AbortSignal.timeout(INTERVAL));
    if (!response.ok) return response.status < 500 ? null : "running";
    const text = await response.text();
    seen.set(id, text.match(/^id: \d+$/gm)?.at(-1)?.slice(4) ?? seen.get(id) ?? "0");
    const [, data] = /^event: end\ndata: (.*)$/m.exec(text) ?? [];
    return data ? JSON.parse(data) : "running";
  } catch {
    return "running"; // the server was not reached
  }
}
