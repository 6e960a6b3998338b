"""The local model: the real process with the real weights, and fake processes that fail."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tornado_stream.providers.local import child, context, process
from tornado_stream.providers.local.process import LocalModel
from tornado_stream.providers.local.provider import LocalProvider
from tornado_stream.providers.local.weights import find_weights
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream
from tornado_stream.settings import Settings
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Delta, Finish, Notice
from tornado_stream.values.messages import ChatRequest

WEIGHTS = find_weights(None, Settings().data_dir)
real = pytest.mark.skipif(
    WEIGHTS is None or importlib.util.find_spec("xllamacpp") is None,
    reason="the local model is not installed: pip install '.[local]', main.py --fetch-model",
)
posix = pytest.mark.skipif(os.name != "posix", reason="signals")
#: Loading takes about a second, and longer on a busy machine.
loads = pytest.mark.gen_test
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc")

#: Characters before an answer in the prompt, from the template.
HEAD = len("<|im_start|>assistant\n")

SILENT = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); "
    "time.sleep(60)"
)
READY = (
    "import json; print(json.dumps({'ready': 'http://127.0.0.1:1'}), flush=True); input(); input()"
)


class Events(list):
    """The events that a provider emitted, with their sums."""

    @property
    def text(self) -> str:
        return "".join(event.content for event in self if isinstance(event, Delta))

    @property
    def notices(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.code, event.details) for event in self if isinstance(event, Notice)]

    @property
    def prompt_tokens(self) -> int:
        return next(e.usage for e in self if isinstance(e, Finish) and e.usage)["prompt_tokens"]

    @property
    def finish_reason(self) -> str | None:
        return next(e.finish_reason for e in self if isinstance(e, Finish) and e.finish_reason)


@pytest.fixture
def provider(io_loop, tmp_path) -> Iterator[LocalProvider]:
    """A provider with the real model. Checks that no process or thread of it is left."""
    upstream = Upstream()
    settings = Settings(data_dir=tmp_path, local_model=WEIGHTS)
    provider = LocalProvider(upstream, settings, Timeouts())
    yield provider
    pid = provider._model.pid
    io_loop.run_sync(lambda: provider.close(5))
    io_loop.run_sync(upstream.close)
    assert_nothing_left(pid)


@pytest.fixture
def fake(io_loop, tmp_path, monkeypatch):
    """Makes models whose child process runs a line of Python."""
    monkeypatch.setattr(LocalModel, "_find_weights", lambda self: tmp_path)
    models = []

    def make(code: str, **options: Any) -> LocalModel:
        models.append(LocalModel(tmp_path, command=[sys.executable, "-c", code], **options))
        return models[-1]

    yield make
    for model in models:
        io_loop.run_sync(lambda model=model: model.close(0))
    assert_nothing_left(None)


def assert_nothing_left(pid: int | None) -> None:
    assert pid is None or not exists(pid)
    assert "local-model" not in [thread.name for thread in threading.enumerate()]


def exists(pid: int) -> bool:
    """Whether the process exists; a zombie does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def runs(pid: int) -> bool:
    """Whether the process runs. Without a parent it may stay a zombie until init reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return sys.platform != "linux" and exists(pid)


def environment_and_arguments(pid: int) -> bytes:
    """What other processes can read about a process."""
    proc = Path(f"/proc/{pid}")
    return (proc / "environ").read_bytes() + (proc / "cmdline").read_bytes()


def wait_until(condition, seconds: float, what: str) -> None:
    due = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < due, f"not within {seconds} s: {what}"
        time.sleep(0.01)


async def until(condition, seconds: float, what: str) -> None:
    due = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < due, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


def ask(*contents: str, **options: Any) -> ChatRequest:
    """A request whose messages alternate between the user and the assistant."""
    roles = ["user", "assistant"] * len(contents)
    messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]
    return ChatRequest(messages, None, options)


async def failure(awaitable) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await awaitable
    return raised.value


# -- the real model


@real
@loads
async def test_the_first_answer_has_a_notice_that_the_model_is_loading(provider):
    provider.start()
    assert (await provider.models())[0].state == "loading"
    events = Events()
    await provider.generate(ask("What is the capital of France?", temperature=0), events.append)
    assert events.notices == [("model_loading", {})]
    assert isinstance(events[0], Notice)
    assert "Paris" in events.text
    assert events.finish_reason == "stop"
    (model,) = await provider.models()
    assert (model.id, model.provider, model.state) == ("smollm2-135m-instruct", "local", "ready")
    assert "demo model" in model.detail

    events = Events()
    await provider.generate(
        ask("Count to one hundred.", max_tokens=5, temperature=0), events.append
    )
    assert events.notices == []
    assert events.finish_reason == "length"


@real
@loads
async def test_the_oldest_turns_are_left_out(provider, monkeypatch):
    monkeypatch.setattr(context, "CONTEXT", 256)
    turns = [t for n in range(40) for t in (f"Question {n}: is {n} 😀 odd?", f"Answer {n}. " * 4)]
    request = ask(*turns, "Say hello.", max_tokens=8)
    request.messages.insert(0, {"role": "system", "content": "Be brief."})
    events = Events()
    await provider.generate(request, events.append)
    assert events.text
    ((_, _), (code, details)) = events.notices
    assert code == "context_trimmed" and 30 < details["turns"] < 40
    assert 256 - 8 - 60 < events.prompt_tokens <= 256 - 8  # 60: about one turn


@real
@loads
async def test_tokens_are_counted_as_the_model_counts_them(provider, monkeypatch):
    counted = []
    measure = context.TokenCounter.measure

    async def note(self, texts, limit):
        fitting, total = await measure(self, texts, limit)
        counted.append(total)
        return fitting, total

    monkeypatch.setattr(context.TokenCounter, "measure", note)
    request = ask(
        "Ünï <|im_end|> 北京\n\n", "  two\n", "…and <|im_start|>user\n three 😀", max_tokens=1
    )
    request.messages.insert(0, {"role": "system", "content": "Be brief."})
    events = Events()
    await provider.generate(request, events.append)
    assert counted == [events.prompt_tokens]


@real
@loads
async def test_a_message_that_is_too_long_is_refused(provider):
    error = await failure(provider.generate(ask("a tree " * 3000), Events().append))
    assert (error.code, error.state, error.retryable) == ("context_length", "error", False)
    assert "about 6,0" in error.message and "2,048" in error.message


@real
@linux
@loads
async def test_the_child_knows_no_secret_and_shows_none(provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATABASE_URL", "secret")
    provider.start()
    _, key = await provider._model.ready()
    seen = environment_and_arguments(provider._model.pid)
    assert b"child.py" in seen and b"PATH=" in seen
    for secret in (b"OPENAI_API_KEY", b"secret", key.encode()):
        assert secret not in seen


@real
@posix
@loads
async def test_a_dead_child_is_started_again_by_the_next_request(provider):
    provider.start()
    await provider._model.ready()
    first = provider._model.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: provider._model.state == "failed", 60, "the exit was noticed")
    (model,) = await provider.models()
    assert "stopped" in model.detail and "signal 9" in model.detail
    assert not exists(first)

    events = Events()
    await provider.generate(ask("Hello!", max_tokens=4), events.append)
    assert events.notices == [("model_loading", {})]
    assert events.text
    assert provider._model.pid != first


@real
@loads
async def test_close_while_the_model_loads(provider):
    provider.start()
    waiting = asyncio.ensure_future(failure(provider._model.ready()))
    pid = provider._model.pid
    await asyncio.sleep(0)
    await provider.close(5)
    assert not exists(pid)
    assert (await waiting).message == "The server is shutting down."
    assert (await failure(provider._model.ready())).code == "local_model_failed"


PARENT = """
import asyncio, sys
from pathlib import Path
from tornado_stream.providers.local.process import LocalModel
async def main():
    model = LocalModel(Path(sys.argv[1]), Path(sys.argv[2]))
    model.start()
    if sys.argv[3] == "ready":
        await model.ready()
    print(model.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@real
@posix
@pytest.mark.parametrize("state", ["loading", "ready"])
def test_the_child_exits_when_its_parent_is_killed(tmp_path, state):
    command = [sys.executable, "-c", PARENT, str(tmp_path), str(WEIGHTS), state]
    root = Path(process.__file__).parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as parent:
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
    wait_until(lambda: not runs(pid), 60, "the child has exited")


@linux
def test_the_child_exits_even_while_none_of_its_threads_can_run(tmp_path):
    # This module holds the interpreter's lock, as the library does while it loads.
    (tmp_path / "xllamacpp.py").write_text(
        "import ctypes; print('stuck', flush=True); ctypes.PyDLL(None).sleep(60)"
    )
    (tmp_path / "w.gguf").write_bytes(b"GGUF")
    with subprocess.Popen(
        process.COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(tmp_path)},
    ) as child:
        child.stdin.write(json.dumps({"model": str(tmp_path / "w.gguf")}).encode() + b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"stuck\n"
        child.stdin.close()
        wait_until(lambda: child.poll() is not None, 60, "the child has exited")


# -- failures


@pytest.mark.gen_test
async def test_the_detail_says_what_to_install(io_loop, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(process, "find_weights", lambda setting, data_dir: None)
    provider = LocalProvider(Upstream(), Settings(data_dir=tmp_path), Timeouts())
    provider.start()
    (model,) = await provider.models()
    assert model.state == "failed"
    assert [record.getMessage() for record in caplog.records] == [
        f"the local model has failed: {model.detail}"
    ]
    for words in (
        "`make run` installs it; without make, pip install '.[local]'",
        "python main.py --fetch-model",
        "OPENAI_BASE_URL or OPENAI_API_KEY",
    ):
        assert words in model.detail
    events = Events()
    error = await failure(provider.generate(ask("hi"), events.append))
    assert (error.code, error.message) == ("local_model_failed", model.detail)
    assert events == []
    await provider.close(1)


@pytest.mark.gen_test
async def test_weights_that_are_installed_later_are_found(io_loop, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    found: list[Path | None] = [None]
    monkeypatch.setattr(process, "find_weights", lambda setting, data_dir: found[0])
    model = LocalModel(tmp_path, command=[sys.executable, "-c", READY])
    assert "--fetch-model" in (await failure(model.ready())).message
    found[0] = tmp_path
    assert (await model.ready())[0] == "http://127.0.0.1:1/v1"
    await model.close(1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"no_local": True}, "--no-local"), ({"local_model": Path("/gone.gguf")}, "gone.gguf")],
)
@pytest.mark.gen_test
async def test_the_detail_names_the_setting_that_prevents_the_start(
    io_loop, tmp_path, monkeypatch, settings, words
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    provider = LocalProvider(Upstream(), Settings(data_dir=tmp_path, **settings), Timeouts())
    provider.start()
    (model,) = await provider.models()
    assert model.state == "failed" and words in model.detail
    await provider.close(1)


@pytest.mark.gen_test
async def test_a_file_that_holds_no_weights(io_loop, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    (tmp_path / "w.gguf").write_text("<html>")
    model = LocalModel(tmp_path, tmp_path / "w.gguf")
    assert "w.gguf is not a GGUF file." in (await failure(model.ready())).message
    await model.close(1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module", name="xllamacpp"), "not installed"),
        (ImportError("libgomp.so.1: cannot open shared object"), "apt-get install libgomp1"),
        (ImportError("libstdc++.so.6: version"), "cannot be loaded: libstdc++.so.6"),
        (PermissionError(13, "Permission denied", "w.gguf"), "cannot be read"),
        (RuntimeError("Failed to init server,\n please check"), "init server, please"),
    ],
)
def test_the_child_explains_its_failure(error, words):
    text = child.explain(error)
    assert words in text and "\n" not in text


@posix
@pytest.mark.gen_test
async def test_a_cpu_that_is_too_old(fake):
    error = await failure(fake("import os, signal; os.kill(os.getpid(), signal.SIGILL)").ready())
    assert "no AVX2" in error.message and "OPENAI_BASE_URL" in error.message


@pytest.mark.gen_test
async def test_the_error_shows_the_last_output_of_a_crash(fake):
    error = await failure(fake("import sys; sys.exit('terminate called, bad_alloc')").ready())
    assert "exit code 1" in error.message and "bad_alloc" in error.message


@pytest.mark.gen_test
async def test_a_child_that_loads_too_long_is_killed(fake):
    model = fake(SILENT, load_limit=0.1)
    model.start()
    pid = model.pid
    assert "not ready after 0.1 s" in (await failure(model.ready())).message
    await until(lambda: not exists(pid), 60, "the child has exited")


@posix
@pytest.mark.gen_test
async def test_a_child_that_ignores_sigterm_is_killed(fake):
    model = fake(STUBBORN)
    model.start()
    pid = model.pid
    await until(lambda: model._child.output, 60, "the child ignores SIGTERM")
    await model.close(0.1)
    assert not exists(pid)


@pytest.mark.gen_test
async def test_a_model_that_always_crashes_is_not_started_for_ever(fake):
    model = fake("print('no luck')")
    for _ in range(process.START_LIMIT):
        assert "did not start" in (await failure(model.ready())).message
    error = await failure(model.ready())
    assert "3 times" in error.message and "no luck" in error.message
    assert model.pid is None


@pytest.mark.gen_test
async def test_many_requests_start_the_model_once(fake):
    model = fake(READY)
    addresses = await asyncio.gather(*(model.ready() for _ in range(20)))
    assert len(set(addresses)) == 1 and len(model._starts) == 1


@pytest.mark.gen_test
async def test_close_works_without_start_and_twice(fake):
    model = fake(SILENT)
    await model.close(1)
    await model.close(1)
    model.start()
    assert model.pid is None


# -- the requests to the model's server


class Recorder(Upstream):
    """An upstream that records its requests, and counts each character as a token."""

    def __init__(self) -> None:
        self.counted: list[list[Any]] = []
        self.body: dict[str, Any] = {}

    async def fetch_json(self, request) -> Any:
        content = json.loads(request.body)["content"]
        self.counted.append(content)
        return {
            "tokens": [t for c in content for t in ([7] * len(c) if isinstance(c, str) else [c])]
        }

    async def fetch_stream(self, request, on_head) -> None:
        self.body = json.loads(request.body)
        raise StatusError(503, {}, b"")


async def sent(request: ChatRequest, model: LocalModel) -> tuple[Recorder, Events]:
    """Send a request to a recorder, which answers 503."""
    recorder, events = Recorder(), Events()
    await model.ready()
    provider = LocalProvider(recorder, Settings(), Timeouts(), model=model)
    await failure(provider.generate(request, events.append))
    return recorder, events


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"max_tokens": 512}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        (
            {"max_tokens": 99_999},
            {"max_tokens": 2048 - 100 - len(context._render("user", "")) - HEAD},
        ),
        ({"max_tokens": -1}, {"max_tokens": 512}),
        (
            {"temperature": 1, "seed": 3, "stop": ["x"]},
            {"temperature": 1, "seed": 3, "stop": ["x"]},
        ),
        ({"reasoning_effort": "high", "n_predict": 9999}, {"max_tokens": 512}),
    ],
)
@pytest.mark.gen_test
async def test_the_options_that_are_sent(fake, options, expected):
    recorder, events = await sent(ask("x" * 100, **options), fake(READY))
    assert recorder.body | expected == recorder.body
    assert not {"reasoning_effort", "n_predict", "max_completion_tokens"} & recorder.body.keys()
    assert recorder.body["model"] == "smollm2-135m-instruct"
    assert events.notices == []


