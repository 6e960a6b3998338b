"""The presets of tornado-stream.toml, and what begins with one.

The rule: where a request and a preset both have a value, the request's holds. A file with a mistake
changes nothing: the presets from before stay, and the log says so.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.config_file import ConfigFile, Sections, State
from tornado_stream.settings import SettingError
from tornado_stream.values.errors import InvalidRequest, NotFound
from tornado_stream.values.presets import (
    MAX_PRESETS,
    PRESET,
    InvalidPreset,
    Preset,
    parse_preset,
)

logger = logging.getLogger(__name__)

#: A program asks a preset by this and its name, as if it were a model.
PREFIX = "preset/"
#: Seconds between two looks at the file.
CHECK_INTERVAL = 1.0
#: The ids of shared presets are made from this and their names, so that they stay the same.
NAMESPACE = uuid.UUID("0d9c8f5e-7b1a-5c43-9c7e-2f6b1d3a4e58")


class Presets:
    """The presets that users can begin a conversation with. Raises `SettingError` if the file has a
    mistake."""

    def __init__(self, file: ConfigFile, now: Callable[[], float] = monotonic) -> None:
        self._file = file
        self._now = now
        self._seen: State = file.state
        self._next_check = now() + CHECK_INTERVAL
        self._shared = read_presets(file.read())

    def all(self) -> list[Preset]:
        """All presets and prompts, in the order of the file."""
        self._check_file()
        return self._shared

    def get(self, name: str) -> Preset:
        """The preset with this id or name. Raises `NotFound`, or `InvalidRequest` for a prompt."""
        if preset := self._find(name):
            if preset.kind != PRESET:
                raise InvalidRequest("preset must name a preset; this is a prompt.")
            return preset
        raise NotFound("There is no preset with this id or name.")

    def for_program(self, request: CompletionRequest) -> CompletionRequest:
        """The request of a program, with the values of the preset that it names as its model. It
        gets the system prompt if none of its messages is one."""
        if not (request.model or "").startswith(PREFIX):
            return request
        preset = self._find((request.model or "").removeprefix(PREFIX))
        if preset is None or preset.kind != PRESET:
            return request
        messages = request.messages
        if preset.system and not any(m.get("role") in ("system", "developer") for m in messages):
            messages = [{"role": "system", "content": preset.system}, *messages]
        options = {**preset.options, **request.options}
        return replace(request, messages=messages, model=preset.model, options=options)

    def _find(self, name: str) -> Preset | None:
        presets = self.all()
        by_id = (preset for preset in presets if preset.id == name.lower())
        return next(by_id, None) or next((one for one in presets if one.name == name), None)

    def _check_file(self) -> None:
        now = self._now()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_INTERVAL
        state = self._file.state
        if state == self._seen:
            return
        self._seen = state
        try:
            self._shared = read_presets(self._file.read())
            logger.info("the presets were read again; number of presets: %d", len(self._shared))
        except SettingError as error:
            logger.error("the presets stay as they were: %s", error)


def read_presets(sections: Sections) -> list[Preset]:
    """The presets of the file. Raises `SettingError` for every mistake in their tables."""
    found: dict[str, Preset] = {}
    for name, table in sections.tables("preset").items():
        id = str(uuid.uuid5(NAMESPACE, name))
        try:
            preset = parse_preset(id, name, table, shared=True)
        except InvalidPreset as error:
            key = f"preset.{name}" + (f".{error.key}" if error.key else "")
            sections.refuse(key, str(error))
        if found.setdefault(name.casefold(), preset) is not preset:
            sections.refuse(f"preset.{name}", "another preset has this name, in other letter case")
    if len(found) > MAX_PRESETS:
        sections.refuse("preset", f"the file has more than {MAX_PRESETS} presets")
    return list(found.values())
