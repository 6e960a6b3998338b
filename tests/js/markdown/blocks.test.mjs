// Markdown that grows: its blocks are the same as those of the whole text, and the cost is proportional to its length.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Blocks } from "../../../tornado_stream/static/js/markdown/blocks.js";
import "../../../tornado_stream/static/js/markdown/extras.js";
import { lex } from "../../../tornado_stream/static/js/markdown/grammar.js";
import { htmlOf, shapeOf } from "../../../tornado_stream/static/js/markdown/html.js";
import { asIfComplete } from "../../../tornado_stream/static/js/markdown/partial.js";

const SPEC = JSON.parse(readFileSync(new URL("data/commonmark-0.31.2.json", import.meta.url), "utf-8")).map(([text]) => text);
/** Examples of what is not in the specification. */
const OURS = [
  "| a | b |\n|---|--:|\n| 1 | `x|y` |\n| 2 | **z** |\n",
  "- [ ] open\n- [x] done\n\n  with more\n- [ ] last\n",
  "Text before\n$$\nx = y\n=\nz\n$$\nand after $a_b$ or \\(c\\) it.\n",
  "$$\nnever\n\nclosed",
  "\\[ \\int_0^1 x\\,dx \\]\n",
  "prices: $5 and $10\n",
  "```math\na_1 * b_2\n\nc\n```\nafter\n",
  "~~~~ math\nx\n~~~\n~~~~\n",
  "We get\n\\begin{align*}\na &= b * c \\\\\n&= d\n\\end{align*}\nand so on\n",
  "\\begin{cases}\nno end\n\nText\n\\begin{matrix}\n1",
  "($x$), $y$-axis: $z$!\n",
  "H<sub>2</sub>O, <kbd>**a</kbd>** <mark>*b*</mark> <b>c\n\n</b> d\n",
  "<details>\n<summary>More **x**</summary>\n\n- a\n\n```html\n</details>\n```\n\n</details>\nafter\n",
  "Text\n<details open><summary>S</summary>b</details>\n\n<details>\n<details>\n\nno end\n\n",
  "- a\n\n  <details>\n\n  b\n\n  </details>\n- c\n",
  "> [!NOTE]\n> a\n> - b\n\n> [!TIP] c\n\n> [!caution]\n\n- > [!WARNING]  \n  > d\n",
  "a[^1] b[^n] a[^1]\n[^n]: c[^m]\nlazy\n\n    d\n\n[^1]: e\n",
  "no[^0]\n\n- a[^2]\n\n  [^2]: f\n\n[^2]: g\n",
  "Text\n$$\nno end\n1. a\n\n   b\n",
  "1. one\n   ```js\n   a()\n   ```\n2. two\n\n   - deep\n     - deeper\n",
  "~~~~ py x\ncode\n~~~\n~~~~\n",
  "```js\nunfinished\n``",
  "> quote\nlazy\n> - list\n>   ```\n>   code\n",
  "[late] and [early]\n\n[early]: /e\n\n[early]\n\n[late]: /l 'T'\n",
  "a\r\nb\r\r\n# c\r\n",
  `${"- item **bold** text\n".repeat(60)}\nAfter it.\n`,
  `${"- item\n".repeat(130)}\n- loose at last\n`,
  `| a | b |\n|---|---|\n${"| cell | `code` |\n".repeat(80)}\nAfter it.\n`,
];

/** Numbers between 0 and 1, the same in every run. */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const html = (tokens) => tokens.map(shapeOf).filter(Boolean).map((shape) => (shape.code === undefined ? htmlOf(shape) : `[${shape.before}]${shape.code}`));
const whole = (text) => html(lex(text, {}));

/** The closed blocks of a text that arrives in these pieces, as HTML, and how many characters were parsed. */
function grown(pieces) {
  const blocks = new Blocks();
  let closed = [];
  const take = (update) => {
    if (update.whole) closed = html(update.whole);
    else closed.push(...html(update.closed ?? []));
  };
  for (const piece of pieces) take(blocks.feed(piece));
  take(blocks.end());
  return { closed, cost: blocks.cost };
}

