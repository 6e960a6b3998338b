"""What is known of servers by name: the data of presets.toml, as values.

The rule: what one server wants to be asked otherwise than another is data here, and no code names
a server.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

#: Options that choose among what a model could say next.
SAMPLING = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs"})

DATA = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """A row of presets.toml, which says what each field means."""

    name: str = "custom"
    title: str = ""
    base_url: str = ""
    key_env: str = ""
    key_header: str = ""
    default_model: str | None = None
    chat_path: str = "/chat/completions"
    lists_models: bool = True
    asks_usage: bool = True
    completion_tokens: re.Pattern[str] | None = field(default=None, compare=False)
    no_sampling: re.Pattern[str] | None = field(default=None, compare=False)
    local_port: int | None = None

    def adapt(self, model: str, options: dict[str, Any]) -> dict[str, Any]:
        """The options as this server wants them for that model."""
        adapted = dict(options)
        if "max_tokens" in adapted and self.completion_tokens:
            if self.completion_tokens.search(model):
                adapted.setdefault("max_completion_tokens", adapted.pop("max_tokens"))
        if self.no_sampling and self.no_sampling.search(model):
            adapted = {n: value for n, value in adapted.items() if n not in SAMPLING}
        return adapted


CUSTOM = Preset()


@cache
def presets() -> dict[str, Preset]:
    """All of them, by name."""
    return {name: _preset(name, row) for name, row in tomllib.loads(DATA.read_text()).items()}


def preset_for(base_url: str) -> Preset:
    """The one whose address this is, else one that wants nothing special."""
    for preset in presets().values():
        if preset.base_url and preset.base_url == base_url:
            return preset
    return CUSTOM


def _preset(name: str, row: dict[str, Any]) -> Preset:
    values = dict(row)
    for pattern in ("completion_tokens", "no_sampling"):
        if pattern in values:
            values[pattern] = re.compile(values[pattern])
    return Preset(name, **values)
