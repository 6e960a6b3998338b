"""Upstreams whose files are read again when they change.

The rule: an answer that is running keeps the upstream that it has. A file with a mistake changes
nothing: the log says what is wrong, and the upstreams from before stay in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from tornado.ioloop import PeriodicCallback

from tornado_stream.config_file import FileState, Unreadable, file_state
from tornado_stream.providers.base import Provider
from tornado_stream.providers.provider_group import ProviderGroup
from tornado_stream.providers.upstream_config import UpstreamConfig
from tornado_stream.settings import SettingError

logger = logging.getLogger(__name__)

#: Seconds between two looks at the files. A change counts when two looks have seen the same, so
#: that a file is not read while an editor writes it.
INTERVAL = 1.0

State = dict[Path, FileState]


class ReloadingGroup(ProviderGroup):
    """The upstreams that `read` returns. `build` makes the provider of one.

    `read` is called again when `file`, or a file with a key, has changed. `default` and `secrets`
    are those of `ProviderGroup`. Raises `SettingError` where `read` does.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[UpstreamConfig]],
        build: Callable[[UpstreamConfig], Provider],
        file: Path | None,
        *,
        default: str | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._read = read
        self._build = build
        self._file = file
        self._built = [(config, build(config)) for config in read()]
        super().__init__([one for _, one in self._built], default=default, secrets=secrets)
        self._seen = self._seen_before = self._look()
        self._told = ""  # why the files could not be used
        self._timer = PeriodicCallback(self._check, 1000 * INTERVAL)

    async def open(self) -> None:
        await super().open()
        if self._seen:
            self._timer.start()

    async def close(self, grace: float) -> None:
        self._timer.stop()
        await super().close(grace)

    def _check(self) -> None:
        state, before = self._look(), self._seen_before
        self._seen_before = state
        if state == self._seen or state != before:
            return
        self._seen = state
        told, self._told = self._told, ""
        try:
            configs = self._read()
        except SettingError as error:
            self._told = str(error)
            if isinstance(error, Unreadable):
                self._seen = {}  # perhaps they can be read in a second
            if self._told != told:
                logger.error("the upstreams stay as they were: %s", error)
            return
        self._use(configs)

    def _look(self) -> State:
        """The files, and what changes when they do."""
        paths = {self._file, *(config.key_file for config, _ in self._built)}
        return {path: file_state(path) for path in paths if path}

    def _use(self, configs: Sequence[UpstreamConfig]) -> None:
        """Use these upstreams for the next answers. One that is the same keeps its connections."""
        known, self._built = self._built, []
        for config in configs:
            same = next((one for old, one in known if old == config), None)
            self._built.append((config, same or self._build(config)))
        self.replace_members([one for _, one in self._built])
        self._seen = self._seen_before = self._look()
        self.on_new_secrets()
        names = ", ".join(config.name for config in configs)
        logger.info("the upstreams were read again: %s", names)
