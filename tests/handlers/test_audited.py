"""Requests and commands leave lines in the audit log."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from auth.hashes import CHEAP, cheap_hash
from auth.test_audit import lines
from client import until
from commands.test_users import command

from tornado_stream.auth import passwords
from tornado_stream.auth.users_file import User, write_users

from .test_login import cookie, log_in


@pytest.mark.both_ways
@pytest.mark.gen_test(timeout=60)
async def test_each_event_has_a_line_without_secrets(serve, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "SCRYPT_COST", CHEAP)
    path, data_dir = tmp_path / "audit.log", settings.data_dir / "0"
    write_users(data_dir / "users.json", {"anna": User(cheap_hash("a secret"))})
    door = serve(replace(settings, audit_log=path))
    await door.application.open()  # so that it carries out what commands ask for
    await log_in(door, "a guess", name="anna")
    await log_in(door, "a guess", name="a password in the field for the name")
    anna = cookie(await log_in(door, "a secret", name="anna"))
    made = await door.request("POST", "/api/tokens", {"name": "x"}, anna)
    token = made.json()
    bearer = {"Authorization": f"Bearer {token['token']}"}
    answer = await door.open("POST", "/stream", {"message": "zebra"}, bearer)
    id = (await answer.until("start")).data["conversation_id"]
    await answer.read()
    wrong = {"Authorization": "Bearer not-a-token"}
    for method, where, body, headers in [
        ("GET", "/api/models", None, wrong),
        ("GET", f"/c/{id}.md", None, bearer),
        ("GET", "/api/export", None, anna),
        ("GET", "/api/conversations", None, anna),
        ("DELETE", f"/api/conversations/{id}", None, anna),
        ("DELETE", "/api/conversations", {"all": True}, anna),
        ("DELETE", f"/api/tokens/{token['id']}", None, anna),
        ("POST", "/api/password", {"old": "a guess", "new": "another secret"}, anna),
        ("DELETE", "/api/sessions", {"others": True}, anna),
        ("POST", "/logout", {}, anna),
        ("POST", "/logout", {}, anna),
    ]:
        await door.request(method, where, body, headers)
    variables = {"TORNADO_STREAM_AUDIT_LOG": str(path)}
    await command(data_dir, "users", "new-token", "ben", **variables)
    await command(data_dir, "users", "remove", "anna", **variables)
    await command(data_dir, "export", str(tmp_path / "mine.zip"), **variables)
    told = [(one["event"], one["outcome"], one["user"]) for one in lines(path)]
    assert told[:-3] == [
        ("login", "refused", "anna"),
        ("login", "refused", ""),
        ("login", "done", "anna"),
        ("token_new", "done", "anna"),
        ("token_refused", "refused", ""),
        ("conversation_export", "done", "anna"),
        ("conversations_export", "done", "anna"),
        ("conversation_delete", "done", "anna"),
        ("conversations_delete", "done", "anna"),
        ("token_remove", "done", "anna"),
        ("password_change", "refused", "anna"),
        ("sessions_end", "done", "anna"),
        ("logout", "done", "anna"),
        ("logout", "refused", ""),
    ]
    assert [event for event, *_ in told[-3:]] == [
        "token_new",
        "user_remove",
        "conversations_export",
    ]
    first, deleted = lines(path)[0], lines(path)[7]
    assert first["address"] == "127.0.0.1" and first["at"].endswith("Z") and first["status"] == 401
    assert deleted["id"] == id and len(deleted["request"]) == 16
    text = path.read_text()
    for secret in ("guess", "secret", "zebra", "field", "not-a-token", token["token"]):
        assert secret not in text
    assert path.stat().st_mode & 0o77 == 0


@pytest.mark.gen_test
async def test_nothing_is_recorded_or_imported_without_the_setting(chat, tmp_path):
    await chat.request("DELETE", "/api/conversations", {"all": True})
    assert chat.application._audit is None and not list(tmp_path.rglob("*audit*"))


@pytest.mark.gen_test
async def test_an_export_that_the_client_leaves_is_cut_off(serve, settings, tmp_path):
    path = tmp_path / "audit.log"
    chat = serve(replace(settings, audit_log=path))
    noise = random.Random(1).randbytes(1_500_000).hex()  # more than a socket takes, when zipped
    for n in range(3):
        await chat.application.conversations.create("local", f"{n}", noise)
    (await chat.open("GET", "/api/export")).close()
    await until(lambda: path.read_text() != "")
    assert (await chat.request("GET", "/api/export")).status == 200
    assert [line["outcome"] for line in lines(path)] == ["cut_off", "done"]
