// The pages that an answer refers to.
import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent, newAnswer } from "../../../tornado_stream/static/js/answers/answer.js";
import { storedAnswer } from "../../../tornado_stream/static/js/answers/stored_answer.js";
import { linkOf } from "../../../tornado_stream/static/js/transcript/sources_view.js";

test("only http and https become links, named by title or host", () => {
  assert.deepEqual(linkOf({ url: "https://a.example/x", title: " On rain " }), { href: "https://a.example/x", label: "On rain" });
  assert.deepEqual(linkOf({ url: "http://b.example:81/x", title: "" }), { href: "http://b.example:81/x", label: "b.example:81" });
  for (const url of ["javascript:alert(1)", "data:text/html,x", "//c.example", "x"]) assert.deepEqual(linkOf({ url, title: "" }), { href: "", label: url });
  assert.equal(linkOf({ url: "https://a.example", title: "x".repeat(999) }).label.length, 201);
});

test("an answer has each source once, live and stored, and a reset forgets them", () => {
  const [one, two] = ["1", "2"].map((name) => ({ url: `https://${name}.example`, title: name }));
  const answer = newAnswer({ role: "user" }, {});
  applyEvent(answer, "delta", { sources: [one] });
  applyEvent(answer, "delta", { sources: [one, two] });
  assert.deepEqual(answer.sources, [one, two]);
  applyEvent(answer, "reset", {});
  assert.deepEqual(answer.sources, []);
  assert.deepEqual(storedAnswer({ id: "a", state: "done", sources: [two] }).sources, [two]);
});
