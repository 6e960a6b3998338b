// @ts-check
/** The URLs of the login. */
import { posted, refusal } from "./api.js";

/** @typedef {import("./api.js").Api} Api */

/** Begin a session. The caller reads the response's status, and `Retry-After` of a 429. @param {Api} api @param {Record<string, unknown>} credentials `name`, `password` */
export const logIn = (api, credentials) => api.plain("/login", posted(credentials));

/** Log out: end the session of this browser. It is no error if it has ended already. Returns where the proxy's own login ends, or null. @param {Api} api @returns {Promise<string | null>} */
export async function endLogin(api) {
  const response = await api.plain("/logout", posted({}));
  if (!response.ok && response.status !== 401) throw await refusal(response);
  return response.status === 200 ? (await response.json()).location : null;
}

/** Whether this browser has a session. Never rejects with `Refused`. @param {Api} api */
export const isLoggedIn = async (api) => (await api.plain("/api/conversations?limit=1", {})).ok;
