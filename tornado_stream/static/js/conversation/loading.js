// @ts-check
import { Refused } from "../page/api.js";
import { backoff } from "../page/lifecycle.js";

/**
 * A conversation, asked for until the server is reached; null where there is none, undefined once
 * it is not wanted any more.
 * @param {import("../page/api.js").Api} api @param {import("../page/lifecycle.js").Wake} wake @param {string} id @param {AbortSignal} signal
 * @param {() => void} trouble called when the server was not reached
 */
export async function loadConversation(api, wake, id, signal, trouble) {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await api.conversation(id, AbortSignal.any([signal, AbortSignal.timeout(20_000)]));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return null;
      if (!signal.aborted) trouble();
    }
    await wake.sleep(backoff(attempt), signal);
  }
}
