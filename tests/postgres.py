"""A real PostgreSQL for tests: started by an ordinary user in a temporary directory.

The rule: one engine serves all tests of a process, and each test has a database of its own. The
fixture `postgres` starts it.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path

from benchmarks.machine import free_port

#: The superuser of the engine. It has no password, because only this machine can connect.
USER = "ts"
#: Seconds within which the engine has to start on a busy machine.
STARTS_WITHIN = 120.0
#: What a test needs no disk for: a killed process loses nothing that the system has.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


@cache
def programs() -> Path | None:
    """The directory with `initdb` and `postgres`; None where PostgreSQL is not installed. Debian
    keeps them out of the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb"))
    return versions[-1].parent if versions else None


def why_not() -> str:
    """Why no engine can be started here; "" if one can."""
    if programs() is None:
        return "PostgreSQL is not installed (apt-get install postgresql-15)"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed, so PostgreSQL would outlive a test that is killed"
    if os.geteuid() == 0 and _ordinary_user() is None:
        return "PostgreSQL does not run as root, and there is no other user"
    try:
        import asyncpg  # noqa: F401
    except ImportError:
        return "asyncpg is not installed (pip install -e '.[postgres]')"
    return ""


def _ordinary_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


class Engine:
    """A PostgreSQL that can be stopped, killed and started again on the same port."""

    def __init__(
        self,
        of: int | None = None,
        variables: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """With the port `of` of another engine, this one is its standby. `variables` are in the
        environment of its processes; `options` replace some of `OPTIONS`."""
        self._options = {**OPTIONS, **(options or {})}
        self.directory = Path(tempfile.mkdtemp(prefix="tornado-stream-postgres-"))
        self._data = self.directory / "data"
        self._names = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._variables = variables or {}
        self.port = free_port()
        if os.geteuid() == 0 and (user := _ordinary_user()):
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        words = ["-D", self._data, "-U", USER, "--no-sync"]
        if of is None:
            words = ["initdb", *words, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        else:
            more = ["-h", "127.0.0.1", "-p", str(of), "--write-recovery-conf", "-c", "fast"]
            words = ["pg_basebackup", *words, *more]
        command = [*_as_ordinary_user(), programs() / words[0], *words[1:]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.start()

    def promote(self) -> None:
        """Let a standby take the place of its server."""
        assert self.execute("SELECT pg_promote(true, 60)") == [(True,)]

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """The URL of a database; with a `port`, that of a proxy in between."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database, and return its URL. Needs no running loop."""
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, sql: str, url: str | None = None) -> list[tuple[object, ...]]:
        """Execute one statement on a connection of its own, outside of any loop."""
        import asyncpg

        async def run() -> list[tuple[object, ...]]:
            db = await asyncpg.connect(url or self.url())
            try:
                return [tuple(row) for row in await db.fetch(sql)]
            finally:
                await db.close()

        before = asyncio._get_running_loop()
        asyncio._set_running_loop(None)  # the statement is not part of the test's loop
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(run())
        finally:
            loop.close()
            asyncio._set_running_loop(before)

    def pids(self) -> list[int]:
        """The processes of the engine."""
        assert self._process
        return [self._process.pid, *_children(self._process.pid)]

    def start(self) -> None:
        """Start the engine, also after it was killed, and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the engine. Call it on the main thread: the engine ends with the thread."""
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        options = {
            **self._options,
            "port": str(self.port),
            "unix_socket_directories": self.directory,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [*_as_ordinary_user(), programs() / "postgres", "-D", self._data, *words]
        with (self.directory / "log").open("ab") as log:
            variables = {**os.environ, **self._variables}
            self._process = subprocess.Popen(command, stderr=log, cwd="/", env=variables)

    def wait(self) -> None:
        """Wait until the engine answers."""
        assert self._process
        due = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < due, "PostgreSQL does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the engine as a crash of its machine would: no process of it ends by itself."""
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.wait()
        due = time.monotonic() + STARTS_WITHIN
        while any(_is_alive(pid) for pid in pids[1:]) and time.monotonic() < due:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop the engine, and remove what it wrote."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        import asyncpg

        try:
            self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True


def _as_ordinary_user() -> list[str]:
    """The words before a command that runs it as an ordinary user, and ends it with this one."""
    words = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() == 0 and (user := _ordinary_user()):
        words += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return words


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in text.read_text().split()] if text.exists() else []


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
