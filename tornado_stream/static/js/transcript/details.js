// @ts-check
/** The details of an answer (times, tokens, cost), shown below it on request. The module is loaded when first needed. */
import { measuresOf, totalsOf } from "../answers/measures.js";
import { outcomeOf } from "../answers/outcome.js";
import { element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { inRow, language, seconds, t } from "../page/words.js";

await loadStyleSheet("parts").catch(() => {}); // it works without its style, too

/**
 * Show the details, or hide them. @param {import("../answers/answer.js").Answer} answer @param {import("../conversation/tree.js").Messages} messages
 * @param {HTMLElement} tools the toolbar's element, to which they are appended @param {HTMLButtonElement} button the button that was pressed
 */
export function toggleDetails(answer, messages, tools, button) {
  const shown = tools.querySelector(".facts-box");
  shown?.remove();
  button.setAttribute("aria-expanded", String(!shown));
  if (shown) return;
  const box = detailsOf(answer, messages);
  tools.append(box);
  const id = answer.request.request_id;
  if (id) import("./replay.js").then(({ replayOf }) => box.append(replayOf(id)), () => {});
}

/** @param {import("../answers/answer.js").Answer} answer @param {import("../conversation/tree.js").Messages} messages */
function detailsOf(answer, messages) {
  const continued = /** @type {import("../answers/answer.js").Answer | undefined} */ (messages.get(answer.continuedFrom ?? ""));
  const { first, total, input, output, reasoning, rate, cost } = measuresOf(answer, continued ?? null);
  const box = element("div", "facts-box");
  const list = element("dl", "facts-list");
  add(list, t("details.model"), answer.model);
  add(list, t("details.upstream"), answer.end?.upstream);
  add(list, t("details.first"), duration(first));
  add(list, t("details.total"), duration(total));
  add(list, t("details.rate"), rate && figure(rate, 1));
  add(list, t("details.output"), output && figure(output));
  add(list, t("details.reasoning"), reasoning && figure(reasoning));
  add(list, t("details.input"), input ? figure(input) : t("details.unknown"));
  add(list, t("details.cost"), cost && money(cost));
  add(list, t("details.finish"), endOf(answer));
  const { upstream_closed_ms: closed, received_events: pieces } = answer.end?.stop ?? {};
  add(list, t("details.closed"), duration(closed ?? null));
  add(list, t("details.pieces"), pieces?.toLocaleString(language));
  add(list, t("details.written"), when(answer.createdAt ?? answer.startedAt));
  const whole = totalsOf(messages.values());
  const parts = [whole.tokens && t("details.tokens", { n: figure(whole.tokens) }), whole.cost && money(whole.cost)];
  if (messages.size > 2) add(list, t("details.whole"), inRow(parts));
  box.append(list, ...(answer.steps.length > 1 ? [stepsOf(answer)] : []));
  if (output?.isEstimate) box.append(element("p", "facts-note", t("details.about")));
  return box;
}

/** The requests to the model of an answer that called tools, and their sum. @param {import("../answers/answer.js").Answer} answer */
function stepsOf(answer) {
  const table = element("table", "steps");
  const rows = [...answer.steps.map((step) => [t("details.step", { n: step.number }), step]), [t("details.sum"), answer.end]];
  table.createCaption().textContent = t("details.steps");
  const head = table.createTHead().insertRow();
  for (const name of ["", t("details.input"), t("details.output"), t("details.cost")]) head.append(Object.assign(element(name ? "th" : "td", "", name), name && { scope: "col" }));
  const body = table.createTBody();
  for (const [name, { usage, cost }] of rows) {
    const { input, output, cost: price } = measuresOf(/** @type {any} */ ({ ...answer, content: [], reasoning: [], refusal: [], toolCalls: [], end: { usage, cost } }), null);
    const row = body.insertRow();
    row.append(Object.assign(element("th", "", name), { scope: "row" }), ...[input && figure(input), output && figure(output), price && money(price)].map((value) => element("td", "", value || "–")));
  }
  return table;
}

/** How an answer ended, in words, and the word of the model's server or the code of the error. @param {import("../answers/answer.js").Answer} answer */
export function endOf(answer) {
  const { title, text } = outcomeOf(answer);
  const { finish_reason: reason, error } = answer.end ?? {};
  return inRow([title || (answer.state === "done" ? t("details.complete") : text), reason ?? error?.code]);
}

/** @param {HTMLElement} list @param {string} name @param {string | null | undefined} value */
function add(list, name, value) {
  if (!value) return;
  const pair = element("div");
  const shown = element("dd");
  shown.append(element("bdi", "", value));
  pair.append(element("dt", "", name), shown);
  list.append(pair);
}

/** @param {number | null} ms */
const duration = (ms) => (ms === null ? null : ms < 100 ? t("details.ms", { n: ms }) : seconds(ms));

/** @param {import("../answers/measures.js").Figure} figure @param {number} [digits] */
function figure({ value, isEstimate }, digits = 0) {
  const number = value.toLocaleString(language, { maximumFractionDigits: value < 10 ? digits : 0 });
  return isEstimate ? `≈ ${number}` : number;
}

/** A cost in words. @param {import("../answers/measures.js").Cost} cost */
export function money({ value, isEstimate, currency }) {
  const digits = value >= 1 ? 2 : value >= 0.001 ? 4 : 6;
  const amount = value.toLocaleString(language, { style: "currency", currency, maximumFractionDigits: digits });
  return isEstimate ? `≈ ${amount}` : amount;
}

/** @param {number | null} at */
const when = (at) => (at === null ? null : new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(at));
