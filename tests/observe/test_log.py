"""The log: one line for each event, without secrets and without the texts of conversations."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import random
import re
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tornado_stream.observe.log import (
    JSONFormatter,
    LineHandler,
    TextFormatter,
    describe_exception,
    on_loop_exception,
    shown,
)
from tornado_stream.observe.masking import mask_headers

ACCESS, ANSWERS = "tornado_stream.access", "tornado_stream.answers"
EVIL = "a\r\nb\x1b[31mc\x85d\u2028e\u202ef\ud83dg\x7fh"


def record(message: str = "it happened", **more) -> logging.LogRecord:
    error = more.pop("error", None)
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("tornado_stream.x", logging.WARNING, "x.py", 1, message, (), info)
    made.__dict__.update(more)
    return made


def logged(caplog, name):
    return [r for r in caplog.records if r.name == name]


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_requests_are_logged_without_their_query(chat, caplog):
    caplog.set_level(logging.INFO, ACCESS)
    await chat.request("GET", "/api/models?token=secret")
    await chat.request("GET", "/%0d%0aInjected:%20line")
    lines = [r.getMessage() for r in logged(caplog, ACCESS)]
    assert lines[0].startswith("GET /api/models 200 ") and lines[0].endswith("ms")
    assert not any("secret" in line or "\n" in line for line in lines)


@pytest.mark.gen_test
async def test_requests_of_monitors_are_not_logged(chat, caplog):
    caplog.set_level(logging.INFO, ACCESS)
    await chat.request("GET", "/healthz")
    await chat.request("GET", "/metrics")
    assert not logged(caplog, ACCESS)


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_every_response_has_the_request_id_of_the_log(chat, caplog):
    caplog.set_level(logging.DEBUG, ACCESS)
    ids = []
    for method, path in [
        ("GET", "/"),
        ("GET", "/nowhere"),
        ("PUT", "/healthz"),
        ("POST", "/stream"),
        ("GET", "/static/js/app.js"),
    ]:
        response = await chat.request(method, path, headers={"X-Request-Id": "mine"})
        ids.append(response.headers["x-request-id"])
    answer = await chat.ask("hello")
    ids.append(answer.response.headers["x-request-id"])
    assert ids == [r.fields["request"] for r in logged(caplog, ACCESS)]
    assert len(set(ids)) == 6 and all(re.fullmatch("[0-9a-f]{16}", id) for id in ids)
    fields = logged(caplog, ACCESS)[-1].fields
    assert fields["generation"] == answer.start["generation_id"]
    assert (fields["client"], fields["owner"]) == ("127.0.0.1", "local")


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_trusted_proxy_sets_the_request_id(serve, settings):
    chat = serve(replace(settings, trusted_proxies=(ip_network("127.0.0.0/8"),)))
    for id, taken in [
        ("Abc-1._x", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("ä", False),
        ("", False),
    ]:
        response = await chat.request("GET", "/healthz", headers={"X-Request-Id": id})
        assert (response.headers["x-request-id"] == id) == taken


@pytest.mark.gen_test
async def test_an_answer_is_logged_at_its_end_without_its_text(chat, caplog):
    caplog.set_level(logging.INFO, ANSWERS)
    await chat.ask("the question", model="say=words;wait=0.02;say=more;usage=7;finish=stop;done")
    answer = await chat.ask("the question", model="status=401")
    done, failed = (r.fields for r in logged(caplog, ANSWERS))
    assert (done["state"], done["cause"], done["deltas"]) == ("done", None, 2)
    assert (done["prompt_tokens"], done["completion_tokens"]) == (1, 7)
    assert 0 <= done["first_token_ms"] <= done["total_ms"]
    assert failed["generation"] == answer.start["generation_id"]
    assert (failed["state"], failed["cause"], failed["upstream_status"]) == ("error", "auth", 401)
    assert "the question" not in caplog.text


@pytest.mark.parametrize("formatter", [TextFormatter(), JSONFormatter()], ids=["text", "json"])
def test_no_text_can_end_a_line(formatter):
    line = formatter.format(record(EVIL, fields={"model": EVIL}, parts={"path": EVIL}))
    assert len(line.splitlines()) == 1 and "\x1b" not in line and "\x7f" not in line
    line.encode()


def test_a_line_of_the_text_format():
    line = TextFormatter().format(record(fields={"a": 1, "b": None, "model": "x y=1", "c": "d"}))
    assert line.endswith(' WARNING tornado_stream.x: it happened a=1 model="x y=1" c=d')


def test_a_line_of_the_json_format():
    made = record(EVIL, fields={"n": 1, "none": None, "long": "x" * 999}, parts={"path": "/"})
    line = json.loads(JSONFormatter().format(made))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert len(line.pop("long")) == 200
    assert line == {
        "level": "warning",
        "logger": "tornado_stream.x",
        "message": EVIL.replace("\ud83d", "\ufffd"),
        "path": "/",
        "n": 1,
    }


@pytest.mark.parametrize("formatter", [TextFormatter, JSONFormatter], ids=["text", "json"])
def test_secrets_are_masked_in_every_part_of_a_record(formatter):
    secret = "correct.horse.battery"
    made = record(
        f"{secret} sk-1234567890 Authorization: Basic dXNlcjpwYXNz",
        fields={"model": "y" * 190 + secret},
        error=OSError(1, secret),
    )
    line = formatter((secret,)).format(made)
    for part in (secret, "battery", "sk-1", "dXNl", "correct"):
        assert part not in line


def test_each_part_is_masked_as_it_is_alone():
    """Whether something has to be masked is found out for all parts of a record together."""
    words = ["Bearer", "bearer eyJhbGciOi1", "cookie:", "x", "sk-abcdefgh12", "kurz", "sosecret01"]
    words += ["", " ", "\n", "ſ", "basic", "QWxhZGRpbjpvcGVu=", "Authorization=", "a" * 300]
    secrets, rng = ("kurz", "sosecret01"), random.Random(1)

    def text() -> str:
        return "".join(rng.choices(words, k=rng.randrange(4)))

    for _ in range(2000):
        message, fields = text(), {name: text() for name in "abc"}
        alone = {name: mask_headers(value, secrets) for name, value in fields.items()}
        line = json.loads(JSONFormatter(secrets).format(record(message, fields=fields)))
        assert line["message"] == mask_headers(message, secrets)
        for name, value in alone.items():
            cut = value if len(value) <= 200 else value[:199] + "…"
            assert line[name] == cut


def test_a_traceback_is_indented_in_text_and_a_string_in_json():
    written = "what somebody wrote"
    try:
        try:
            raise KeyError(written)
        except KeyError as error:
            raise AttributeError("no such attribute") from error
    except AttributeError as error:
        made = record("failed", error=error)
    first, *rest = TextFormatter().format(made).split("\n")
    assert first.endswith("failed") and all(line.startswith("    ") for line in rest)
    trace = json.loads(JSONFormatter().format(made))["traceback"]
    assert [line.strip() for line in rest] == [line.strip() for line in trace.split("\n")]
    assert "KeyError\n" in trace and trace.endswith("AttributeError: no such attribute")
    assert "somebody" not in trace and "test_log.py" in trace


def test_exception_groups_and_circular_causes_are_described():
    error = ExceptionGroup("text", [ValueError("text"), OSError(1, "Not permitted")])
    error.__cause__ = other = RuntimeError("text")
    other.__cause__ = error
    text = describe_exception(error)
    assert (
        "ExceptionGroup of ValueError, PermissionError: Not permitted" in text
        and "text" not in text
    )


@pytest.mark.gen_test
async def test_an_uncaught_exception_is_logged_without_its_arguments(caplog):
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(on_loop_exception)
    loop.call_soon(int, "what somebody wrote")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.set_exception_handler(before)
    text = TextFormatter().format(caplog.records[-1])
    assert "Exception in callback int" in text and "ValueError" in text
    assert "somebody" not in text
    caplog.clear()


@pytest.mark.gen_test
async def test_a_connection_that_breaks_when_nobody_waits_for_it_is_no_error(caplog):
    """asyncpg leaves such futures behind; others that fail are still told."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(on_loop_exception)
    for error in (ConnectionError("text"), ConnectionResetError("text"), ValueError("text")):
        loop.create_future().set_exception(error)
    gc.collect()
    loop.set_exception_handler(before)
    levels = [one.levelno for one in caplog.records if one.name.endswith("observe.log")]
    assert levels == [logging.DEBUG, logging.DEBUG, logging.ERROR]
    caplog.clear()


