// @ts-check
/** When conversations were last written to, in the words of a calendar. Pure, but for the name in the reader's language. */
import { language, t } from "../page/words.js";

/** The near past: how many days before today a period reaches. @type {[string, number][]} */
const NEAR = [["today", 0], ["yesterday", 1], ["week", 7], ["month", 30]];

/**
 * Items in periods, both newest first. Where a clock was set back in between, an item stays with those around it.
 * @template {{updated_at: number}} T @param {T[]} items @param {Date} [now] @returns {{key: string, items: T[]}[]}
 */
export function groupByDate(items, now = new Date()) {
  /** @type {{key: string, items: T[]}[]} */
  const groups = [];
  let begins = Infinity;
  for (const item of items) {
    if (item.updated_at < begins) {
      const period = periodOf(item.updated_at, now);
      begins = period.begins;
      groups.push({ key: period.key, items: [] });
    }
    groups[groups.length - 1].items.push(item);
  }
  return groups;
}

/** @param {number} at @param {Date} now @returns {{key: string, begins: number}} `key`: one of NEAR, or `2026-10` */
function periodOf(at, now) {
  for (const [key, days] of NEAR) {
    const begins = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime();
    if (at >= begins) return { key, begins };
  }
  const then = new Date(at);
  const [year, month] = [then.getFullYear(), then.getMonth()];
  return { key: `${year}-${month + 1}`, begins: new Date(year, month, 1).getTime() };
}

const months = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });

/** What a period is called. @param {string} key */
export function dateGroupName(key) {
  const near = { today: t("when.today"), yesterday: t("when.yesterday"), week: t("when.week"), month: t("when.month") }[key];
  if (near) return near;
  const [year, month] = key.split("-").map(Number);
  return months.format(new Date(year, month - 1, 15));
}
