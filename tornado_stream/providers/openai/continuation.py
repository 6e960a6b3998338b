"""Continues an answer that broke off: the request for the rest, and the joint of the two parts.

Some upstreams accept the beginning of an answer as a prefix ("prefill") and continue exactly at
its end. Any other upstream is asked to continue and to begin with the last words of the text so
far; `OverlapTrimmer` removes this repetition. It removes nothing where the text itself repeats a
phrase, or where the overlap is so short that it can be chance. Pure.
"""

from __future__ import annotations

from typing import Any

#: Characters at the end of the text so far: quoted in the request, and searched for an overlap.
QUOTED, SEARCHED = 80, 20_000
#: The least number of characters of an overlap. Shorter ones happen by chance.
SHORTEST = 12
#: The same for an overlap that is the whole text so far.
SHORTEST_WHOLE = 4

INSTRUCTION = (
    "Your answer broke off. Go on with it exactly where it stopped: same language, same format, "
    "no introduction, no apology. Begin with its last words, which are:\n{words}"
)


def continuation(
    messages: list[dict[str, Any]], text_so_far: str, *, prefill: bool
) -> list[dict[str, Any]]:
    """The messages that ask for the rest of an answer."""
    request = [*messages, {"role": "assistant", "content": text_so_far}]
    if not prefill:
        instruction = INSTRUCTION.format(words=_last_words(text_so_far))
        request.append({"role": "user", "content": instruction})
    return request


class OverlapTrimmer:
    """Removes from the second part, as it streams, the words that repeat the end of the first.

    It holds text back while this can still be a repetition. Once `open` is False, `feed` returns
    all text unchanged.
    """

    def __init__(self, text_so_far: str) -> None:
        self._end = text_so_far[-SEARCHED:]
        self._held = ""
        self._starts = list(range(len(self._end)))  # where in _end the repetition may begin
        self._overlaps: list[int] = []  # lengths of the repetitions that reach the end
        self.open = bool(text_so_far)

    def feed(self, text: str) -> str:
        """Returns the new text: of `text` and of the text held back before."""
        if not self.open:
            return text
        begin = len(self._held)
        self._held += text
        alive = []
        for start in self._starts:
            rest = self._end[start + begin : start + len(self._held)]
            if not self._held.startswith(rest, begin):
                continue
            if start + len(self._held) >= len(self._end):
                self._overlaps.append(len(self._end) - start)
            else:
                alive.append(start)
        self._starts = alive
        return "" if alive else self.close()

    def close(self, *, cut_off: bool = False) -> str:
        """Returns the new part of the text that is still held back, at the end of the stream.

        `cut_off` says that this part broke off too, perhaps within the repeated words.
        """
        if not self.open:
            return ""
        self.open = False
        if cut_off and _last_words(self._end).startswith(self._held):
            return ""
        return self._held[self._repeated() :]

    def _repeated(self) -> int:
        """The number of held characters that are a repetition; 0 if more than one overlap fits,
        because then the text itself is repetitive."""
        if [n for n in self._overlaps if n >= SHORTEST_WHOLE] == [len(self._end)]:
            return len(self._end)
        overlaps = [n for n in self._overlaps if len(self._held[:n].strip()) >= SHORTEST]
        if len(overlaps) != 1 or self._end[: -overlaps[0]].endswith(self._held[: overlaps[0]]):
            return 0
        return overlaps[0]


def _last_words(text: str) -> str:
    """The last `QUOTED` characters of a text, from the beginning of a word on."""
    end = text[-QUOTED:]
    first, space, rest = end.partition(" ")
    return rest if space and rest.strip() and len(end) < len(text) else end
