// @ts-check
/**
 * What the page shows below an answer: how it is going or how it ended, why, and what the user can do next. What it says
 * of an answer that did not simply end well is in troubles.js, which is loaded with the first of them.
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {import("./troubles.js").ActionName} ActionName
 * @typedef {import("./troubles.js").Outcome} Outcome
 */
import { whenNeeded } from "../page/dom.js";
import { inRow, seconds, t, wholeSeconds, withWords } from "../page/words.js";
import { hasText, isUndecided } from "./answer.js";

/** null: it is not loaded. @type {typeof import("./troubles.js") | null} */
let troubles = null;
/** The server could not be reached when it was needed. */
let isAway = false;

/** Load what `outcomeOf` says of answers whose outcome is pending. Never rejects. */
export const loadTroubles = whenNeeded(() => withWords(import("./troubles.js")).then((module) => (troubles = module)).finally(() => (isAway = !troubles)));

/** @param {Answer} answer @param {{canShorten?: boolean, now?: number}} [context] `canShorten`: there are older turns to leave out @returns {Outcome} */
export function outcomeOf(answer, { canShorten = false, now = Date.now() } = {}) {
  const again = /** @type {ActionName[]} */ (canContinue(answer) ? ["continue", "again"] : answer.id && hasRun(answer) ? ["goOn", "again"] : ["retry"]);
  const { state, failure } = answer;
  if (state === "running") return busyOutcome(answer, now);
  if (state === "stopped" && !isUndecided(answer)) return { ...quiet(t("end.stopped"), again[1] ? again : ["again"]), hint: hasText(answer.content) ? t("end.kept") : "" };
  if (state === "done" && isWhole(answer)) return quiet(inRow([answer.model, answer.end?.timings?.total_ms == null ? "" : seconds(answer.end.timings.total_ms)]));
  if (state === "failed" && failure?.code === "unanswered") return quiet(t("end.unanswered"), ["again"]);
  if (state === "failed" && failure?.code === "not_sent") return quiet(t("failure.notSent"), ["retry"]);
  if (troubles) return troubles.troubleOf(answer, again, canShorten, now);
  if (!isAway) return { ...quiet(""), pending: true };
  const title = state === "failed" ? t("end.notSent") : t("end.interrupted");
  return { ...quiet(failure?.message ?? answer.end?.error?.message ?? "", again), tone: "bad", title, pending: true };
}

/** Whether the server would continue this answer. @param {Answer} answer */
export const canContinue = (answer) => !!answer.id && answer.request.keep !== false && !["running", "done", "failed"].includes(answer.state) && hasText(answer.content) && !hasRun(answer);

/** Whether this server runs tools that the answer called. @param {Answer} answer */
const hasRun = ({ toolCalls }) => toolCalls.some(({ state }) => state);

/** Whether an answer is a text or a picture that ended as most do. @param {Answer} answer */
const isWhole = ({ content, images, refusal, toolCalls, end }) => (hasText(content) || images.length > 0) && !refusal.length && !toolCalls.length && (end?.finish_reason ?? "stop") === "stop";

/** @param {string} text @param {ActionName[]} [actions] @returns {Outcome} */
const quiet = (text, actions = []) => ({ tone: "quiet", icon: "", title: "", text, hint: "", actions, until: 0 });

/** @param {Answer} answer @param {number} now */
function busyOutcome(answer, now) {
  const until = answer.waiting?.code === "waiting" && answer.startedAt !== null ? answer.startedAt + answer.waiting.t + 1000 * answer.waiting.seconds : 0;
  const left = until && until - now;
  const text = busyLine(answer, left);
  const code = answer.waiting && text === waitingLine(answer.waiting, left) ? String(answer.waiting.reason ?? "") : "";
  return { ...quiet(text), tone: "busy", code, until: until > now ? until : 0 };
}

/** @param {Answer} answer @param {number} left milliseconds until the server tries again; 0: not known */
function busyLine(answer, left) {
  if (answer.stopping) return t("busy.stopping");
  if (answer.waitReason?.kind === "network") return answer.waitReason.line;
  if (answer.link === "lost") return answer.id ? t("busy.reconnecting") : t("busy.unreachable");
  if (answer.waiting?.code === "model_loading") return t("busy.loading");
  if (answer.waiting) return waitingLine(answer.waiting, left);
  if (answer.waitReason) return answer.waitReason.line;
  if (answer.toolCalls.some(({ state }) => state === "running")) return t("busy.tool");
  if (answer.content.length || answer.refusal.length || answer.toolCalls.length) return t("busy.writing");
  return answer.reasoning.length ? t("busy.thinking") : t("busy.first");
}

/** @param {any} notice data of a `waiting` notice @param {number} left */
function waitingLine({ seconds: wait, attempt }, left) {
  const until = wholeSeconds(left || 1000 * Math.round(Number(wait) || 0));
  return t("busy.waiting", { seconds: until, attempt: String(attempt ?? "") });
}
