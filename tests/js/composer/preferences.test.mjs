// What the reader has set, and what goes into a request.
import assert from "node:assert/strict";
import { test } from "node:test";

import { groupModels } from "../../../tornado_stream/static/js/composer/model_groups.js";
import { Models } from "../../../tornado_stream/static/js/composer/models.js";
import { readNumber } from "../../../tornado_stream/static/js/composer/parameters.js";
import { Preferences } from "../../../tornado_stream/static/js/composer/preferences.js";
import { asking, askingAgain, excess, continuing } from "../../../tornado_stream/static/js/conversation/requests.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { json, serve } from "../server.mjs";

const model = (id, provider = "openai") => ({ id, provider, state: "ready", detail: "" });

/** What the page knows of a server with these models, the first of them the default. */
async function known(t, ...ids) {
  const { api } = await serve(t, [(_, response) => json(response, 200, { models: ids.map((id) => model(id)), default: ids[0] })]);
  const models = new Models(api, new PageLifecycle());
  await models.watch();
  return models;
}
const empty = () => new Storage(() => null);

test("nothing is sent that was not set", async (t) => {
  const preferences = new Preferences(empty(), await known(t, "a", "b"));
  assert.deepEqual(preferences.chosen, {});
  assert.equal(preferences.model.id, "a");
  preferences.set({ temperature: 0 });
  assert.deepEqual(preferences.chosen, { options: { temperature: 0 } });
  preferences.set({});
  assert.deepEqual(preferences.chosen, {});
});

test("the choice is remembered; the default is none", async (t) => {
  const storage = empty();
  const models = await known(t, "a", "b");
  new Preferences(storage, models).choose("b");
  const again = new Preferences(storage, models);
  assert.deepEqual([again.chosen, again.model.id], [{ model: "b" }, "b"]);
  again.choose("a");
  assert.deepEqual(again.chosen, {});
  assert.deepEqual(storage.keys(""), []);
});

test("a model that is gone gives way to the default, one that was typed in does not", async (t) => {
  const storage = empty();
  new Preferences(storage, await known(t, "a", "b")).choose("b");
  const elsewhere = new Preferences(storage, await known(t, "c"));
  assert.deepEqual([elsewhere.chosen, elsewhere.model.id, elsewhere.missing], [{}, "c", "b"]);
  const back = new Preferences(storage, await known(t, "a", "b"));
  assert.deepEqual([back.chosen, back.missing], [{ model: "b" }, null]);
  back.choose("typed/in");
  const other = new Preferences(storage, await known(t, "c"));
  assert.deepEqual([other.chosen, other.model.id, other.model.state, other.missing], [{ model: "typed/in" }, "typed/in", "other", null]);
});

test("before the server has answered the choice holds", async (t) => {
  const storage = empty();
  new Preferences(storage, await known(t, "a", "b")).choose("b");
  const early = new Preferences(storage, new Models(null, new PageLifecycle()));
  assert.deepEqual([early.chosen, early.model.id], [{ model: "b" }, "b"]);
});

test("what another tab or another version left is read with care", async (t) => {
  const models = await known(t, "a");
  for (const [wanted, options] of [["{", "["], ["null", "3"], ['{"id":7}', '"x"'], ['{"id":""}', "null"]]) {
    const storage = empty();
    storage.set("tornado-stream:model", wanted);
    storage.set("tornado-stream:options", options);
    assert.deepEqual(new Preferences(storage, models).chosen, {});
  }
});

test("every request carries what was set", () => {
  const chosen = { model: "b", options: { top_p: 0.5 } };
  const question = { role: "user", id: "u", text: "hi", parent: null };
  for (const body of [asking("c", question, 0, chosen), askingAgain("c", question, 0, chosen), continuing("c", { id: "m" }, 0, chosen)]) {
    assert.deepEqual([body.model, body.options], ["b", { top_p: 0.5 }]);
  }
  assert.ok(!("model" in asking(null, question, 0, {})) && !("options" in asking(null, question, 0, undefined)));
});

test("bytes are counted as they are sent", () => {
  const most = 1024 * 1024 - 4096;
  for (const [character, bytes] of [["x", 1], ["\n", 2], ["\u0001", 6], ["é", 2], ["雪", 3], ["😀", 4]]) {
    const count = Math.floor((most - 2) / bytes);
    assert.equal(excess(character.repeat(count)), 0, character);
    assert.ok(excess(character.repeat(count + 1)) > 0, character);
  }
  const question = { role: "user", id: "u", text: "x".repeat(most - 2), parent: null };
  const body = { ...asking(crypto.randomUUID(), question, 99, { model: "m".repeat(200), options: { temperature: 0.123456789, top_p: 0.123456789, max_tokens: 1000000, reasoning_effort: "minimal" } }), parent_id: crypto.randomUUID() };
  assert.ok(JSON.stringify(body).length <= 1024 * 1024);
});

test("numbers are read as they are written", () => {
  const cases = {
    temperature: { "": {}, " 0 ": { value: 0 }, "0,7": { value: 0.7 }, ".5": { value: 0.5 }, 2: { value: 2 }, 2.1: { wrong: "range" }, "-1": { wrong: "range" }, warm: { wrong: "number" }, "1e0": { wrong: "number" }, "0x1": { wrong: "number" }, "1.": { value: 1 }, "1,000.5": { wrong: "number" } },
    max_tokens: { 100: { value: 100 }, 1.5: { wrong: "whole" }, 0: { wrong: "range" }, 99999999: { wrong: "range" } },
  };
  for (const [name, texts] of Object.entries(cases)) for (const [text, read] of Object.entries(texts)) assert.deepEqual(readNumber(name, text), read, `${name} ${text}`);
});

test("models by their upstream where there are several, else by maker; those with every word", () => {
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
