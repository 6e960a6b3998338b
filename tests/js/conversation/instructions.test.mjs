// The system prompt of the open conversation, and how it gets to the server.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Instructions } from "../../../tornado_stream/static/js/conversation/instructions.js";
import { Refused } from "../../../tornado_stream/static/js/page/api.js";
import { json } from "../server.mjs";
import { answer, page, snapshot, user } from "../snapshots.mjs";

const STORED = snapshot([user("u1", null, "one"), answer("a1", "u1", "1")], "a1", { system: "Be brief." });

/** A page with a system prompt, on a server that answers requests that change something with this. */
async function open(t, change) {
  const told = [];
  const { conversation, seen } = await page(t, [(request, response) => (request.method === "GET" ? json(response, 200, STORED) : change(response))]);
  conversation.addEventListener("news", ({ detail }) => told.push(detail));
  return { conversation, instructions: new Instructions(conversation), told, sent: () => seen.filter(({ method }) => method !== "GET") };
}

test("a conversation that is there is changed", async (t) => {
  const { conversation, instructions, told, sent } = await open(t, (response) => response.writeHead(204).end());
  await conversation.open("c");
  assert.equal(instructions.text, "Be brief.");
  await instructions.save("Be kind.");
  assert.deepEqual(sent().map(({ method, url, body }) => [method, url, JSON.parse(body)]), [["PATCH", "/api/conversations/c", { system: "Be kind." }]]);
  assert.equal(instructions.text, "Be kind.");
  assert.deepEqual(told, [{ type: "changed", conversation_id: "c" }]);
});

test("for a new one it is made, and what is shown is that one now", async (t) => {
  const { conversation, instructions, told, sent } = await open(t, (response) => json(response, 201, { id: "made" }));
  await instructions.save("Be kind.");
  assert.deepEqual([sent()[0].method, sent()[0].url, conversation.id, instructions.text], ["POST", "/api/conversations", "made", "Be kind."]);
  assert.deepEqual(told, [{ type: "changed", conversation_id: "made" }]);
});

test("another conversation that was opened meanwhile keeps its own", async (t) => {
  const { conversation, instructions, told } = await open(t, (response) => json(response, 201, { id: "made" }));
  const saving = instructions.save("Be kind.");
  await conversation.open("c");
  await saving;
  assert.deepEqual([conversation.id, instructions.text, told], ["c", "Be brief.", []]);
});

test("what the server refuses is not kept", async (t) => {
  const { conversation, instructions } = await open(t, (response) => json(response, 507, { error: { code: "not_saved", message: "Full." } }));
  await conversation.open("c");
  await assert.rejects(instructions.save("Be kind."), Refused);
  assert.equal(instructions.text, "Be brief.");
});
