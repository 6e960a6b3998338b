"""The command `import`, beside a running server and without one."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chat.imports import samples
from chat.imports.exports import chatgpt_archive, dump

from tornado_stream.auth.users_file import User, write_users
from tornado_stream.chat.imports.results import REASONS
from tornado_stream.store import open_store

from .test_users import command, run  # noqa: F401


@pytest.mark.gen_test(timeout=120)
async def test_a_file_is_imported_by_the_running_server(serve, settings, tmp_path):
    folder = settings.data_dir / "0"
    folder.mkdir(parents=True)
    write_users(folder / "users.json", {"anna": User(id="anna:0123456789abcdef")})
    chat = serve(settings)
    await chat.application.imports.open()
    file = chatgpt_archive(tmp_path / "x.zip")
    said = await command(folder, "import", str(file), "--user", "anna")
    assert said == f"{file}: 6 conversations imported, 0 known already, 0 not imported"
    store = chat.application.store
    assert len(await store.for_owner("anna:0123456789abcdef").conversation_ids()) == 6
    assert await store.conversation_ids() == [] and len(list(file.parent.glob("*.zip"))) == 1
    said = await command(folder, "import", str(file), "--user", "anna")
    assert said == f"{file}: 0 conversations imported, 6 known already, 0 not imported"


def make(data_dir: Path) -> None:
    asyncio.run(open_store(data_dir).close())


def test_a_file_is_imported_without_a_server(run, tmp_path):  # noqa: F811
    make(tmp_path)
    file = tmp_path / "mine.json"
    broken = {"title": "Broken", "id": "x"}
    file.write_bytes(dump([samples.claude(1), broken, samples.claude(2)]))
    status, out, err = run("import", str(file))
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "not imported: Broken: its form is not known",
        f"{file}: 2 conversations imported, 0 known already, 1 not imported",
    ]

    async def count() -> int:
        store = open_store(tmp_path)
        try:
            return len(await store.conversation_ids())
        finally:
            await store.close()

    assert asyncio.run(count()) == 2 and file.exists()
    assert not [p for p in (tmp_path / "imports").rglob("*") if len(p.name) == 32]


def test_nothing_imported_is_a_failure(run, tmp_path):  # noqa: F811
    make(tmp_path)
    for data, says in [
        (b"hello", "its form is not known"),
        (b"PK\x03\x04", "the archive cannot be opened"),
        (dump([{"id": 1}]), "it has no conversations"),
    ]:
        file = tmp_path / "x"
        file.write_bytes(data)
        status, out, err = run("import", str(file))
        assert (status, out) == (1, "") and f"nothing was imported from {file}" in err
        assert says in err and err.count("\n") == 1


def test_what_cannot_be_done_changes_nothing(run, tmp_path):  # noqa: F811
    file = tmp_path / "x.json"
    file.write_bytes(dump(samples.claude()))
    assert "no server has used" in run("import", str(file))[2]
    make(tmp_path)
    for arguments, says in [
        ([], "the following arguments are required: FILE"),
        ([str(tmp_path / "none")], "No such file"),
        ([str(file), "--user", "ben"], "there is no user ben"),
    ]:
        status, out, err = run("import", *arguments)
        assert (status, out) == (2, "") and says in err and err.count("\n") == 1
    assert not (tmp_path / "imports").exists()


def test_every_reason_has_words():
    module = importlib.import_module("tornado_stream.commands.import")
    assert module.REASONS.keys() == set(REASONS)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root acts as another user"
)
def test_files_that_root_imports_belong_to_the_server(tmp_path):
    make(tmp_path)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, 12345, 12345)
    parents = list(tmp_path.parents)[:-2]
    for path in parents:
        os.chmod(path, 0o755)
    (tmp_path / "x.json").write_bytes(dump(samples.claude()))
    main = Path(__file__).resolve().parents[2] / "main.py"
    done = subprocess.run(
        [
            sys.executable,
            str(main),
            "import",
            str(tmp_path / "x.json"),
            "--data-dir",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    journals = list((tmp_path / "imports").glob("*.journal"))
    assert [path.stat().st_uid for path in journals] == [12345]
