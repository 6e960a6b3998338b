"""Tells systemd which process is the service's main one (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def tell_manager(pid: int) -> None:
    """Name the new main process. Does nothing where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"MAINPID=%d\nREADY=1" % pid, address)
