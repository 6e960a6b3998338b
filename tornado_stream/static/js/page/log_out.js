// @ts-check
/** The end of the user's session. Loaded when the user logs out. */
import { endLogin } from "./login_api.js";
import { t } from "./words.js";

/** @typedef {import("./storage.js").Storage} Storage */

/** End the session, delete what the browser has stored, and load the page again, which shows the login. If a proxy has logged the user in, go to its logout. @param {import("./api.js").Api} api @param {Storage[]} storages @param {(text: string) => void} say */
export async function logOut(api, storages, say) {
  let leave;
  try {
    leave = await endLogin(api);
  } catch {
    return say(t("list.noServer"));
  }
  for (const storage of storages) {
    storage.clear();
    storage.detach(); // because some modules store something when the page is closed
  }
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation(), { capture: true }); // nothing of the user stays on the screen, also no temporary chat
  if (leave) location.assign(leave);
  else location.reload();
}
