// The files of the page: what the content security policy and a first load ask of them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../tornado_stream/", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf-8");
const modules = readdirSync(new URL("static/js/", root)).filter((name) => name.endsWith(".js"));
const templates = readdirSync(new URL("templates/", root)).filter((name) => name.endsWith(".html"));

/** What a module imports: at once, and once it is needed. */
function imports(name) {
  const text = read(`static/js/${name}`).replace(/\/\*.*?\*\//gs, "");
  const found = (pattern) => Array.from(text.matchAll(pattern), ([, path]) => path).filter((path) => modules.includes(path));
  return { now: found(/^import [^;]*"\.\/([^"]+)";/gm), later: found(/\bimport\("\.\/([^"]+)"\)/g) };
}

/** A module and what comes with it. */
function closure(name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  for (const path of imports(name).now) closure(path, known);
  return known;
}

test("what the first module imports is preloaded, and what is needed later is not", () => {
  const [list] = read("templates/_modules.html").match(/\[.*?\]/);
  const now = closure("app.js");
  assert.deepEqual(["app.js", ...JSON.parse(list).map((name) => `${name}.js`)].sort(), [...now].sort());
  const later = new Set(modules.flatMap((name) => imports(name).later).flatMap((name) => [...closure(name)]));
  assert.deepEqual(modules.filter((name) => !now.has(name) && !later.has(name)), [], "nobody imports these");
});

for (const name of modules) {
  test(`${name} is typed, short and makes no markup`, () => {
    const text = read(`static/js/${name}`);
    assert.ok(text.startsWith("// @ts-check\n"));
    assert.ok(text.split("\n").length <= 201, "at most 200 lines");
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"/);
    if (name !== "api.js") assert.doesNotMatch(text, /\bfetch\(|["'`]\/(stream|api)\b/, "URLs are api.js's");
    for (const [, path] of text.matchAll(/from "([^"]+)"/g)) assert.ok(modules.includes(path.replace("./", "")), path);
  });
}

for (const name of templates) {
  test(`${name} has nothing inline and nothing from elsewhere`, () => {
    const text = read(`templates/${name}`);
    assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)/i);
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//i);
    assert.doesNotMatch(text, /\{%\s*raw/);
  });
}