@pytest.mark.gen_test
async def test_a_long_conversation_is_counted_in_one_request(fake, monkeypatch):
    monkeypatch.setattr(context, "STEP", 1)
    contents = [f"{n} ".ljust(100) for n in range(1001)]
    recorder, events = await sent(ask(*contents), fake(READY))
    assert len(recorder.counted) == 1
    assert sum(len(c) for c in recorder.counted[0] if isinstance(c, str)) < 17_000
    sent_messages = recorder.body["messages"]
    assert [m["content"] for m in sent_messages] == contents[-len(sent_messages) :]
    assert sent_messages[0]["role"] == "user"
    turn = sum(len(context._render(role, " " * 100)) for role in ("user", "assistant"))
    prompt = (len(sent_messages) // 2) * turn + len(context._render("user", " " * 100)) + HEAD
    assert prompt <= 2048 - 512 < prompt + turn
    assert events.notices == [("context_trimmed", {"turns": (1001 - len(sent_messages)) // 2})]


@pytest.mark.gen_test
async def test_the_cut_stays_where_it_is_for_several_turns(fake, monkeypatch):
    monkeypatch.setattr(context, "STEP", 800)
    model, cuts = fake(READY), []
    for count in range(1, 121, 2):
        recorder, _ = await sent(ask(*(f"{n} ".ljust(50) for n in range(count))), model)
        sizes = sum(len(message["content"]) for message in recorder.body["messages"])
        assert count < 40 or sizes > 400, "more than one step was left out"
        cuts.append(recorder.body["messages"][0]["content"])
    assert len(set(cuts)) < len(cuts) / 3


@pytest.mark.parametrize(
    ("lengths", "cut", "steady"),
    [([9, 9, 9], 0, 0), ([9, 9, 9], 1, 1), ([900] * 9, 1, 3), ([900] * 9, 3, 3), ([9], 1, 1)],
)
def test_the_place_of_the_cut(lengths, cut, steady):
    assert context._steady_cut(lengths, cut) == steady


@pytest.mark.gen_test
async def test_texts_can_need_more_than_one_batch(fake, monkeypatch):
    monkeypatch.setattr(context, "BATCH", 100)
    recorder, events = await sent(ask(*["x" * 60] * 9), fake(READY))
    assert len(recorder.counted) > 1
    assert len(recorder.body["messages"]) == 9 and events.notices == []


@pytest.mark.gen_test
async def test_system_messages_and_the_last_turn_stay(fake):
    request = ask("old " * 300, "old", "new " * 300, "partial", max_tokens=100)
    request.messages[1:1] = [{"role": "system", "content": "S"}]
    recorder, events = await sent(request, fake(READY))
    assert [m["content"][:4] for m in recorder.body["messages"]] == ["S", "new ", "part"]
    assert events.notices == [("context_trimmed", {"turns": 1})]


@pytest.mark.gen_test
async def test_a_long_prompt_leaves_room_for_a_short_answer(fake):
    recorder, _ = await sent(ask("x" * 1900), fake(READY))
    assert 64 <= recorder.body["max_tokens"] < 148


@pytest.mark.gen_test
async def test_the_tokens_of_a_huge_message_are_estimated(fake):
    recorder, model = Recorder(), fake(READY)
    provider = LocalProvider(recorder, Settings(), Timeouts(), model=model)
    error = await failure(provider.generate(ask("x" * 1_000_000), Events().append))
    assert "about 1,000,0" in error.message
    assert len(recorder.counted[0][0]) == context.COUNTED


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (replace(ask("hi"), model="gpt-4o"), "model_not_found", "smollm2-135m-instruct"),
        (
            replace(ask(), messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
            "images_refused",
            "only text",
        ),
        (ask("a" * 2000, "b", "c"), "context_length", "2,048"),
    ],
)
@pytest.mark.gen_test
async def test_a_program_gets_an_error_for_what_this_model_cannot_do(fake, request_, code, words):
    recorder, model = Recorder(), fake(READY)
    await model.ready()
    provider = LocalProvider(recorder, Settings(), Timeouts(), model=model)
    program = replace(request_, relay=True, options={"max_tokens": 2000})
    error = await failure(provider.generate(program, Events().append))
    assert error.code == code and words in error.message
    assert recorder.body == {}


@pytest.mark.gen_test
async def test_a_program_is_told_which_options_the_model_does_not_have(fake):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = ChatRequest(
        [{"role": "user", "content": parts}],
        None,
        {"tools": [], "seed": 1, "max_tokens": 9, "user": None},
        relay=True,
    )
    recorder, events = await sent(request, fake(READY))
    assert recorder.body["messages"][0]["content"] == "a\nb"
    assert recorder.body["seed"] == 1 and "tools" not in recorder.body
    assert [event for event in events if isinstance(event, Notice)] == [
        Notice("option_refused", {"option": "tools"})
    ]


@pytest.mark.gen_test
async def test_the_local_model_is_known_not_to_see(fake):
    provider = LocalProvider(Recorder(), Settings(), Timeouts(), model=fake(READY))
    assert provider.can(None) == provider.can("smollm2-135m-instruct") == frozenset()
    assert provider.can("another") is None
    (info,) = await provider.models()
    assert info.can_known and info.can == ()
