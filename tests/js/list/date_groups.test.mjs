// The groups of the list.
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupByDate, dateGroupName } from "../../../tornado_stream/static/js/list/date_groups.js";

const NOW = new Date(2026, 10, 24, 12);
const at = (...date) => ({ updated_at: new Date(...date).getTime() });
const keys = (items, now = NOW) => groupByDate(items, now).map(({ key, items }) => `${key}:${items.length}`).join(" ");

test("groups follow the calendar days, not the hours since", () => {
  const items = [
    at(2026, 10, 24, 13), at(2026, 10, 24), at(2026, 10, 23, 23, 59), at(2026, 10, 23), at(2026, 10, 22, 23, 59), at(2026, 10, 17),
    at(2026, 10, 16, 23, 59), at(2026, 9, 25), at(2026, 9, 24, 23, 59), at(2026, 9, 1), at(2026, 8, 30, 23, 59), at(2025, 11, 31, 23, 59),
  ];
  assert.equal(keys(items), "today:2 yesterday:2 week:2 month:2 2026-10:2 2026-9:1 2025-12:1");
  assert.equal(keys([]), "");
  assert.equal(dateGroupName("week"), "Previous 7 days");
  assert.equal(dateGroupName("2026-10"), "October 2026");
});

test("groups on the first of January, and after the server's clock was set back", () => {
  assert.equal(keys([at(2026, 11, 31, 12), at(2026, 10, 30)], new Date(2027, 0, 1, 0, 0, 1)), "yesterday:1 2026-11:1");
  assert.equal(keys([at(2026, 10, 24, 9), at(2026, 10, 23), at(2026, 10, 24, 8), at(2026, 10, 22)]), "today:1 yesterday:2 week:1");
});
