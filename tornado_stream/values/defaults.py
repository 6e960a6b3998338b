"""What a user's conversations begin with, and the parameters of their answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.presets import MAX_SIZE, InvalidPreset, parse_options


@dataclass(frozen=True, slots=True)
class Defaults:
    """The system prompt of new conversations, and options for every answer. `version` grows with
    each change; it is 0 as long as the user has stored nothing."""

    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"system": self.system, "options": self.options, "version": self.version}


def parse_defaults(given: Mapping[str, Any], version: int) -> Defaults:
    """The defaults that a person gives. Raises `InvalidPreset`."""
    system = given.get("system")
    if not isinstance(system, str | None):
        raise InvalidPreset("system", "it must be text")
    defaults = Defaults((system or "").strip(), parse_options(given.get("options")), version)
    if len(json.dumps(defaults.to_json(), ensure_ascii=False).encode()) > MAX_SIZE:
        raise InvalidPreset("", f"the defaults have more than {MAX_SIZE // 1024} KiB")
    return defaults
