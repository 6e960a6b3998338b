// Unsent texts are stored.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../../../tornado_stream/static/js/composer/drafts.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";

test("drafts: each conversation has one; a tab stores only what was changed in it", () => {
  const area = new Area();
  const open = () => {
    const conversation = Object.assign(new EventTarget(), { id: null });
    const composer = Object.assign(new EventTarget(), { text: "", fill(text) { this.text = text; } });
    const drafts = new Drafts(new Storage(() => area), conversation, composer);
    const write = (text) => ((composer.text = text), composer.dispatchEvent(new Event("change")));
    const go = (id, adopted = false) => ((conversation.id = id), conversation.dispatchEvent(new CustomEvent("switched", { detail: { adopted } })));
    return { composer, drafts, write, go };
  };
  const one = open();
  one.write("new one");
  one.go("c1");
  assert.equal(one.composer.text, "");
  one.write("for c1");
  one.drafts.flush();
  const two = open();
  assert.equal(two.composer.text, "new one");
  two.go("c1");
  assert.equal(two.composer.text, "for c1");
  one.write("for c1, longer");
  one.drafts.flush();
  two.drafts.flush();
  two.go(null);
  two.go("c1");
  assert.equal(two.composer.text, "for c1, longer");
  two.go(null);
  two.go("c2", true);
  assert.equal(two.composer.text, "new one", "the draft has moved to the new conversation's id");
  two.go(null);
  assert.equal(two.composer.text, "");
  two.drafts.add(null, "back");
  two.drafts.add("c2", "again");
  two.go("c2");
  assert.equal(two.composer.text, "new one\nagain");
});
