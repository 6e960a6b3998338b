// @ts-check
/** The user of the page. What the browser has stored for one user is never shown to the next. */
import { t } from "./words.js";

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

/** End the session, delete what the browser has stored, and load the page again, which shows the login. If a proxy has logged the user in, go to its logout. @param {import("./api.js").Api} api @param {Storage[]} storages @param {(text: string) => void} say */
export async function logOut(api, storages, say) {
  let leave;
  try {
    leave = await api.logOut();
  } catch {
    return say(t("list.noServer"));
  }
  for (const storage of storages) {
    storage.clear();
    storage.detach(); // because some modules store something when the page is closed
  }
  if (leave) location.assign(leave);
  else location.reload();
}
