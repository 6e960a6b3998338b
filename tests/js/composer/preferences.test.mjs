// The model and the parameters that the user has chosen.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Models } from "../../../tornado_stream/static/js/composer/models.js";
import { Preferences } from "../../../tornado_stream/static/js/composer/preferences.js";
import { PageLifecycle } from "../../../tornado_stream/static/js/page/lifecycle.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { json, serve } from "../server.mjs";

const model = (id, provider = "openai") => ({ id, provider, state: "ready", detail: "" });

/** The `Models` of a page whose server has these models; the first is the default. */
async function modelsOf(t, ...ids) {
  const { api } = await serve(t, [(_, response) => json(response, 200, { models: ids.map((id) => model(id)), default: ids[0] })]);
  const models = new Models(api, new PageLifecycle());
  await models.watch();
  return models;
}

const empty = () => new Storage(() => null);

test("only what was set is sent", async (t) => {
  const preferences = new Preferences(empty(), await modelsOf(t, "a", "b"));
  assert.deepEqual(preferences.chosen, {});
  assert.equal(preferences.model.id, "a");
  preferences.setDefaults({ system: "Be brief.", options: { temperature: 0, top_p: 1 } });
  assert.deepEqual([preferences.chosen, preferences.beginning], [{ options: { temperature: 0, top_p: 1 } }, { system: "Be brief." }]);
  preferences.own = { top_p: 0.5, max_tokens: 9 }; // the open conversation's
  assert.deepEqual(preferences.chosen, { options: { temperature: 0, top_p: 0.5, max_tokens: 9 } });
  preferences.own = {};
  preferences.setDefaults({ system: "", options: {} });
  assert.deepEqual([preferences.chosen, preferences.beginning], [{}, {}]);
});

test("a choice is stored; choosing the default stores nothing", async (t) => {
  const storage = empty();
  const models = await modelsOf(t, "a", "b");
  new Preferences(storage, models).choose("b");
  const again = new Preferences(storage, models);
  assert.deepEqual([again.chosen, again.model.id], [{ model: "b" }, "b"]);
  again.choose("a");
  assert.deepEqual(again.chosen, {});
  assert.deepEqual(storage.keys(""), []);
});

test("a model that is no longer listed is replaced by the default; a typed name is not", async (t) => {
  const storage = empty();
  new Preferences(storage, await modelsOf(t, "a", "b")).choose("b");
  const elsewhere = new Preferences(storage, await modelsOf(t, "c"));
  assert.deepEqual([elsewhere.chosen, elsewhere.model.id, elsewhere.missing], [{}, "c", "b"]);
  const back = new Preferences(storage, await modelsOf(t, "a", "b"));
  assert.deepEqual([back.chosen, back.missing], [{ model: "b" }, null]);
  back.choose("typed/in");
  const other = new Preferences(storage, await modelsOf(t, "c"));
  assert.deepEqual([other.chosen, other.model.id, other.model.state, other.missing], [{ model: "typed/in" }, "typed/in", "other", null]);
});

test("the choice holds before the server has answered", async (t) => {
  const storage = empty();
  new Preferences(storage, await modelsOf(t, "a", "b")).choose("b");
  const early = new Preferences(storage, new Models(null, new PageLifecycle()));
  assert.deepEqual([early.chosen, early.model.id], [{ model: "b" }, "b"]);
});

test("stored values that are not valid are ignored", async (t) => {
  const models = await modelsOf(t, "a");
  for (const [wanted, options] of [["{", "["], ["null", "3"], ['{"id":7}', '"x"'], ['{"id":""}', "null"]]) {
    const storage = empty();
    storage.set("tornado-stream:model", wanted);
    storage.set("tornado-stream:options", options);
    assert.deepEqual(new Preferences(storage, models).chosen, {});
  }
});
