"""The chunks of a stream become one whole completion. Pure.

The rule: what the upstream says is kept, known or not. The texts of deltas are joined, objects are
merged member by member, lists are extended, and the entries of a list that have an `index` are
merged by it, if they are of one kind. Of names, kinds and numbers, and of all that stands beside a
delta, the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json

#: Texts that are not pieces of a longer text.
_LAST = frozenset(
    "id type role name object model format finish_reason native_finish_reason call_id".split()
)
#: Lists whose entries are pieces even without an `index`: up to the one with the signature.
_PIECES = frozenset({"reasoning_details", "thinking_blocks"})
_SEALS = ("signature", "data", "encrypted_content")
_NO_ANSWER = {"role": "assistant", "content": None, "refusal": None}


class MergedChunks:
    """Takes chunks, or a whole completion, in order. Adding takes linear time.

    The values that it is given belong to it from then on. They must not be nested so deeply that
    a recursive function cannot visit them.
    """

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int | str, dict[str, Any]] = {}
        self._whole = True  # there was no chunk with a delta

    def add(self, chunk: dict[str, Any]) -> None:
        """Add a chunk. Of the members at its top the last value counts."""
        choices = chunk.pop("choices", None)
        self._top |= {name: value for name, value in chunk.items() if value is not None}
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._add_choice(choice)

    def completion(self, reason: str) -> dict[str, Any]:
        """The whole. `reason` is the finish reason where there was none, and may be ""."""
        choices = [self._choices[index] for index in self._choices] or [{}]
        return {
            **self._top,
            "object": "chat.completion",
            "choices": [self._choice(place, one, reason) for place, one in enumerate(choices)],
        }

    def _add_choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        known = self._choices.setdefault(index if isinstance(index, (int, str)) else 0, {})
        delta, message = choice.pop("delta", None), choice.pop("message", None)
        if isinstance(text := choice.pop("text", None), str):  # of an old kind of completion
            _merge(known, {"text": text})
        _merge(known, choice, joins=False)
        if isinstance(delta, dict):
            self._whole = False
            _merge(known.setdefault("message", {}), delta)
        elif isinstance(message, dict) and not known.get("message"):
            _merge(known.setdefault("message", {}), message)  # else it repeats its deltas

    def _choice(self, place: int, choice: dict[str, Any], reason: str) -> dict[str, Any]:
        found = _resolved(choice)
        message = found.pop("message", {})
        if not (self._whole and message):
            message = _NO_ANSWER | message
            if isinstance(message.get("tool_calls"), list):
                message["tool_calls"] = [_without_index(call) for call in message["tool_calls"]]
        message.setdefault("role", "assistant")
        called = message.get("tool_calls") or message.get("function_call")
        if called and not message.get("content"):
            message["content"] = None
        last = reason or ("tool_calls" if message.get("tool_calls") else "stop")
        found["finish_reason"] = found.get("finish_reason") or last
        return {"index": place, "message": message, "logprobs": None, **found}


class _Text:
    """A text in pieces."""

    __slots__ = ("pieces", "size")

    def __init__(self, text: str) -> None:
        self.pieces = [text]
        self.size = len(text)

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)


class _Entries(list[Any]):
    """A list in pieces. An entry with an `index` continues the last one with this index. A call
    with another id is another call, even where upstreams give it the same index or none. So is
    any entry of another type or id."""

    __slots__ = ("_calls", "_last")

    def __init__(self, entries: Iterable[Any] = ()) -> None:
        super().__init__(entries)
        self._last: dict[Any, dict[str, Any]] = {}  # by index
        self._calls: dict[tuple[Any, Any], dict[str, Any]] = {}  # by index and id

    def add(self, more: list[Any], name: str, *, joins: bool) -> None:
        calls = name == "tool_calls"
        for entry in more:
            if not isinstance(entry, dict):
                self.append(entry)
                continue
            index, id = _key(entry.get("index")), _key(entry.get("id"))
            if calls:
                known = self._find(index, id, names=_has_name(entry))
                if known:
                    _drop_repetition(known, entry)
                if known and known.get("id"):
                    entry.pop("id", None)
            elif index is not None:
                known = self._last.get(index)
            else:
                known = self._open() if name in _PIECES else None
            if known is None or not (calls or _is_one(known, entry)):
                known = {}
                self.append(known)
            _merge(known, entry, joins=joins)
            self._last[index] = known
            self._calls[index, _key(known.get("id"))] = known

    def _open(self) -> dict[str, Any] | None:
        """The last entry, if it is not signed yet."""
        last = self[-1] if self else None
        if not isinstance(last, dict):
            return None
        seals = (last.get(name) for name in _SEALS)
        return None if any(any(s.pieces) if isinstance(s, _Text) else s for s in seals) else last

    def _find(self, index: Any, id: Any, *, names: bool) -> dict[str, Any] | None:
        if known := self._calls.get((index, id)) if id is not None else None:
            return known
        last = self._last.get(index)
        if last is None or id is None or not names or _key(last.get("id")) is None:
            return last  # some servers make a new id for every piece, but only a name begins a call
        return None


def _key(value: Any) -> str | int | None:
    """An index or an id; None if there is none."""
    return value if isinstance(value, str | int) and value != "" else None


def _has_name(call: dict[str, Any]) -> bool:
    inner = (call.get("function"), call.get("custom"), call)
    return any(isinstance(place, dict) and place.get("name") for place in inner)


def _drop_repetition(known: dict[str, Any], call: dict[str, Any]) -> None:
    """Remove the arguments from a piece of a call that is the whole call again. They are joined and
    parsed only if the length is the same, so that the time stays linear."""
    if not (call.get("id") or _has_name(call)):
        return
    for old, new in ((known.get("function"), call.get("function")), (known, call)):
        if isinstance(old, dict) and isinstance(new, dict):
            so_far, text = old.get("arguments"), new.get("arguments")
            if isinstance(so_far, _Text) and isinstance(text, str) and len(text) == so_far.size:
                whole = "".join(so_far.pieces)
                if whole == text and parse_json(whole.encode("utf-8", "replace")) is not NOT_JSON:
                    del new["arguments"]


def _is_one(known: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Whether two pieces with one index can belong to one entry."""
    pairs = ((known.get(name), entry.get(name)) for name in ("type", "id"))
    return all(not one or not other or one == other for one, other in pairs)


