// The texts of the interface, and when they are there.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { inRow, t, withWords } from "../../../tornado_stream/static/js/page/words.js";

const ROOT = new URL("../../../tornado_stream/static/js/", import.meta.url);
// A module of KaTeX's needs a document while it is evaluated.
const MODULES = readdirSync(fileURLToPath(ROOT), { recursive: true }).filter((path) => path.includes("/") && path.endsWith(".js") && !path.endsWith("/formulas.js"));

const LANG = new URL("../lang/", ROOT);
const FORMS = ["zero", "one", "two", "few", "many", "other"];

/** The texts of a language file; those with plural forms as objects. */
function* texts(level, prefix = "") {
  for (const [name, value] of Object.entries(level)) {
    if (typeof value === "string" || Object.keys(value).every((form) => FORMS.includes(form))) yield [prefix + name, value];
    else yield* texts(value, `${prefix}${name}.`);
  }
}

test("no module needs a text of lang/later while it is evaluated, because it may not have arrived", async () => {
  assert.throws(() => t("panel.title"), /has no panel.title/, "nothing has loaded these texts");
  for (const path of MODULES)
    await import(new URL(path, ROOT)).catch((error) => assert.doesNotMatch(error.message, /the language file has no/, path));
  assert.ok(MODULES.length > 90);
});

test("beside words from left to right, only a name from right to left is isolated", () => {
  assert.equal(t("model.runs", { name: "fake-model (2)" }), "The model here is fake-model (2).");
  assert.equal(t("model.runs", { name: "نموذج 2" }), "The model here is \u2068نموذج 2\u2069.");
  assert.equal(t("model.runs", { name: "מודל" }), "The model here is \u2068מודל\u2069.");
  assert.equal(inRow(["fake-model", "", "1 s"]), "fake-model · 1 s");
});

test("every text that counts has the plural forms of its language", async () => {
  for (const name of readdirSync(fileURLToPath(new URL("later/", LANG)))) {
    const tag = name.replace(".js", "");
    const rules = new Intl.PluralRules(tag);
    const wanted = new Set([0.5, ...Array(1000).keys()].map((n) => rules.select(n)));
    const seen = [];
    for (const folder of ["", "later/"])
      for (const [key, forms] of texts((await import(new URL(`${folder}${name}`, LANG))).default))
        if (typeof forms === "object") seen.push(key, ...[...wanted].filter((form) => tag !== "ar-XB" && !forms[form]).map((form) => assert.fail(`${tag}: ${key} has no form ${form}`)));
    if (tag === "ar") assert.ok(wanted.size === 6 && seen.length >= 5);
  }
});

test("a module that is loaded with its words has them", async () => {
  const module = { made: 1 };
  assert.equal(await withWords(Promise.resolve(module)), module);
  assert.equal(t("panel.title"), "This conversation");
  assert.equal(t("model.none"), "No model", "texts of the same section that were there before");
  const { default: later } = await import(new URL("later/en.js", LANG));
  later.panel.title = "Another";
  await withWords(Promise.resolve(module));
  assert.equal(t("panel.title"), "This conversation", "they are merged once");
  await assert.rejects(withWords(Promise.reject(new Error("no network"))), /no network/);
});
