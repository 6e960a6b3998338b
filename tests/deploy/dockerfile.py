"""Reads a Dockerfile as a list of steps.

Supports only the parts of the language that deploy/Dockerfile uses; other instructions fail.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

WORDS = "FROM ARG COPY RUN ENV USER WORKDIR VOLUME EXPOSE HEALTHCHECK ENTRYPOINT".split()


@dataclass(frozen=True)
class Step:
    """One instruction: its word, its options (such as `--from=build`), and its text."""

    word: str
    options: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the text, or the strings of its JSON list (the exec form)."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """The `name=value` words of the text; a name without a value has an empty one."""
        return {name: value for name, _, value in (word.partition("=") for word in self.words)}


def read_steps(text: str) -> list[Step]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [_step(line) for line in joined.splitlines()]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}` by their values; unknown names by nothing."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], ""), text)


def _step(line: str) -> Step:
    word, _, text = line.partition(" ")
    assert word in WORDS, line
    options = {}
    while match := re.match(r"--([\w-]+)=(\S+)\s+", text.lstrip()):
        options[match[1]] = match[2]
        text = text.lstrip()[match.end() :]
    return Step(word, options, text.strip())
