// @ts-check
/**
 * What to tell the reader about an answer: one line, why, and what can be done next. Pure.
 *
 * @typedef {"retry" | "goOn" | "fresh" | "shorter"} ActionName
 * @typedef {object} Outcome
 * @property {"busy" | "quiet" | "warn" | "bad"} tone
 * @property {string} title the state, for the tones that raise their voice
 * @property {string} text
 * @property {string} hint
 * @property {{name: ActionName, label: string}[]} actions
 */
import { hasText } from "./answer.js";
import { seconds, t } from "./words.js";

const RETRY = { name: /** @type {const} */ ("retry"), label: t("action.retry") };
const GO_ON = { name: /** @type {const} */ ("goOn"), label: t("action.goOn") };
const AGAIN = { name: /** @type {const} */ ("retry"), label: t("action.again") };
const FRESH = { name: /** @type {const} */ ("fresh"), label: t("action.fresh") };
const SHORTER = { name: /** @type {const} */ ("shorter"), label: t("action.shorter") };

/** @param {import("./answer.js").Answer} answer @param {{canShorten?: boolean}} [context] @returns {Outcome} */
export function outcomeOf(answer, { canShorten = false } = {}) {
  const end = answer.end ?? {};
  const again = answer.id && hasText(answer.content) ? [GO_ON, AGAIN] : [RETRY];
  const error = end.error ?? {};
  const message = String(error.message ?? "");
  switch (answer.state) {
    case "running":
      return outcome("busy", "", busyLine(answer));
    case "failed":
      return notSent(answer);
    case "done":
      return done(answer, end);
    case "stopped":
      return outcome("quiet", "", t("end.stopped"), "", again[1] ? again : [AGAIN]);
    case "error":
      return failed(answer, error, message, canShorten, again);
    case "cut_off":
      return outcome("warn", t("end.cutOff"), message, hintFor(error), again);
    case "interrupted":
      return outcome("warn", t("end.interrupted"), interruption(answer, message), "", again);
    default: // a state that this page does not know is not a finished answer
      return outcome("warn", t("end.other", { state: answer.state }), message, "", again);
  }
}

/** @param {Outcome["tone"]} tone @param {string} title @param {string} text @param {string} hint @param {Outcome["actions"]} actions @returns {Outcome} */
const outcome = (tone, title, text, hint = "", actions = []) => ({ tone, title, text, hint, actions });

/** @param {import("./answer.js").Answer} answer */
function busyLine(answer) {
  if (answer.stopping) return t("busy.stopping");
  if (answer.leg?.kind === "network") return answer.leg.line;
  if (answer.link === "lost") return answer.id ? t("busy.reconnecting") : t("busy.unreachable");
  if (answer.waiting?.code === "model_loading") return t("busy.loading");
  if (answer.waiting) return waitingLine(answer.waiting);
  if (answer.leg) return answer.leg.line;
  if (answer.content.length || answer.refusal.length || answer.toolCalls.length) return t("busy.writing");
  return answer.reasoning.length ? t("busy.thinking") : t("busy.first");
}

/** @param {any} notice `waiting` */
function waitingLine({ seconds: wait, reason, attempt }) {
  const until = seconds(1000 * Math.max(1, Math.round(Number(wait) || 0)));
  return t("busy.waiting", { seconds: until, reason: String(reason ?? "").replaceAll("_", " "), attempt: String(attempt ?? "") });
}

/** @param {import("./answer.js").Answer} answer @param {any} end */
function done(answer, end) {
  const reason = end.finish_reason;
  const { content, refusal, toolCalls, reasoning } = answer;
  if (!hasText(content) && !hasText(refusal) && !toolCalls.length) {
    const why = reason === "content_filter" ? t("end.emptyFilter") : reason === "length" ? (reasoning.length ? t("end.emptyLength") : t("end.length")) : "";
    return outcome("warn", t("end.empty"), why, "", [RETRY]);
  }
  if (reason === "length") return outcome("warn", t("end.length"), t("end.lengthHint"));
  if (reason === "content_filter") return outcome("warn", t("end.filter"), t("end.filterHint"), "", [RETRY]);
  if (toolCalls.length) return outcome("warn", t("end.tool"), t("end.toolHint"));
  const total = end.timings?.total_ms;
  return outcome("quiet", "", [answer.model, total == null ? "" : seconds(total)].filter(Boolean).join(" · "));
}

/** @param {import("./answer.js").Answer} answer @param {any} error @param {string} message @param {boolean} canShorten @param {Outcome["actions"]} again */
function failed(answer, error, message, canShorten, again) {
  const title = hasText(answer.content) ? t("end.errorLate") : t("end.error");
  if (error.code === "context_length") {
    return outcome("bad", t("end.context"), message, "", canShorten ? [FRESH, SHORTER] : [FRESH]);
  }
  return outcome("bad", title, message, hintFor(error), again);
}

/** @param {any} error */
function hintFor(error) {
  if (error.code === "auth" && !String(error.message).includes("OPENAI_API_KEY")) return t("end.auth");
  return error.retry_after ? t("end.retryAfter", { seconds: seconds(Math.ceil(Number(error.retry_after)) * 1000) }) : "";
}

/** @param {import("./answer.js").Answer} answer @param {string} message */
function interruption({ failure }, message) {
  if (!failure) return message || t("end.interruptedWhy");
  return failure.code === "gone" ? t("end.gone") : failureText(failure);
}

/** @param {import("./answer.js").Answer} answer */
function notSent({ failure }) {
  if (failure?.code === "unanswered") return outcome("quiet", "", t("end.unanswered"), "", [AGAIN]);
  if (failure?.code === "not_sent") return outcome("quiet", "", t("failure.notSent"), "", [RETRY]);
  const actions = failure?.status === 404 ? [RETRY, FRESH] : [RETRY];
  return outcome("bad", t("end.notSent"), failure ? failureText(failure) : "", "", actions);
}

/** @param {import("./api.js").Refused} failure */
function failureText({ code, status, message }) {
  if (code === "not_saved") return t("failure.notSaved");
  if (code === "not_a_stream") return t("failure.notAStream");
  if (code === "page") return t("failure.page", { message });
  return message || t("failure.other", { status: String(status) });
}