function cut(text, random, most) {
  const pieces = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(random() * most);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

test("the specification's examples, character by character", () => {
  for (const text of [...SPEC, ...OURS]) assert.deepEqual(grown([...text]).closed, whole(text.replace(/\r\n?/g, "\n")), JSON.stringify(text));
});

test("random mixes of the examples, split at random places", () => {
  const random = chance(Number(process.env.SEED ?? 20261124));
  const all = [...SPEC, ...OURS, ...OURS];
  const count = Number(process.env.MIXES ?? 100);
  for (let round = 0; round < count; round++) {
    const parts = Array.from({ length: 2 + Math.floor(random() * 5) }, () => all[Math.floor(random() * all.length)]);
    const text = parts.join(random() < 0.5 ? "\n\n" : "\n");
    assert.deepEqual(grown(cut(text, random, [1, 7, 40, 3000][round % 4])).closed, whole(text.replace(/\r\n?/g, "\n")), JSON.stringify(text));
  }
});

const LONG = {
  paragraphs: (n) => "Some words of **weight** and `code`, again.\n\n".repeat(n),
  "one paragraph": (n) => "Some words of **weight** and `code`. ".repeat(n),
  "one list": (n) => "- an item with **some** words\n".repeat(n),
  "a loose list": (n) => "1. an item with **some** words\n\n".repeat(n),
  "one item": (n) => `- first\n${"  - an item with some words\n".repeat(n)}`,
  "one table": (n) => `| a | b |\n|---|---|\n${"| some words | `code` |\n".repeat(n)}`,
  code: (n) => `\`\`\`js\n${"const a = b + 1; // words\n".repeat(n)}\`\`\`\n`,
  "indented code": (n) => "    const a = b + 1;\n".repeat(n),
  "a formula in a fence": (n) => `\`\`\`math\n${"a_1 + b^2 = c * d\n".repeat(n)}`,
  "an environment": (n) => `\\begin{align}\n${"a &= b + c \\\\\n".repeat(n)}`,
  "environments without an end": (n) => "\\begin{align}\n# b\n".repeat(n),
  "one fold": (n) => `<details>\n<summary>S</summary>\n\n${"Some words of **weight**\n\n".repeat(n)}</details>\n`,
  "folds in folds": (n) => "<details>\n\nSome words\n\n".repeat(n),
  "folds that end": (n) => "<details>\n\nSome words\n\n</details>\n\n".repeat(n),
  "tags": (n) => "H<sub>2</sub>O and <b><i>x</b> ".repeat(n),
  "one alert": (n) => `> [!NOTE]\n${"> Some words of **weight**\n".repeat(n)}`,
  "references and footnotes": (n) => Array.from({ length: n }, (_, i) => `Some words[^${i}].\n\n[^${i}]: a note\n\n`).join(""),
  "one footnote": (n) => `[^1]: a\n${"    Some words of **weight**\n".repeat(n)}`,
  "one quote": (n) => "> Some words of **weight**\n".repeat(n),
  definitions: (n) => Array.from({ length: n }, (_, i) => `[d${i}]: /u\n`).join(""),
};
for (const [name, text] of Object.entries(LONG)) {
  test(`twice as much costs twice as much: ${name}`, () => {
    const cost = (n) => grown(text(n).match(/.{1,20}/gs)).cost / text(n).length;
    const [small, large] = [cost(250), cost(1000)];
    assert.ok(large < small * 1.5 + 2, `${small} and ${large} characters parsed for each`);
    assert.ok(large < 250, `${large} characters parsed for each`);
  });
}

test("a reference has its number before its footnote is defined, also in a long list", () => {
  const blocks = new Blocks();
  const shown = [];
  for (let n = 1; n <= 40; n++) {
    const { open } = blocks.feed(`- an item with a note[^${n}] and more\n`);
    shown.push(html(open).join("").match(/note-ref">\d+/g)?.at(-1));
  }
  assert.deepEqual(shown, shown.map((_, index) => `note-ref">${index + 1}`));
  assert.ok(!html(blocks.end().whole).join("").includes("note-ref"), "a reference without a footnote is text in the end");
});

test("the lines of code are reported once, and a line that may be its end only when it is complete", () => {
  const blocks = new Blocks();
  const reported = ["```py\n", "a = 1", "\n``", "x\n", "  ", "b\n", "```", "\n"].map((piece) => blocks.feed(piece));
  assert.deepEqual(reported.map((update) => update.code ?? null), ["", "a = 1", "\n", "``x\n", "", "  b\n", "", null]);
  assert.equal(reported.at(-1).closed[0].text, "a = 1\n``x\n  b");
});

test("formulas, and prices that are no formulas", () => {
  const maths = (text) => (whole(text).join("").match(/class="math[^>]*>[^<]*/g) ?? []).map((found) => found.replace(/.*>/, ""));
  assert.deepEqual(maths("a $x^2$, \\(y\\) and $$z$$ here"), ["x^2", "y", "z"]);
  assert.deepEqual(maths("$$\n\\begin{a}\n- b\n\\end{a}\n$$"), ["\\begin{a}\n- b\n\\end{a}"]);
  assert.deepEqual(maths("so\n\\begin{align}\na &\n\\end{align}\nis"), ["\\begin{align}\na &amp;\n\\end{align}"]);
  assert.deepEqual(maths("\\begin{matrix}\n\\begin{matrix}\n1\\end{matrix}\n\\end{matrix}"), ["\\begin{matrix}\n\\begin{matrix}\n1\\end{matrix}\n\\end{matrix}"]);
  assert.deepEqual(maths("- ```math\n  a_b\n  ```"), ["a_b"]);
  for (const text of ["\\begin{itemize}\na\n\\end{itemize}", "a \\begin{align}\nb\n\\end{align}", "\\begin{align}\n\nb\n\\end{align}", "```math2\na\n```"]) {
    assert.deepEqual(maths(text), [], text);
  }
  for (const text of ["$5 and $10", "from $5, or US$10 to", "$ x $", "echo $HOME/$USER", "cost $5 today and 10$ then", "\\$a$", "`$a$`", "a $b\nc$"]) {
    assert.deepEqual(maths(text), [], text);
  }
});

test("a line does not end between a formula and the punctuation beside it", () => {
  const ties = (text) => (whole(text).join("").match(/class="tie">[^<]*<span[^]*?<\/span>[^<]*/g) ?? []).map((found) => found.replace(/^[^>]*>|<[^>]*>/g, ""));
  assert.deepEqual(ties("a $x$, ($y$) b"), ["x,", "(y)"]);
  assert.deepEqual(ties("设「$x$」。若$y$，则$z$ 成立"), ["「x」。", "y，"]);
  assert.deepEqual(ties("a $x$ b $$y$$, **$z$** ."), []);
});

test("incomplete markup is shown as it will most likely be", () => {
  const cases = {
    "a **bo": "a **bo**",
    "a **bold** b": "a **bold** b",
    "a `co": "a `co`",
    "see [the text](http://exa": "see the text",
    "see [the te": "see the te",
    "para\n-": "para\n",
    "para\n- ": "para\n",
    "para\n##": "para\n",
    "para\n```py": "para\n",
    "| a | b |\n|--": "| a | b |\n",
    "2 * 3 and 4*5": "2 * 3 and 4*5",
    "~~gone": "~~gone~~",
    "- ```py\n  a **b": "- ```py\n  a **b",
    "***both": "***both***",
    "a *it": "a *it*",
    "end **": "end ",
    "H<sub>2": "H<sub>2</sub>",
    "**H<sub>2": "**H<sub>2</sub>**",
    "<mark>**a": "<mark>**a**</mark>",
    "H<sub>2</su": "H<sub>2</sub>",
    "a\n<details>\n": "a\n",
    "a\n<details>\n<summary>": "a\n",
    "<details>\n<summary>The r": "<details>\n<summary>The r</summary>",
    "<details>\n<summary>S</summary>\n\n**b": "<details>\n<summary>S</summary>\n\n**b**",
    "a\n\n> [!NO": "a\n\n",
    "a\n\n> [!NOTE]": "a\n\n",
    "> [!NOTE]\n": "> [!NOTE]\n",
    "> [!NOTE]\n> te": "> [!NOTE]\n> te",
    "a[^": "a",
    "a[^no": "a",
    "a[^no]": "a[^no]",
    "a\n\n[^no]": "a\n\n",
    "a\n\n[^no]:": "a\n\n",
    "a\n\n[^no]: b": "a\n\n[^no]: b",
    "大约3~": "大约3",
    "so\n\\begin{ali": "so\n",
    "so\n\\begin{align}\nx^*y": "so\n\\begin{align}\nx^*y",
    "$$\na **b": "$$\na **b",
    "**注意：": "**注意：**",
    "para\n```math": "para\n",
    "```math\nx^*y": "```math\nx^*y",
  };
  for (const [text, wanted] of Object.entries(cases)) assert.equal(asIfComplete(text), wanted, text);
});

test("hostile nesting does not take long", () => {
  const hostile = [">".repeat(50_000), "> ".repeat(20_000) + "x", "- ".repeat(20_000) + "x", "[".repeat(50_000), "![".repeat(20_000)];
  hostile.push("*".repeat(20_000) + "a" + "*".repeat(20_000), "**a ".repeat(10_000), "[a](".repeat(10_000), "`a``".repeat(10_000));
  hostile.push("<a ".repeat(10_000), "$a".repeat(20_000), "\\(".repeat(10_000), "$$a\n".repeat(10_000), "|a".repeat(20_000) + "\n" + "|-".repeat(20_000));
  hostile.push("_a ".repeat(10_000), "~~a ".repeat(10_000), " ".repeat(50_000) + "x", "\t".repeat(20_000), "[a]: <".repeat(5000), "<!--".repeat(10_000), "&#".repeat(20_000));
  for (const text of hostile) {
    const began = process.cpuUsage();
    whole(text);
    asIfComplete(text);
    const ms = process.cpuUsage(began).user / 1000;
    if (process.env.TIMES) console.log(JSON.stringify(text.slice(0, 12)), Math.round(ms));
    assert.ok(ms < 5000, `${text.slice(0, 10)}…: ${ms} ms`);
  }
});
