// The system prompt of the open conversation, and how it gets to the server.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Instructions } from "../../../tornado_stream/static/js/conversation/instructions.js";
import { saveInstructions } from "../../../tornado_stream/static/js/conversation/save_instructions.js";
import { Refused } from "../../../tornado_stream/static/js/page/api.js";
import { json } from "../server.mjs";
import { answer, page, snapshot, user } from "../snapshots.mjs";

const STORED = snapshot([user("u1", null, "one"), answer("a1", "u1", "1")], "a1", { system: "Be brief." });

/** A page with a system prompt, on a server that handles requests other than GET with `change`. */
async function open(t, change) {
  const told = [];
  const { conversation, seen } = await page(t, [(request, response) => (request.method === "GET" ? json(response, 200, STORED) : change(response))]);
  conversation.addEventListener("news", ({ detail }) => told.push(detail));
  return { conversation, instructions: new Instructions(conversation), told, sent: () => seen.filter(({ method }) => method !== "GET") };
}

test("saving changes a conversation that exists", async (t) => {
  const { conversation, instructions, told, sent } = await open(t, (response) => response.writeHead(204).end());
  await conversation.open("c");
  assert.equal(instructions.text, "Be brief.");
  await saveInstructions(instructions, "Be kind.", { top_p: 0.5 });
  assert.deepEqual(sent().map(({ method, url, body }) => [method, url, JSON.parse(body)]), [["PATCH", "/api/conversations/c", { system: "Be kind.", options: { top_p: 0.5 } }]]);
  assert.deepEqual([instructions.text, instructions.options], ["Be kind.", { top_p: 0.5 }]);
  assert.deepEqual(told, [{ type: "changed", conversation_id: "c" }]);
});

test("saving creates a new conversation, which the page then shows", async (t) => {
  const { conversation, instructions, told, sent } = await open(t, (response) => json(response, 201, { id: "made" }));
  await saveInstructions(instructions, "Be kind.", { top_p: 0.5 });
  assert.deepEqual([sent()[0].method, sent()[0].url, conversation.id, instructions.text], ["POST", "/api/conversations", "made", "Be kind."]);
  assert.deepEqual(told, [{ type: "changed", conversation_id: "made" }]);
});

test("a conversation that was opened meanwhile keeps its own system prompt", async (t) => {
  const { conversation, instructions, told } = await open(t, (response) => json(response, 201, { id: "made" }));
  const saving = saveInstructions(instructions, "Be kind.", { top_p: 0.5 });
  await conversation.open("c");
  await saving;
  assert.deepEqual([conversation.id, instructions.text, told], ["c", "Be brief.", []]);
});

test("a system prompt that the server refuses is not kept", async (t) => {
  const { conversation, instructions } = await open(t, (response) => json(response, 507, { error: { code: "not_saved", message: "Full." } }));
  await conversation.open("c");
  await assert.rejects(saveInstructions(instructions, "Be kind.", { top_p: 0.5 }), Refused);
  assert.equal(instructions.text, "Be brief.");
});

test("a new conversation begins with the defaults; one that exists has its own", async (t) => {
  const { conversation } = await open(t, (response) => json(response, 201, { id: "made" }));
  const defaults = { system: "Be short." };
  const instructions = new Instructions(conversation, defaults);
  assert.equal(instructions.text, "Be short.");
  defaults.system = "Be long.";
  instructions.refresh();
  assert.equal(instructions.text, "Be long.");
  await conversation.open("c");
  assert.deepEqual([instructions.text, instructions.options], ["Be brief.", {}]);
  instructions.refresh();
  assert.equal(instructions.text, "Be brief.");
  conversation.clear();
  assert.equal(instructions.text, "Be long.");
});
