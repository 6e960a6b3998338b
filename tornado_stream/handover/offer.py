"""What a new process asks for and what it gets, before it has a loop.

The rule: `--replace` always leads to a server that runs. If the one before cannot hand over, it is
stopped, as a restart, and the new one says why.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from time import monotonic, sleep

from tornado_stream.net.passing import Message, Refused, call, connect
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.lock import lock_holder
from tornado_stream.store.migrations import MIGRATIONS, NOT_ADDITIVE

#: The version of what the processes say to each other.
PROTOCOL = 1
#: The name of the door of the process that leads: a link to its own.
CONTROL = "control.sock"
#: Seconds for an answer of the process that leads, and between two looks whether it has ended.
CALL, PAUSE = 15.0, 0.05
#: Seconds that a process takes to die, from its first closed socket to its last lock.
DYING = 2.0
#: Seconds that a server has to end, beyond its time to drain.
MARGIN = 15.0


@dataclass(frozen=True)
class TakenOver:
    """What the process before has given: a channel to it, its name, the lock of the data directory,
    and the sockets on which it listens."""

    channel: socket.socket
    instance: str
    lock: int
    sockets: list[socket.socket]


def door_of(directory: Path, instance: str) -> Path:
    """The door of a process, by the name of its instance."""
    return directory / f"control-{instance}.sock"


def take_over(settings: Settings) -> TakenOver | None:
    """Ask the process that serves for what is needed to take over. None if it is an ordinary start
    after all, or now that the other has ended. Raises `SettingError`."""
    if settings.database:
        raise SettingError(
            "--replace takes over a data directory; with --database, start another server on "
            "another port, and stop the one before"
        )
    pid = lock_holder(settings.data_dir)
    if pid is None:
        _say(f"no server uses {settings.data_dir}, so this is an ordinary start")
        return None
    try:
        channel = connect(settings.data_dir / CONTROL, CALL)
    except Refused as error:
        why = "the server that runs may be of an earlier version, for it cannot hand over "
        why += f"({CONTROL}: {error})"
        if not _is_served(settings):  # it may be a command, which must not be stopped
            raise SettingError(
                f"process {pid} uses {settings.data_dir}, and no server listens on port "
                f"{settings.port}; wait for its end, or give the port of the server that runs"
            ) from None
        _restart(settings, pid, why)
        return None
    try:
        message, descriptors = call(channel, _request(settings))
    except Refused as error:
        channel.close()
        if _is_free(settings.data_dir, DYING):
            _say("the server that ran has just ended, so this is an ordinary start")
            return None
        raise SettingError(f"the server that runs does not hand over: {error}") from None
    if refused := message.get("refused"):
        channel.close()
        if not message.get("restart"):
            raise SettingError(f"the server that runs does not hand over: {refused}")
        _restart(settings, pid, f"the server that runs cannot hand over, because {refused}")
        return None
    sockets = [socket.socket(fileno=one) for one in descriptors[1:]]
    for sock in sockets:
        sock.setblocking(False)
    channel.settimeout(None)
    return TakenOver(channel, str(message["instance"]), descriptors[0], sockets)


def refusal(message: Message, sockets: Sequence[socket.socket]) -> Message | None:
    """Why a process that asks so cannot take over from this one; None if it can. With `restart`,
    it can begin when this one has ended."""
    if message.get("take") != PROTOCOL:
        return {"refused": "the new version speaks another protocol", "restart": True}
    if int(message.get("not_additive", 0)) > len(MIGRATIONS):
        why = "the new version changes the database so that this one could not go on"
        return {"refused": why, "restart": True}
    if int(message.get("schema", 0)) < len(MIGRATIONS):
        return {"refused": "it is a newer version, and its database cannot be used by an older one"}
    host, port = sockets[0].getsockname()[:2]
    wanted = str(message.get("host", host)), int(message.get("port", 0))
    if wanted[1] in (0, port) and _is_same_host(wanted[0], host, len(sockets)):
        return None
    return {
        "refused": f"it listens on {host}, port {port}, and the new one would listen on "
        f"{wanted[0]}, port {wanted[1]}; give it the same address, or stop the server first"
    }


def _request(settings: Settings) -> Message:
    return {
        "take": PROTOCOL,
        "schema": len(MIGRATIONS),
        "not_additive": NOT_ADDITIVE,
        "host": settings.host,
        "port": settings.port,
    }


def _is_same_host(wanted: str, host: str, count: int) -> bool:
    try:
        address = ip_address(wanted)
    except ValueError:  # a name: whoever gives it has the address that it had
        return True
    if address == ip_address("::") and count > 1:  # a socket for each family
        return True
    return address == ip_address(host.partition("%")[0])


def _is_served(settings: Settings) -> bool:
    """Whether somebody listens on the address of the settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(settings.host, settings.host)
    try:
        socket.create_connection((host, settings.port), CALL).close()
    except OSError:
        return False
    return True


def _restart(settings: Settings, pid: int, why: str) -> None:
    """End the server that runs, and wait until it has ended. Raises `SettingError`."""
    if sys.platform == "win32":
        raise SettingError(f"{why}; stop it (pid {pid}), then start this one without --replace")
    _say(f"{why}. This is a restart: its answers have {settings.drain_timeout:g} s to finish")
    if not pid:
        raise SettingError(f"{why}; stop it, then start this one")
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError as error:
        raise SettingError(f"it cannot be stopped (pid {pid}): {error.strerror}") from None
    seconds = settings.drain_timeout + MARGIN
    if not _is_free(settings.data_dir, seconds):
        raise SettingError(f"the server that runs (pid {pid}) does not end; stop it first")


def _is_free(directory: Path, seconds: float) -> bool:
    """Whether the lock of the directory is free, or becomes free within this time."""
    due = monotonic() + seconds
    while lock_holder(directory) is not None:
        if monotonic() > due:
            return False
        sleep(PAUSE)
    return True


def _say(text: str) -> None:
    print(f"tornado-stream: {text}", file=sys.stderr, flush=True)
