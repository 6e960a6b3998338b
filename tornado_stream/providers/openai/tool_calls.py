"""Assembles tool calls from their fragments, however an upstream identifies them. Pure.

The API's rule: a fragment belongs to the call with its `index`; `id` and `name` come with the
first fragment. Real upstreams leave out the index, use one index for two calls, repeat the name
and the id in every fragment, or send the whole call again at the end.
"""

from __future__ import annotations

from tornado_stream.providers.openai.chunks import ToolFragment
from tornado_stream.providers.openai.lenient_json import NOT_JSON, parse_json
from tornado_stream.values.events import ToolCall

#: Nothing is appended to a name longer than this many characters; the API allows 64.
_MAX_NAME = 1000


class ToolCalls:
    """Takes the fragments of an upstream and returns the fragments for clients. Those number the
    calls from 0 in order of appearance and have the id once; a client appends name and arguments.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._changed: dict[int, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, fragment: ToolFragment) -> None:
        call = self._find(fragment)
        if call is None:
            call = _Call(len(self._calls))
            self._calls.append(call)
        if fragment.index is not None:
            self._by_index[fragment.index] = call
        if fragment.id and not call.id:
            self._by_id[fragment.id] = call
        if call.add(fragment):
            self._changed[call.index] = call

    def take(self) -> tuple[ToolCall, ...]:
        """The additions since the last call of `take`: one fragment for each changed call."""
        fragments = tuple(call.take() for call in self._changed.values())
        self._changed.clear()
        return fragments

    def _find(self, fragment: ToolFragment) -> _Call | None:
        """The call that a fragment continues; None if it begins a call."""
        if fragment.index is None and fragment.id:
            return self._by_id.get(fragment.id)
        call = self._calls[-1] if self._calls else None
        if fragment.index is not None:
            call = self._by_index.get(fragment.index)
        if call is None or not fragment.name:
            return call  # only a fragment with a name can begin a call, whatever its id
        if fragment.id and call.id and fragment.id != call.id:
            return self._by_id.get(fragment.id)
        if not fragment.id and call.is_followed_by(fragment):
            return None
        return call


class _Call:
    """One call so far, and the part of it that `take` has not returned yet."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self._arguments: list[str] = []
        self._size = 0
        self._announced = False
        self._new_id: str | None = None
        self._new_name = ""
        self._new_from = 0  # where in _arguments the new ones begin

    def add(self, fragment: ToolFragment) -> bool:
        """Add the new parts of a fragment; False if it has none."""
        id = "" if self.id else fragment.id
        name = "" if self._has_name(fragment.name) else fragment.name
        arguments = "" if self._repeats(fragment) else fragment.arguments
        if self._announced and not (id or name or arguments):
            return False
        self._announced = True
        if id:
            self.id = self._new_id = id
        self.name += name
        self._new_name += name
        if arguments:
            self._arguments.append(arguments)
            self._size += len(arguments)
        return True

    def take(self) -> ToolCall:
        fragment: ToolCall = {
            "index": self.index,
            "id": self._new_id,
            "name": self._new_name,
            "arguments": "".join(self._arguments[self._new_from :]),
        }
        self._new_id, self._new_name, self._new_from = None, "", len(self._arguments)
        return fragment

    def is_followed_by(self, fragment: ToolFragment) -> bool:
        """Whether a fragment with a name but no id begins another call."""
        if not self._size or self._repeats(fragment):
            return False
        if fragment.name != self.name:
            return True
        return self._arguments[-1].endswith("}") and _is_object(fragment.arguments)

    def _has_name(self, name: str) -> bool:
        """Whether the name is complete. It may come in pieces, but only before the arguments, and
        some upstreams repeat all of it."""
        return bool(self._size) or name == self.name or len(self.name) > _MAX_NAME

    def _repeats(self, fragment: ToolFragment) -> bool:
        """Whether the fragment is the whole call again. The arguments are joined only if the
        length is the same, so that the time stays linear."""
        if not (fragment.name or fragment.id) or len(fragment.arguments) != self._size:
            return False
        return "".join(self._arguments) == fragment.arguments


def _is_object(arguments: str) -> bool:
    if not (arguments.startswith("{") and arguments.endswith("}")):
        return False
    return parse_json(arguments.encode("utf-8", "replace")) is not NOT_JSON
