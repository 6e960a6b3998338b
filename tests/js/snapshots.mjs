// Conversations as the server tells them, and a page that opens one.
import { Outbox } from "../../tornado_stream/static/js/answers/outbox.js";
import { Commands } from "../../tornado_stream/static/js/conversation/commands.js";
import { Conversation } from "../../tornado_stream/static/js/conversation/conversation.js";
import { PageLifecycle } from "../../tornado_stream/static/js/page/lifecycle.js";
import { Locks } from "../../tornado_stream/static/js/page/locks.js";
import { Storage } from "../../tornado_stream/static/js/page/storage.js";
import { json, serve, status } from "./server.mjs";

export const user = (id, parent_id, content) => ({ id, parent_id, role: "user", content, state: null });

export const answer = (id, parent_id, content, more = {}) => ({
  id, parent_id, role: "assistant", content, reasoning: "", refusal: "", tool_calls: [], model: "fake", state: "done", finish_reason: "stop",
  usage: null, error: null, timings: null, generation_id: `g-${id}`, continued_from: null, ...more,
});

export const snapshot = (messages, current_id, more = {}) => ({ id: "c", title: "Title", system: null, current_id, updated_at: 1, messages, ...more });
export const text = (message) => (message.role === "user" ? message.text : message.content.join(""));

export const path = (newest) => {
  const found = [];
  for (let message = newest; message; message = message.parent) found.unshift(text(message));
  return found;
};

/** Resolves when it is so. */
export const until = async (true_) => {
  while (!true_()) await new Promise((done) => setTimeout(done, 5));
};

export const BRANCHED = [
  user("u1", null, "one"), answer("a1", "u1", "1"), user("u2", "a1", "two"), answer("a2", "u2", "2"), answer("a3", "u2", "2 again"), user("u4", "a1", "other"), answer("a4", "u4", "4"),
];

/** A row of the list. */
export const item = (n, more = {}) => ({ id: `c${n}`, title: `t${n}`, created_at: n, updated_at: n, generation_id: null, ...more });

/** A page on a server that tells these snapshots (the last for ever) and plays these streams. */
export async function page(t, snapshots, plays = [status(500)]) {
  let told = 0;
  let played = 0;
  const turn = (request, response, body) => {
    if (!request.url.startsWith("/api/")) return plays[Math.min(played++, plays.length - 1)](request, response, body);
    const next = snapshots[Math.min(told++, snapshots.length - 1)];
    return typeof next === "function" ? next(request, response) : json(response, 200, next);
  };
  const { seen, api } = await serve(t, [turn]);
  const lifecycle = new PageLifecycle();
  const conversation = new Conversation(api, lifecycle, new Outbox(new Storage(() => null), new Locks(), "tab"), new Locks());
  const tick = setInterval(() => lifecycle.dispatchEvent(new CustomEvent("change", { detail: "visible" })), 10);
  t.after(() => (clearInterval(tick), conversation.clear()));
  return { conversation, commands: new Commands(conversation), seen, lifecycle, api };
}
