// A server on a real socket that answers each request by a script.
import { createServer } from "node:http";

import { Api } from "../../tornado_stream/static/js/page/api.js";

/** One event as the server sends it. */
export const frame = (id, type, data = {}) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

export const START = frame(1, "start", {
  generation_id: "g", conversation_id: "c", message_id: "m", user_message_id: "u", parent_id: null, model: "fake",
});

/** The frames of a whole answer: `start`, a `delta` for each text, `end`. */
export function log(texts, end = {}) {
  const deltas = texts.map((content, index) => frame(index + 2, "delta", { content }));
  return [START, ...deltas, frame(texts.length + 2, "end", { state: "done", finish_reason: "stop", saved: true, ...end })];
}

/**
 * Start a server. Each request is answered by the next function of `plays`, and when they are used up, by the last one. It is
 * called with (request, response, body). Requests that stop an answer go to `onStop` instead. `seen` lists all requests.
 */
export async function serve(t, plays, onStop = (_, response) => json(response, 404, { error: { code: "not_found", message: "no" } })) {
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const stop = request.url.endsWith("/stop");
    seen.push({ method: request.method, url: request.url, after: request.headers["last-event-id"], body, stop });
    response.on("error", () => {});
    if (stop) return onStop(request, response, seen);
    const index = seen.filter((one) => !one.stop).length - 1;
    await plays[Math.min(index, plays.length - 1)](request, response, body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, server, api: new Api(`http://127.0.0.1:${server.address().port}`) };
}

export function json(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

/** Plays: send frames, then end the response, break the connection, or keep it open and send nothing more. */
export const whole = (frames) => (_, response) => head(response).end(frames.join(""));
export const broken = (frames) => (_, response) => {
  head(response).write(frames.join("") || ": stream\n\n", () => setTimeout(() => response.destroy(), 20));
};
export const silent = (frames) => (_, response) => void head(response).write(frames.join("") || ": stream\n\n");
/** Plays: break the connection without a response; respond with a status and, if given, an error. */
export const noAnswer = () => (request) => void request.socket.destroy();
export const status = (code, error) => (_, response) => (error ? json(response, code, { error }) : (response.writeHead(code), response.end()));

export function head(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  return response;
}
