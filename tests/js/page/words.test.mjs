// The texts of the interface, and when they are there.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { t, withWords } from "../../../tornado_stream/static/js/page/words.js";

const ROOT = new URL("../../../tornado_stream/static/js/", import.meta.url);
// A module of KaTeX's needs a document while it is evaluated.
const MODULES = readdirSync(fileURLToPath(ROOT), { recursive: true }).filter((path) => path.includes("/") && path.endsWith(".js") && !path.endsWith("/formulas.js"));

test("no module needs a text of lang/later while it is evaluated, because it may not have arrived", async () => {
  assert.throws(() => t("panel.title"), /has no panel.title/, "nothing has loaded these texts");
  for (const path of MODULES)
    await import(new URL(path, ROOT)).catch((error) => assert.doesNotMatch(error.message, /the language file has no/, path));
  assert.ok(MODULES.length > 90);
});

test("a module that is loaded with its words has them", async () => {
  const module = { made: 1 };
  assert.equal(await withWords(Promise.resolve(module)), module);
  assert.equal(t("panel.title"), "Settings for answers");
  assert.equal(t("model.none"), "No model", "texts of the same section that were there before");
  await assert.rejects(withWords(Promise.reject(new Error("no network"))), /no network/);
});
