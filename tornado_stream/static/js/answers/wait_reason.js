// @ts-check
/**
 * What an answer waits for: the model, the network, or a proxy in between. Pure.
 *
 * @typedef {object} WaitReason
 * @property {"model" | "silent" | "network" | "proxy"} kind `model`: no text yet; `silent`: none any more
 * @property {string} line to be shown
 * @property {string} [proxy] what it calls itself
 * @property {boolean} [found] it was found while this answer was read
 */
import { seconds, t } from "../page/words.js";

/** What a slow answer is judged by, in milliseconds. */
export const SLOW_TIMES = {
  first: 3_000, // for the first word, before the wait is named
  pause: 5_000, // between words, likewise
  probe: 5_000, // without a byte: a short request looks for what should have come
  trial: 2_000, // without a first byte, where a proxy is suspected
  late: 3_000, // a short request that is not answered by then is in trouble …
  short: 10_000, // … and by then given up
  unheard: 20_000, // nothing heard, not even the comments that break the silence
  recheck: 600_000, // a proxy may have been mended by then
};

/**
 * What is waited for; null: nothing worth a word.
 * @param {import("./heartbeat.js").Heartbeat} heartbeat @param {typeof SLOW_TIMES} times
 * @param {boolean} offline the device says so @param {{proxy: string, found: boolean} | null} proxy that is known to buffer
 * @returns {WaitReason | null}
 */
export function waitReasonOf(heartbeat, times, offline, proxy) {
  const now = heartbeat.now();
  const unheard = now - heartbeat.heardAt;
  const slow = now - heartbeat.newsAt;
  const isOff = offline && (heartbeat.lost || unheard >= times.late); // a server on this machine is heard all the same
  if (isOff) return { kind: "network", line: t("wait.offline") };
  if (heartbeat.lost) return null; // which has words of its own
  if (unheard >= times.unheard || (heartbeat.missed && unheard >= times.late)) return { kind: "network", line: t("wait.network", lasting(unheard)) };
  if (proxy) return { kind: "proxy", line: t("wait.proxy"), ...proxy };
  if (!heartbeat.started || slow < (heartbeat.hasText ? times.pause : times.first)) return null;
  return heartbeat.hasText ? { kind: "silent", line: t("wait.silent", lasting(slow)) } : { kind: "model", line: t("wait.model", lasting(slow)) };
}

/** @param {number} ms */
const lasting = (ms) => ({ seconds: seconds(1000 * Math.floor(ms / 1000)) });
