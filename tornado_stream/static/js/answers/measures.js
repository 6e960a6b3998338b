// @ts-check
/**
 * What an answer took: times as the server measured them, tokens as the model's server counted
 * them. Where it did not count, the answer's own are estimated, and marked as that; what cannot be
 * known is null. Pure.
 *
 * @typedef {{value: number, isEstimate: boolean}} Figure `isEstimate`: the value is an estimate
 * @typedef {object} Measures
 * @property {number | null} first milliseconds until the first token
 * @property {number | null} total
 * @property {Figure | null} input
 * @property {Figure | null} output
 * @property {Figure | null} reasoning those of the output that the reader of the answer does not see
 * @property {Figure | null} rate tokens a second, from the first on
 * @property {Cost | null} cost
 *
 * @typedef {Figure & {currency: string}} Cost
 */
/** Signs that are about a token each; of others it takes about four. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
/** Milliseconds below which a rate says nothing. */
const SHORT = 50;

/** @param {string} text */
export function estimateTokens(text) {
  const wide = text.match(WIDE)?.length ?? 0;
  return Math.ceil(wide + (text.length - wide) / 4);
}

/** @param {import("./answer.js").Answer} answer @param {import("./answer.js").Answer | null} continued what it went on with, and was not written again @returns {Measures} */
export function measuresOf(answer, continued) {
  const { usage, timings } = answer.end ?? {};
  const first = count(timings?.first_token_ms);
  const total = count(timings?.total_ms);
  const output = counted(usage?.completion_tokens ?? usage?.output_tokens) ?? estimated(answer, continued);
  const thought = usage?.completion_tokens_details ?? usage?.output_tokens_details;
  const time = first === null || total === null ? 0 : total - first;
  const rate = output && time >= SHORT ? { value: (1000 * output.value) / time, isEstimate: output.isEstimate } : null;
  return { first, total, input: counted(usage?.prompt_tokens ?? usage?.input_tokens), output, reasoning: counted(thought?.reasoning_tokens), rate, cost: costOf(answer) };
}

/** What a whole conversation took, every branch of it. @param {Iterable<import("./answer.js").Answer | import("./answer.js").Question>} messages @returns {{tokens: Figure | null, cost: Cost | null}} */
export function totalsOf(messages) {
  const answers = /** @type {import("./answer.js").Answer[]} */ ([...messages].filter((one) => one.role === "assistant" && one.end));
  const measured = answers.map((answer) => measuresOf(answer, null));
  const tokens = measured.flatMap(({ input, output }) => [input, output]).filter((figure) => figure !== null);
  const costs = measured.map(({ cost }) => cost).filter((cost) => cost !== null);
  const alike = costs.filter(({ currency }) => currency === costs[0].currency); // no rate of exchange is known here
  return { tokens: sum(tokens), cost: alike.length ? { ...sum(alike), currency: alike[0].currency } : null };
}

/** @param {Figure[]} figures @returns {any} */
const sum = (figures) => (figures.length ? { value: figures.reduce((all, { value }) => all + value, 0), isEstimate: figures.some(({ isEstimate }) => isEstimate) } : null);

/** @param {import("./answer.js").Answer} answer @returns {Cost | null} */
function costOf({ end }) {
  const amount = count(end?.cost?.amount);
  return amount === null ? null : { value: amount, isEstimate: Boolean(end.cost.estimated), currency: String(end.cost.currency) };
}

/** @param {unknown} value */
const count = (value) => (typeof value === "number" && value >= 0 ? value : null);

/** @param {unknown} value @returns {Figure | null} */
const counted = (value) => (count(value) === null ? null : { value: Number(value), isEstimate: false });

/** @param {import("./answer.js").Answer} answer @param {import("./answer.js").Answer | null} continued @returns {Figure | null} */
function estimated(answer, continued) {
  const value = estimateTokens(written(answer)) - (continued ? estimateTokens([...continued.content, ...continued.reasoning].join("")) : 0);
  return value > 0 ? { value, isEstimate: true } : null;
}

/** @param {import("./answer.js").Answer} answer */
const written = ({ content, reasoning, refusal, toolCalls }) =>
  [...reasoning, ...content, ...refusal, ...toolCalls.flatMap((call) => [...call.name, ...call.arguments])].join("");
