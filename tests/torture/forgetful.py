"""A disk that forgets at a power failure what was not synced: see `forgetful.c`."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

from .server import ServerProcess

SOURCE = Path(__file__).with_suffix(".c")
#: Bytes that a disk writes completely or not at all.
SECTOR = 512


class ForgetfulDisk:
    """The disk of one server. Raises `OSError` or `CalledProcessError` without a C compiler."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self._data_dir = server.data_dir
        self._kept = folder / "kept"
        self._kept.mkdir()
        library = folder / "forgetful.so"
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"]
        subprocess.run(command, check=True, capture_output=True)
        server.variables = {
            **server.variables,
            "LD_PRELOAD": str(library),
            "FORGET": str(self._data_dir),
            "KEPT": str(self._kept),
        }
        self.forgotten = 0  # sectors

    def cut_power(self, rng: random.Random) -> None:
        """Call this when the server is killed. A file keeps what was synced, and of all else either
        nothing or some sectors, in any order, as of a disk with a cache."""
        for path in [*self._data_dir.iterdir()]:
            synced = self._kept / path.name
            if synced.exists():
                path.write_bytes(self._left(path.read_bytes(), synced.read_bytes(), rng))
                shutil.copy(path, synced)
            else:
                path.unlink()

    def _left(self, written: bytes, synced: bytes, rng: random.Random) -> bytes:
        chance = rng.choice([0, 0, 0.5, 0.9])
        left = bytearray(synced)
        for at in range(0, max(len(written), len(synced)), SECTOR):
            sector = written[at : at + SECTOR]
            if sector == synced[at : at + SECTOR]:
                continue
            if sector and rng.random() < chance:
                left.extend(bytes(max(0, at + len(sector) - len(left))))
                left[at : at + len(sector)] = sector
            else:
                self.forgotten += 1
        return bytes(left)
