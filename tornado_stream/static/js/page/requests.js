// @ts-check
/** Requests of parts that are loaded when they are needed. */
import { refusal } from "./api.js";

/** The JSON of the response; null: it has none. Rejects with `Refused`. @param {import("./api.js").Api} api @param {string} method @param {string} path @param {object} [body] @param {number} [timeout] milliseconds @returns {Promise<any>} */
export async function request(api, method, path, body, timeout) {
  const response = await api.send(method, path, body, false, timeout);
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}
