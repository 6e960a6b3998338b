// @ts-check
/** Which tools fit a message. Pure. */
import { sourceOf } from "../answers/answer.js";
import { canGoOn } from "../answers/outcome.js";

/** @param {import("../conversation/branches.js").Message} message @param {string[]} offered what is offered beside how it ended @returns {string[]} */
export function toolsFor(message, offered) {
  if (message.role === "user") return ["copy", "edit"];
  const { id, state } = message;
  if (state === "running") return [];
  const fits = { copy: sourceOf(message).trim(), retry: id, goOn: canGoOn(message), details: id };
  return Object.entries(fits).flatMap(([name, fit]) => (fit && !offered.includes(name) ? [name] : []));
}
