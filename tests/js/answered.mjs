// Answers as events make them.
import { applyEvent, newAnswer } from "../../tornado_stream/static/js/answers/answer.js";

/** An answer after these events, and when it began by the page's clock. */
export function after(...events) {
  const answer = newAnswer({ role: "user", from: "user", id: null, text: "q", parent: null }, { request_id: "r" });
  applyEvent(answer, "start", { message_id: "m", user_message_id: "u", model: "fake", t: 0 });
  for (const [type, data] of events) applyEvent(answer, type, data);
  return answer;
}

export const done = (more = {}) => ["end", { state: "done", finish_reason: "stop", saved: true, t: 5000, ...more }];
