// @ts-check
/**
 * An answer shown again at the pace at which it was written. The rule: its log is read once, and each of its events has
 * the time when it came. Nothing is asked of a model, and the answer itself does not change.
 */
import { AnswerConnection, isStream } from "../answers/answer_connection.js";
import { applyEvent, newAnswer } from "../answers/answer.js";
import { newQuestion } from "../conversation/tree.js";
import { MarkdownView } from "../markdown/markdown_view.js";
import { Api } from "../page/api.js";
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** How many times faster than it was written. */
const PACES = [1, 4, 16];
/** Milliseconds of silence after which reading the log is given up. */
const SILENCE = 20_000;

/** The buttons that replay an answer, and the place where it is shown. @param {string} id of its generation @returns {HTMLElement} */
export function replayOf(id) {
  const box = element("div", "replay");
  /** @type {Promise<import("../answers/answer_connection.js").LogEvent[]> | null} */
  let log = null;
  let current = new AbortController();
  const start = async (/** @type {number} */ pace) => {
    current.abort();
    const { signal } = (current = new AbortController());
    box.querySelector(".replay-shown")?.remove();
    const shown = element("div", "replay-shown");
    box.append(shown);
    try {
      await play(await (log ??= readLog(id)), pace, shown, signal);
    } catch {
      log = null;
      if (!signal.aborted) shown.textContent = t("list.noServer");
    }
  };
  const bar = element("p", "replay-bar");
  bar.append(element("span", "", t("details.replay")));
  for (const pace of PACES) {
    const button = element("button", "button small", `×${pace}`);
    button.setAttribute("type", "button");
    button.setAttribute("aria-label", `${t("details.replay")} ×${pace}`);
    button.addEventListener("click", () => void start(pace));
    bar.append(button);
  }
  box.append(bar);
  return box;
}

/** All events of an answer that has ended. @param {string} id */
async function readLog(id) {
  /** @type {import("../answers/answer_connection.js").LogEvent[]} */
  const events = [];
  const connection = new AnswerConnection(SILENCE);
  const response = await new Api().read(id, 0, false, connection.signal);
  try {
    if (!isStream(response)) throw new Error("no log");
    await connection.read(response, (event) => events.push(event));
  } finally {
    connection.close();
  }
  return events;
}

/** @param {import("../answers/answer_connection.js").LogEvent[]} events @param {number} pace @param {HTMLElement} shown @param {AbortSignal} signal */
async function play(events, pace, shown, signal) {
  const thoughts = shown.appendChild(element("p", "replay-thoughts"));
  thoughts.dir = "auto";
  const text = new MarkdownView(shown.appendChild(element("div", "markdown")));
  const answer = newAnswer(newQuestion(null, ""), { request_id: "" });
  const began = performance.now();
  let next = 0;
  while (next < events.length) {
    const now = (performance.now() - began) * pace;
    const first = next;
    while (next < events.length && (events[next].data.t ?? 0) <= now) {
      applyEvent(answer, events[next].type, events[next].data);
      next += 1;
    }
    if (next > first) {
      thoughts.textContent = answer.reasoning.join("");
      text.show(answer.content);
    }
    if (next === events.length) break;
    await new Promise((resolve) => setTimeout(resolve, Math.max(16, ((events[next].data.t ?? 0) - now) / pace)));
    if (signal.aborted || !shown.isConnected) return;
  }
  shown.dataset.ended = "true";
}
