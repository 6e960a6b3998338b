// @ts-check
/** Groups conversations by the calendar day on which they were last written to. Pure, except that names depend on the page's language. */
import { language, t } from "../page/words.js";

/** The groups of the near past, each with the number of days before today at which it begins. @type {[string, number][]} */
const NEAR = [["today", 0], ["yesterday", 1], ["week", 7], ["month", 30]];

/**
 * Group items that are ordered from the newest to the oldest; the groups have the same order. If the server's clock was
 * set back, an item is newer than the items before it. It stays in their group.
 * @template {{updated_at: number}} T @param {T[]} items @param {Date} [now] @returns {{key: string, items: T[]}[]}
 */
export function groupByDate(items, now = new Date()) {
  /** @type {{key: string, items: T[]}[]} */
  const groups = [];
  let begins = Infinity;
  for (const item of items) {
    if (item.updated_at < begins) {
      const group = groupOf(item.updated_at, now);
      begins = group.begins;
      groups.push({ key: group.key, items: [] });
    }
    groups[groups.length - 1].items.push(item);
  }
  return groups;
}

/** @param {number} at @param {Date} now @returns {{key: string, begins: number}} `key`: a name in NEAR, or a month such as `2026-10` */
function groupOf(at, now) {
  for (const [key, days] of NEAR) {
    const begins = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime();
    if (at >= begins) return { key, begins };
  }
  const then = new Date(at);
  const [year, month] = [then.getFullYear(), then.getMonth()];
  return { key: `${year}-${month + 1}`, begins: new Date(year, month, 1).getTime() };
}

const months = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });

/** The heading of a group, in the page's language. @param {string} key */
export function dateGroupName(key) {
  const near = { today: t("when.today"), yesterday: t("when.yesterday"), week: t("when.week"), month: t("when.month") }[key];
  if (near) return near;
  const [year, month] = key.split("-").map(Number);
  return months.format(new Date(year, month - 1, 15));
}
