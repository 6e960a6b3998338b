"""Answers as Markdown: how they look, the same however they are split, and hostile ones."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest

from . import payloads
from .chat import Page, answer, ask, content, expect, status
from .conftest import Release, Watch
from .test_page import _assert_contrast as assert_contrast

ARTICLE = """# Title

Some **bold**, *soft*, `code` and ~~gone~~ words with $x^2$, for $5 or $10.

- [x] done
- [ ] to do

1. one
   ```js
   const a = "b";
   ```
2. two

| name | size |
|------|-----:|
| `a`  | 1    |

```python
def f(x):
    return x  # same
```

> said
> so

$$
\\frac{a}{b}
$$

See [the docs](https://docs.example/a), [late] and ![a cat](https://pics.example/cat.png).

مرحبا بالعالم

[late]: https://late.example
"""
#: Renders `text` with the page's modules at once, and compares that with what the page shows.
COMPARED = """async (text) => {
  const { href } = document.querySelector("link[href$='markdown/markdown_view.js']");
  const { renderWhole } = await import(href);
  const { idle } = await import(href.replace("markdown_view", "scheduler"));
  const shown = [...document.querySelectorAll(".markdown.content")].at(-1);
  const whole = document.createElement("div");
  whole.className = shown.className;
  shown.after(whole);
  renderWhole(whole, text);
  await idle();
  const [ours, theirs] = [shown, whole].map((box) => [...box.querySelectorAll(".part > *")]);
  const at = theirs.findIndex((node, i) => !ours[i]?.isEqualNode(node));
  const differing = `${ours[at]?.outerHTML}\\n≠\\n${theirs[at]?.outerHTML}`;
  const result = whole.isEqualNode(shown) ? "" : differing;
  whole.remove();
  return result.slice(0, 2000);
}"""
#: Streams each of these texts in pieces, without a server; returns what it looks like at the end.
DRIVEN = """async (texts) => {
  const { href } = document.querySelector("link[href$='markdown/markdown_view.js']");
  const { MarkdownView } = await import(href);
  const { idle } = await import(href.replace("markdown_view", "scheduler"));
  const shown = [];
  for (const text of texts) {
    const element = document.createElement("div");
    element.className = "markdown";
    document.querySelector("#transcript").append(element);
    const view = new MarkdownView(element);
    const pieces = [];
    for (let at = 0; at < text.length; at += 2000) {
      pieces.push(text.slice(at, at + 2000));
      view.show(pieces);
      await idle();
    }
    view.finish();
    await idle();
    shown.push(element.textContent.length);
  }
  return shown;
}"""
#: Lists all elements and attributes in answers that are not on the list of allowed ones.
STRANGE = """() => {
  const tags = `p br em strong del code pre h2 h3 h4 h5 h6 ul ol li blockquote hr table thead tbody
    tr th td a span div input button bdi b cite details dfn i ins kbd mark q rp rt ruby s samp
    small sub summary sup u var wbr`.split(/\\s+/);
  const attributes = `href title start align class type checked disabled dir rel target
    referrerpolicy tabindex role aria-label aria-pressed open data-language
    data-ended`.split(/\\s+/);
  const isSafe = (link) => /^(https?|mailto):$/.test(link.protocol) &&
    /noreferrer/.test(link.rel) && link.target === "_blank";
  const isStrange = (element) => element.closest(".katex")
    ? element.matches("a, img, script, iframe, [href], [src], [id]")
    : !tags.includes(element.localName) || (element.localName === "a" && !isSafe(element)) ||
      [...element.attributes].some(({ name }) => !attributes.includes(name));
  return [...document.querySelectorAll(".markdown *")].filter(isStrange)
    .map((element) => element.outerHTML.slice(0, 300));
}"""


def play(text: str, size: int = 24) -> str:
    """A question that makes the upstream stream this text, in pieces of this size."""
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    steps = ";".join("say=" + urllib.parse.quote(piece, safe="") for piece in pieces)
    return f"play {steps}"


def stream(page: Page, text: str, size: int = 24) -> None:
    ask(page, play(text, size))
    expect(status(page)).to_contain_text("fake-model ·")


@pytest.fixture
def article(page: Page) -> Page:
    stream(page, ARTICLE, 5)
    expect(content(page).locator(".katex")).to_have_count(2)
    expect(content(page).locator(".hljs-keyword")).to_have_count(3)
    return page


def test_an_answer_is_rendered_as_markdown(article: Page) -> None:
    shown = content(article)
    expect(shown.get_by_role("heading", name="Title")).to_be_visible()
    expect(shown.locator("p").first).to_contain_text("bold, soft, code and gone words with")
    expect(shown.locator("p").first).to_contain_text("for $5 or $10.")
    expect(shown.get_by_role("checkbox", name="Done", exact=True)).to_be_checked()
    expect(shown.get_by_role("checkbox", name="Not done")).not_to_be_checked()
    expect(shown.get_by_role("group", name="Table").get_by_role("row")).to_have_count(2)
    size = shown.get_by_role("cell", name="1", exact=True)
    assert size.evaluate("e => getComputedStyle(e).textAlign") == "end"
    expect(shown.locator("ol > li .code .language")).to_have_text("js")
    expect(shown.locator("blockquote")).to_have_text("said so")
    assert shown.locator(".display").evaluate("e => e.querySelector('.mfrac') !== null")
    link = shown.get_by_role("link", name="the docs")
    expect(link).to_have_attribute("title", "https://docs.example/a")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(shown.get_by_role("link", name="late", exact=True)).to_have_attribute(
        "href", "https://late.example"
    )
    picture = shown.get_by_role("link", name="a cat")
    expect(picture).to_have_text("Image: a cat (pics.example/cat.png)")
    arabic = shown.get_by_text("مرحبا")
    assert arabic.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert shown.locator("img").count() == 0
    assert article.evaluate(COMPARED, ARTICLE) == ""


def test_code_can_be_copied_wrapped_and_read(article: Page) -> None:
    article.emulate_media(color_scheme="dark")
    assert_contrast(article)
    article.emulate_media(color_scheme="light")
    assert_contrast(article)
    article.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = content(article).locator(".part > .code")
    height = code.evaluate("e => e.offsetHeight")
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button", name="Copied")).to_be_visible()
    copied = article.evaluate("navigator.clipboard.readText()")
    assert copied == "def f(x):\n    return x  # same\n"
    wrap = code.get_by_role("button", name="Wrap")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert code.locator("pre").evaluate("e => getComputedStyle(e).whiteSpace") == "pre-wrap"
    assert code.evaluate("e => e.offsetHeight") == height


def test_an_unfinished_block_looks_as_it_will_when_it_is_finished(page: Page) -> None:
    begun = "Some **bold words and [a link](https://exam"
    code = "\n\n```python\nreturn 1\n``"
    ask(page, f"{play(begun)};hold")
    shown = content(page)
    expect(shown.locator("strong")).to_have_text("bold words and a link")
    expect(shown).to_have_text("Some bold words and a link")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(status(page)).to_contain_text("Stopped")
    expect(shown).to_have_text(begun)
    ask(page, f"{play('x' + code)};wait=0.6;{play('`')[5:]};wait=0.1;{play(chr(10) + 'after')[5:]}")
    pre = content(page).locator("pre")
    expect(pre).to_have_text("return 1\n")
    pre.evaluate("e => { e.code = e; window.height = e.offsetHeight; }")
    expect(pre.locator(".hljs-keyword")).to_have_text("return")
    assert pre.evaluate("e => [e.code === e, e.offsetHeight === window.height]") == [True, True]


FOLDED = """H<sub>2</sub>O, press <kbd>Ctrl</kbd>: <mark>**marked**</mark> <b>open

<details>
<summary>More **words**</summary>

- hidden `code`

```math
x^2
```
"""


def test_tags_that_only_change_how_text_looks(page: Page) -> None:
    stream(page, f"{FOLDED}\n</details>\n\nAfter", 3)
    shown = content(page)
    expect(shown.locator("p").first).to_have_text("H2O, press Ctrl: marked <b>open")
    for what, words in {"sub": "2", "kbd": "Ctrl", "mark strong": "marked"}.items():
        expect(shown.locator(what)).to_have_text(words)
    expect(shown.locator("details > summary strong")).to_have_text("words")
    expect(shown.locator("details .katex")).to_have_count(1)
    expect(shown.get_by_text("hidden")).to_be_hidden()
    expect(shown.get_by_text("After")).to_be_visible()
    assert page.evaluate(COMPARED, f"{FOLDED}\n</details>\n\nAfter") == ""


NOTED = """> [!WARNING]
> Mind **this**.

A claim[^1], and another[^late].

[^1]: The first source.
[^late]: The second one.

    With more.
"""


def test_alerts_have_titles_and_footnotes_lead_there_and_back(page: Page) -> None:
    stream(page, NOTED, 4)
    shown = content(page)
    expect(shown.locator("blockquote.warning")).to_have_text("WarningMind this.")
    first, second = (shown.get_by_role("button", name=f"Footnote {n}", exact=True) for n in (1, 2))
    back = shown.get_by_role("button", name="Back to footnote 2")
    second.click()
    expect(back).to_be_focused()
    expect(shown.locator(".note").last).to_have_text("2The second one. With more.")
    page.keyboard.press("Enter")
    expect(second).to_be_focused()
    expect(first).to_have_text("1")
    assert page.evaluate(COMPARED, NOTED) == ""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert_contrast(page)


def test_a_fold_that_is_opened_stays_open_while_its_text_grows(
    page: Page, release: Release
) -> None:
    more = "\n".join(f"- point {n}" for n in range(30))
    ask(page, f"{play(FOLDED)};hold=fold;{play(more)[5:]}")
    content(page).locator("summary").click()
    expect(content(page).get_by_text("hidden")).to_be_visible()
    release("fold")
    expect(content(page).get_by_text("point 29")).to_be_visible()
    expect(status(page)).to_contain_text("fake-model ·")
    expect(content(page).get_by_text("point 29")).to_be_visible()


def test_a_streamed_answer_ends_as_if_rendered_at_once(page: Page) -> None:
    items = "".join(f"- item {n} with **bold** `code`\n" for n in range(60))
    rows = "".join(f"| row {n} | *soft* |\n" for n in range(60))
    loose = "".join(f"{n}. item {n}\n" for n in range(1, 60)) + "\n60. loose\n"
    long = " ".join(f"word{n} **b{n}**" for n in range(700))
    text = f"{items}\n\n| a | b |\n|---|---|\n{rows}\n{loose}\n\n{long}\n\n{ARTICLE}"
    stream(page, text, 61)
    expect(content(page).locator(".hljs-keyword")).to_have_count(3)
    expect(content(page).locator(".katex")).to_have_count(2)
    assert page.evaluate(COMPARED, text) == ""


def test_a_long_answer_that_is_opened_comes_in_slices(page: Page) -> None:
    text = f"{ARTICLE}\n\n" * 20
    stream(page, text, 4000)
    page.reload()
    expect(content(page).locator(".part > *").last).to_have_text("مرحبا بالعالم")
    expect(content(page).locator(".part > .code")).to_have_count(20)
    assert page.evaluate(COMPARED, text) == ""


@pytest.mark.parametrize("name", ["HTML", "LINKS", "BLOCKS", "TAGS", "MATHS"])
def test_hostile_answers_do_nothing(page: Page, watch: Watch, name: str) -> None:
    dialogs: list[str] = []

    def listener(dialog: Any) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", listener)
    each: list[str] = getattr(payloads, name)
    text = "\n\n".join(f"{payload}\n\nNext {n}." for n, payload in enumerate(each))
    stream(page, text, 40)
    expect(content(page)).to_contain_text(f"Next {len(each) - 1}.")
    assert page.evaluate(COMPARED, text) == ""
    assert page.evaluate(STRANGE) == []
    assert page.evaluate("window.canary") is None and dialogs == []
    assert page.evaluate("document.getElementById('composer').localName") == "form"
    page.remove_listener("dialog", listener)


@pytest.mark.wide
def test_very_deep_nesting_is_shown_as_text(page: Page) -> None:
    shown = page.evaluate(DRIVEN, payloads.DEEP)
    assert page.evaluate(STRANGE) == []
    assert len(shown) == len(payloads.DEEP)
    assert all(shown)


def test_there_are_enough_payloads() -> None:
    assert len(set(payloads.ALL)) >= 180


def test_links_that_lie_show_their_address(page: Page) -> None:
    stream(page, "\n\n".join(payloads.LINKS))
    shown = content(page)
    for label in ("https://bank.example (evil.example)", "bank.example (evil.example)"):
        expect(shown.get_by_role("link", name=label, exact=True)).to_be_visible()
    for host in ("bank.example@evil.example (evil.example)", "(xn--pple-43d.com)"):
        expect(shown.get_by_text(host).first).to_be_visible()
    assert shown.locator("a[href^='javascript' i], a[href^='data' i], a[href^='vb' i]").count() == 0
    assert answer(page).locator("img, iframe, script").count() == 0
