"""A Dockerfile as its steps. Of its language, what deploy/Dockerfile uses; the rest raises."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

WORDS = "FROM ARG COPY RUN ENV USER WORKDIR VOLUME EXPOSE HEALTHCHECK ENTRYPOINT".split()


@dataclass(frozen=True)
class Step:
    """One instruction: its word, its options (`--from=build`), the rest."""

    word: str
    options: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The rest as words; a JSON list (the exec form) as its strings."""
        if self.text.startswith("["):
            words: list[str] = json.loads(self.text)
            return words
        return shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """The rest as `name=value` words; a name alone has the empty value."""
        return {name: value for name, _, value in (word.partition("=") for word in self.words)}


def read_steps(text: str) -> list[Step]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [_step(line) for line in joined.splitlines()]


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` with their values."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], ""), text)


def _step(line: str) -> Step:
    word, _, text = line.partition(" ")
    assert word in WORDS, line
    options = {}
    while match := re.match(r"--([\w-]+)=(\S+)\s+", text.lstrip()):
        options[match[1]] = match[2]
        text = text.lstrip()[match.end() :]
    return Step(word, options, text.strip())
