"""Collects the items of a response, whichever of its events bring them. Pure.

Every text of a response comes more than once: in deltas, at the end of its part and of its item,
and in the final response. Servers leave out any of these, and some number the items in another way
in each of them, or not at all. The rule: each text counts once, and one that comes only at the end
is not lost.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, NamedTuple

from tornado_stream.providers.openai.answer_parts import AnswerParts
from tornado_stream.providers.openai.chunks import Chunk, ToolFragment
from tornado_stream.providers.openai.lenient_json import mend
from tornado_stream.providers.openai.reasoning import ReasoningOnce
from tornado_stream.providers.openai.sources import read_sources

Kind = Literal["content", "refusal", "summary", "reasoning", "arguments"]
#: How whole a text was when it came: in deltas, alone, in its part, its item or the final response.
_LEVELS = range(5)
_DELTAS, _ALONE, _PART, _ITEM, _RESPONSE = _LEVELS

#: The member of a message under which encrypted reasoning is kept, and sent back: whole items.
REASONING_ITEMS = "reasoning_items"
#: Between two messages of a response, and between two parts of its reasoning.
SEPARATOR = "\n\n"

_PARTS: dict[str, Kind] = {
    "output_text": "content",
    "text": "content",
    "refusal": "refusal",
    "summary_text": "summary",
    "reasoning_text": "reasoning",
}


class Place(NamedTuple):
    """Where a text belongs, as an event says it: the item's place in the output and its id, and the
    number of the part in it. An event may leave out each of them."""

    output_index: int | None = None
    id: str = ""
    part: int = 0


class ResponseOutput:
    """Takes the texts and the items of one response, and adds what is new to `parts`."""

    def __init__(self, parts: AnswerParts) -> None:
        self.has_calls = False
        self._parts = parts
        self._reasoning_once = ReasoningOnce()
        self._items: list[_Item] = []
        self._by_index: dict[int, _Item] = {}
        self._by_id: dict[str, _Item] = {}  # ids of items and of calls
        self._texts: dict[tuple[Kind, int, int], _Text] = {}
        self._last: dict[Kind, _Text] = {}  # the text of each kind that began last
        #: How often a text came, by its level and its hash.
        self._seen: Counter[tuple[int, int]] = Counter()
        self._level = _DELTAS
        self._begun: set[tuple[Kind, int, int]] = set()
        self._kinds: set[Kind] = set()  # those that have begun
        self._sealed: set[str] = set()

    def add(self, kind: Kind, place: Place, text: str, *, lone: bool = False) -> None:
        """Add a piece of a text. `lone` says that it may have lone surrogates."""
        if text:
            item = self._find(place)
            self._append(kind, item, place.part, text, lone)

    def fill(self, kind: Kind, place: Place, whole: str, *, lone: bool = False) -> None:
        """Add the part of a whole text that has not come yet."""
        self._level = _ALONE
        self._fill(kind, self._find(place), place.part, whole, lone)

    def fill_part(self, place: Place, part: Any, *, lone: bool = False) -> None:
        """Add a whole part of a message or of reasoning."""
        self._level = _PART
        self._fill_part(self._find(place), place.part, part, None, lone)

    def begin_item(self, place: Place, item: Any) -> None:
        """Take an item that begins. Its texts follow in other events."""
        if isinstance(item, dict):
            id = _text(item.get("id"))
            known = self._by_id.get(id) if id else None
            self._name_call(known or self._new(place._replace(id=id or place.id)), item)

    def end_item(self, place: Place, item: Any, *, lone: bool = False) -> None:
        """Take an item that is whole."""
        self._level = _ITEM
        self._take_item(place, item, lone)

    def _take_item(self, place: Place, item: Any, lone: bool) -> None:
        if not isinstance(item, dict):
            return
        place = place._replace(id=_text(item.get("id")) or place.id)
        call_id = _text(item.get("call_id"))
        found = (self._by_id.get(call_id) if call_id else None) or self._find(place)
        if call_id and found.call_id and found.call_id != call_id:
            found = self._new(place)  # a server that gives all items the same index
        self._name_call(found, item)
        match item.get("type"):
            case "message":
                self._fill_parts(found, item.get("content"), "content", lone)
            case "reasoning":
                self._fill_parts(found, item.get("summary"), "summary", lone)
                self._fill_parts(found, item.get("content"), "reasoning", lone)
                self._keep_sealed(item)
            case "function_call":
                self._fill("arguments", found, 0, _text(item.get("arguments")), lone)
            case "custom_tool_call":
                self._fill("arguments", found, 0, _text(item.get("input")), lone)

    def end(self, output: Any, *, lone: bool = False) -> None:
        """Take the items of the final response; after it nothing comes."""
        self._level = _RESPONSE
        for index, item in enumerate(output if isinstance(output, list) else ()):
            self._take_item(Place(index), item, lone)
        for item in self._items:
            if item.held:  # no event had its name
                self._add_fragment(item, "".join(item.held), lone=True)

    def add_source(self, annotation: Any) -> None:
        """Add the page that an annotation refers to, if it does."""
        if found := read_sources({"annotations": [annotation]}):
            self._parts.add(Chunk(sources=found))

    # Items

    def _find(self, place: Place) -> _Item:
        """The item that a place means. Without index and id this is the last one."""
        item = self._by_id.get(place.id) if place.id else None
        if item is None and place.output_index is not None:
            item = self._by_index.get(place.output_index)
        if item is None and place.output_index is None and not place.id and self._items:
            item = self._items[-1]
        if item is None:
            return self._new(place)
        if place.id:
            self._by_id.setdefault(place.id, item)
        if place.output_index is not None:
            self._by_index.setdefault(place.output_index, item)
        return item

    def _new(self, place: Place) -> _Item:
        item = _Item(len(self._items), place.id)
        self._items.append(item)
        if place.id:
            self._by_id[place.id] = item
        if place.output_index is not None:
            self._by_index[place.output_index] = item
        return item

    def _fill_parts(self, item: _Item, parts: Any, kind: Kind, lone: bool) -> None:
        if isinstance(parts, str):
            self._fill(kind, item, 0, parts, lone)
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            self._fill_part(item, number, part, kind, lone)

    def _fill_part(
        self, item: _Item, number: int, part: Any, kind: Kind | None, lone: bool
    ) -> None:
        """Add a part; `kind` is the one of a part that does not say it."""
        if not isinstance(part, dict):
            return
        kind = _PARTS.get(_text(part.get("type")), kind)
        if kind:
            whole = _text(part.get("refusal" if kind == "refusal" else "text"))
            self._fill(kind, item, number, whole, lone)
        if part.get("annotations"):
            if found := read_sources({"annotations": part["annotations"]}):
                self._parts.add(Chunk(sources=found))

    def _keep_sealed(self, item: dict[str, Any]) -> None:
        """Keep an item with encrypted reasoning, which the upstream wants back unchanged."""
        sealed = item.get("encrypted_content")
        if isinstance(sealed, str) and sealed and sealed not in self._sealed:
            self._sealed.add(sealed)
            self._parts.add(Chunk(signed={REASONING_ITEMS: [item]}))

    # Texts

    def _append(self, kind: Kind, item: _Item, number: int, text: str, lone: bool) -> None:
        part = self._texts.get((kind, item.number, number))
        if part is None:
            if last := self._last.get(kind):
                self._seen[_DELTAS, hash((kind, last.joined()))] += 1
            part = self._last[kind] = self._texts[kind, item.number, number] = _Text()
        part.add(text, lone)
        if kind == "arguments":
            self._add_arguments(item, text, lone)
        else:
            self._add_text(kind, self._separated(kind, item, number, text), lone)

    def _separated(self, kind: Kind, item: _Item, number: int, text: str) -> str:
        """The text, behind a separator if others of its kind have come before."""
        # The parts of one message belong together, those of a summary are paragraphs.
        place = (kind, item.number, number if kind in ("summary", "reasoning") else 0)
        if place in self._begun:
            return text
        is_first = kind not in self._kinds
        self._begun.add(place)
        self._kinds.add(kind)
        return text if is_first else SEPARATOR + text

    def _add_text(self, kind: Kind, text: str, lone: bool) -> None:
        match kind:
            case "content":
                self._parts.add(Chunk(content=text, lone=lone))
            case "refusal":
                self._parts.add(Chunk(refusal=text, lone=lone))
            case _:
                if new := self._reasoning_once.add(kind, text):
                    self._parts.add(Chunk(reasoning=new, lone=lone))

    def _fill(self, kind: Kind, item: _Item, number: int, whole: str, lone: bool) -> None:
        if not whole:
            return
        if part := self._texts.get((kind, item.number, number)):
            rest = part.rest(whole)
        else:
            rest = "" if self._has(kind, whole) else whole
        self._seen[self._level, hash((kind, whole))] += 1
        if rest:
            self._append(kind, item, number, rest, lone)
        if part := self._texts.get((kind, item.number, number)):
            part.claim_all(self._level)

    def _has(self, kind: Kind, whole: str) -> bool:
        """Whether a text has come under another place. Calls have ids, so theirs is never sought.

        It has if it came more often elsewhere than at this level, where each text comes once.
        """
        last = None if kind == "arguments" else self._last.get(kind)
        if last is None:
            return False
        times = [self._seen[level, hash((kind, whole))] for level in _LEVELS]
        times[_DELTAS] += last.equals(whole)
        return times[self._level] < max(times) or last.claim(whole, self._level)

    # Calls

    def _name_call(self, item: _Item, value: dict[str, Any]) -> None:
        name = _text(value.get("name"))
        if value.get("type") not in ("function_call", "custom_tool_call") or item.name or not name:
            return
        item.name = name
        item.call_id = _text(value.get("call_id")) or item.id
        if item.call_id:
            self._by_id.setdefault(item.call_id, item)
        self.has_calls = True
        self._add_fragment(item, "".join(item.held), lone=True)

    def _add_arguments(self, item: _Item, text: str, lone: bool) -> None:
        if item.name:
            self._add_fragment(item, text, lone=lone)
        else:  # a name has to come first
            item.held.append(text)

    def _add_fragment(self, item: _Item, arguments: str, *, lone: bool) -> None:
        new = ToolFragment(item.number, item.call_id, item.name, arguments)
        if item.told:
            new = ToolFragment(item.number, arguments=arguments)
        if lone:
            new = ToolFragment(new.index, mend(new.id), mend(new.name), mend(new.arguments))
        item.told = True
        item.held.clear()
        self._parts.add(Chunk(tool_calls=(new,)))


class _Item:
    """An item. The rest is for calls: `held` are arguments that came before the name, and `told`
    says that a fragment has had the name."""

    def __init__(self, number: int, id: str) -> None:
        self.number = number
        self.id = id
        self.call_id = self.name = ""
        self.held: list[str] = []
        self.told = False


class _Text:
    """A text as far as it has come."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._lone = False
        self._claimed = [0] * len(_LEVELS)

    def add(self, text: str, lone: bool) -> None:
        self._pieces.append(text)
        self._size += len(text)
        self._lone |= lone

    def joined(self) -> str:
        text = "".join(self._pieces)
        self._pieces = [text]
        return mend(text) if self._lone else text

    def rest(self, whole: str) -> str:
        """What follows this text in the whole of it; "" if it is another one."""
        if len(whole) < self._size and not self._lone:
            return ""
        text = self.joined()
        return whole[len(text) :] if whole.startswith(text) else ""

    def equals(self, whole: str) -> bool:
        return self._size == len(whole) and self.joined() == whole

    def claim(self, whole: str, level: int) -> bool:
        """Whether this text goes on with `whole` after what was claimed at this level before. So
        two texts that a server streams as one are found when they come as two."""
        claimed = self._claimed[level]
        if self._size - claimed < len(whole) or not self.joined().startswith(whole, claimed):
            return False
        self._claimed[level] += len(whole)
        return True

    def claim_all(self, level: int) -> None:
        self._claimed[level] = self._size


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
