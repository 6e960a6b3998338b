"""A process that its predecessor starts."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

logger = logging.getLogger(__name__)


def begin_successor() -> None:
    """Start a process with the command of this one, which takes over from it."""
    # Somebody has to wait for it, or it stays as a zombie if it fails.
    if process := start_successor():
        threading.Thread(target=process.wait, name="successor", daemon=True).start()


def start_successor() -> subprocess.Popen[bytes] | None:
    """As `begin_successor`; the caller waits for the end of the process."""
    command = [sys.executable, *sys.orig_argv[1:]]
    if "--replace" not in command:
        command.append("--replace")
    try:
        return subprocess.Popen(command)
    except OSError as error:
        logger.error("no process can be started to take over: %s", error.strerror)
    return None
