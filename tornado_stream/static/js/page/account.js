// @ts-check
/** Whose the page is. What the browser keeps of one user is not shown to the next. */
import { t } from "./words.js";

/** @typedef {import("./storage.js").Storage} Storage */

const KEY = "tornado-stream:user";
/** Whose everything is where nobody logs in. */
const LOCAL = "local";

/** Forget what is another's; to be called before anything is read. @param {Storage[]} storages @param {string} user empty: nobody logs in */
export function takeOver(storages, user) {
  const [lasting] = storages;
  if ((lasting.get(KEY) ?? LOCAL) !== (user || LOCAL)) for (const storage of storages) storage.clear();
  if (user) lasting.set(KEY, user);
}

/** @param {import("./api.js").Api} api @param {Storage[]} storages @param {(text: string) => void} say */
export async function logOut(api, storages, say) {
  try {
    await api.logOut();
  } catch {
    return say(t("list.noServer"));
  }
  for (const storage of storages) {
    storage.clear();
    storage.letGo(); // parts of the page write when it goes
  }
  location.reload();
}
