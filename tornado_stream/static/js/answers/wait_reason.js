// @ts-check
/**
 * Why no text of an answer arrives: the model, the network, or a proxy. Pure.
 *
 * @typedef {object} WaitReason
 * @property {"model" | "silent" | "network" | "proxy"} kind `model`: the model has sent no text yet; `silent`: it has paused
 * @property {string} line the text for the user
 * @property {string} [proxy] the proxy's own name, or empty
 * @property {boolean} [found] the proxy was found while this answer was read
 */
import { seconds, t } from "../page/words.js";

/** When an answer counts as slow, in milliseconds. */
export const SLOW_TIMES = {
  first: 3_000, // without any text, after which the page says that it waits
  pause: 5_000, // without more text, after which the page says that it waits
  probe: 5_000, // without a byte, after which a short request is sent
  trial: 2_000, // without a first byte, after which the same is done while a proxy is suspected
  late: 3_000, // without an answer to a short request, after which it is late …
  short: 10_000, // … and after which it is given up
  unheard: 20_000, // without a byte, not even a heartbeat, after which the network is to blame
  recheck: 600_000, // after which a proxy that buffered is tried again
};

/**
 * Why no text arrives.
 * @param {import("./heartbeat.js").Heartbeat} heartbeat @param {typeof SLOW_TIMES} times
 * @param {boolean} offline the browser says that the device is offline @param {{proxy: string, found: boolean} | null} proxy the proxy that is known to buffer
 * @returns {WaitReason | null} null: the answer is not slow, or another line already says why
 */
export function waitReasonOf(heartbeat, times, offline, proxy) {
  const now = heartbeat.now();
  const unheard = now - heartbeat.heardAt;
  const slow = now - heartbeat.newsAt;
  const isOff = offline && (heartbeat.lost || unheard >= times.late); // a device without a network still reaches a server of its own
  if (isOff) return { kind: "network", line: t(heartbeat.started ? "wait.offline" : "wait.offlineUnsent") };
  if (heartbeat.lost) return null; // the page says "Reconnecting…" then
  if (unheard >= times.unheard || (heartbeat.missed && unheard >= times.late)) return { kind: "network", line: t("wait.network", lasting(unheard)) };
  if (proxy) return { kind: "proxy", line: t("wait.proxy"), ...proxy };
  if (!heartbeat.started || slow < (heartbeat.hasText ? times.pause : times.first)) return null;
  return heartbeat.hasText ? { kind: "silent", line: t("wait.silent", lasting(slow)) } : { kind: "model", line: t("wait.model", lasting(slow)) };
}

/** @param {number} ms */
const lasting = (ms) => ({ seconds: seconds(1000 * Math.floor(ms / 1000)) });
