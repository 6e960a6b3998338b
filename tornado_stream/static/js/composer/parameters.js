// @ts-check
/**
 * The parameters a reader can set, and what is wrong with what was written there. Pure.
 *
 * @typedef {"temperature" | "top_p" | "max_tokens"} NumberName
 */

/** @type {Record<NumberName, {least: number, most: number, whole: boolean}>} */
export const NUMBERS = {
  temperature: { least: 0, most: 2, whole: false },
  top_p: { least: 0, most: 1, whole: false },
  max_tokens: { least: 1, most: 10_000_000, whole: true },
};

/** How much a model may think, least first. */
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"];

/**
 * A number as it is written, with a point or a comma; nothing written is nothing set.
 * @param {NumberName} name @param {string} text @returns {{value?: number, wrong?: "number" | "whole" | "range"}}
 */
export function readNumber(name, text) {
  const written = text.trim().replace(",", ".");
  if (!written) return {};
  const { least, most, whole } = NUMBERS[name];
  const value = Number(written);
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(written)) return { wrong: "number" };
  if (whole && !Number.isInteger(value)) return { wrong: "whole" };
  return value < least || value > most ? { wrong: "range" } : { value };
}
