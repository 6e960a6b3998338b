"""Starts the real nginx and Caddy for tests, and ends them.

The rule: a program runs in the test's own folder. nginx inherits sockets that already listen, so no
port must be guessed and no start awaited; Caddy cannot, so a start of it is awaited.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

SBIN = "/usr/sbin:/usr/local/sbin"
NGINX = """
daemon off;
worker_processes 1;
{user}
pid nginx.pid;
error_log error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  include site.conf;
}}
"""


def find(name: str) -> str:
    """The path of a program. Skips the test if it is not installed."""
    program = shutil.which(name) or shutil.which(name, path=SBIN)
    if not program:
        pytest.skip(f"{name} is not installed")
    return program


@contextmanager
def nginx(home: Path, site: str, sockets: Sequence[socket.socket]) -> Iterator[None]:
    """nginx with the configuration `site`, listening on these sockets while the block runs."""
    (home / "site.conf").write_text(site)
    user = "" if os.geteuid() else "user root;"  # other users cannot enter this directory
    (home / "nginx.conf").write_text(NGINX.format(user=user))
    numbers = [sock.fileno() for sock in sockets]
    process = subprocess.Popen(
        [find("nginx"), "-p", str(home), "-c", "nginx.conf", "-e", "error.log"],
        env=os.environ | {"NGINX": "".join(f"{number};" for number in numbers)},
        pass_fds=numbers,
        stderr=subprocess.DEVNULL,
    )
    for sock in sockets:
        sock.close()
    with _ended(process):
        yield


@contextmanager
def caddy(home: Path, site: str, port: int) -> Iterator[None]:
    """Caddy with the configuration `site`, listening on this port while the block runs."""
    (home / "Caddyfile").write_text(site)
    process = subprocess.Popen(
        [find("caddy"), "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
        cwd=home,
        env=os.environ | dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(home)),
        stderr=subprocess.DEVNULL,
    )
    with _ended(process):
        due = time.monotonic() + 20
        while not _listens(port):
            assert process.poll() is None and time.monotonic() < due, "Caddy did not start"
            time.sleep(0.01)
        yield


def listening() -> tuple[socket.socket, int]:
    """A socket that listens on 127.0.0.1, and its port."""
    sock = socket.create_server(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # the proxy waits for a stream that the test left open
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
