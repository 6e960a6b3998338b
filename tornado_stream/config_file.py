"""tornado-stream.toml: finds it, reads it, and hands each of its sections to the section's owner.

The rule: every mistake is reported with its line before the server starts, and a section that
nobody reads is a mistake. While the server runs, an owner that asks again gets the file as it is.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Generic, NoReturn, TypeVar

from tornado_stream.settings import SettingError, Settings

logger = logging.getLogger(__name__)

#: In the working directory, unless --config names another file.
FILE_NAME = "tornado-stream.toml"
#: Bytes of the file, and parts of a key (`a.b.c` has three): the parser takes time for both.
MAX_SIZE, MAX_PARTS = 1024 * 1024, 32
#: Characters of a key that a message shows.
MAX_SHOWN = 100
#: Bytes of a file with the key of an upstream.
MAX_KEY_FILE = 16 * 1024
#: The sections and who reads them; docs/configuration.md has the same table.
SECTIONS = {
    "currency": "providers.config",
    "upstream": "providers.config",
    "preset": "values.presets",
    "budget": "auth.user_config",
    "user": "auth.user_config",
    "tools": "tools_host.config",
}

#: Seconds between two looks at the file.
CHECK_INTERVAL = 1.0

FileState = tuple[int, ...] | None
T = TypeVar("T")


class Unreadable(SettingError):
    """The file could not be read, perhaps only now: the next look tries again."""


def file_state(path: Path) -> FileState:
    """A value that changes when the file does, or who may read it; None if it cannot be found."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def read_key_file(path: Path) -> str:
    """The text of a file with the key of an upstream. Raises `OSError`, and `ValueError` with words
    if it cannot be such a file."""
    with path.open("rb") as file:
        content = file.read(MAX_KEY_FILE + 1)
    if len(content) > MAX_KEY_FILE:
        raise ValueError(f"it has more than {MAX_KEY_FILE} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


class ConfigFile:
    """The file that the settings name. `path` is None if there is none: then it has no sections."""

    def __init__(self, settings: Settings) -> None:
        here = Path(FILE_NAME)
        self.path = settings.config or (here if here.is_file() else None)
        self._state: FileState = None
        self._sections = Sections(Path(FILE_NAME), "", {})

    @property
    def state(self) -> FileState:
        """See `file_state`."""
        return file_state(self.path) if self.path else None

    def read(self) -> Sections:
        """The sections as they are now. The file is read only if it has changed. Raises
        `SettingError` if it cannot be read, is no TOML, or has a section that nobody reads."""
        if self.path is not None and (self._state is None or self.state != self._state):
            state = self.state
            self._sections = read_sections(self.path)
            self._state = state
        return self._sections


class Reread(Generic[T]):
    """What `parse` makes of the file, as the file is now. Call it on the IOLoop's thread; it looks
    at the file at most each second.

    Raises `SettingError` if the file has a mistake when this is created. Later, a mistake changes
    nothing: the value from before stays, and the log says so. `what` names the values there.
    """

    def __init__(
        self,
        file: ConfigFile,
        parse: Callable[[Sections], T],
        what: str,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._file = file
        self._parse = parse
        self._what = what
        self._now = now
        self._seen: FileState = file.state
        self._next_check = now() + CHECK_INTERVAL
        self._told = ""
        self._value = parse(file.read())

    def __call__(self) -> T:
        if self._now() >= self._next_check:
            self._next_check = self._now() + CHECK_INTERVAL
            if (state := self._file.state) != self._seen:
                self._seen = state
                self._read()
        return self._value

    def _read(self) -> None:
        told, self._told = self._told, ""
        try:
            self._value = self._parse(self._file.read())
            logger.info("the %s were read again", self._what)
        except SettingError as error:
            self._told = str(error)
            if isinstance(error, Unreadable):
                self._seen = ()
            if self._told != told:
                logger.error("the %s stay as they were: %s", self._what, error)


def read_sections(path: Path) -> Sections:
    """The sections of a file. Raises `SettingError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
        if len(content) > MAX_SIZE:
            raise SettingError(f"cannot read {path}: it has more than {MAX_SIZE} bytes")
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"cannot read {path}: it is not UTF-8") from None
    _check_keys(path, text)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: {error}") from None
    except ValueError:
        raise SettingError(
            f"{path}: it has a number or a date that is none, or too large"
        ) from None
    except RecursionError:
        raise SettingError(f"{path}: it is nested too deeply") from None
    sections = Sections(path, text, data)
    for name in data:
        if name not in SECTIONS:
            sections.refuse(name, f"there is no such section{suggestion(name, SECTIONS)}")
    return sections


@dataclass(frozen=True)
class Sections:
    """What the file holds: its text for messages, and its tables by their names."""

    path: Path
    text: str
    data: Mapping[str, Any]

    def tables(self, section: str) -> dict[str, Any]:
        """The tables `[section.NAME]` by name; empty if there are none. Raises `SettingError`."""
        tables = self.data.get(section, {})
        if not isinstance(tables, dict):
            self.refuse(section, f"it must be tables, [{section}.NAME]")
        for name, table in tables.items():
            if not isinstance(table, dict):
                self.refuse(f"{section}.{name}", f"it must be a table, [{section}.{name}]")
        return tables

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raise a `SettingError` that names the line of a key, for example `preset.x.system`."""
        cut = key if len(key) <= MAX_SHOWN else f"{key[:MAX_SHOWN]}…"
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
        raise SettingError(f"{self.path}, line {self.line_of(key)}: {shown}: {why}")

    def line_of(self, key: str) -> int:
        """The number, from 1, of the line with this key, or with the longest beginning of it."""
        best, line, inside, wanted = 0, 1, "", _bare(key) + "."
        for number, text in enumerate(self.text.splitlines(), 1):
            bare = _bare(text.partition("#")[0])
            if bare.startswith("["):
                found = inside = bare.strip("[]")
            else:
                name = bare.partition("=")[0]
                found = ".".join(part for part in (inside, name) if part) if "=" in bare else ""
            within = f"{found}.".startswith(wanted)  # a table below the one that is sought
            size = len(wanted) - 1 if within else len(found)
            if found and size > best and (within or wanted.startswith(f"{found}.")):
                best, line = size, number
        return line


def _check_keys(path: Path, text: str) -> None:
    """Raise `SettingError` if a key has too many parts: the parser's time grows with their square.
    Strings and comments do not count."""
    last, parts = None, 1
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "dot" and last == "part":
            parts += 1
        elif kind != "part" or last != "dot":
            parts = 1
        last = kind
        if parts > MAX_PARTS:
            line = text.count("\n", 0, token.start()) + 1
            raise SettingError(f"{path}, line {line}: a key has more than {MAX_PARTS} parts")


#: A part of a key (or a value), the dot between two parts, or what is neither.
_TOKEN = re.compile(
    r"""(?P<part>"{3}(?:\\.|[^\\])*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[\w+-]+)"""
    r"|(?P<dot>\.)|(?P<other>#[^\n]*|[^\s\w+-])",
    re.DOTALL,
)


def _bare(text: str) -> str:
    return re.sub(r"[\s\"']", "", text)


def suggestion(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """The end of a sentence that says which names are known, and which one was probably meant."""
    import difflib  # only mistakes need it

    near = difflib.get_close_matches(word, list(known), n=1)
    names = f"there are {', '.join(known)}"
    return f"; did you mean {near[0]}? ({names})" if near else f"; {names}"
