// @ts-check
/** What the rows of the list are asked for: their menu, another title, to be deleted. Loaded when first needed. */
import { Refused } from "../page/api.js";
import { t } from "../page/words.js";
import { Deletion } from "./deletion.js";
import { RowMenu } from "./row_menu.js";
import { editTitle } from "./title_editor.js";

/** @typedef {import("./row_view.js").RowView} RowView */

export class ListTools {
  menu = new RowMenu({ rename: (row) => this.rename(row), remove: (row) => this.remove(row) });

  /** @param {import("./list_view.js").ListView} view */
  constructor(view) {
    this.view = view;
    this.deletion = new Deletion(view.conversations, view.conversation, {
      ...view.acts,
      focus: (id) => view.rows.get(id)?.focus(),
      why,
    });
  }

  /** @param {RowView} row */
  rename(row) {
    editTitle(row, async (title) => {
      try {
        await this.view.conversations.rename(row.item.id, title);
        this.view.acts.say(t("list.renamed"));
      } catch (error) {
        this.view.report(why(error));
      }
    });
  }

  /** The focus goes to the next row, if it was in this one. @param {RowView} row */
  remove(row) {
    const rows = this.view.rows.all;
    const at = rows.indexOf(row);
    const stay = row.item.id === this.view.conversation.id || !row.element.contains(document.activeElement);
    this.deletion.remove(row.item);
    if (!stay) (rows[at + 1] ?? rows[at - 1] ?? this.view.search).focus();
  }
}

/** Why the server did not do it. @param {unknown} error */
const why = (error) => (error instanceof Refused ? t("list.failed", { why: error.message || error.code }) : t("list.noServer"));
