// @ts-check
/**
 * The requests of a temporary chat. The server stores nothing of it, so each request has the messages before it. Pure, except
 * for the id.
 */
import { requestId } from "../page/ids.js";
import { pathTo } from "./tree.js";

/** The messages that a question follows, as the server takes them. @param {import("./tree.js").Answer | import("./tree.js").Question | null} message */
export function historyOf(message) {
  return pathTo(message).map((one) => ({ role: one.role, content: one.role === "user" ? one.text : one.content.join(""), ...filesMember(filesOf(one)) }));
}

/** The files of a question, or the pictures of an answer. @param {import("./tree.js").Answer | import("./tree.js").Question} message */
export const filesOf = (message) => (message.role === "user" ? message.files : message.images);

/** @param {import("../answers/answer.js").AttachedFile[]} files */
const filesMember = (files) => (files.length ? { files: files.map(({ id }) => id) } : {});

/**
 * A function that makes the requests; it takes what `questionRequest` takes.
 * @param {() => string} system the system prompt of the chat, from its preset or the defaults too
 * @returns {typeof import("./requests.js").questionRequest}
 */
export const temporaryRequests = (system) => (_, question, leaveOut, chosen) => {
  const { model, options } = chosen ?? {};
  const history = historyOf(question.parent);
  return { keep: false, message: question.text, ...filesMember(question.files), history, system: system() || undefined, leave_out: leaveOut || undefined, request_id: requestId(), model, options };
};
