"""Separates reasoning that a model writes into its text from the answer, while it streams.

Servers that do not parse the reasoning of a model send it within the content: in a tag
(`<think>…</think>`), with only the tag's end (the prompt had its beginning), or in the channels of
OpenAI's harmony format (https://cookbook.openai.com/articles/openai-harmony). The rule: a tag
counts where it opens the answer. In the midst of an answer it is text, and no character but the
tags' own is lost, however the text was split. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_NAMES = "think thinking thought thoughts reasoning reason seed:think antml:thinking".split()
#: Each tag, in lower case, and its end. No tag has its first character twice.
_TAGS = {
    **{f"<{name}>": f"</{name}>" for name in _NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
}
#: Harmony's tokens: a message has a header, its text, and an end.
_HEADS = ("<|start|>", "<|channel|>")
_ENDS = ("<|end|>", "<|return|>", "<|call|>")
_MESSAGE = "<|message|>"


def _any_of(*tags: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, tags)), re.IGNORECASE | re.ASCII)


#: A header, without the token at its end.
_HEADER = re.compile(
    r"\s*(?:<\|start\|>\s*(?:assistant|functions\.[\w.-]+)?\s*(?:to=[^\s<]+\s*)?)?"
    r"(?:<\|channel\|>\s*(?P<channel>analysis|commentary|final)\s*(?:to=[^\s<]+\s*)?)?"
    r"(?:(?:<\|constrain\|>\s*)?(?:json|code)\s*)?",
    re.IGNORECASE | re.ASCII,
)
_END, _END_OR_HEAD = _any_of(*_ENDS), _any_of(*_ENDS, *_HEADS)
_ANY_OPENING, _ANY_CLOSING = _any_of(*_TAGS), _any_of(*_TAGS.values())
_FIRST = {tag[0] for tag in (*_TAGS, *_HEADS)}
_LONGEST = max(map(len, _TAGS))
#: Blank characters before a tag, and characters of a header. Longer ones are text.
MAX_BLANK, MAX_HEADER = 1000, 300
#: A tag after one of these is spoken of, and does not end anything.
_QUOTES = "`'\"“”‘’«»„(["
#: A tag between two of the same of these too.
_EMPHASIS = "*_~"
_SENTENCE_ENDS = ".!?…。！？"


class Split(NamedTuple):
    """What a piece of text adds. `was_reasoning` says that all content before it was reasoning."""

    content: str = ""
    reasoning: str = ""
    was_reasoning: bool = False


class ThinkTags:
    """Takes the content of one answer, in order.

    Once `open` is False, all that follows is content as it is. `text_so_far` is the text of an
    answer that is continued: its beginning is decided. If `passing` is a list, then a text without
    `<`, `[` and `◁`, with which an end could begin, is content as it is too: the caller may append
    it to the list instead of calling `feed`, which takes longer.
    """

    def __init__(self, text_so_far: str = "") -> None:
        self.open = True
        self._held = ""
        # A function, not a bound method, which would make a reference cycle of this object.
        self._state: Callable[[ThinkTags], bool] = ThinkTags._begin
        self._content: list[str] = []  # new, as is _reasoning
        self._reasoning: list[str] = []
        self._was_reasoning = False
        self._ends = ""  # the end of the tag that is open
        self._quoted = ""  # an end within harmony's answer, which may be a part of its text
        self._parted = False  # a tag was found
        self._watching = False  # the answer begins with text
        self._seen: list[str] = []  # that text, of which an end may say that it was reasoning
        if text_so_far:
            self._seen.append(text_so_far)
            self._watch_from_now()

    @property
    def passing(self) -> list[str] | None:
        return self._seen if self._watching and not self._held else None

    def feed(self, text: str) -> Split:
        """Returns what is certain now: of `text`, and of what was held back before."""
        self._held += text
        while self._state(self):
            pass
        return self._take()

    def close(self) -> Split:
        """Returns what is still held back, at the end of the answer."""
        if self._state == ThinkTags._watch and (end := _ANY_CLOSING.match(self._held)):
            self._decide(end)
        if self._state in (ThinkTags._inside, ThinkTags._channel):
            self._reasoning.append(self._held)
        else:
            self._content.append(self._held)
        self._held = ""
        self.open = self._watching = False
        return self._take()

    def _take(self) -> Split:
        split = Split("".join(self._content), "".join(self._reasoning), self._was_reasoning)
        self._content.clear()
        self._reasoning.clear()
        self._was_reasoning = False
        return split

    # Each state takes what it can of the text that is held. It returns whether another state, or
    # the same one, may go on with the rest.

    def _begin(self) -> bool:
        """At the beginning of the answer, or after a tag."""
        body = self._held.lstrip()
        if len(self._held) - len(body) > MAX_BLANK:
            return self._text()
        if body and body[0] not in _FIRST:  # nearly every answer
            return self._text()
        low = body[:_LONGEST].lower()
        for tag, end in _TAGS.items():
            if low.startswith(tag):
                self._reasoning.append(self._held[: len(self._held) - len(body)])
                return self._go_on(ThinkTags._inside, body[len(tag) :], ends=end)
        if low.startswith(_HEADS):
            return self._go_on(ThinkTags._header, self._held)
        if any(tag.startswith(low) for tag in (*_TAGS, *_HEADS)):
            return False
        return self._text()

    def _text(self) -> bool:
        """The answer begins, and with text."""
        return self._rest() if self._parted else self._watch_from_now()

    def _inside(self) -> bool:
        """Within a tag, whose text is reasoning."""
        at = _find(self._held, self._ends)
        if at >= 0:
            self._reasoning.append(self._held[:at])
            return self._go_on(ThinkTags._begin, self._held[at + len(self._ends) :])
        self._reasoning.append(self._release((self._ends,)))
        return False

    def _header(self) -> bool:
        """Within the header of a message in harmony's format."""
        at = _find(self._held[:MAX_HEADER], _MESSAGE)
        if at < 0:
            return len(self._held) >= MAX_HEADER and self._rest()
        header = _HEADER.fullmatch(self._held, 0, at)
        if header is None:
            return self._rest()
        self._reasoning.append(header[0][: len(header[0]) - len(header[0].lstrip())])
        is_answer = (header["channel"] or "final").lower() == "final"
        rest = self._held[at + len(_MESSAGE) :]
        return self._go_on(ThinkTags._final if is_answer else ThinkTags._channel, rest)

    def _channel(self) -> bool:
        """Within a message that is not the answer."""
        if end := _END_OR_HEAD.search(self._held):
            self._reasoning.append(self._held[: end.start()])
            is_head = end[0].lower() in _HEADS
            rest = self._held[end.start() if is_head else end.end() :]
            return self._go_on(ThinkTags._header if is_head else ThinkTags._begin, rest)
        self._reasoning.append(self._release(_ENDS + _HEADS))
        return False

    def _final(self) -> bool:
        """Within the message that is the answer."""
        if end := _END.search(self._held):
            self._content.append(self._held[: end.start()])
            self._quoted = end[0]
            return self._go_on(ThinkTags._after_final, self._held[end.end() :])
        self._content.append(self._release(_ENDS))
        return False

    def _after_final(self) -> bool:
        """After an end within the answer: only if text follows, it is a part of the answer."""
        body = self._held.lstrip()
        low = body[:_LONGEST].lower()
        if len(self._held) - len(body) <= MAX_BLANK:
            if low.startswith(_HEADS):
                return self._go_on(ThinkTags._header, self._held)
            if any(head.startswith(low) for head in _HEADS):
                return False
        self._content.append(self._quoted)
        self._state = ThinkTags._final
        return True

    def _watch(self) -> bool:
        """Within an answer that begins with text: an end without a beginning may come."""
        end = _ANY_CLOSING.search(self._held)
        if end is None:
            self._show(self._release(tuple(_TAGS.values())))
            return False
        if end.end() < len(self._held):
            return self._decide(end)
        self._show(self._held[: end.start()])  # what follows the end decides
        self._held = end[0]
        return False

    def _decide(self, end: re.Match[str]) -> bool:
        """Decide what the first end without a beginning means."""
        before = "".join(self._seen) + self._held[: end.start()]
        after = self._held[end.end() :]
        if not _is_spoken_of(before, after):
            self._reasoning.extend(self._content)  # the content of this piece
            self._reasoning.append(self._held[: end.start()])
            shown = sum(map(len, self._seen)) - sum(map(len, self._content))
            self._was_reasoning = shown > 0
            self._content.clear()
            self._held = after
        self._seen.clear()
        return self._rest()

    def _rest(self) -> bool:
        """All that is held and that follows is content."""
        self._content.append(self._held)
        self._held = ""
        self.open = self._watching = False
        self._state = ThinkTags._rest
        return False

    def _watch_from_now(self) -> bool:
        self._watching = True
        self._state = ThinkTags._watch
        return True

    def _go_on(self, state: Callable[[ThinkTags], bool], rest: str, *, ends: str = "") -> bool:
        self._parted = True
        self._state, self._held, self._ends = state, rest, ends
        return True

    def _show(self, text: str) -> None:
        self._content.append(text)
        self._seen.append(text)

    def _release(self, tags: tuple[str, ...]) -> str:
        """The text that is held, but for what may be the beginning of one of the tags."""
        text = self._held
        for tag in tags:
            at = text.rfind(tag[0])
            if at >= 0 and tag.startswith(text[at:].lower()):
                self._held = text[at:]
                return text[:at]
        self._held = ""
        return text


def _find(text: str, tag: str) -> int:
    """The position of a tag in any case; -1: it is not there. The tag is in lower case."""
    found = _any_of(tag).search(text) if tag[0] in text else None
    return found.start() if found else -1


def _is_spoken_of(before: str, after: str) -> bool:
    """Whether a text speaks of the tag between `before` and `after`, instead of using it."""
    line = before[before.rfind("\n") + 1 :]
    if _ANY_OPENING.search(before) or before.count("```") % 2 or line.count("`") % 2:
        return True
    if not line.strip():
        return False
    if line[-1] in _QUOTES or (line[-1] in _EMPHASIS and after[:1] == line[-1]):
        return True
    # Within a sentence the tag is a word of it.
    within = line[-1].isspace() and line.rstrip()[-1] not in _SENTENCE_ENDS
    return within and after[:1] not in ("\n", "\r")
