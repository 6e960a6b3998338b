"""Collects what an upstream signed or encrypted in its answer, and wants back unchanged. Pure.

Without these, some models lose the thread of their own reasoning in the next turn, and some servers
refuse it (https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks,
https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

from typing import Any

import orjson

#: Members of a delta or message that may be signed.
MEMBERS = frozenset(
    {
        "reasoning_details",
        "thinking_blocks",
        "extra_content",
        "reasoning_opaque",
        "reasoning_signature",
        "encrypted_content",
        "thought_signature",
        "signature",
    }
)
#: Bytes of JSON of all pieces of an answer. Half of them would be refused, so then none is kept.
MAX_BYTES = 1024 * 1024

#: Members of an entry that make it one to send back.
_SEALS = ("signature", "data", "encrypted_content", "encrypted", "thought_signature")
#: Members of an entry whose text comes in pieces.
_TEXTS = ("text", "thinking", "summary")


def read_signed(delta: dict[str, Any]) -> dict[str, Any] | None:
    """The members of a delta that may be signed; None: it has none."""
    return {name: delta[name] for name in MEMBERS if delta.get(name)} or None


class SignedMembers:
    """Adds up the pieces of an answer.

    The text of an entry comes in many pieces, and its signature in the last of them. They become
    one entry again, since a signature is that of the whole text.
    """

    def __init__(self) -> None:
        self._lists: dict[str, list[_Entry]] = {}
        self._values: dict[str, Any] = {}
        self._left = MAX_BYTES

    def add(self, members: dict[str, Any]) -> None:
        try:
            self._left -= len(orjson.dumps(members))
        except orjson.JSONEncodeError:  # lone surrogates, depth: it could not be sent back
            self._left = -1
        if self._left < 0:
            self._lists.clear()
            self._values.clear()
            return
        for name, value in members.items():
            if isinstance(value, list):
                entries = self._lists.setdefault(name, [])
                for entry in value:
                    self._add_entry(entries, entry)
            else:
                self._values[name] = value

    def whole(self) -> dict[str, Any] | None:
        """The members to send back: lists with a signed entry, and single values; or None."""
        found = dict(self._values)
        for name, entries in self._lists.items():
            if any(entry.is_sealed for entry in entries):
                found[name] = [entry.joined() for entry in entries]
        return found or None

    def _add_entry(self, entries: list[_Entry], value: Any) -> None:
        if not isinstance(value, dict) or not (entries and entries[-1].is_continued_by(value)):
            entries.append(_Entry(value))
        else:
            entries[-1].add(value)


class _Entry:
    """An entry of a list, whose texts come in pieces."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._texts: dict[str, list[str]] = {}
        self.is_sealed = isinstance(value, dict) and any(value.get(name) for name in _SEALS)

    def is_continued_by(self, value: dict[str, Any]) -> bool:
        mine = self._value
        pieces = (*_TEXTS, "signature")  # the signature may come without a text
        if self.is_sealed or not isinstance(mine, dict) or not any(n in value for n in pieces):
            return False
        if value.get("id") and mine.get("id") and value["id"] != mine["id"]:
            return False
        return all(mine.get(name) == value.get(name) for name in ("type", "index"))

    def add(self, value: dict[str, Any]) -> None:
        if not self._texts:
            self._value = dict(self._value)
        for name, member in value.items():
            if name in _TEXTS and isinstance(member, str):
                first = self._value.get(name)
                pieces = self._texts.setdefault(name, [first] if isinstance(first, str) else [])
                pieces.append(member)
            elif member:
                self._value[name] = member
        self.is_sealed = any(value.get(name) for name in _SEALS)

    def joined(self) -> Any:
        texts = {name: "".join(pieces) for name, pieces in self._texts.items()}
        return {**self._value, **texts} if texts else self._value
