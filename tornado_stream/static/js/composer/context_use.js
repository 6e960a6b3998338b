// @ts-check
/**
 * How much of a model's context the next question takes. Pure. It uses the upstream's count of the last answer where
 * there is one, and marks an estimate. A context that is not known is never guessed.
 *
 * @typedef {import("../answers/measures.js").Figure} Figure
 * @typedef {{tokens: Figure, context: number | null, share: number | null}} ContextUse `share`: of the context, from 0
 */
import { estimateTokens, measuresOf } from "../answers/measures.js";

/** @param {(import("../answers/answer.js").Question | import("../answers/answer.js").Answer)[]} path the messages that are shown @param {string} system @param {string} draft @param {number | null | undefined} context @returns {ContextUse} */
export function contextUse(path, system, draft, context) {
  let known = 0;
  let estimate = estimateTokens(draft);
  let isCounted = false;
  for (const message of [...path].reverse()) {
    if (message.role === "user") estimate += estimateTokens(message.text);
    else {
      const { input, output, reasoning } = measuresOf(message, null);
      if (input) {
        known = input.value + Math.max(0, (output?.value ?? 0) - (reasoning?.value ?? 0)); // reasoning is not sent again
        isCounted = !output?.isEstimate;
        break;
      }
      estimate += estimateTokens(message.content.join(""));
    }
  }
  if (!known) estimate += estimateTokens(system);
  const tokens = { value: known + estimate, isEstimate: !isCounted || estimate > 0 };
  return { tokens, context: context || null, share: context ? tokens.value / context : null };
}
