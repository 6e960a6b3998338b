// What the reader has set.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Models } from "../../../tornado_stream/static/js/composer/models.js";
import { Preferences } from "../../../tornado_stream/static/js/composer/preferences.js";
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
