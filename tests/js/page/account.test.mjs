// The user of the page, and the end of a session.
import assert from "node:assert/strict";
import { test } from "node:test";

import { forgetOtherUsers } from "../../../tornado_stream/static/js/page/account.js";
import { logOut } from "../../../tornado_stream/static/js/page/log_out.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";
import { json, serve } from "../server.mjs";

test("what one user has stored is deleted for the next", () => {
  const areas = [new Area(), new Area()];
  const visit = (user) => {
    const storages = areas.map((area) => new Storage(() => area));
    forgetOtherUsers(storages, user);
    const found = storages.map((storage) => storage.get("draft"));
    for (const storage of storages) storage.set("draft", user);
    return found;
  };
  assert.deepEqual(visit(""), [null, null]);
  assert.deepEqual(visit(""), ["", ""]);
  assert.deepEqual(visit("local"), ["", ""], "without a login everything belongs to the user `local`");
  assert.deepEqual(visit("local"), ["local", "local"]);
  assert.deepEqual(visit("anna"), [null, null]);
  assert.deepEqual(visit("anna"), ["anna", "anna"]);
  assert.deepEqual(visit(""), [null, null]);
});

test("a detached storage stores nothing more in the browser", () => {
  const area = new Area();
  const storage = new Storage(() => area);
  storage.set("a", "1");
  storage.clear();
  storage.detach();
  storage.set("b", "2");
  assert.equal(storage.get("b"), "2");
  assert.equal(area.items.size, 0);
});

test("without a session the page is loaded anew, and the request stays pending", async (t) => {
  const { api } = await serve(t, [
    (_, response) => response.setHeader("WWW-Authenticate", "Bearer") && json(response, 401, { error: { code: "login_required" } }),
    (_, response) => json(response, 401, { error: { code: "elsewhere" } }),
  ]);
  const reloaded = new Promise((reload) => (globalThis.location = { reload }));
  t.after(() => delete globalThis.location);
  const answer = Promise.race([api.models().then(() => "an answer", () => "a refusal"), reloaded.then(() => "nothing")]);
  assert.equal(await answer, "nothing");
  await assert.rejects(api.models(), { status: 401, code: "elsewhere" }, "a 401 of a proxy is an ordinary refusal");
});

test("logging out leads to the login page, or to the proxy that has logged the user in", async (t) => {
  const leave = "https://auth.example.org/sign_out";
  const { api } = await serve(t, [
    (_, response) => response.writeHead(204).end(),
    (_, response) => json(response, 200, { location: leave }),
  ]);
  const seen = [];
  globalThis.location = { reload: () => seen.push("reload"), assign: (url) => seen.push(url) };
  const asks = [];
  globalThis.addEventListener = (type, listener) => type === "beforeunload" && asks.push(listener);
  t.after(() => (delete globalThis.location, delete globalThis.addEventListener));
  for (let round = 0; round < 2; round++) {
    const area = new Area();
    const storage = new Storage(() => area);
    storage.set("draft", "a");
    await logOut(api, [storage], () => assert.fail());
    assert.equal(area.items.size, 0);
  }
  assert.deepEqual(seen, ["reload", leave]);
  asks[0]({ stopImmediatePropagation: () => seen.push("leaves without a question") });
  assert.equal(seen.length, 3);
});
