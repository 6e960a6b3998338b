"""Reads the upstreams from tornado-stream.toml; docs/upstreams.md describes this file.

The rule: before the server starts, every mistake is reported with its line and its key. The file
never contains an API key itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

from tornado_stream.config_file import Sections, Unreadable, read_key_file, suggestion
from tornado_stream.providers.presets import CUSTOM, Preset, presets
from tornado_stream.providers.upstream import Timeouts
from tornado_stream.providers.upstream_config import DIALECTS, UpstreamConfig, shown_url
from tornado_stream.settings import Secret, SettingError, parse_url
from tornado_stream.values.costs import Price

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
KEYS = (
    "preset base_url dialect key_env key_file key_header models default_model api_version headers "
    "parameters connect_timeout first_byte_timeout idle_timeout answer_timeout prices can".split()
)
#: What a model can be told to do.
ABILITIES = ("vision", "tools", "reasoning")
PRICE_KEYS = ("input", "output", "cached_input")
_TABLE = re.compile(
    r"""\s*\[\s*upstream\s*\.\s*["']?(?P<name>[^\s"'.\]]+)["']?\s*(\.\s*(?P<key>\w+).*)?\]"""
)


def read_config(
    sections: Sections, environ: Mapping[str, str], timeouts: Timeouts
) -> list[UpstreamConfig]:
    """The upstreams of the file, in its order, with `timeouts` as defaults; none if it has no table
    for one. Raises `SettingError` for every mistake in these tables."""
    return _ConfigParser(sections, environ, timeouts).read()


class _ConfigParser:
    """Parses the tables of the upstreams, and remembers the one it is in for error messages."""

    def __init__(self, sections: Sections, environ: Mapping[str, str], timeouts: Timeouts) -> None:
        self._path = sections.path
        self._text = sections.text
        self._data = sections.data
        self._environ = environ
        self._default_timeouts = timeouts
        self._name = ""

    def read(self) -> list[UpstreamConfig]:
        currency = self._data.get("currency", "USD")
        if not (isinstance(currency, str) and re.fullmatch(r"[A-Z]{3}", currency)):
            self._refuse("currency", "it must be a currency code, such as USD")
        tables = self._data.get("upstream")
        if tables is None:
            return []
        if not isinstance(tables, dict) or not tables:
            raise SettingError(f"{self._path} names no upstream; add a table [upstream.NAME]")
        return [self._upstream(name, table, currency) for name, table in tables.items()]

    def _upstream(self, name: str, table: Any, currency: str) -> UpstreamConfig:
        self._name = name
        if not NAME.fullmatch(name):
            self._refuse("", "a name has up to 32 letters, digits and . _ -")
        if not isinstance(table, dict):
            self._refuse("", f"it must be a table, [upstream.{name}]")
        for key in table:
            if key in ("key", "api_key"):
                self._refuse(
                    key,
                    "this file must not contain the key; name an environment variable with "
                    "key_env, or a file with key_file",
                )
            if key not in KEYS:
                self._refuse(key, f"there is no such key{suggestion(key, KEYS)}")
        preset = self._preset(table)
        base_url = self._base_url(table, preset)
        dialect, dialects = self._dialects(table)
        config = UpstreamConfig(
            name=name,
            base_url=base_url,
            key=self._key(table, preset),
            preset=preset,
            models=self._models(table, preset),
            default_model=self._text_value(table, "default_model") or preset.default_model,
            api_version=self._text_value(table, "api_version") or "",
            dialect=dialect,
            dialects=dialects,
            headers=self._headers(table),
            parameters=self._table(table, "parameters"),
            timeouts=self._timeouts(table),
            prices=self._prices(table, currency),
            can=self._abilities(table),
            origin=f"{preset.title or shown_url(base_url)} ({self._path.name})",
            key_file=self._key_path(table["key_file"]) if "key_file" in table else None,
            key_origin=self._key_origin(table, preset),
        )
        if "{api_version}" in preset.chat_path and not config.api_version:
            self._refuse("api_version", 'this key is required, for example "2024-10-21"')
        return config

    def _preset(self, table: dict[str, Any]) -> Preset:
        name = self._text_value(table, "preset")
        if name and name not in presets():
            known = ", ".join(presets())
            self._refuse("preset", f"there is no preset {name!r}; the presets are {known}")
        preset = presets()[name] if name else CUSTOM
        if header := self._text_value(table, "key_header"):
            preset = replace(preset, key_header=header)
        return preset

    def _base_url(self, table: dict[str, Any], preset: Preset) -> str:
        if given := self._text_value(table, "base_url"):
            try:
                return parse_url(given)
            except ValueError as error:
                self._refuse("base_url", str(error))
        if preset.base_url and "{" not in preset.base_url:
            return preset.base_url
        example = preset.base_url or "http://localhost:11434/v1"
        self._refuse("base_url", f"this key is required, for example {example}")

    def _key(self, table: dict[str, Any], preset: Preset) -> Secret | None:
        variable = self._text_value(table, "key_env")
        file = self._text_value(table, "key_file")
        if variable and file:
            self._refuse("key_file", "key_env is set too; only one of them is allowed")
        if file:
            try:
                key = read_key_file(self._key_path(file)).strip()
            except OSError as error:
                self._refuse("key_file", f"cannot read {file}: {error.strerror}", Unreadable)
            except ValueError as error:
                self._refuse("key_file", f"cannot read {file}: {error}")
            return self._checked_key("key_file", key)
        key = self._environ.get(variable or preset.key_env, "").strip()
        if variable and not key:
            self._refuse("key_env", f"the environment variable {variable} is not set")
        return self._checked_key("key_env", key) if key else None

    def _key_path(self, file: str) -> Path:
        return self._path.parent / Path(file).expanduser()

    def _key_origin(self, table: dict[str, Any], preset: Preset) -> str:
        """The variable with the key, or the member of this file that names its place."""
        member = "key_file" if "key_file" in table else "key_env"
        variable = self._text_value(table, "key_env") or preset.key_env
        in_file = f"{member} in {self._path.name}"
        return in_file if member == "key_file" or not variable else variable

    def _checked_key(self, name: str, key: str) -> Secret:
        if not key or not key.isascii() or not key.isprintable():
            self._refuse(name, "the key it names must be one line of printable ASCII characters")
        return Secret(key)

    def _models(self, table: dict[str, Any], preset: Preset) -> tuple[str, ...]:
        models = table.get("models", [])
        if not isinstance(models, list) or not all(isinstance(m, str) and m for m in models):
            self._refuse("models", 'it must be a list of names, for example ["gpt-5-mini"]')
        if not models and not preset.lists_models:
            self._refuse("models", f"this key is required: {preset.title} has no list of models")
        return tuple(models)

    def _dialects(self, table: dict[str, Any]) -> tuple[str | None, dict[str, str]]:
        """The dialect of all models, and those of single ones: the key has either."""
        given = table.get("dialect")
        dialects = given if isinstance(given, dict) else {}
        dialect = None if isinstance(given, dict) else given
        for value in (*dialects.values(), *([] if dialect is None else [dialect])):
            if value not in DIALECTS:
                known = " or ".join(f'"{name}"' for name in DIALECTS)
                self._refuse("dialect", f"it must be {known}, or a table of models with these")
        return dialect, dict(dialects)

    def _headers(self, table: dict[str, Any]) -> dict[str, str]:
        headers = self._table(table, "headers")
        for name, value in headers.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                self._refuse("headers", f"{name!r} is not a valid name of a header")
            if not (isinstance(value, str) and value.isascii() and value.isprintable()):
                self._refuse("headers", f"{name} must be one line of printable ASCII characters")
            if name.lower() in ("authorization", "host", "content-length", "transfer-encoding"):
                self._refuse("headers", f"{name} cannot be set here")
        return headers

    def _timeouts(self, table: dict[str, Any]) -> Timeouts:
        limits = {}
        for limit in fields(Timeouts):
            key = f"{limit.name}_timeout"
            if (value := table.get(key)) is not None:
                if type(value) not in (int, float) or not 0 < value <= 31_536_000:
                    self._refuse(key, "it must be a number of seconds above 0")
                limits[limit.name] = float(value)
        return replace(self._default_timeouts, **limits)

    def _prices(self, table: dict[str, Any], currency: str) -> dict[str, Price]:
        prices = {}
        for model, row in self._table(table, "prices").items():
            if not isinstance(row, dict) or not {"input", "output"} <= row.keys() <= {*PRICE_KEYS}:
                self._refuse(
                    "prices",
                    f"{model!r} must have input and output, and may have cached_input: "
                    "the prices of a million tokens",
                )
            for value in row.values():
                if type(value) not in (int, float) or not 0 <= value < 1e9:
                    self._refuse("prices", f"{model!r}: a price must be a number, 0 or above")
            prices[model] = Price(**row, currency=currency)
        return prices

    def _abilities(self, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        can = {}
        for model, words in self._table(table, "can").items():
            if not isinstance(words, list) or not all(word in ABILITIES for word in words):
                known = ", ".join(f'"{word}"' for word in ABILITIES)
                self._refuse("can", f"{model!r} must be a list of some of {known}")
            can[model] = tuple(words)
        return can

    def _table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            self._refuse(key, "it must be a table")
        return dict(value)

    def _text_value(self, table: dict[str, Any], key: str) -> str | None:
        value = table.get(key)
        if value is not None and not (isinstance(value, str) and value.strip()):
            self._refuse(key, "it must be text")
        return value

    def _refuse(self, key: str, why: str, error: type[SettingError] = SettingError) -> NoReturn:
        where = f"upstream.{self._name}" if self._name else ""
        name = ".".join(part for part in (where, key) if part)
        line = _line_of(self._text, self._name, key)
        raise error(f"{self._path}, line {line}: {name}: {why}")


def _line_of(text: str, upstream: str, key: str) -> int:
    """The number, from 1, of the line with the key; if there is none, of the upstream's table."""
    inside, begin = not upstream, 1
    for number, line in enumerate(text.splitlines(), 1):
        if table := _TABLE.match(line):
            inside = table["name"] == upstream
            if inside and key and table["key"] == key:
                return number
            if inside and not table["key"]:
                begin = number
        elif inside and key and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""", line):
            return number
    return begin
