"""The command `users`: beside a running server, without one, and in its earlier forms."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from auth.hashes import cheap_hash
from client import Client, until
from handlers.test_login import cookie, log_in
from process import environ
from store.answers import converse

from tornado_stream.auth.users_file import (
    DELETE_CONVERSATIONS,
    Order,
    Token,
    User,
    read_users,
    token_digest,
    write_users,
)
from tornado_stream.server import main
from tornado_stream.store import open_store

MAIN = Path(__file__).resolve().parents[2] / "main.py"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def command(data_dir: Path, *arguments: str, **variables: str) -> str:
    """Run `python main.py` with these variables of the environment, which must succeed; returns
    what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(MAIN), *arguments),
        env=environ(TORNADO_STREAM_DATA_DIR=str(data_dir), **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs `main` in this process; returns exit status, output and errors."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("TORNADO_STREAM_DATA_DIR", str(tmp_path))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


async def titles(chat: Client, token: str) -> list[str]:
    response = await chat.request("GET", "/api/conversations", headers=bearer(token))
    assert response.status == 200
    return [one["title"] for one in response.json()["conversations"]]


async def ask(chat: Client, token: str, message: str, **more) -> dict:
    body = {"message": message, **more}
    stream = await chat.open("POST", "/stream", body, bearer(token))
    start = (await stream.until("start")).data
    if "hold" not in more.get("model", ""):
        await stream.read()
    return start


@pytest.mark.gen_test(timeout=60)
async def test_what_is_theirs_stays_and_a_namesake_does_not_inherit_it(serve, settings):
    data_dir = settings.data_dir / "0"
    # As an earlier version wrote it: no id, and tokens that are digests alone.
    data_dir.mkdir(parents=True)
    anna = {"password": None, "tokens": [token_digest("anna's token")]}
    (data_dir / "users.json").write_text(json.dumps({"users": {"anna": anna}}))
    chat = serve(settings)
    await chat.application.open()
    store = chat.application.store
    await converse(
        store.for_owner("anna"), 1, "from before the upgrade", "yes", home="c1", owner="anna"
    )
    assert await titles(chat, "anna's token") == ["title"]
    said = await command(data_dir, "--remove-user", "anna")
    assert said == "anna is removed; their conversations remain, under the id anna"
    token = await command(data_dir, "users", "new-token", "anna")
    chat.application.users.check_now()
    assert await titles(chat, token) == []
    await ask(chat, token, "new")
    await command(data_dir, "users", "remove", "anna")
    third = await command(data_dir, "--new-token", "anna")
    chat.application.users.check_now()
    assert (await chat.request("GET", "/api/models", headers=bearer(token))).status == 401
    assert await titles(chat, third) == []
    assert len(await store.for_owner("anna").conversation_ids()) == 1, "nothing is deleted"


@pytest.mark.gen_test(timeout=60)
async def test_a_user_is_removed_with_everything_beside_a_running_server(serve, settings):
    chat = serve(settings)
    data_dir = settings.data_dir / "0"
    await chat.application.open()
    anna = await command(data_dir, "users", "new-token", "anna", "--name", "a laptop")
    ben = await command(data_dir, "users", "new-token", "ben")
    chat.application.users.check_now()
    for text in ("zebra", "quagga"):
        await ask(chat, anna, text)
    await ask(chat, ben, "giraffe")
    running = await ask(chat, anna, "okapi", model="say=one;hold")
    said = await command(data_dir, "users", "remove", "anna", "--with-conversations")
    assert said == "anna is removed, and their conversations are deleted"
    assert await chat.application.generations.get("x", running["generation_id"]) is None
    assert len(chat.application.generations) == 0
    assert await titles(chat, ben) == ["giraffe"]
    assert not read_users(data_dir / "users.json").orders
    on_disk = b"".join(path.read_bytes() for path in data_dir.glob("chat.db*"))
    assert b"giraffe" in on_disk
    for word in (b"zebra", b"quagga", b"okapi"):
        assert word not in on_disk


@pytest.mark.gen_test(timeout=60)
async def test_sessions_are_listed_and_ended_beside_a_running_server(serve, settings):
    data_dir = settings.data_dir / "0"
    write_users(data_dir / "users.json", {"anna": User(cheap_hash("anna's"))})
    chat = serve(settings)
    await chat.application.open()
    agents = ["Firefox\x9b2J", "Chromium", "curl"]
    cookies = [
        cookie(await log_in(chat, "anna's", name="anna", headers={"User-Agent": agent}))
        for agent in agents
    ]

    async def statuses() -> list[int]:
        tries = [await chat.request("GET", "/api/models", headers=one) for one in cookies]
        return [response.status for response in tries]

    listed = (await command(data_dir, "users", "sessions", "anna")).splitlines()
    assert len(listed) == 3 and "\x9b" not in "".join(listed)
    (chromium,) = [line for line in listed if "Chromium" in line]
    assert "from 127.0.0.1, Chromium" in chromium and "unknown" not in chromium.split("used")[0]
    said = await command(data_dir, "users", "end-sessions", "anna", chromium.split()[0])
    assert said == "1 session of anna ended" and await statuses() == [200, 401, 200]
    assert await command(data_dir, "users", "end-sessions", "anna") == "2 sessions of anna ended"
    assert await statuses() == [401, 401, 401]
    assert await command(data_dir, "users", "sessions", "anna") == ""


@pytest.mark.gen_test
async def test_an_order_that_a_crash_cut_short_is_carried_out_later(serve, settings):
    data_dir = settings.data_dir / "0"
    store = open_store(data_dir)
    await converse(
        store.for_owner("anna:0123456789abcdef"),
        1,
        "q",
        "a",
        home="c1",
        owner="anna:0123456789abcdef",
    )
    await converse(store.for_owner("ben"), 2, "q", "a", home="c2", owner="ben")
    await store.close()
    write_users(data_dir / "users.json", {"ben": User()})
    users = read_users(data_dir / "users.json")
    users.order(Order(DELETE_CONVERSATIONS, "anna:0123456789abcdef"))
    write_users(data_dir / "users.json", users)
    chat = serve(settings)
    await chat.application.open()
    await until(lambda: not read_users(data_dir / "users.json").orders)
    store = chat.application.store
    assert await store.for_owner("anna:0123456789abcdef").conversation_ids() == []
    assert len(await store.for_owner("ben").conversation_ids()) == 1


def test_a_former_user_is_removed_without_a_server(run, tmp_path, io_loop):
    async def fill() -> None:
        store = open_store(tmp_path)
        await converse(store.for_owner("anna"), 1, "q", "a", home="c1", owner="anna")
        await store.close()

    async def left() -> list[str]:
        store = open_store(tmp_path)
        try:
            return await store.for_owner("anna").conversation_ids()
        finally:
            await store.close()

    io_loop.run_sync(fill)
    assert run("users", "add", "anna", stdin="secret\n")[0] == 0
    wrong = run("users", "remove", "anna", "--former")
    assert wrong[0] == 2 and "needs --with-conversations" in wrong[2]
    named = read_users(tmp_path / "users.json").owner_id("anna")
    wrong = run("users", "remove", named, "--former", "--with-conversations")
    assert wrong[0] == 2 and "is not the id of a user who was removed" in wrong[2]
    assert len(io_loop.run_sync(left)) == 1
    done = run("users", "remove", "anna", "--former", "--with-conversations")
    assert done == (0, "the conversations of anna are deleted\n", "")
    assert io_loop.run_sync(left) == []
    assert "anna" in read_users(tmp_path / "users.json"), "the namesake stays"


def test_users_are_added_listed_and_changed(run, tmp_path):
    assert run("users", "add", "anna", stdin="one\n") == (0, "anna is added\n", "")
    status, out, err = run("users", "add", "anna", stdin="two\n")
    assert (status, out) == (2, "") and "there is a user anna already" in err
    assert run("users", "password", "anna", "--data-dir", str(tmp_path), stdin="two\n")[0] == 0
    assert run("users", "password", "ben", stdin="two\n")[0] == 2
    token = run("users", "new-token", "anna", "--name", "laptop", "--days", "7")[1].strip()
    run("users", "new-token", "local")
    known = read_users(tmp_path / "users.json")
    assert known.owner_id("anna").startswith("anna:") and known.owner_id("local") == "local"
    (stored,) = known["anna"].tokens
    assert stored.digest == token_digest(token) and stored.name == "laptop"
    assert stored.expires_at - stored.created_at == 7 * 24 * 3600
    listed = run("users", "list")[1].splitlines()
    assert listed[0] == f"anna: a password, 1 token, id {known.owner_id('anna')}"
    assert listed[1].startswith("local: no password, 1 token")
    told = run("users", "tokens", "anna")[1]
    assert f"{stored.id}  laptop, since 20" in told and ", expires 20" in told
    assert "never expires" in run("users", "tokens", "local")[1]
    assert run("users", "end-sessions", "anna", stored.id)[0] == 2
    assert run("users", "remove-token", "anna", token_digest("x")[:16])[0] == 2
    assert run("users", "remove-token", "anna", stored.id)[0] == 0
    assert read_users(tmp_path / "users.json")["anna"].tokens == ()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["users"], "required: ACTION; see python main.py users --help"),
        (["users", "ad", "anna"], "invalid choice: 'ad'"),
        (["users", "add", "an na"], "a name is 1 to 64 letters"),
        (["users", "add", "anna"], "must not be empty"),
        (["users", "remove", "anna"], "there is no user anna"),
        (["users", "tokens", "anna"], "there is no user anna"),
        (["users", "sessions", "anna"], "there is no user anna"),
        (["users", "end-sessions", "anna"], "there is no user anna"),
        (["users", "new-token", "anna", "--days", "0"], "a number of days from 1"),
        (["users", "new-token", "anna", "--name", "a\nb"], "visible characters"),
        (["--with-conversations"], "belongs to --remove-user"),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(run, tmp_path, arguments, says):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and says in err and err.count("\n") == 1
    assert not (tmp_path / "users.json").exists()


def test_a_user_has_a_bounded_number_of_tokens(run, tmp_path):
    expired = Token("0" * 64, "old", 1, 2)
    valid = tuple(Token(token_digest(str(n))) for n in range(99))
    write_users(tmp_path / "users.json", {"anna": User(tokens=(expired, *valid))})
    assert run("users", "new-token", "anna")[0] == 0, "an expired one makes room"
    status, _, err = run("users", "new-token", "anna")
    assert status == 2 and "which is the most" in err


def test_a_user_without_a_password_is_for_a_proxy(run, tmp_path):
    assert run("users", "add", "anna@example.org", "--no-password")[0] == 0
    anna = read_users(tmp_path / "users.json")["anna@example.org"]
    assert (anna.password, anna.tokens) == (None, ()) and anna.id.startswith("anna@example.org:")
    again = run("users", "add", "anna@example.org", "--no-password")
    assert again[0] == 2 and "already" in again[2]
