// The models that the user likes and has used last.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelMemory } from "../../../tornado_stream/static/js/composer/model_memory.js";
import { Storage } from "../../../tornado_stream/static/js/page/storage.js";
import { Area } from "../area.mjs";

test("favourites and what was used last are stored, and what is not valid is ignored", () => {
  const area = new Area();
  const memory = new ModelMemory(new Storage(() => area));
  assert.deepEqual([memory.toggle("a"), memory.toggle("b"), memory.toggle("a")], [true, true, false]);
  for (const id of ["a", "b", "c", "b", "d"]) memory.use(id);
  const again = new ModelMemory(new Storage(() => area));
  assert.deepEqual([again.favourites, again.recent], [["b"], ["d", "b", "c"]]);
  area.setItem("tornado-stream:favourite-models", '{"a": 1}');
  area.setItem("tornado-stream:recent-models", '["a", 7, null]');
  assert.deepEqual([again.favourites, again.recent], [[], ["a"]]);
});
