// Finding the fenced code in a question.
import assert from "node:assert/strict";
import { test } from "node:test";

import { piecesOf } from "../../../tornado_stream/static/js/transcript/question_code.js";

for (const [name, text, code] of [
  ["a block between prose", "Why?\n```js\nlet a;\n```\nThanks", ["```js\nlet a;\n```\n"]],
  ["a block that nothing closes", "Why?\n~~~\nlet a;", ["~~~\nlet a;"]],
  ["a longer fence around a shorter one", "````\n```\n````\n", ["````\n```\n````\n"]],
  ["two blocks in CRLF lines", "```\r\na\r\n```\r\nb\r\n```c\r\n```", ["```\r\na\r\n```\r\n", "```c\r\n```"]],
  ["backticks in a line", "a ``` b\n`c`", []],
  ["many fences", "```\n".repeat(40_001), null],
]) {
  test(`${name}: the pieces are the whole text`, () => {
    const pieces = piecesOf(text);
    assert.equal(pieces.map((piece) => piece.text).join(""), text);
    if (code) assert.deepEqual(pieces.filter(({ isCode }) => isCode).map((piece) => piece.text), code);
  });
}
