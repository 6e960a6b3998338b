"""What a server with workers does before the first one starts, and after the last has ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from tornado_stream.config_file import ConfigFile
from tornado_stream.net import descriptors
from tornado_stream.net.board import Board
from tornado_stream.net.passing import SUPPORTED
from tornado_stream.providers import has_upstream
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.lock import DirectoryLock
from tornado_stream.store.private_files import make_directory
from tornado_stream.workers.supervisor import Supervisor
from tornado_stream.workers.worker import Worker


def supervise(
    settings: Settings,
    lock: int | None,
    serve: Callable[[Worker, int | None], int],
    on_started: Callable[[], None],
    on_replace: Callable[[], object],
    on_left: Callable[[int], object],
) -> int:
    """Serve with the workers that the settings ask for; returns the exit status.

    `lock` is the data directory's, if another server has given it. `serve` is what a worker does,
    with the lock that it gets; see `Supervisor` for the others. Raises `SettingError` and
    `OpenError`.
    """
    check_workers(settings)
    make_directory(settings.data_dir)  # where the workers find each other
    held = None if settings.database else _lock(settings, lock)
    supervisor = Supervisor(
        Board(settings.workers, descriptors.most_answers(settings)),
        lambda worker: serve(worker, held.descriptor if held else None),
        on_started,
        on_replace,
        on_left,
    )
    try:
        return supervisor.run()
    finally:
        if held:
            is_others = supervisor.has_left or (lock is not None and not supervisor.has_served)
            let_go = held.abandon if is_others else held.release
            let_go()


def check_workers(settings: Settings) -> None:
    """Raise `SettingError` where several processes cannot serve."""
    if not SUPPORTED:
        raise SettingError(f"--workers needs Linux, and this is {sys.platform}; leave it out")
    if not has_upstream(settings, ConfigFile(settings)):
        raise SettingError(
            "--workers needs a named upstream: the local model runs in one process alone, and "
            "would be loaded once by each worker. Name a server with --base-url (for Ollama: "
            "http://127.0.0.1:11434/v1) or in tornado-stream.toml, or leave --workers out"
        )


def _lock(settings: Settings, descriptor: int | None) -> DirectoryLock:
    lock = DirectoryLock(settings.data_dir, descriptor)
    if lock.was_unclean:
        with suppress(OSError):  # then the database is to be checked, see `store.checks`
            os.utime(settings.data_dir / "checked", (0, 0))
    return lock
