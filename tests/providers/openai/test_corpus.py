"""Recorded responses of real upstreams, through the whole server: split, cut off, or refused.

The corpus's program `replay.py` is the upstream. The tests are skipped if there is no corpus.
Other tests, which do not need it, cover the same rules.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client import Answer, Client
from corpus import CORPUS

from tornado_stream.values.events import AnswerText as Fold
from tornado_stream.values.events import Delta

from .test_corpus_streams import IN_DETAILS

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="there is no corpus")

#: Requests at the same time.
WIDTH = 64
#: Only streams of fewer bytes are split into single bytes.
SHORT = 30_000


def load(folder: str) -> dict[str, dict[str, Any]]:
    return {
        path.stem: json.loads(path.read_text()) for path in sorted((CORPUS / folder).glob("*.json"))
    }


STREAMS, REFUSALS = load("streams"), load("http_errors")
for name, reasoning in IN_DETAILS.items():
    if name in STREAMS:
        STREAMS[name]["expected"]["reasoning"] = reasoning


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    """The base URL of a server that replays the corpus."""
    process = subprocess.Popen(
        [sys.executable, str(CORPUS / "replay.py")], stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def corpus_chat(serve, settings, replay) -> Client:
    return serve(replace(settings, base_url=replay, model=None))


async def ask_all(chat: Client, models: Iterable[str]) -> dict[str, Answer]:
    """One answer for each model, `WIDTH` at a time."""
    waiting = list(models)
    answers: dict[str, Answer] = {}

    async def work() -> None:
        while waiting:
            model = waiting.pop()
            answers[model] = await chat.ask("hi", model=model)

    await asyncio.gather(*(work() for _ in range(WIDTH)))
    return answers


def fold(answer: Answer) -> Fold:
    whole = Fold()
    for event in answer.events:
        if event.name == "delta":
            fields = {name: event.data[name] for name in event.data if name != "t"}
            whole.add(Delta(**{**fields, "tool_calls": tuple(fields.get("tool_calls", ()))}))
    return whole


STATES = {"complete": "done", "error": "error", "incomplete": "cut_off"}


def check(name: str, answer: Answer) -> None:
    """The answer is the one that the corpus expects of this recording."""
    expected, whole, end = STREAMS[name]["expected"], fold(answer), answer.end
    assert end["state"] == STATES[expected["ending"]], (name, end)
    assert whole.content == expected["content"], name
    assert whole.reasoning == expected["reasoning"], name
    assert whole.refusal == expected["refusal"], name
    assert whole.tool_calls == expected["tool_calls"], name
    assert end["finish_reason"] == expected["finish_reason"], name
    assert end["usage"] == expected["usage"], name
    message = (expected["error"] or {}).get("message")
    if message:
        assert message in end["error"]["message"], name
    assert (end["error"] is None) == (expected["ending"] == "complete"), name


SPLITS = ["whole", "line", "event", *(f"random&seed={seed}" for seed in range(5)), "byte"]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.gen_test
async def test_every_stream_is_decoded_however_it_is_split(corpus_chat, split):
    names = [n for n in STREAMS if split != "byte" or STREAMS[n]["bytes"] < SHORT]
    answers = await ask_all(corpus_chat, (f"{name}@split={split}" for name in names))
    assert len(answers) == len(names) > 50
    for model, answer in answers.items():
        check(model.partition("@")[0], answer)


@pytest.mark.parametrize("fault", ["gzip", "noct", "http10", "100", "firstbyte:0.2"])
@pytest.mark.gen_test
async def test_unusual_responses_are_decoded_too(corpus_chat, fault):
    answers = await ask_all(corpus_chat, (f"{name}@split=event&fault={fault}" for name in STREAMS))
    for model, answer in answers.items():
        check(model.partition("@")[0], answer)


@pytest.mark.parametrize("fault", ["close", "reset", "badchunk", "stall"])
@pytest.mark.gen_test
async def test_a_stream_that_is_cut_off_never_counts_as_complete(serve, settings, replay, fault):
    limits = {"idle_timeout": 0.5, "first_byte_timeout": 2.0} if fault == "stall" else {}
    chat = serve(replace(settings, base_url=replay, model=None, **limits))
    models = {
        f"{name}@split=event&fault={fault}:{stream['bytes'] * percent // 100}": name
        for name, stream in STREAMS.items()
        for percent in (0, 1, 25, 50, 99)
    }
    answers = await ask_all(chat, models)
    finished = 0
    for model, answer in answers.items():
        expected, whole, end = STREAMS[models[model]]["expected"], fold(answer), answer.end
        assert expected["content"].startswith(whole.content), model
        assert expected["reasoning"].startswith(whole.reasoning), model
        assert expected["refusal"].startswith(whole.refusal), model
        if end["state"] == "done":
            at = int(model.rpartition(":")[2])
            assert finish_came(CORPUS / "streams" / f"{models[model]}.sse", at), model
            finished += 1
        else:
            assert end["state"] in ("cut_off", "error") and end["error"], model
        if fault == "stall" and end["state"] == "cut_off":
            assert end["timings"]["total_ms"] < 15_000, model
    assert finished < len(answers) / 3


def finish_came(path: Path, at: int) -> bool:
    """Whether the first `at` bytes have a finish_reason or [DONE], found without a parser."""
    text = path.read_bytes()[:at].decode("utf-8", "replace").replace(" ", "")
    reasons = text.replace('"finish_reason":null', "").replace('"finish_reason":""', "")
    return '"finish_reason":"' in reasons or "data:[DONE" in reasons


@pytest.mark.gen_test
async def test_every_refusal_has_its_status_and_a_readable_message(corpus_chat):
    answers = await ask_all(corpus_chat, REFUSALS)
    assert len(answers) == len(REFUSALS) >= 15
    for name, answer in answers.items():
        expected, error = REFUSALS[name]["expected"], answer.end["error"]
        assert answer.response.status == 200 and answer.end["state"] == "error", name
        assert error["upstream_status"] == expected["upstream_status"], name
        assert error["code"] == expected["kind"], name
        assert (expected["message"] or "") in error["message"], name
        assert error["message"].strip() and "<" not in error["message"], name