def test_shown_is_one_line():
    assert shown("a\nb") == "a\\nb" and shown("ä 中") == "ä 中"


class Terminal(io.StringIO):
    """Remembers each piece that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


def handler_of(terminal: Terminal) -> LineHandler:
    made = LineHandler(terminal)
    made.setFormatter(logging.Formatter("%(message)s"))
    return made


def info(message: str) -> logging.LogRecord:
    return logging.LogRecord("tornado_stream.x", logging.INFO, "x.py", 1, message, (), None)


@pytest.mark.gen_test
async def test_lines_are_written_when_the_iteration_of_the_loop_has_ended():
    terminal = Terminal()
    handler = handler_of(terminal)
    handler.handle(info("one"))
    handler.handle(info("two"))
    assert terminal.pieces == []
    await asyncio.sleep(0)
    assert terminal.pieces == ["one\ntwo\n"], "in one piece"
    handler.handle(info("three"))
    await asyncio.sleep(0)
    assert terminal.pieces[1:] == ["three\n"]


@pytest.mark.gen_test
async def test_a_warning_is_written_at_once_behind_what_came_before():
    terminal = Terminal()
    handler = handler_of(terminal)
    handler.handle(info("one"))
    handler.handle(record("two"))
    assert "".join(terminal.pieces) == "one\ntwo\n"
    handler.handle(info("three"))
    await asyncio.to_thread(handler.handle, info("four"))  # no loop runs there
    assert "".join(terminal.pieces) == "one\ntwo\nthree\nfour\n"
    await asyncio.sleep(0)
    assert "".join(terminal.pieces) == "one\ntwo\nthree\nfour\n", "nothing comes twice"


def test_lines_are_written_at_once_where_no_loop_runs():
    terminal = Terminal()
    handler_of(terminal).handle(info("one"))
    assert terminal.pieces == ["one\n"]


@pytest.mark.parametrize("how", ["flush", "close"])
def test_what_waits_is_written_at_the_end(io_loop, how):
    terminal = Terminal()
    handler = handler_of(terminal)

    async def log() -> None:
        handler.handle(info("last"))
        getattr(handler, how)()  # logging calls both when the process exits

    io_loop.run_sync(log)
    assert terminal.pieces == ["last\n"]


@pytest.mark.gen_test
async def test_a_line_that_cannot_be_made_keeps_no_other_back(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    terminal = Terminal()
    handler = handler_of(terminal)
    handler.handle(info("one"))
    handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, "%d", ("two",), None))
    handler.handle(info("three"))
    await asyncio.sleep(0)
    assert terminal.pieces == ["one\nthree\n"]


def test_a_process_that_crashes_writes_the_lines_before():
    program = """
import asyncio, logging
from tornado_stream.observe import log
log.configure("info")
async def main():
    logging.getLogger("tornado_stream.access").info("the line before")
    raise ValueError
try:
    asyncio.run(main())
finally:
    logging.getLogger("tornado_stream.access").info("the line after")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    lines = done.stderr.splitlines()
    assert [line.rpartition(": ")[2] for line in lines[:3]] == [
        "the line before",
        "the line after",
        "the process failed",
    ]
