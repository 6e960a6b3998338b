"""The machine that the benchmarks run on: cores, ports, processes, versions.

The rule: the server under test has the first core for itself; this program, the upstream and the
load client share the second. Everything listens on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import shutil
import socket
import subprocess
import time
import timeit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
LITELLM_PYTHON = ROOT / ".venv-bench-litellm" / "bin" / "python"
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, OWN_CORE = _CORES[0], _CORES[1 % len(_CORES)]
#: nginx may be in a folder that only root has in its PATH.
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


class Failed(Exception):
    """A run without a result; the message says why."""


def settle() -> None:
    """Move this process to the second core, and raise its limit of open files to the most."""
    os.sched_setaffinity(0, {OWN_CORE})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def which(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens. It lies below those that systems give to
    programs that ask for any, so none of these gets it before it is used."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_768)
        with socket.socket() as one, suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    core: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends, on that core or, without one, on all. Its output goes to
    the log."""
    cores = set(_CORES) if core is None else {core}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | (environ or {}),
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(
    port: int, process: subprocess.Popen[bytes], *, answer: bool, limit: float = 30
) -> None:
    """Return as soon as the process listens, or, with `answer`, as soon as it answers a request.

    Raises Failed if it ends first, or after `limit` seconds.
    """
    until = time.monotonic() + limit
    while time.monotonic() < until:
        try:
            if answer:
                get(port)
            else:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise Failed(f"{process.args!r} ended with {process.returncode}") from None
            time.sleep(0.001)
    raise Failed(f"{process.args!r} did not answer within {limit} s")


def get(port: int, path: str = "/healthz") -> bytes:
    """The first bytes of the response, of any status. Raises OSError if there are none."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request.encode())
        beginning = connection.recv(4096)
    if not beginning:
        raise OSError("no answer")
    return beginning


def resident_kib(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def prices() -> dict[str, float]:
    """What a call costs on the server's core, in ns: system calls, and an empty Python function.

    Figures of two machines differ as these do. Raises Failed if they cannot be measured.
    """
    command = ["taskset", "-c", str(SERVER_CORE), str(BUILD / "prices")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found: dict[str, float] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Failed(f"the prices of system calls could not be measured: {error}") from None
    calls = 100_000
    best = min(timeit.repeat("f()", "def f(): pass", number=calls, repeat=20))
    return found | {"python_call": round(1e9 * best / calls)}


def busy_seconds() -> float:
    """The CPU time that all processes of the machine have used so far."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, *interrupts = map(int, words[:7])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def wait_for_calm(limit: float) -> None:
    """Return as soon as the machine uses less than a tenth of a core, or after `limit` seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        before = busy_seconds()
        time.sleep(0.4)
        if busy_seconds() - before < 0.04:
            return


def described() -> dict[str, str]:
    """The machine and the versions, for results.json."""
    cpu = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    described = {
        "processor": f"{cpu or platform.machine()}, {len(_CORES)} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for name, flag in (("nginx", "-v"), ("go", "version")):
        if path := which(name):
            done = subprocess.run([path, flag], capture_output=True, text=True, timeout=10)
            words = (done.stdout + done.stderr).split()
            version = next((word for word in words if any(map(str.isdigit, word))), "")
            described[name] = version.removeprefix("nginx/").removeprefix("go")
    return described
