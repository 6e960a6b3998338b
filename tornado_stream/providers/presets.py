"""The presets of well-known upstreams, read from presets.toml.

The rule: a difference between two upstreams is data in that file; no code names an upstream.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

#: Options that control how the next token is chosen; reasoning models refuse them.
SAMPLING = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs"})

DATA = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True, slots=True)
class Preset:
    """One table of presets.toml; the head of that file explains each field."""

    name: str = "custom"
    title: str = ""
    base_url: str = ""
    key_env: str = ""
    key_header: str = ""
    default_model: str | None = None
    chat_path: str = "/chat/completions"
    responses_path: str = "/responses"
    responses_models: re.Pattern[str] | None = field(default=None, compare=False)
    lists_models: bool = True
    asks_usage: bool = True
    completion_tokens: re.Pattern[str] | None = field(default=None, compare=False)
    no_sampling: re.Pattern[str] | None = field(default=None, compare=False)
    local_port: int | None = None
    abilities: str = ""
    abilities_by_model: bool = False

    def adapt(self, model: str, options: dict[str, Any]) -> dict[str, Any]:
        """The options with the names that this upstream takes, without those it refuses."""
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
    """All presets by name."""
    return {name: _preset(name, row) for name, row in tomllib.loads(DATA.read_text()).items()}


def preset_for(base_url: str) -> Preset:
    """The preset with this base URL, else `CUSTOM`."""
    return next((p for p in presets().values() if p.base_url == base_url), CUSTOM)


def _preset(name: str, row: dict[str, Any]) -> Preset:
    values = dict(row)
    for pattern in ("responses_models", "completion_tokens", "no_sampling"):
        if pattern in values:
            values[pattern] = re.compile(values[pattern])
    return Preset(name, **values)
