"""`check` tells whether the database is whole, beside a running server too."""

from __future__ import annotations

import random

import pytest
from store.answers import converse

from tornado_stream.server import main
from tornado_stream.store import open_store


@pytest.mark.gen_test
async def test_a_whole_database_and_a_damaged_one(tmp_path, capsys):
    directory = tmp_path / "data"
    flags = ["check", "--data-dir", str(directory)]
    store = open_store(directory)
    for n in range(20):
        await converse(store, n, f"question {n} " * 300, f"answer {n} " * 600, home=f"c{n}")
    assert main(flags) == 0  # beside a running server
    await store.close()
    before = sorted(path.name for path in directory.iterdir())
    assert main(flags) == 0
    assert "is whole" in capsys.readouterr().out
    assert sorted(path.name for path in directory.iterdir()) == before
    content = bytearray((directory / "chat.db").read_bytes())
    content[4096 * 5 : 4096 * 25] = random.Random(2).randbytes(4096 * 20)
    (directory / "chat.db").write_bytes(content)
    assert main(flags) == 1
    captured = capsys.readouterr()
    assert "is damaged" in captured.err and "question" not in captured.err
    assert "Traceback" not in captured.err


def test_without_a_database(tmp_path, capsys):
    assert main(["check", "--data-dir", str(tmp_path / "nowhere")]) == 2
    assert "there is no database" in capsys.readouterr().err


def test_an_empty_database_is_told(tmp_path, capsys):
    (tmp_path / "chat.db").touch()
    assert main(["check", "--data-dir", str(tmp_path)]) == 1
    assert "it is empty" in capsys.readouterr().err
