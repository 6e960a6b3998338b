"""Builds and runs an image as its Dockerfile says, with chroot instead of a container engine.

In place of the Dockerfile's base image (python:…-slim) it uses a Debian of the same release with
Debian's Python 3.11, which debootstrap makes. It needs root. Each process has a mount namespace of
its own, so its mounts end with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO

from .dockerfile import Step, expand, read_steps

RELEASE = "bookworm"
PACKAGES = "python3,python3-pip,ca-certificates"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NAMESPACES = "unshare --mount --pid --fork".split()

# $1 is the root directory; the other arguments are the command.
BUILDING = """
set -e; root=$1; shift
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$CERTIFICATES" "$root/etc/ssl/certs/ca-certificates.crt"
exec chroot "$root" "$@"
"""

# $1 is the root directory, $2 the volume for /data, $3 user:group, $4 the working directory; the
# other arguments are the command. It can write to /data only, and has no capabilities.
SEALED = """
set -e; root=$1 data=$2 user=${3%:*} group=${3#*:} directory=$4; shift 4
mount --bind "$root" "$root"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs \
  --bounding-set=-all sh -c 'cd "$0"; exec "$@"' "$directory" "$@"
"""


@dataclass
class Stage:
    """A stage of the build: its root directory, and the settings of its instructions."""

    root: Path
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    directory: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    added: int = 0  # bytes that it has more than the base image


class Build:
    """Carries out the steps of a Dockerfile in the folder `work`. `image` is the last stage."""

    def __init__(self, dockerfile: Path, context: Path, work: Path, **arguments: str) -> None:
        self._context, self._work, self._given = context, work, arguments
        self._globals: dict[str, str] = {}
        self._stages: list[tuple[str, Stage]] = []
        self.base = make_base(work.parent / "base")
        for step in read_steps(dockerfile.read_text()):
            getattr(self, "_do_" + step.word.lower())(step)
        self.image.added = size(self.image.root) - size(self.base)

    @property
    def image(self) -> Stage:
        return self._stages[-1][1]

    def _do_from(self, step: Step) -> None:
        assert RELEASE in expand(step.words[0], self._globals), "debootstrap makes another release"
        root = self._work / str(len(self._stages))
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.base), str(root)], check=True)
        self._stages.append((step.words[-1], Stage(root)))

    def _do_arg(self, step: Step) -> None:
        values = {name: self._given.get(name, value) for name, value in step.pairs.items()}
        (self.image.arguments if self._stages else self._globals).update(values)

    def _do_env(self, step: Step) -> None:
        values = {name: expand(text, self.image.environ) for name, text in step.pairs.items()}
        self.image.environ.update(values)

    def _do_copy(self, step: Step) -> None:
        *sources, target = step.words
        context = self._context
        if stage := step.options.get("from"):
            context = dict(self._stages)[stage].root
        for source in sources:
            where = self.image.root / target.lstrip("/")
            if target.endswith("/"):
                where /= Path(source).name
            where.parent.mkdir(parents=True, exist_ok=True)
            _copy(context / source.lstrip("/"), where, whole=bool(stage))

    def _do_run(self, step: Step) -> None:
        stage = self.image
        environ = stage.environ | {"HOME": "/root"} | _of_this_machine() | stage.arguments
        command = [*NAMESPACES, "sh", "-c", BUILDING, "sh", str(stage.root)]
        subprocess.run([*command, "sh", "-c", step.text], check=True, env=environ)

    def _do_user(self, step: Step) -> None:
        self.image.user = step.text

    def _do_workdir(self, step: Step) -> None:
        self.image.directory = step.text

    def _do_volume(self, step: Step) -> None:
        assert step.text == "/data"

    def _do_expose(self, step: Step) -> None:
        assert step.text == self.image.environ["TORNADO_STREAM_PORT"]

    def _do_healthcheck(self, step: Step) -> None:
        word, _, text = step.text.partition(" ")
        assert word == "CMD"
        self.image.healthcheck = Step(word, {}, text).words

    def _do_entrypoint(self, step: Step) -> None:
        assert step.text.startswith("["), "a shell would not pass signals on"
        self.image.entrypoint = step.words


class Container:
    """The image as a process, as in a container: it has PID 1 in its namespace, is not root, and
    its root file system is read-only. The volume stays when the image is run again."""

    def __init__(self, image: Stage, volume: Path) -> None:
        self._image, self._volume = image, volume
        if not volume.exists():  # as Docker does with a new volume
            subprocess.run(["cp", "-a", f"{image.root}/data", str(volume)], check=True)
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []
        self._is_listening = Event()

    def start(self, *arguments: str, **environ: str) -> None:
        self.environ = self._image.environ | environ
        command = self._sealed([*self._image.entrypoint, *arguments])
        self._process = subprocess.Popen(
            command, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reading = Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reading.start()

    def _read(self, output: IO[str]) -> None:
        """Read the output until its end: with a full pipe the server would block."""
        with output:
            for line in output:
                self._said.append(line)
                if "Tornado Stream is at" in line:
                    self._is_listening.set()

    @property
    def pid(self) -> int:
        """The server's process id in the namespace of this process."""
        assert self._process
        mother = self._process.pid
        return int(Path(f"/proc/{mother}/task/{mother}/children").read_text().split()[0])

    def listening(self) -> None:
        """Wait until the server prints its address; other lines may come before that."""
        assert self._is_listening.wait(60), self._said

    def is_healthy(self) -> bool:
        """Run the image's health check."""
        command = self._sealed(self._image.healthcheck)
        return subprocess.run(command, env=self.environ, stderr=subprocess.DEVNULL).returncode == 0

    def term(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def end(self, seconds: float = 30) -> tuple[int, str]:
        """Wait for its end, and return the exit status and the output. Kills it after `seconds`."""
        assert self._process
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
        status = self._process.wait()
        self._reading.join(10)
        return status, "".join(self._said)

    def memory(self, which: str) -> int:
        """Resident memory in bytes: the current size (VmRSS), or the largest so far (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(which + ":")[2].split()[0]) * 1024

    def _sealed(self, command: list[str]) -> list[str]:
        image = self._image
        paths = [str(image.root), str(self._volume)]
        return [
            *NAMESPACES,
            "sh",
            "-c",
            SEALED,
            "sh",
            *paths,
            image.user,
            image.directory,
            *command,
        ]


def make_base(root: Path) -> Path:
    """The root directory in place of the base image. It is made once, and then reused."""
    if not (root / "usr/bin/python").is_symlink():
        command = f"debootstrap --variant=minbase --include={PACKAGES} {RELEASE}".split()
        environ = os.environ | {"PATH": PATH}
        subprocess.run([*command, str(root)], check=True, stdout=subprocess.DEVNULL, env=environ)
        for folder in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / folder)
        (root / "usr/bin/python").symlink_to("python3")
    return root


def size(root: Path) -> int:
    """The size of a directory in bytes on the disk."""
    out = subprocess.run(["du", "-sxB1", str(root)], check=True, capture_output=True, text=True)
    return int(out.stdout.split()[0])


def _copy(source: Path, target: Path, *, whole: bool) -> None:
    """Copy as COPY does; not `whole`: without what .dockerignore excludes."""
    if source.is_dir():
        ignore = None if whole else shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, ignore=ignore)
    else:
        shutil.copy(source, target)


def _of_this_machine() -> dict[str, str]:
    """The variables that tell pip how to download on this machine: certificates, proxy, index."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
    environ = {name: os.environ[name] for name in (*names, "PIP_INDEX_URL") if name in os.environ}
    certificates = ssl.get_default_verify_paths().cafile or CERTIFICATES
    return environ | {"CERTIFICATES": certificates, "PIP_CERT": CERTIFICATES}
