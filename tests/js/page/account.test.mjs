// Whose the page is: what one user left is not for the next, and a session that has ended asks for the login.
import assert from "node:assert/strict";
import { test } from "node:test";

import { takeOver } from "../../../tornado_stream/static/js/page/account.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { json, serve } from "../server.mjs";

/** `localStorage`, as far as it is used. */
class Area {
  kept = new Map();
  getItem = (key) => this.kept.get(key) ?? null;
  setItem = (key, value) => void this.kept.set(key, value);
  removeItem = (key) => void this.kept.delete(key);
  clear = () => this.kept.clear();
}

test("what one user left is not for the next", () => {
  const areas = [new Area(), new Area()];
  const visit = (user) => {
    const storages = areas.map((area) => new Storage(() => area));
    takeOver(storages, user);
    const found = storages.map((storage) => storage.get("draft"));
    for (const storage of storages) storage.set("draft", user);
    return found;
  };
  assert.deepEqual(visit(""), [null, null]);
  assert.deepEqual(visit(""), ["", ""]);
  assert.deepEqual(visit("local"), ["", ""], "what is written without a login is local's");
  assert.deepEqual(visit("local"), ["local", "local"]);
  assert.deepEqual(visit("anna"), [null, null]);
  assert.deepEqual(visit("anna"), ["anna", "anna"]);
  assert.deepEqual(visit(""), [null, null]);
});

test("a storage that was let go keeps nothing more", () => {
  const area = new Area();
  const storage = new Storage(() => area);
  storage.set("a", "1");
  storage.clear();
  storage.letGo();
  storage.set("b", "2");
  assert.equal(storage.get("b"), "2");
  assert.equal(area.kept.size, 0);
});

test("without a session the page is loaded anew, and nobody hears of the refusal", async (t) => {
  const { api } = await serve(t, [
    (_, response) => response.setHeader("WWW-Authenticate", "Bearer") && json(response, 401, { error: { code: "login_required" } }),
    (_, response) => json(response, 401, { error: { code: "elsewhere" } }),
  ]);
  const reloaded = new Promise((reload) => (globalThis.location = { reload }));
  t.after(() => delete globalThis.location);
  const answer = Promise.race([api.models().then(() => "an answer", () => "a refusal"), reloaded.then(() => "nothing")]);
  assert.equal(await answer, "nothing");
  await assert.rejects(api.models(), { status: 401, code: "elsewhere" }, "a proxy's refusal is none of ours");
});
