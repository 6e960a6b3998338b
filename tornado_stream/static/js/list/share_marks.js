// @ts-check
/** Marks the rows of conversations that are shared. Loaded where the server lets users share. */
import { element } from "../page/dom.js";
import { draw } from "../page/icons.js";
import { readShares } from "../page/shares_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** The drawing of sharing. */
export const SHARE = "M7 10.8l6 3.4M13 5.8L7 9.2M5 7.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5M15 2.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5M15 12.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5";

export class ShareMarks {
  /** Ids of the conversations that are shared. @type {Set<string>} */
  #shared = new Set();
  /** The rows that have a mark. @type {Map<HTMLElement, HTMLElement>} */
  #marks = new Map();

  /** @param {import("./rows.js").List} list */
  constructor(list) {
    this.list = list;
  }

  /** Read which conversations are shared. While the server cannot say it, the marks stay. */
  async read() {
    await loadStyleSheet("share").catch(() => {}); // the marks work without their style, too
    const shares = await readShares(this.list.conversations.api).catch(() => null);
    if (shares) this.take(shares);
  }

  /** @param {import("../page/shares_api.js").Share[]} shares */
  take(shares) {
    this.#shared = new Set(shares.map((share) => share.conversation_id));
    this.show();
  }

  /** The list has shown its rows anew. */
  show() {
    /** @type {Map<HTMLElement, HTMLElement>} */
    const marks = new Map();
    for (const id of this.#shared) {
      const link = this.list.rows.get(id)?.link;
      if (!link) continue;
      const mark = this.#marks.get(link) ?? made();
      if (mark.parentElement !== link.firstElementChild) link.firstElementChild?.prepend(mark);
      marks.set(link, mark);
    }
    for (const [link, mark] of this.#marks) if (!marks.has(link)) mark.remove();
    this.#marks = marks;
  }
}

/** The marks of the list. @type {ShareMarks | undefined} */
let listMarks;

/** Mark what is shared in this list from now on. @param {import("./rows.js").List} list */
export function markShared(list) {
  list.marks = listMarks = new ShareMarks(list);
  return listMarks.read();
}

/** Mark what is shared now. @param {import("../page/shares_api.js").Share[]} shares */
export const showShared = (shares) => listMarks?.take(shares);

function made() {
  const mark = element("span", "row-shared");
  mark.append(draw(SHARE), element("span", "visually-hidden", `${t("share.mark")} `));
  return mark;
}
