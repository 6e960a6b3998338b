// @ts-check
/** The ids that the page makes. */

/** A UUID. The browser has no `crypto.randomUUID` for a page that came over http from another machine. */
export function uuid() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A new id for a request. The first one is that of the form, so the form and the scripts together ask once. */
export function requestId() {
  const made = /** @type {HTMLInputElement | null | undefined} */ (globalThis.document?.getElementById?.("request-id"));
  const id = made?.value || uuid();
  if (made) made.value = "";
  return id;
}

/** The id of this tab. It survives a reload. @param {import("./storage.js").Storage} storage that of the tab */
export function tabId(storage) {
  const id = storage.get("tornado-stream:tab") ?? uuid();
  storage.set("tornado-stream:tab", id);
  return id;
}
