// @ts-check
/**
 * What the page shows below an answer that did not simply end well: why, and what the user can do next. Pure. Loaded with
 * the first of them.
 *
 * @typedef {import("./answer.js").Answer} Answer
 * @typedef {"retry" | "again" | "continue" | "askToContinue" | "editQuestion" | "fresh" | "shorter" | "model" | "withoutPictures" | "goOn"} ActionName
 * @typedef {object} Outcome
 * @property {"busy" | "quiet" | "warn" | "bad"} tone
 * @property {string} icon name of an icon; empty for `busy` and `quiet`
 * @property {string} title how the answer ended; empty for `busy` and `quiet`
 * @property {string} text
 * @property {string} [code] of an error. The words of this code are shown before the text, which is the server's; after it if the tone is `busy`
 * @property {string} hint if it is empty, that of the code is shown (page/errors.js)
 * @property {ActionName[]} actions what the user can do next, the likeliest first
 * @property {boolean} [pending] what to say is not loaded: `loadTroubles` loads it
 * @property {number} until the time to which the text counts down, as of `Date.now()`; 0: it does not count
 */
import { inRow, seconds, t, wholeSeconds } from "../page/words.js";
import { hasText, isUndecided } from "./answer.js";
import { remedyFor } from "./remedies.js";

/** @param {Answer} answer that has ended, or was not sent @param {ActionName[]} again how to ask for it again @param {boolean} canShorten @param {number} now @returns {Outcome} */
export function troubleOf(answer, again, canShorten, now) {
  const end = answer.end ?? {};
  const message = String(end.error?.message ?? "");
  if (isUndecided(answer)) return waitingOutcome(answer);
  switch (answer.state) {
    case "done":
      return doneOutcome(answer, end);
    case "failed":
      return notSentOutcome(answer, now);
    case "error":
      return errorOutcome(answer, canShorten, again, now);
    case "cut_off":
      return withRemedy(outcome("warn", t("end.cutOff"), message, "", again, "cut"), answer, now);
    case "interrupted":
      return { ...outcome("warn", t("end.interrupted"), message || t("end.interruptedWhy"), "", again, "plug"), ...(answer.failure && causeOf(answer.failure)) };
    default: // a state of a newer server: assume that the answer did not finish
      return outcome("warn", t("end.other", { state: answer.state }), message, "", again, "alert");
  }
}

/** @param {Outcome["tone"]} tone @param {string} title @param {string} text @param {string} [hint] @param {ActionName[]} [actions] @param {string} [icon] @returns {Outcome} */
const outcome = (tone, title, text, hint = "", actions = [], icon = "") => ({ tone, icon, title, text, hint, actions, until: 0 });

/** The answer waits for a person. @param {Answer} answer */
function waitingOutcome({ state, end }) {
  const why = state === "stopped" ? t("end.stopped") : state === "interrupted" ? t("end.interruptedWhy") : state === "done" ? "" : String(end?.error?.message ?? t("end.cutOff"));
  return outcome("warn", t("end.waiting"), why, t("end.waitingHint"), [], "tool");
}

/** @param {number} left milliseconds until a retry makes sense */
const retryHint = (left) => (left > 0 ? t("end.retryAfter", { seconds: wholeSeconds(left) }) : t("end.retryNow"));

/** @param {Answer} answer @param {any} end */
function doneOutcome(answer, end) {
  const reason = meaningOf(end.finish_reason);
  const { content, images, refusal, toolCalls, reasoning } = answer;
  const call = toolCalls.at(-1);
  const isRun = !!call?.state;
  if (!hasText(isRun ? content.slice(call.at) : content) && !images.length && !hasText(refusal) && (isRun ? !call.decision : !call)) {
    const why = { filter: t("end.emptyFilter"), length: reasoning.length ? t("end.emptyLength") : t("end.length"), unknown: unknownReason(end), good: "" }[reason];
    return outcome("warn", t("end.empty"), why, "", reason === "filter" ? ["editQuestion", "retry"] : ["retry"], "alert");
  }
  if (reason === "length") return outcome("warn", t("end.length"), t("end.lengthHint"), "", ["askToContinue", "again"], "ruler");
  if (reason === "filter") return outcome("warn", t("end.filter"), t("end.filterHint"), "", ["editQuestion", "retry"], "shield");
  if (reason === "unknown") return outcome("warn", t("end.odd"), unknownReason(end), t("end.oddHint"), ["askToContinue", "again"], "alert");
  if (call && !isRun) return outcome("warn", t("end.tool"), t("end.toolHint"), "", [], "tool");
  const total = end.timings?.total_ms;
  const text = inRow([answer.model, total == null ? "" : seconds(total)]);
  return outcome("quiet", "", text, "", hasText(refusal) ? ["editQuestion", "again"] : []);
}

