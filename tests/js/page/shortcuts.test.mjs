// The meaning of a key, on different keyboard layouts and computers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { SHORTCUTS, shortcutOf } from "../../../tornado_stream/static/js/page/shortcuts.js";
import { LABELS } from "../../../tornado_stream/static/js/page/shortcuts_dialog.js";

/** A keyboard event, from a text such as `ctrl+shift+O`. */
function press(text, code = "", more = {}) {
  const parts = text.split("+");
  const key = parts.pop();
  const held = (name) => parts.includes(name);
  return { key, code, ctrlKey: held("ctrl"), metaKey: held("meta"), altKey: held("alt"), shiftKey: held("shift"), isComposing: false, keyCode: 0, ...more };
}

for (const [text, code, mac, name] of [
  ["ctrl+k", "KeyK", false, "search"],
  ["ctrl+K", "KeyK", false, "search"], // Caps Lock
  ["meta+k", "KeyK", true, "search"],
  ["ctrl+k", "KeyK", true, undefined],
  ["meta+k", "KeyK", false, undefined],
  ["ctrl+shift+O", "KeyO", false, "fresh"],
  ["ctrl+o", "KeyO", false, undefined],
  ["ctrl+alt+shift+O", "KeyO", false, undefined],
  ["ctrl+л", "KeyK", false, "search"], // a Russian layout
  ["ctrl+t", "KeyK", false, undefined], // Dvorak: the letter counts
  ["alt+shift+Ç", "KeyC", true, "copy"], // a Mac
  ["alt+shift+C", "KeyC", false, "copy"],
  ["/", "Slash", false, "search"],
  ["shift+/", "Digit7", false, "search"], // a German layout
  ["shift+?", "Slash", false, "shortcuts"],
  ["ctrl+/", "Slash", false, undefined],
  ["k", "KeyK", false, undefined],
]) {
  test(`${text} (${code}${mac ? ", on a Mac" : ""}): ${name ?? "nothing"}`, () => assert.equal(shortcutOf(press(text, code), "page", mac), name));
}

test("the list of shortcuts says what each does", () => {
  assert.deepEqual(Object.keys(LABELS).sort(), SHORTCUTS.map(({ name }) => name).sort());
});

test("the keys of the question box", () => {
  const names = ["Enter", "shift+Enter", "ctrl+Enter", "alt+Enter", "meta+Enter", "ArrowUp", "shift+ArrowUp", "Escape", "x"].map((text) => shortcutOf(press(text), "composer"));
  assert.deepEqual(names, ["send", "newline", undefined, undefined, undefined, "edit", undefined, "stop", undefined]);
});

test("a key that an input method uses means nothing", () => {
  for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
    for (const text of ["Enter", "Escape", "ArrowUp"]) assert.equal(shortcutOf(press(text, "", more), "composer"), undefined);
  }
});

test("every key means one thing, and no browser uses it", () => {
  const keys = SHORTCUTS.flatMap((one) => one.keys);
  assert.equal(new Set(keys).size, keys.length);
  const own = ["mod+n", "mod+t", "mod+w", "mod+l", "mod+d", "mod+f", "mod+p", "mod+s", "mod+r", "mod+shift+n", "mod+shift+t", "mod+shift+c", "mod+shift+i", "mod+shift+j", "mod+shift+s", "mod+shift+p"];
  assert.deepEqual(keys.filter((key) => own.includes(key)), []);
});

test("Enter begins a new line if the user has chosen that, or has no mouse", () => {
  const names = () => ["Enter", "shift+Enter", "ctrl+Enter"].map((text) => shortcutOf(press(text), "composer", false));
  const dataset = {};
  globalThis.document = { documentElement: { dataset } };
  for (const [fine, enter, expected] of [
    [true, undefined, ["send", "newline", undefined]],
    [false, undefined, ["newline", undefined, "send"]],
    [true, "newline", ["newline", undefined, "send"]],
    [false, "send", ["send", "newline", undefined]],
  ]) {
    globalThis.matchMedia = () => ({ matches: fine });
    Object.assign(dataset, { enter });
    assert.deepEqual(names(), expected);
  }
  delete globalThis.document;
});
