// @ts-check
/**
 * The requests of a temporary chat. The server stores nothing of it, so each request has the messages before it. Pure, except
 * for the id.
 */
import { requestId } from "../page/ids.js";
import { pathTo } from "./tree.js";

/** The messages that a question follows, as the server takes them. @param {import("./tree.js").Answer | import("./tree.js").Question | null} message */
export function historyOf(message) {
  return pathTo(message).map((one) => (one.role === "user" ? { role: "user", content: one.text } : { role: "assistant", content: one.content.join("") }));
}

/**
 * A function that makes the requests; it takes what `questionRequest` takes.
 * @param {() => string} system the system prompt of the chat, from its preset or the defaults too
 * @returns {typeof import("./requests.js").questionRequest}
 */
export const temporaryRequests = (system) => (_, question, leaveOut, chosen) => {
  const { model, options } = chosen ?? {};
  const history = historyOf(question.parent);
  return { keep: false, message: question.text, history, system: system() || undefined, leave_out: leaveOut || undefined, request_id: requestId(), model, options };
};
