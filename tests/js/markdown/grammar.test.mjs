// What is markup and what is not: emphasis beside Chinese, Japanese and Korean, strikethrough, and bare addresses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pairsOf } from "../../../tornado_stream/static/js/markdown/emphasis.js";
import "../../../tornado_stream/static/js/markdown/extras.js";
import { lex } from "../../../tornado_stream/static/js/markdown/grammar.js";
import { htmlOf, shapeOf } from "../../../tornado_stream/static/js/markdown/html.js";

/** The page's HTML of a text. */
const html = (text) => lex(text, {}).map(shapeOf).filter(Boolean).map((shape) => (shape.code === undefined ? htmlOf(shape) : `[${shape.before}]${shape.code}`)).join("");
/** The HTML of each text in the table is the text beside it, in a paragraph. */
const check = (cases) => Object.entries(cases).forEach(([text, wanted]) => assert.equal(html(text), `<p>${wanted}</p>`, text));
/** The addresses of the links in a text. */
const links = (text) => [...html(text).matchAll(/<a href="([^"]*)"/g)].map(([, address]) => address);

test("emphasis may begin and end beside punctuation of Chinese, Japanese and Korean", () => {
  check({
    "**注意：**先关机": "<strong>注意：</strong>先关机",
    "请看**“附录”**一节": "请看<strong>“附录”</strong>一节",
    "これは*「強調」*です": "これは<em>「強調」</em>です",
    "**이것(참고)**은": "<strong>이것(참고)</strong>은",
    "价格是**￥20（含税）**元": "价格是<strong>￥20（含税）</strong>元",
    "**[文档](https://a.example)**和": '<strong><a href="https://a.example" title="https://a.example">文档</a></strong>和',
    "**用`a`**做": "<strong>用<code>a</code></strong>做",
    "他说***“是”***了": "他说<em><strong>“是”</strong></em>了",
    "~~旧价（元）~~新价": "<del>旧价（元）</del>新价",
    "\u{20BB7}**。**\u{20BB7}": "\u{20BB7}<strong>。</strong>\u{20BB7}",
  });
});

test("other emphasis is as CommonMark says", () => {
  check({
    'a**"b"**c': "a**&quot;b&quot;**c",
    "a_b_c and 文_字_文": "a_b_c and 文_字_文",
    "_（注）_": "<em>（注）</em>",
    "2 * 3 * 4": "2 * 3 * 4",
    "***a** b*": "<em><strong>a</strong> b</em>",
    "**a *b** c*": "<em><em>a <em>b</em></em> c</em>",
    "**a _b** c_": "<strong>a _b</strong> c_",
    "*a `*` b*": "<em>a <code>*</code> b</em>",
    "*for $a^*$ it holds*": '<em>for <span class="math">a^*</span> it holds</em>',
    "\\*\\*a\\*\\*": "**a**",
  });
});

test("only two tildes strike out", () => {
  check({
    "大约3~5天，价格100~200元": "大约3~5天，价格100~200元",
    "~10 min and ~20 min": "~10 min and ~20 min",
    "a~b~ ~~~c~~~": "a~b~ ~~~c~~~",
    "~~gone~~ and ~~**both**~~": "<del>gone</del> and <del><strong>both</strong></del>",
    "~~ not ~~": "~~ not ~~",
  });
});

test("a bare address ends where punctuation of Chinese and Japanese begins", () => {
  const cases = {
    "见https://a.example/x，以及（https://b.example/y?z=1）。": ["https://a.example/x", "https://b.example/y?z=1"],
    "“http://a.example/q” www.b.example。": ["http://a.example/q", "http://www.b.example"],
    "https://a.example；https://b.example、https://c.example！": ["https://a.example", "https://b.example", "https://c.example"],
    "https://a.example/路径/页。": ["https://a.example/路径/页"],
    "打开https://a.example然后": ["https://a.example"],
    "https://a.example/x_(y)_z.": ["https://a.example/x_(y)_z"],
    "<https://a.example/，x>": ["https://a.example/，x"],
    "写信给me@a.example。": ["mailto:me@a.example"],
  };
  for (const [text, wanted] of Object.entries(cases)) assert.deepEqual(links(text), wanted, text);
});

