// @ts-check
/** The user of the page. What the browser has stored for one user is never shown to the next. */
/** @typedef {import("./storage.js").Storage} Storage */

const KEY = "tornado-stream:user";
/** The owner of everything if the server has no login. */
const LOCAL = "local";

/** Delete what another user has stored. Call this before anything is read. @param {Storage[]} storages @param {string} user empty: the server has no login */
export function forgetOtherUsers(storages, user) {
  const [lasting] = storages;
  if ((lasting.get(KEY) ?? LOCAL) !== (user || LOCAL)) for (const storage of storages) storage.clear();
  if (user) lasting.set(KEY, user);
}
