// @ts-check
/**
 * The times, tokens and cost of an answer. Pure. The server measures the times, and the upstream counts the tokens.
 * If the upstream did not count, the tokens of the answer's text are estimated and marked. A value that is not known is null.
 *
 * @typedef {{value: number, isEstimate: boolean}} Figure `isEstimate`: the value is an estimate
 * @typedef {object} Measures
 * @property {number | null} first milliseconds to the first token
 * @property {number | null} total milliseconds to the end
 * @property {Figure | null} input tokens that the model read
 * @property {Figure | null} output tokens that the model wrote
 * @property {Figure | null} reasoning the part of `output` that was reasoning
 * @property {Figure | null} rate tokens a second, from the first token to the end
 * @property {Cost | null} cost
 *
 * @typedef {Figure & {currency: string}} Cost
 */
/** Characters that are about one token each. Of all others, about four make a token. */
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
/** Milliseconds. For a shorter time a rate would be meaningless. */
const SHORT = 50;

/** About how many tokens a text has. @param {string} text */
export function estimateTokens(text) {
  const wide = text.match(WIDE)?.length ?? 0;
  return Math.ceil(wide + (text.length - wide) / 4);
}

/** @param {import("./answer.js").Answer} answer @param {import("./answer.js").Answer | null} continued the answer that it continues, whose text the model did not write again @returns {Measures} */
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

/** The tokens and the cost of a whole conversation, with all branches. @param {Iterable<import("./answer.js").Answer | import("./answer.js").Question>} messages @returns {{tokens: Figure | null, cost: Cost | null}} */
export function totalsOf(messages) {
  const answers = /** @type {import("./answer.js").Answer[]} */ ([...messages].filter((one) => one.role === "assistant" && one.end));
  const measured = answers.map((answer) => measuresOf(answer, null));
  const tokens = measured.flatMap(({ input, output }) => [input, output]).filter((figure) => figure !== null);
  const costs = measured.map(({ cost }) => cost).filter((cost) => cost !== null);
  const alike = costs.filter(({ currency }) => currency === costs[0].currency); // the page cannot convert other currencies
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
