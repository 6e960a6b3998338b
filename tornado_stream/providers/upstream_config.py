"""The configuration of one upstream, wherever it comes from. A pure value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tornado_stream.providers.presets import CUSTOM, Preset
from tornado_stream.providers.upstream import Timeouts
from tornado_stream.settings import Secret
from tornado_stream.values.costs import Price
from tornado_stream.values.events import Finish
from tornado_stream.values.urls import url_secrets

#: The APIs in which an upstream can answer: chat completions, and OpenAI's Responses API.
DIALECTS = ("chat", "responses")


@dataclass(frozen=True)
class UpstreamConfig:
    """An upstream and how to send it requests. Empty `models` stand for the upstream's own list.
    `dialect` is one of `DIALECTS`, and `dialects` has those of single models; without one, the
    preset decides. `can` is what single models can do, where it is set. `parameters` are options
    for requests that do not set them. `origin` tells a person where this configuration comes from,
    `key_origin` where the key is named; `key_file` is the file with the key, if it is in one."""

    name: str
    base_url: str
    key: Secret | None = None
    preset: Preset = CUSTOM
    models: tuple[str, ...] = ()
    default_model: str | None = None
    api_version: str = ""
    dialect: str | None = None
    dialects: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    prices: Mapping[str, Price] = field(default_factory=dict)
    can: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: str = ""
    key_file: Path | None = None
    key_origin: str = ""

    @property
    def secret(self) -> str | None:
        """The secret that requests carry and that logs and messages must not show: the key, else
        the password (or user) of the base URL, else a key in its query."""
        return self.key or next(iter(url_secrets(self.base_url)), None)

    @property
    def query(self) -> str:
        """The query of the base URL, which is sent with every request."""
        return urlsplit(self.base_url).query

    @property
    def _login(self) -> tuple[str, str]:
        login = urlsplit(self.base_url).netloc.rpartition("@")[0]
        user, _, password = login.partition(":")
        return unquote(user), unquote(password)

    def expected(self, model: str | None) -> Finish:
        """What each answer of this model says of its upstream."""
        return Finish(upstream=self.name, price=self.prices.get(model or ""), model=model)

    def answers_in_responses(self, model: str) -> bool:
        """Whether the dialect of this model is OpenAI's Responses API."""
        only = self.preset.responses_models
        dialect = self.dialects.get(model) or self.dialect
        return dialect == "responses" if dialect else bool(only and only.search(model))

    def answer_path(self, model: str) -> str:
        """Path and query of a request for an answer, to be appended to the base URL."""
        preset = self.preset
        responses = self.answers_in_responses(model)
        path = preset.responses_path if responses else preset.chat_path
        version = quote(self.api_version, safe="")
        return path.format(model=quote(model, safe=""), api_version=version)

    @property
    def auth_headers(self) -> dict[str, str]:
        """The headers of every request: the configured ones, and the key or login."""
        if self.key is None:
            login = ":".join(self._login)
            basic = f"Basic {b64encode(login.encode()).decode()}"
            return {**self.headers, "Authorization": basic} if login != ":" else {**self.headers}
        if header := self.preset.key_header:
            return {**self.headers, header: self.key}
        return {**self.headers, "Authorization": f"Bearer {self.key}"}


def shown_url(url: str) -> str:
    """A URL without user, password and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
