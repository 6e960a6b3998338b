"""Finds words of the page that no language file contains, in the pseudo-language `ar-XB`."""

from __future__ import annotations

import re

from .chat import Page

#: Names, and parameters of the API, that no language translates.
NAMES = ["fake-model", "fake", "openai", "OPENAI_BASE_URL", "tool_calls", "stop", "Alt", "Esc"]
NAMES += ["temperature", "top_p", "max_tokens", "reasoning_effort"]
#: Words in the brackets of the language; some contain others, such as a number with its noun.
IN_BRACKETS = "⟦(?:[^⟦⟧]|⟦[^⟦⟧]*⟧)*⟧"
#: Lists the texts that are visible or that a screen reader says, with names and titles. What users,
#: models and servers write has `dir="auto"`, or is in a box for text or code.
SAID = """() => {
  const said = [document.title.replace(/^[^⟦]*⟦[^]*⟧$/, "")];
  const content = "script, style, noscript, code, pre, kbd, bdi, math, svg, .katex, textarea," +
    "[dir=auto], .markdown, .text, .row-link, .tool-call-name, .sources a, option";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {data, parentElement: e} = walker.currentNode;
    const seen = e.closest(".visually-hidden") || e.checkVisibility({visibilityProperty: true});
    if (data.trim() && !e.closest(content) && seen) said.push(data);
  }
  for (const e of document.querySelectorAll("*")) {
    for (const name of ["aria-label", "placeholder", "title", "alt", "aria-description"])
      if (!e.closest(content) || e.matches("textarea")) said.push(e.getAttribute(name) ?? "");
    for (const part of ["::before", "::after"])
      said.push(/^".*"/s.exec(getComputedStyle(e, part).content)?.[0] ?? "");
  }
  return said;
}"""


def untranslated(page: Page) -> list[str]:
    """The texts with words that are neither content nor in the brackets of the language."""
    said: list[str] = page.evaluate(SAID)
    names = "|".join(map(re.escape, NAMES))
    own = [re.sub(rf"{IN_BRACKETS}|https?://\S+|\b({names})\b", "", text) for text in said]
    found = [text for text, left in zip(said, own, strict=True) if re.search(r"[A-Za-z]{2}", left)]
    return list(dict.fromkeys(found))
