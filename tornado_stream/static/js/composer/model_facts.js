// @ts-check
/** What the list of models says about a model. Pure. The rule: what is not known is not shown, and no address is. */
import { language, t } from "../page/words.js";

/** @typedef {import("../page/api.js").Model} Model */

/** Codes of failures, by what a user can understand of them. @type {[RegExp, string][]} */
const REASONS = [
  [/^(connect_|tls_|first_byte|idle_|answer_timeout|connection_|proxy)/, "model.awayReach"],
  [/^auth$/, "model.awayKey"],
  [/^quota$/, "model.awayQuota"],
];

/** Why a model cannot be used, in words. @param {{code?: string}} model that has failed */
export const reasonOf = ({ code = "" }) => t(REASONS.find(([codes]) => codes.test(code))?.[1] ?? "model.failed");

/** @param {Model} model @param {{isDefault: boolean, withMaker: boolean}} how @returns {string[]} */
export function factsOf(model, { isDefault, withMaker }) {
  const { state, maker, context, price, can = [], id } = model;
  const words = { vision: "model.canSee", tools: "model.canCall", reasoning: "model.canThink" };
  return [
    isDefault ? t("model.default") : "",
    state === "loading" ? t("model.loading") : state === "failed" ? reasonOf(model) : "",
    withMaker && maker && !id.startsWith(`${maker}/`) ? maker : "",
    context ? contextOf(context) : "",
    price ? priceOf(price) : "",
    ...can.map((ability) => (ability in words ? t(words[/** @type {keyof words} */ (ability)]) : ability)),
    model.provider === "local" ? t("model.demoShort") : "",
  ].filter(Boolean);
}

/** 131,072 tokens are 131 thousand, and 1,048,576 are a million. @param {number} tokens */
function contextOf(tokens) {
  const thousands = Math.round(tokens / 1000);
  return thousands < 1000 ? t("model.context", { n: thousands || "<1" }) : t("model.contextMillions", { n: Math.round(tokens / 100_000) / 10 });
}

/** @param {NonNullable<Model["price"]>} price of a million tokens */
function priceOf({ input, output, currency }) {
  if (!input && !output) return t("model.free");
  return t("model.price", { input: money(input, currency), output: money(output, currency) });
}

/** An amount, with as many digits as a small price needs. @param {number} amount @param {string} currency */
function money(amount, currency) {
  const maximumFractionDigits = amount >= 0.1 || !amount ? 2 : 4;
  /** @type {any} */
  const style = { style: "currency", currency, maximumFractionDigits, trailingZeroDisplay: "stripIfInteger" };
  return amount.toLocaleString(language, style);
}
