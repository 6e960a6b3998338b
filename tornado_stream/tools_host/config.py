"""Reads the tables `[tools.NAME]` of tornado-stream.toml (see docs/tools.md).

The rule: before the server starts, every mistake is reported with its line and its key. Only this
file names servers of tools: whoever can name one can run programs on this machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NoReturn

from tornado_stream.config_file import Sections, suggestion
from tornado_stream.settings import Secret, parse_url

NAME = re.compile(r"[A-Za-z0-9-]{1,32}")
KEYS = ["command", "url", "key_env", "allow", "timeout", "users"]
#: Seconds that a call may take, where the file says nothing; and at most.
TIMEOUT, LONGEST = 30.0, 3600.0


@dataclass(frozen=True, slots=True)
class ToolServer:
    """A server of tools: a `command` that is started, or a `url`. `key` is the value of the
    environment variable `key_env`. `users` are names; None: all may use it."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    key_env: str = ""
    key: Secret | None = None
    allow: tuple[str, ...] = ()
    timeout: float = TIMEOUT
    users: frozenset[str] | None = None

    def asks(self, tool: str) -> bool:
        """Whether a person must decide before this tool runs."""
        return not any(fnmatchcase(tool, pattern) for pattern in self.allow)

    def for_host(self) -> dict[str, Any]:
        """What the tool host needs to know of the server."""
        key = str(self.key or "")
        told: dict[str, Any] = {"name": self.name, "timeout": self.timeout}
        if self.url:
            return told | {"url": self.url, "key": key}
        return told | {"command": self.command, "env": {self.key_env: key} if key else {}}


def read_tools(sections: Sections, environ: Mapping[str, str]) -> dict[str, ToolServer]:
    """The servers of tools by name. Raises `SettingError` for every mistake in their tables."""
    return {
        name: _Parser(sections, f"tools.{name}", environ).read(name, table)
        for name, table in sections.tables("tools").items()
    }


class _Parser:
    def __init__(self, sections: Sections, where: str, environ: Mapping[str, str]) -> None:
        self._sections = sections
        self._where = where
        self._environ = environ

    def read(self, name: str, table: dict[str, Any]) -> ToolServer:
        if not NAME.fullmatch(name):
            self._refuse("", "a name has up to 32 letters, digits and -")
        for key in table:
            if key not in KEYS:
                self._refuse(key, f"there is no such key{suggestion(key, KEYS)}")
        if ("command" in table) == ("url" in table):
            self._refuse("", "it must have either a command or a url")
        command = self._texts(table, "command")
        if command is not None and not command:
            self._refuse("command", 'it must be a list, for example ["mcp-server-time"]')
        key_env, secret = self._key(table)
        users = self._texts(table, "users")
        return ToolServer(
            name,
            command or (),
            self._url(table),
            key_env,
            secret,
            self._texts(table, "allow") or (),
            self._timeout(table),
            None if users is None else frozenset(users),
        )

    def _url(self, table: dict[str, Any]) -> str:
        url = table.get("url", "")
        if not isinstance(url, str):
            self._refuse("url", "it must be text")
        try:
            return parse_url(url) if "url" in table else ""
        except ValueError as error:
            self._refuse("url", str(error))

    def _key(self, table: dict[str, Any]) -> tuple[str, Secret | None]:
        name = table.get("key_env", "")
        if not isinstance(name, str):
            self._refuse("key_env", "it must be the name of an environment variable")
        if not name:
            return "", None
        value = self._environ.get(name, "").strip()
        if not value or not value.isascii() or not value.isprintable():
            self._refuse(
                "key_env",
                f"the environment variable {name} must be set to one line of printable ASCII",
            )
        return name, Secret(value)

    def _timeout(self, table: dict[str, Any]) -> float:
        value = table.get("timeout", TIMEOUT)
        if type(value) not in (int, float) or not (math.isfinite(value) and 0 < value <= LONGEST):
            self._refuse("timeout", f"it must be a number of seconds, at most {LONGEST:.0f}")
        return float(value)

    def _texts(self, table: dict[str, Any], key: str) -> tuple[str, ...] | None:
        if key not in table:
            return None
        value = table[key]
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self._refuse(key, "it must be a list of texts")
        return tuple(value)

    def _refuse(self, key: str, why: str) -> NoReturn:
        self._sections.refuse(f"{self._where}.{key}".rstrip("."), why)
