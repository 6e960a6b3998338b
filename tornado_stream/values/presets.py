"""Presets and prompts: what a conversation can begin with. Pure.

The rule: a conversation copies its preset when it begins, and a change of the preset changes no
conversation. A prompt is plain text: the server looks into no field of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRESET, PROMPT = KINDS = ("preset", "prompt")
#: The members that a person gives, by kind, besides `kind`.
MEMBERS = {PRESET: ("system", "model", "options", "tools"), PROMPT: ("text",)}
_ALL = {name for names in MEMBERS.values() for name in names}
#: Characters of a name and of a model's name; bytes of a preset as JSON; presets of one owner.
MAX_NAME, MAX_MODEL, MAX_SIZE, MAX_PRESETS = 64, 200, 64 * 1024, 200
#: Members of a request to a model that are no options.
NO_OPTIONS = frozenset({"messages", "model", "stream", "stream_options"})
MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset, or a prompt if `kind` is that. `shared` ones are everybody's and stand in
    tornado-stream.toml. `version` is 1 for those, and grows with each change of another."""

    id: str
    name: str
    kind: str = PRESET
    text: str = ""
    system: str | None = None
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: Sequence[str] = field(default_factory=list)
    shared: bool = False
    version: int = 1

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        names = ("id", "name", "kind", *("text", "system", "model", "options"))
        shown = {name: getattr(self, name) for name in (*names, "shared", "version")}
        return shown | {"tools": list(self.tools)}


class InvalidPreset(ValueError):
    """The message says what is wrong with the member `key`; "" stands for the whole. `sentence` is
    the message for a client of the API."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key
        self.sentence = f"{key}: {why}." if key else f"{why}."


def parse_preset(
    id: str, name: Any, given: Mapping[str, Any], *, shared: bool = False, version: int = 1
) -> Preset:
    """A preset of what a person gives. Raises `InvalidPreset`."""
    kind = given.get("kind", PRESET)
    if kind not in KINDS:
        raise InvalidPreset("kind", 'it must be "preset" or "prompt"')
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name:
        raise InvalidPreset("", "its name must be visible characters without a space at an end")
    if len(name) > MAX_NAME:
        raise InvalidPreset("", f"its name has at most {MAX_NAME} characters")
    known = ("kind", *MEMBERS[kind])
    for key, value in given.items():
        if key not in known and (value or key not in _ALL):
            raise InvalidPreset(key, f"a {kind} has no such key; it has {', '.join(known)}")
    preset = Preset(
        id=id,
        name=name,
        kind=kind,
        text=(_text(given, "text") or "") if kind == PROMPT else "",
        system=_text(given, "system"),
        model=_text(given, "model"),
        options=parse_options(given.get("options")),
        tools=_names(given),
        shared=shared,
        version=version,
    )
    _check_whole(preset)
    return preset


def _check_whole(preset: Preset) -> None:
    if preset.kind == PROMPT and not preset.text:
        raise InvalidPreset("", 'a prompt must have a text, for example text = "Review {{file}}"')
    if preset.kind == PRESET and not (
        preset.system or preset.model or preset.options or preset.tools
    ):
        raise InvalidPreset("", "a preset must have at least one of system, model, options, tools")
    if len(preset.model or "") > MAX_MODEL:
        raise InvalidPreset("model", f"it has at most {MAX_MODEL} characters")
    if len(json.dumps(preset.to_json(), ensure_ascii=False).encode()) > MAX_SIZE:
        raise InvalidPreset("", f"it has more than {MAX_SIZE // 1024} KiB")


def _text(given: Mapping[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise InvalidPreset(key, "it must be text")
    return value


def _names(given: Mapping[str, Any]) -> list[str]:
    """The names of servers of tools. Whether there are such servers is asked when they are used."""
    value = given.get("tools") or []
    if not (isinstance(value, list) and all(isinstance(one, str) and one for one in value)):
        raise InvalidPreset("tools", 'it must be a list of names, for example ["time"]')
    return list(dict.fromkeys(value))


def parse_options(value: Any) -> dict[str, Any]:
    """The options that a person gives; None are none. Raises `InvalidPreset`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidPreset("options", "it must be a table, for example {temperature = 0.2}")
    for name in value:
        if name in NO_OPTIONS:
            raise InvalidPreset("options", f"{name} is no option")
    if not _is_json(value, MAX_DEPTH):
        raise InvalidPreset("options", "it may hold text, numbers, true, false, lists and tables")
    return value


def _is_json(value: Any, depth: int) -> bool:
    """Whether JSON can say it, and it is not nested deeper."""
    if isinstance(value, dict):
        return depth > 0 and all(
            isinstance(name, str) and _is_json(one, depth - 1) for name, one in value.items()
        )
    if isinstance(value, list):
        return depth > 0 and all(_is_json(one, depth - 1) for one in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or isinstance(value, str)
