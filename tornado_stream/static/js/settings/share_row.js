// @ts-check
/** All links by which conversations are shared. Loaded where the server lets users share. */
import { ShareList } from "../list/share_list.js";
import { t } from "../page/words.js";
import { ownersScope, row } from "./rows.js";

/** @param {import("../page/api.js").Api} api */
export function sharesRow(api) {
  const links = new ShareList(api);
  void links.show();
  return row(t("share.list"), ownersScope(), "", ...links.elements, links.note);
}
