// The groups of models in the picker.
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupModels } from "../../../tornado_stream/static/js/composer/model_groups.js";

const model = (id, provider = "openai") => ({ id, provider, state: "ready", detail: "" });

test("models are grouped by provider if there are several, otherwise by maker; every word filters", () => {
  const all = [model("gpt"), model("meta/llama-3"), model("smol", "local"), model("meta/llama-2"), model("")];
  const names = (query) => groupModels(all, query).map(({ name, models }) => [name, ...models.map(({ id }) => id)]);
  assert.deepEqual(names(""), [["openai", "gpt", "meta/llama-3", "meta/llama-2"], ["local", "smol"]]);
  assert.deepEqual(names("3 META"), [["openai", "meta/llama-3"]]);
  assert.deepEqual(names("local"), [["local", "smol"]]);
  assert.deepEqual(names("nothing"), []);
  const one = [model("gpt"), model("meta/llama-3"), model("meta/llama-2")];
  assert.deepEqual(groupModels(one, "").map(({ name, models }) => [name, models.length]), [["openai", 1], ["meta", 2]]);
  const broken = [...one, { ...model("", "desk"), state: "failed", detail: "It cannot be reached." }];
  assert.deepEqual(groupModels(broken, "").at(-1), { name: "desk", detail: "It cannot be reached.", models: [] });
  assert.equal(groupModels(broken, "gpt").length, 1);
});
