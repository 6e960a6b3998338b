// @ts-check
/**
 * The parameters of a model that the user can set, and the check of what the user writes. Pure.
 *
 * @typedef {"temperature" | "top_p" | "max_tokens"} NumberName
 */

/** @type {Record<NumberName, {min: number, max: number, whole: boolean}>} */
export const NUMBERS = {
  temperature: { min: 0, max: 2, whole: false },
  top_p: { min: 0, max: 1, whole: false },
  max_tokens: { min: 1, max: 10_000_000, whole: true },
};

/** The values of `reasoning_effort`, from the least to the most. */
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"];

/**
 * Read a number with a decimal point or a comma.
 * @param {NumberName} name @param {string} text @returns {{value?: number, wrong?: "number" | "whole" | "range"}} neither member: the text is empty, so the parameter is not set
 */
export function readNumber(name, text) {
  const written = text.trim().replace(",", ".");
  if (!written) return {};
  const { min, max, whole } = NUMBERS[name];
  const value = Number(written);
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(written)) return { wrong: "number" };
  if (whole && !Number.isInteger(value)) return { wrong: "whole" };
  return value < min || value > max ? { wrong: "range" } : { value };
}