def _merge(into: dict[str, Any], more: dict[str, Any], *, joins: bool = True) -> None:
    """Add members. With `joins` False a text replaces the one before it, also in objects."""
    for name, value in more.items():
        into[name] = _joined(into.get(name), value, name, joins)


def _joined(known: Any, value: Any, name: str, joins: bool) -> Any:
    if value is None:
        return known
    if isinstance(value, str):
        return _with_text(known, value, name) if joins else value
    if isinstance(value, dict):
        merged = known if isinstance(known, dict) else {}
        _merge(merged, value, joins=joins)
        return merged
    if isinstance(value, list):
        if isinstance(known, _Text):  # a content whose parts follow a text
            known = _Entries([{"type": "text", "text": known}] if any(known.pieces) else [])
        entries = known if isinstance(known, _Entries) else _Entries()
        entries.add(value, name, joins=joins)
        return entries
    return value


def _with_text(known: Any, text: str, name: str) -> Any:
    if name in _LAST:
        return text or known
    if isinstance(known, _Text):
        known.add(text)
    elif isinstance(known, list):  # a content whose text follows other parts
        if known and isinstance(known[-1], dict) and known[-1].get("type") == "text":
            _merge(known[-1], {"text": text})
        elif text:
            known.append({"type": "text", "text": _Text(text)})
    else:
        return _Text(text)
    return known


def _resolved(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value.pieces)
    if isinstance(value, dict):
        return {name: _resolved(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_resolved(entry) for entry in value]
    return value


def _without_index(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    return {name: value for name, value in call.items() if name != "index"}
