// What the list of models says about a model.
import assert from "node:assert/strict";
import { test } from "node:test";

import { withWords } from "../../../tornado_stream/static/js/page/words.js";

const { factsOf, reasonOf } = await withWords(import("../../../tornado_stream/static/js/composer/model_facts.js"));
const model = (more) => ({ id: "m", provider: "cloud", state: "ready", detail: "http://10.0.0.7/v1", ...more });
const facts = (more) => factsOf(model(more), { isDefault: false, withMaker: true });
const price = (input, output, currency = "USD") => facts({ price: { input, output, cached_input: null, currency } })[0];

test("what is not known is not shown, and an address never is", () => {
  assert.deepEqual(facts({}), []);
  assert.deepEqual(facts({ maker: "", context: null, can: [], price: null, code: "" }), []);
  assert.deepEqual(facts({ id: "meta/llama", maker: "meta", context: 131072, can: ["tools", "new"] }), ["131k tokens", "tools", "new"]);
  assert.deepEqual(facts({ maker: "Meta", context: 1048576 }), ["Meta", "1M tokens"]);
  assert.deepEqual(facts({ context: 200 }), ["<1k tokens"]);
  assert.deepEqual(factsOf(model({}), { isDefault: true, withMaker: true }), ["default"]);
});

test("prices are those of a million tokens, in their currency", () => {
  assert.equal(price(0.25, 2), "$0.25 in, $2 out per 1M tokens");
  assert.equal(price(0.0375, 15.5, "EUR"), "€0.0375 in, €15.50 out per 1M tokens");
  assert.equal(price(0, 0), "free of charge");
  assert.equal(price(0, 1000), "$0 in, $1,000 out per 1M tokens");
});

test("why a model cannot be used", () => {
  const codes = { connect_failed: "cannot be reached at the moment", first_byte_timeout: "cannot be reached at the moment", auth: "refused the server’s key", quota: "has no credit left", odd: "not available" };
  for (const [code, words] of Object.entries(codes)) assert.equal(reasonOf({ code }), words);
  assert.equal(reasonOf({}), "not available");
  assert.deepEqual(facts({ state: "failed", code: "auth" }), ["refused the server’s key"]);
});
