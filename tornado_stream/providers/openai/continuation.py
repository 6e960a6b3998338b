"""Going on with an answer that broke off: what to ask for, and where the two parts join. Pure.

A server that can be given the beginning of its answer goes on exactly there, and nothing has to
be joined. Any other is asked to go on and to begin with the last words it has said; what it says
again is left out. A phrase that the text repeats anyhow stays: where what has been kept is
repetitive itself, or the overlap is too short to be one, nothing is left out.
"""

from __future__ import annotations

from typing import Any

#: Characters of the kept text's end that are quoted, and in which an overlap is looked for.
QUOTED, SEARCHED = 80, 20_000
#: Characters that an overlap has at least; shorter ones happen by chance.
SHORTEST = 12
#: The same for one that is the whole of the kept text.
SHORTEST_WHOLE = 4

INSTRUCTION = (
    "Your answer broke off. Go on with it exactly where it stopped: same language, same format, "
    "no introduction, no apology. Begin with its last words, which are:\n{words}"
)


def continuation(
    messages: list[dict[str, Any]], kept: str, *, prefill: bool
) -> list[dict[str, Any]]:
    """The messages that ask for the rest of an answer of which `kept` is there."""
    asked = [*messages, {"role": "assistant", "content": kept}]
    if not prefill:
        asked.append({"role": "user", "content": INSTRUCTION.format(words=_last_words(kept))})
    return asked


class OverlapTrimmer:
    """Takes the second part as it comes and gives what is new in it.

    The beginning is held back as long as it could be a repetition of the kept text's end; once it
    is no more `open`, all text is new.
    """

    def __init__(self, kept: str) -> None:
        self._kept = kept[-SEARCHED:]
        self._held = ""
        self._candidates = list(range(len(self._kept)))  # where in kept the repetition may begin
        self._overlaps: list[int] = []  # lengths of what is surely repeated
        self.open = bool(kept)

    def feed(self, text: str) -> str:
        """What of `text`, and of what was held back, is new."""
        if not self.open:
            return text
        begin = len(self._held)
        self._held += text
        alive = []
        for start in self._candidates:
            rest = self._kept[start + begin : start + len(self._held)]
            if not self._held.startswith(rest, begin):
                continue
            if start + len(self._held) >= len(self._kept):
                self._overlaps.append(len(self._kept) - start)
            else:
                alive.append(start)
        self._candidates = alive
        return "" if alive else self.close()

    def close(self, *, cut_off: bool = False) -> str:
        """What is still held back, when nothing more comes. `cut_off`: because this part broke
        off too, perhaps among the words it was asked to begin with."""
        if not self.open:
            return ""
        self.open = False
        if cut_off and _last_words(self._kept).startswith(self._held):
            return ""
        return self._held[self._repeated() :]

    def _repeated(self) -> int:
        """How many characters of what is held are a repetition. Where there are two answers to
        that, the text is repetitive itself."""
        if [n for n in self._overlaps if n >= SHORTEST_WHOLE] == [len(self._kept)]:
            return len(self._kept)
        overlaps = [n for n in self._overlaps if len(self._held[:n].strip()) >= SHORTEST]
        if len(overlaps) != 1 or self._kept[: -overlaps[0]].endswith(self._held[: overlaps[0]]):
            return 0
        return overlaps[0]


def _last_words(kept: str) -> str:
    """The end of a text, from the beginning of a word on."""
    end = kept[-QUOTED:]
    first, space, rest = end.partition(" ")
    return rest if space and rest.strip() and len(end) < len(kept) else end
