// What the page says about errors.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Refused } from "../../../tornado_stream/static/js/page/api.js";
import { withWords } from "../../../tornado_stream/static/js/page/words.js";

const { errorText, explained, failureText, heldText, meaningOf } = await withWords(import("../../../tornado_stream/static/js/page/errors.js"));

test("an error has words by its code, and the server's text after them", () => {
  assert.equal(meaningOf("quota"), "The account at the provider has no credit left.");
  assert.equal(errorText("quota", "402: pay."), "The account at the provider has no credit left. The server said: 402: pay.");
  assert.equal(errorText("quota", ""), "The account at the provider has no credit left.");
});

test("a code of a newer server, or of a proxy, leaves the server's text", () => {
  for (const code of ["new_in_version_9", "http_502", "constructor", "__proto__"]) assert.equal(meaningOf(code), "", code);
  assert.equal(errorText("new_in_version_9", "Why."), "The server said: Why.");
  assert.equal(errorText("http_502", ""), "http_502");
});

test("a request that failed", () => {
  assert.equal(failureText(new Refused(409, "name_in_use", "")), "That did not work. This name is in use already.");
  assert.match(failureText(new TypeError("fetch")), /server could not be reached/);
});

test("why a question is held", () => {
  assert.match(heldText({ reason: "stopped", message: "x" }), /^The answer before it was stopped, so/);
  assert.equal(heldText({ reason: "draining", message: "" }), "This question waits for you. The server is being restarted. Try again in a moment.");
});

test("what to do about an error is said once", () => {
  const shown = (code, text) => explained({ tone: "bad", title: "No answer", text, hint: "", code });
  const [meaning, detail, hint] = shown("auth", "Incorrect API key. Check the API key (/run/key).");
  assert.deepEqual([meaning, detail, hint], ["The model’s server refused the key.", "Incorrect API key.", "Check the API key (/run/key)."]);
  assert.equal(shown("not_an_api", "It did not answer with JSON. Check the base URL.")[2], "Check the base URL.");
  assert.match(shown("auth", "401")[2], /^Check the key/);
  assert.match(shown("quota", "Pay.")[2], /^Add credit/);
  for (const code of ["auth", "quota", "model_not_found", "bad_request", "upstream_5xx", "server_error", "preset_not_found"]) {
    const [text, , next] = shown(code, "");
    assert.notEqual(text, next, code);
  }
  assert.equal(shown("preset_not_found", "")[2], "“Retry” asks without it.");
});
