"""Answers are remembered under their names, within bounds; a running one is never forgotten."""

from __future__ import annotations

import pytest
from client import until

from tornado_stream.chat import remembered_answers
from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.relay import CompletionRelay
from tornado_stream.chat.remembered_answers import RememberedAnswers
from tornado_stream.generations.relay import Relay
from tornado_stream.values.errors import Conflict, ProviderError, Unavailable
from tornado_stream.values.events import End


def remember(answers: RememberedAnswers, name: str) -> Relay:
    relay = CompletionRelay(CompletionRequest(name, [{"role": "user", "content": "hi"}]))
    with answers.remembering((name,), b"f", relay):
        assert answers.find((name,), b"f")  # a second request joins while the first one starts
    return relay


def finish(relay: Relay, error: ProviderError | None = None) -> None:
    end = End("error" if error else "done", None, None, error, None, True, {})
    relay.end(end)
    relay.on_ended(end)


@pytest.mark.gen_test
async def test_the_answer_that_ended_first_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(remembered_answers, "MAX_ANSWERS", 2)
    answers = RememberedAnswers()
    running, *ended = [remember(answers, name) for name in "rabc"]
    for relay in ended[::-1]:
        finish(relay)
    found = [name for name in "rabc" if answers.find((name,), b"f")]
    assert found == ["r", "a", "b"]
    assert await answers.find(("r",), b"f") is running


@pytest.mark.gen_test
async def test_all_ended_answers_together_have_a_bound_of_bytes(monkeypatch):
    answers = RememberedAnswers()
    finish(first := remember(answers, "a"))
    monkeypatch.setattr(remembered_answers, "MAX_BYTES", len(first.frames[0]) * 3 // 2)
    finish(remember(answers, "b"))
    assert [name for name in "ab" if answers.find((name,), b"f")] == ["b"]


@pytest.mark.gen_test
async def test_an_answer_is_forgotten_after_its_time(monkeypatch):
    monkeypatch.setattr(remembered_answers, "LASTS", 0.0)
    answers = RememberedAnswers()
    finish(relay := remember(answers, "a"))
    assert answers.find(("a",), b"f") and relay.ended
    await until(lambda: answers.find(("a",), b"f") is None)


@pytest.mark.gen_test
async def test_what_cannot_have_been_processed_is_not_remembered():
    answers = RememberedAnswers()
    finish(remember(answers, "a"), ProviderError("connect_failed", "No.", unprocessed=True))
    finish(remember(answers, "b"), ProviderError("upstream_5xx", "Broken."))
    assert [name for name in "ab" if answers.find((name,), b"f")] == ["b"]


@pytest.mark.gen_test
async def test_a_start_that_fails_fails_for_all_who_wait_and_is_not_remembered():
    answers = RememberedAnswers()
    relay = CompletionRelay(CompletionRequest("a", []))
    with pytest.raises(Unavailable):
        with answers.remembering(("a",), b"f", relay):
            waiting = answers.find(("a",), b"f")
            raise Unavailable("Not now.")
    with pytest.raises(Unavailable):
        await waiting
    assert answers.find(("a",), b"f") is None


@pytest.mark.gen_test
async def test_another_request_under_the_same_name_is_refused():
    answers = RememberedAnswers()
    remember(answers, "a")
    with pytest.raises(Conflict):
        answers.find(("a",), b"other")
    assert answers.find(None, b"other") is None
