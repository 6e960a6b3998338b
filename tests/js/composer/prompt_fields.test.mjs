// The places of a prompt's fields, while its text is changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf, moved, nextField } from "../../../tornado_stream/static/js/composer/prompt_fields.js";

const PROMPT = "Review {{file}}. Look for {{what}}.";
const words = (fields, text) => fields.map(({ start, end }) => text.slice(start, end));

/** Write `typed` in the place of the text between two places, as a text box does it. */
function write(fields, text, from, to, typed) {
  const after = text.slice(0, from) + typed + text.slice(to);
  return { fields: moved(fields, text, after, from + typed.length), text: after };
}

test("fields are found", () => {
  assert.deepEqual(words(fieldsOf(PROMPT), PROMPT), ["{{file}}", "{{what}}"]);
  for (const none of ["", "{{}}", "{{a\nb}}", "{{{}}}", "{file}", `{{${"x".repeat(65)}}}`]) assert.deepEqual(fieldsOf(none), [], none);
  assert.deepEqual(words(fieldsOf("{{a}}{{b}}{{a}}"), "{{a}}{{b}}{{a}}"), ["{{a}}", "{{b}}", "{{a}}"]);
});

test("what is written into a field is the field, letter by letter, and is not looked into", () => {
  const [first] = fieldsOf(PROMPT);
  let state = write(fieldsOf(PROMPT), PROMPT, first.start, first.end, "{");
  for (const letter of "{what}}") state = write(state.fields, state.text, state.fields[0].end, state.fields[0].end, letter);
  assert.equal(state.text, "Review {{what}}. Look for {{what}}.");
  assert.deepEqual(words(state.fields, state.text), ["{{what}}", "{{what}}"]);
  assert.equal(nextField(state.fields, state.fields[0].end, state.fields[0].end, false), state.fields[1]);
});

test("fields move with the text around them", () => {
  for (const [from, to, typed, left] of [
    [0, 6, "Read", ["{{file}}", "{{what}}"]],
    [0, 0, "R", ["{{file}}", "{{what}}"]], // the same letter again
    [PROMPT.length, PROMPT.length, " Now.", ["{{file}}", "{{what}}"]],
    [15, 27, "", ["{{file}}", "{{what}}"].slice(0, 1)], // cuts into the second one
    [7, 15, "", ["", "{{what}}"]],
    [0, PROMPT.length, "", []],
  ]) {
    const { fields, text } = write(fieldsOf(PROMPT), PROMPT, from, to, typed);
    assert.deepEqual(words(fields, text), left, `${from} ${to} ${typed}`);
  }
});

test("Tab goes on, Shift+Tab goes back, and both end", () => {
  const [file, what] = fieldsOf(PROMPT);
  const go = (place, back) => nextField([file, what], place.start, place.end, back);
  assert.equal(go({ start: 0, end: 0 }, false), file);
  assert.equal(go(file, false), what);
  assert.equal(go(what, false), undefined);
  assert.equal(go(what, true), file);
  assert.equal(go(file, true), undefined);
  assert.equal(go({ start: PROMPT.length, end: PROMPT.length }, true), what);
});
