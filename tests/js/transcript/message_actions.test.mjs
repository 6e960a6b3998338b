// What can be done with a message, and with which buttons.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { outcomeOf } from "../../../tornado_stream/static/js/answers/outcome.js";
import { t } from "../../../tornado_stream/static/js/page/words.js";
import { ACTIONS, perform, toolbarOf } from "../../../tornado_stream/static/js/transcript/message_actions.js";
import { after } from "../answered.mjs";

const ICONS = readFileSync(new URL("../../../tornado_stream/static/js/page/icons.js", import.meta.url), "utf-8");

const broken = after(["delta", { content: "half" }], ["end", { state: "cut_off" }]);
const whole = after(["delta", { content: "a" }], ["end", { state: "done", finish_reason: "stop", saved: true }]);

test("every action has words, and a drawing where it is in a toolbar", () => {
  for (const [name, { label, icon, fits }] of Object.entries(ACTIONS)) {
    assert.ok(t(label), name);
    if (fits) assert.ok(icon, name);
    if (icon) assert.match(ICONS, new RegExp(`^  ${icon}: "M`, "m"), name);
  }
});

test("which actions fit a message", () => {
  assert.deepEqual(toolbarOf(broken.parent, []), ["copy", "edit"]);
  assert.deepEqual(toolbarOf(broken, outcomeOf(broken).actions), ["copy", "details"], "the rest is offered beside how it ended");
  assert.deepEqual(toolbarOf(broken, []), ["copy", "again", "continue", "details"]);
  assert.deepEqual(toolbarOf(whole, outcomeOf(whole).actions), ["copy", "again", "details"]);
  assert.deepEqual(toolbarOf(after(), []), [], "while it is written");
  const failed = after(["end", { state: "error", error: { code: "server_error", message: "" } }]);
  assert.deepEqual(toolbarOf(failed, outcomeOf(failed).actions), ["details"], "to retry is to ask again");
});

test("an action is done to its message, and what asks for something says so", () => {
  const done = [];
  const note = (name) => (...given) => void done.push([name, ...given]);
  const commands = { retry: note("retry"), continueAnswer: note("continue"), send: note("send"), retryShorter: note("shorter") };
  const page = { commands, callbacks: { questionSent: note("asked"), startAnew: note("startAnew"), pickModel: note("pickModel") } };
  const doneBy = (name) => (done.splice(0), perform(name, { message: broken }, page, null), done.splice(0));
  assert.deepEqual(doneBy("retry"), [["retry", broken], ["asked"]]);
  assert.deepEqual(doneBy("again"), doneBy("retry"));
  assert.deepEqual(doneBy("continue"), [["continue", broken], ["asked"]]);
  assert.deepEqual(doneBy("askToContinue"), [["send", "Please go on exactly where you stopped."], ["asked"]]);
  assert.deepEqual(doneBy("shorter"), [["shorter"], ["asked"]]);
  assert.deepEqual(doneBy("fresh"), [["startAnew", "q"]]);
  assert.deepEqual(doneBy("model"), [["pickModel"]]);
});
