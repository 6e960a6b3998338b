// @ts-check
/**
 * What the page says of a tool call that this server runs, and what its result consists of. Pure. Loaded with the first of them.
 *
 * @typedef {import("./answer.js").ToolCall} ToolCall
 */
import { inRow, seconds, t } from "../page/words.js";

/** What has become of a call, in words. @param {ToolCall} call @param {number} now milliseconds since the answer began */
export function callState({ state, decision, ms, since, why, is_error: isError }, now) {
  const time = ms ? duration(ms) : "";
  const ran = since === undefined ? 0 : Math.floor((now - since) / 1000);
  if (decision && DECIDED[decision]) return t(DECIDED[decision]);
  if (state === "running") return ran > 0 && ran < 1e7 ? t("tools.runningFor", { seconds: seconds(1000 * ran) }) : t("tools.running");
  if (state === "done" && !isError) return inRow([t("tools.done"), time]);
  if (state === "failed" || state === "done") return inRow([t("tools.failed"), time, why]);
  if (state === "refused") return t("tools.refused");
  return t(state === "unknown" ? "tools.unknown" : "tools.waiting");
}

/** What a person has decided. @type {Record<string, string>} */
const DECIDED = { run: "tools.youAllowed", always: "tools.youAllowedAlways", refuse: "tools.youRefused", tell: "tools.youTold" };

/** @param {number} ms */
const duration = (ms) => (ms < 100 ? t("details.ms", { n: ms }) : seconds(ms));

/**
 * @typedef {{id: string, name?: string, kind?: string, type?: string, size?: number}} ResultFile
 * @typedef {{text: string, structured: string, pictures: ResultFile[], others: (ResultFile | {url: string, title: string})[], isShortened: boolean}} ResultParts
 * What a result consists of. Pure. @param {any} result @returns {ResultParts} `text` is empty if it says the same as `structured`, which is JSON
 */
export function resultParts(result) {
  const text = String(result?.text ?? "");
  const structured = result?.structured === undefined || result?.structured === null ? "" : JSON.stringify(result.structured);
  /** @type {ResultFile[]} */
  const files = result?.files ?? [];
  const isPicture = (/** @type {ResultFile} */ { kind, type }) => kind === "image" || String(type).startsWith("image/");
  return {
    text: isSame(text, structured) ? "" : text,
    structured,
    pictures: files.filter(isPicture),
    others: [...files.filter((file) => !isPicture(file)), ...(result?.sources ?? [])],
    isShortened: !!result?.shortened,
  };
}

/** Whether a text is the same JSON. @param {string} text @param {string} json */
function isSame(text, json) {
  try {
    return json !== "" && JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
