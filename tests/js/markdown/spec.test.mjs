// The grammar against the examples of CommonMark and of GFM. The tokens are rendered by marked, because the page's own HTML
// differs on purpose: headings are one level lower, and raw HTML is text.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import "../../../tornado_stream/static/js/markdown/extras.js";
import { lex } from "../../../tornado_stream/static/js/markdown/grammar.js";
import { Marked, Parser } from "../../../tornado_stream/static/vendor/marked-18.2.1/marked.esm.js";

/** Examples that are shown otherwise, by their numbers, and why. */
const OTHERWISE = {
  "commonmark-0.31.2": {
    "a character reference is left to the browser, which reads it": [25, 28, 30, 32, 33, 34, 503],
    "spaces that a browser does not show": [56, 191, 222, 224, 226, 252, 255, 275, 276, 280, 645],
    "an address is a link, as in GFM": [602, 608, 611, 612],
    "`\\[` begins a formula": [14],
    "a tag such as `<del>` is within a paragraph": [165, 166, 167],
  },
  "gfm-0.29": {
    "a character reference is left to the browser, which reads it": [18],
    "raw HTML is text on the page": [24],
  },
};

/** HTML without what makes no difference. */
const plain = (html) => html.replace(/\s*\n\s*/g, "\n").replace(/>\n/g, ">").replace(/\n</g, "<").replace(/ \/>/g, ">").replace(/&quot;/g, '"').replace(/&#39;/g, "'").trim();
const rendered = (text) => new Parser(new Marked({ silent: true }).defaults).parse(lex(text, {}));

for (const [name, differences] of Object.entries(OTHERWISE)) {
  const examples = JSON.parse(readFileSync(new URL(`data/${name}.json`, import.meta.url), "utf-8"));
  test(`the ${examples.length} examples of ${name}`, (context) => {
    context.mock.method(console, "error", () => {}); // marked does not know our tokens
    const differing = examples.flatMap(([text, html], index) => (plain(rendered(text)) === plain(html) ? [] : [index + 1]));
    assert.deepEqual(differing, Object.values(differences).flat().sort((a, b) => a - b));
  });
}