test("alerts, and quotes that are none", () => {
  const alert = (kind, rest) => `<blockquote class="alert ${kind}"><p class="alert-title"></p>${rest}</blockquote>`;
  const cases = {
    "> [!NOTE]\n> Some **text**.": alert("note", "<p>Some <strong>text</strong>.</p>\n"),
    "> [!warning]  \n> text": alert("warning", "<p>text</p>\n"),
    "> [!TIP]\n>\n> - a": alert("tip", "<ul>\n<li>a</li></ul>\n"),
    "> [!CAUTION]": alert("caution", ""),
    "- > [!IMPORTANT]\n  > a": `<ul><li>${alert("important", "<p>a</p>\n")}</li></ul>`,
  };
  for (const [text, wanted] of Object.entries(cases)) assert.equal(html(text), wanted, text);
  for (const text of ["> [!NOTE] text", "> [!NOTE]*a*", "> [!OTHER]\n> a", "> a\n> [!NOTE]", "> `[!NOTE]`\n> a", "> \\[!NOTE]\n> a", "[!NOTE]\na"]) {
    assert.ok(!html(text).includes("alert"), text);
  }
});

test("footnotes have numbers in the order of their references", () => {
  const note = (number, rest) => `<div class="note"><span class="note-back">${number}</span><div>${rest}\n</div></div>`;
  const ref = (number) => `<sup class="note-ref">${number}</sup>`;
  const cases = {
    "b[^two], a[^1], b[^TWO].\n\n[^1]: One\n[^two]: Two\n": `<p>b${ref(1)}, a${ref(2)}, b${ref(1)}.</p>\n${note(2, "<p>One</p>")}${note(1, "<p>Two</p>")}`,
    "no[^x] and[^y]\n\n[^y]: https://a.example": `<p>no[^x] and${ref(1)}</p>\n${note(1, '<p><a href="https://a.example" title="https://a.example">https://a.example</a></p>')}`,
    "a[^1]\n[^1]: one\n    two\n\n    - three\n\nb": `<p>a${ref(1)}</p>\n${note(1, "<p>one\ntwo</p>\n<ul>\n<li>three</li></ul>")}<p>b</p>\n`,
    "[^1]: nothing refers to it\n- a": `${note(1, "<p>nothing refers to it</p>")}<ul><li>a</li></ul>`,
    "`[^1]` \\[^1] [^ 1]\n\n[^1]: a": `<p><code>[^1]</code> [^1] [^ 1]</p>\n${note(1, "<p>a</p>")}`,
  };
  for (const [text, wanted] of Object.entries(cases)) assert.equal(html(text), wanted.replace(/<\/p>\n(?=<div|$)/g, "</p>").replace(/<\/p>\n$/, "</p>"), text);
});

/** The shortest of some times that a function takes, in milliseconds of the processor. */
function time(act) {
  const once = () => {
    const began = process.cpuUsage();
    act();
    return process.cpuUsage(began).user / 1000;
  };
  return Math.min(once(), once(), once(), once());
}

/** Texts that make a naive parser slow, by their length. */
const HOSTILE = {
  "openers without an end": (n) => "*a **b _c __d ~~e ".repeat(n / 18),
  "ends without a beginning": (n) => "a* b** c_ d__ e~~ ".repeat(n / 18),
  "openers of three and ends of other lengths": (n) => "***a".repeat(n / 8) + "b** c*".repeat(n / 12),
  "marks on both sides": (n) => "中**。*".repeat(n / 5),
  "addresses": (n) => "https://a.example/，".repeat(n / 19),
};
for (const [name, make] of Object.entries(HOSTILE)) {
  test(`twice the text takes about twice the time: ${name}`, () => {
    html(make(2000));
    const [small, large] = [9000, 18_000].map((n) => time(() => html(make(n))));
    const [few, many] = [100_000, 200_000].map((n) => time(() => pairsOf(make(n))));
    if (process.env.TIMES) console.log(name, small, large, few, many);
    assert.ok(large < small * 4 + 50 && many < few * 4 + 50, `${small} and ${large}, ${few} and ${many} ms`);
  });
}
