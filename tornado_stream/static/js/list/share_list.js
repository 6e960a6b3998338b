// @ts-check
/** The links of the user that work, each with a button that takes it back: in the dialog that shares a conversation, and in the settings. */
import { element, smallButton } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { readShares, revokeShare } from "../page/shares_api.js";
import { inRow, language, t } from "../page/words.js";
import { titleOf } from "./row_view.js";
import { showShared } from "./share_marks.js";

/** @typedef {import("../page/shares_api.js").Share} Share */

export class ShareList {
  /** The list itself, and what stands for an empty one. @type {HTMLElement[]} */
  elements;
  /** Says how something went. */
  note = element("p", "panel-hint");
  #list = element("ul", "share-list");
  #none = element("p", "panel-hint", t("share.none"));

  /** @param {import("../page/api.js").Api} api @param {HTMLElement} [home] has the focus when the last link was revoked; otherwise the list has it */
  constructor(api, home) {
    this.api = api;
    this.home = home ?? this.#list;
    this.elements = [this.#none, this.#list];
    this.note.setAttribute("role", "status");
    this.#list.tabIndex = -1;
    this.#none.hidden = true;
  }

  /** Show the links as they are now. */
  async show() {
    try {
      const shares = await readShares(this.api);
      showShared(shares);
      this.#list.replaceChildren(...shares.reverse().map((share) => this.#row(share)));
      this.#none.hidden = shares.length > 0;
    } catch (error) {
      this.say(failureText(error));
    }
  }

  /** @param {string} text */
  say(text) {
    this.note.textContent = text;
  }

  /** @param {Share} share */
  #row(share) {
    const { id, live, files, created_at: made, expires_at: until } = share;
    const title = titleOf(share);
    const row = element("li");
    const about = element("div");
    const name = element("span", "share-title", title);
    const day = (/** @type {number} */ at) => new Date(at).toLocaleDateString(language, { dateStyle: "medium" });
    const time = new Date(made).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" }); // tells links of one conversation apart
    about.append(name, element("span", "panel-hint", inRow([t("share.made", { date: time }), until ? t("share.until", { date: day(until) }) : t("share.always"), live && t("share.isLive"), files && t("share.withFiles")])));
    name.dir = "auto";
    const revoke = smallButton(t("share.revoke"), () => void this.#revoke(id, title));
    revoke.setAttribute("aria-label", t("share.revokeOne", { title }));
    row.append(about, revoke);
    return row;
  }

  /** @param {string} id @param {string} title */
  async #revoke(id, title) {
    try {
      await revokeShare(this.api, id);
      this.say(t("share.revoked", { title }));
    } catch (error) {
      this.say(failureText(error));
    }
    await this.show();
    const first = /** @type {HTMLElement | null} */ (this.#list.querySelector("button"));
    (first ?? this.home).focus(); // the button that had the focus is gone
  }
}
