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
  assert.deepEqual(groupModels(broken, "").at(-1), { kind: "upstream", name: "desk", failed: broken.at(-1), models: [] });
  assert.equal(groupModels(broken, "gpt").length, 1);
});

test("favourites come first, then what was used last; neither is shown twice", () => {
  const all = ["a", "b", "c", "d"].map((id) => model(id));
  const names = (query, first) => groupModels(all, query, first).map(({ kind, models }) => [kind, ...models.map(({ id }) => id)]);
  const first = { favourites: ["c", "gone", "a"], recent: ["a", "d", "gone"] };
  assert.deepEqual(names("", first), [["favourites", "c", "a"], ["recent", "d"], ["maker", "b"]]);
  assert.deepEqual(names("d", first), [["recent", "d"]]);
  assert.deepEqual(names("", {}), [["maker", "a", "b", "c", "d"]]);
});

test("an upstream has failed when none of its models can be used", () => {
  const failed = { ...model("x", "two"), state: "failed", code: "auth" };
  assert.equal(groupModels([model("a"), failed, model("y", "two")], "").at(-1).failed, null);
  assert.equal(groupModels([model("a"), failed], "").at(-1).failed, failed);
});

test("a model is found by its maker", () => {
  assert.equal(groupModels([{ ...model("gpt"), maker: "OpenAI" }, model("other")], "openai gp").length, 1);
});
