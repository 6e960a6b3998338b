// What the user can do with a message.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { loadTroubles, outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { t } from "../../../tornado_stream/static/js/page/words.js";
import { ACTIONS, copiedText, perform, toolbarOf } from "../../../tornado_stream/static/js/transcript/message_actions.js";
import { after } from "../answered.mjs";

await loadTroubles();

const ICONS = readFileSync(new URL("../../../tornado_stream/static/js/page/icons.js", import.meta.url), "utf-8");

const broken = after(["delta", { content: "half" }], ["end", { state: "cut_off" }]);
const whole = after(["delta", { content: "a" }], ["end", { state: "done", finish_reason: "stop", saved: true }]);

test("every action has a text, and an icon if it is in a toolbar", () => {
  for (const [name, { label, icon, appliesTo }] of Object.entries(ACTIONS)) {
    assert.ok(t(label), name);
    if (appliesTo) assert.ok(icon, name);
    if (icon) assert.match(ICONS, new RegExp(`^  ${icon}: "M`, "m"), name);
  }
});

test("the actions in a message's toolbar", () => {
  assert.deepEqual(toolbarOf(broken.parent, []), ["copy", "edit"]);
  assert.deepEqual(toolbarOf(broken, outcomeOf(broken).actions), ["copy", "with", "details"], "the others are offered beside the line that says how it ended");
  assert.deepEqual(toolbarOf(broken, []), ["copy", "again", "with", "continue", "details"]);
  assert.deepEqual(toolbarOf(whole, outcomeOf(whole).actions), ["copy", "again", "with", "details"]);
  assert.deepEqual(toolbarOf(after(), []), [], "while it is being written");
  const failed = after(["end", { state: "error", error: { code: "server_error", message: "" } }]);
  assert.deepEqual(toolbarOf(failed, outcomeOf(failed).actions), ["with", "details"], "Retry and Regenerate do the same");
});

test("a copied answer has the pages that it refers to", () => {
  const sources = [{ url: "https://a.example/", title: "A" }, { url: "https://b.example/", title: "" }];
  const cited = after(["delta", { content: "text", sources }], ["end", { state: "done" }]);
  assert.equal(copiedText(cited), "text\n\n[1] A: https://a.example/\n[2] https://b.example/");
  assert.equal(copiedText(whole), "a");
  assert.equal(copiedText(whole.parent), "q");
});

test("an action is performed on its message, and tells the page if it sent a request", () => {
  const done = [];
  const note = (name) => (...given) => void done.push([name, ...given]);
  const commands = { retry: note("retry"), continueAnswer: note("continue"), send: note("send"), retryShorter: note("shorter") };
  const page = { commands, callbacks: { questionSent: note("questionSent"), startAnew: note("startAnew"), pickModel: note("pickModel") } };
  const doneBy = (name) => (done.splice(0), perform(name, { message: broken }, page, null), done.splice(0));
  assert.deepEqual(doneBy("retry"), [["retry", broken], ["questionSent"]]);
  assert.deepEqual(doneBy("again"), doneBy("retry"));
  const [[asked, { choose }], ...more] = doneBy("with");
  assert.deepEqual([asked, more], ["pickModel", []], "nothing is sent before a model is chosen");
  choose("another");
  assert.deepEqual(done.splice(0), [["retry", broken, { model: "another" }], ["questionSent"]]);
  assert.deepEqual(doneBy("continue"), [["continue", broken], ["questionSent"]]);
  assert.deepEqual(doneBy("askToContinue"), [["send", "Please continue exactly where you stopped."], ["questionSent"]]);
  assert.deepEqual(doneBy("shorter"), [["shorter"], ["questionSent"]]);
  assert.deepEqual(doneBy("fresh"), [["startAnew", "q"]]);
  assert.deepEqual(doneBy("withoutPictures"), [["retry", broken, { pictures: false }], ["questionSent"]]);
  assert.deepEqual(doneBy("model"), [["pickModel"]]);
});
