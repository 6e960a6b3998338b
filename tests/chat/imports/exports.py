"""Files as people download them from other programs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pictures import png

from . import samples

#: The picture of the second question of `samples.chatgpt`.
SHOT = png(40, 30)


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def chatgpt_archive(path: Path, count: int = 6, shards: int = 2) -> Path:
    """An archive of ChatGPT with `conversations-NNN.json`, and what else such an archive has."""
    files = {
        "user.json": dump({"id": "user-1", "email": "a@b.example"}),
        "message_feedback.json": dump([{"message_id": "x", "rating": "thumbsUp"}]),
        "chat.html": b"<html><script>var jsonData = [{}]</script>",
        "file_0001-shot.png": SHOT,
    }
    for shard in range(shards):
        numbers = range(shard, count, shards)
        name = f"conversations-{shard:03}.json"
        files[name] = dump([samples.chatgpt(number) for number in numbers])
    return write_zip(path, files)


def lines(values: list[Any]) -> bytes:
    return b"\n".join(map(dump, values))
