// The files of the page: what the content security policy and a first load ask of them.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../tornado_stream/", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf-8");
const modules = readdirSync(new URL("static/js/", root), { recursive: true }).filter((name) => name.endsWith(".js"));
const templates = readdirSync(new URL("templates/", root)).filter((name) => name.endsWith(".html"));

/** What is imported by `path`, at once or later, and by that. */
function imported(path, found = new Set()) {
  found.add(path);
  const pattern = /(?:from |import |import\()"(\.[^"]+)"/g;
  for (const [, other] of path.includes("vendor/") ? [] : read(`static/js/${path}`).matchAll(pattern)) {
    const next = new URL(other, `page:/static/js/${path}`).pathname.replace("/static/js/", "").replace("/static/", "../");
    if (!found.has(next)) imported(next, found);
  }
  return found;
}

/** The lines of code: no comments, none that are empty. */
const withoutComments = (text) => text.replace(/\/\*\*[^]*?\*\/|^\s*\/\/.*$/gm, "").split("\n").filter((line) => line.trim());

/** The functions and methods that have a name, each with its number of lines. */
function functions(text) {
  const lines = text.split("\n");
  return lines.flatMap((line, from) => {
    const [, indent] = /^( {0,2})(?:export )?(?:static )?(?:async )?(?:function )?(?:[gs]et )?[#\w]+\(.*\) \{$/.exec(line) ?? [];
    return indent === undefined ? [] : [[line.trim(), lines.indexOf(`${indent}}`, from) - from + 1]];
  });
}

test("every module is imported by another", () => {
  const found = ["login.js", "early.js", "shared.js"].reduce((known, entry) => imported(entry, known), imported("app.js")); // those that pages name
  assert.deepEqual(modules.filter((path) => !found.has(path)), []);
});

for (const name of modules) {
  test(`${name} is typed, short and makes no markup`, () => {
    const text = read(`static/js/${name}`);
    assert.ok(text.startsWith("// @ts-check\n"));
    assert.ok(withoutComments(text).length <= 250, "at most 250 lines of code");
    for (const [head, length] of functions(text)) assert.ok(length <= 40, `${head} has ${length} lines`);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"/);
    const fetches = /^page\/(\w+_)?api\.js$/.test(name) || name === "markdown/preview.js"; // the last reads a library as text
    if (!fetches) assert.doesNotMatch(text, /\bfetch\(|["'`]\/(stream|api)\b/, "URLs are api.js's");
    for (const path of imported(name)) assert.ok(existsSync(new URL(`static/js/${path}`, root)), path);
  });
}

// The document of a preview has no access to the page, and a policy of its own (handlers/preview.py).
for (const name of templates.filter((one) => one !== "preview.html")) {
  test(`${name} has nothing inline and nothing from elsewhere`, () => {
    const text = read(`templates/${name}`);
    assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|javascript:/i);
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)/i);
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//i);
    assert.doesNotMatch(text, /\{%\s*raw/);
  });
}
