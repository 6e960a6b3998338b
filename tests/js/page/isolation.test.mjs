// Names within the texts of the interface keep their own direction, and so do the words beside them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

globalThis.document = { documentElement: { lang: "ar", dir: "rtl", dataset: {} } }; // before words.js is loaded
const { inRow, seconds, t } = await import("../../../tornado_stream/static/js/page/words.js");
const { outcomeOf } = await import("../../../tornado_stream/static/js/answers/outcome.js");

const ROOT = fileURLToPath(new URL("../../../tornado_stream/static/js/", import.meta.url));

test("in a language from right to left, every name within a text is isolated, and no number is", () => {
  for (const name of ["fake-model", "notes (2).txt", "مرحبا", "C++"])
    for (const key of ["list.nothing", "list.more", "model.runs"])
      assert.match(t(key, { query: name, title: name, name }), new RegExp(`\\u2068${name.replace(/[()+.]/g, "\\$&")}\\u2069`), key);
  assert.doesNotMatch(seconds(2000), /[\u2068\u2069]/);
  assert.doesNotMatch(t("list.nothing", { query: "" }), /[\u2068\u2069]/);
});

test("facts in a row are isolated from each other, and empty ones are left out", () => {
  assert.equal(inRow(["fake-model", "", null, false, "0 ث"]), "\u2068fake-model\u2069 · \u20680 ث\u2069");
  const shown = outcomeOf({ state: "done", model: "fake-model", content: ["Hi"], refusal: [], toolCalls: [], reasoning: [], end: { finish_reason: "stop", timings: { total_ms: 1200 } } });
  assert.match(shown.text, /^\u2068fake-model\u2069 · \u2068/);
});

test("no module puts facts together by itself", () => {
  for (const path of readdirSync(ROOT, { recursive: true }).filter((name) => name.endsWith(".js") && !name.endsWith("words.js")))
    assert.doesNotMatch(readFileSync(ROOT + path, "utf8"), /join\(" · "\)/, path);
});