/** @param {any} end */
const unknownReason = (end) => t("end.oddReason", { reason: String(end.finish_reason).slice(0, 100) });

/** The words of finish reasons whose answers are not cut off by a failure; those of failures are in states of their own. @type {["length" | "filter" | "good", RegExp][]} */
const REASONS = [
  ["filter", /(^|_)(content_?(filter|policy|block|moderat|violation)|(image_)?(un)?safe|prohibited|(image_)?recitation|sensitive|block|spii|(model_)?refus|guard_?rail|moderat|censor|violat|polic|filter)/],
  ["length", /(^|_)(length|limit$|max$|max(imum)?_?(\w+_)?(token|length|len|char)|(\w+_)?(token|length|size|context)s?_?(budget|limit|exceeded|full|reached)|(model_)?context_(window|length|size)|model_length|truncated)/],
  ["good", /(^|_)(stop|eos|eot|eom|end(_|$|of|turn)|(is_)?finish(ed)?$|completed?$|(is_)?done$|success|succeeded|normal$|ok$|pause_turn|tool|function)/],
];

/** What a finish reason means, whatever its spelling, as the server's `finish_reasons.py` reads it. @param {string | null | undefined} reason @returns {"length" | "filter" | "good" | "unknown"} */
function meaningOf(reason) {
  if (!reason) return "good";
  const words = String(reason).slice(0, 200).replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^(finish|stop|end|done|completion)_?reason_(?=.)/, "");
  return REASONS.find(([, family]) => family.test(words))?.[0] ?? "unknown";
}

/** @param {Answer} answer @param {boolean} canShorten @param {ActionName[]} again @param {number} now */
function errorOutcome(answer, canShorten, again, now) {
  const error = answer.end?.error ?? {};
  const message = String(error.message ?? "");
  const title = hasText(answer.content) ? t("end.errorLate") : t("end.error");
  if (error.code === "context_length") {
    return outcome("bad", t("end.context"), message, "", canShorten ? ["fresh", "shorter"] : ["fresh"], "ruler");
  }
  return withRemedy(outcome("bad", title, message, "", again, "alert"), answer, now);
}

/** An outcome with the icon, action and countdown that fit the answer's error. @param {Outcome} shown @param {Answer} answer @param {number} now @returns {Outcome} */
function withRemedy(shown, answer, now) {
  const error = answer.end?.error ?? {};
  const { before, ...remedy } = remedyFor(error);
  shown.code = error.code;
  const icon = remedy.icon || shown.icon;
  const actions = before ? [before, ...shown.actions] : shown.actions;
  const wait = 1000 * Number(error.retry_after ?? 0);
  if (!(wait > 0)) return { ...shown, icon, actions };
  const at = retryAt(answer);
  const known = at !== null && at <= now + wait; // if it is later, the server's clock and this one differ
  const left = known ? at - now : wait;
  const early = left > 0;
  return { ...shown, icon: early ? "clock" : icon, actions, hint: retryHint(left), until: early && known ? at : 0 };
}

/** When the upstream may be asked again, as of `Date.now()`; null: not known. @param {Answer} answer */
function retryAt({ end, startedAt, createdAt }) {
  const wait = 1000 * Number(end.error.retry_after);
  if (startedAt !== null && end.t !== undefined) return startedAt + end.t + wait;
  return createdAt === null || end.timings?.total_ms == null ? null : createdAt + end.timings.total_ms + wait;
}

/** @param {Answer} answer @param {number} now */
function notSentOutcome({ failure }, now) {
  const full = failure?.code === "conversation_too_large" || failure?.code === "conversation_full";
  const before = failure && remedyFor(failure).before;
  const actions = before === "withoutPictures" ? [before] : full ? ["fresh"] : failure?.status === 404 ? ["retry", "fresh"] : ["retry"];
  const until = failure?.code === "budget_reached" ? 0 : (failure?.until ?? 0); // its message says the day
  const hint = until ? retryHint(until - now) : "";
  return { ...outcome("bad", t("end.notSent"), "", hint, actions, "plug"), ...(failure && causeOf(failure)), until: until > now ? until : 0 };
}

/** What an outcome says about a refusal. What the page itself has found out has no code. @param {import("../page/api.js").Refused} failure */
function causeOf({ code, status, message }) {
  if (code === "gone") return { text: t("end.gone") };
  if (code === "not_a_stream") return { text: t("failure.notAStream") };
  if (code === "page") return { text: t("failure.page", { message }) };
  return { text: message || t("failure.other", { status: String(status) }), code };
}
