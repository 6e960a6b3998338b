"""What an upstream's stream becomes, through the whole server: endings, reasoning, sources."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from upstream_json import chunk, say, sse

from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import AnswerText, Delta


def raw(*payloads: Any) -> str:
    """A script that sends these chunks and ends the response."""
    return f"raw={quote(sse(*payloads).decode())};end"


def saying(text: str, size: int = 3) -> str:
    """A script that sends this text in pieces, and a finish reason."""
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return raw(*map(say, pieces), chunk({}, "stop"), "[DONE]")


async def stored(chat: Any, answer: Any) -> dict[str, Any]:
    """The answer as the store has it."""
    path = f"/api/conversations/{answer.start['conversation_id']}"
    messages = (await chat.request("GET", path)).json()["messages"]
    return next(one for one in messages if one["id"] == answer.start["message_id"])


@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        ("user-aborted", "cut_off", "upstream_cut_off"),
        ("TIMED_OUT", "cut_off", "upstream_cut_off"),
        ("insufficient-system-resources", "cut_off", "upstream_cut_off"),
        ("preempted", "cut_off", "upstream_cut_off"),
        ("internal_error", "error", "upstream_error"),
        ("MALFORMED_TOOL_CALL", "error", "upstream_error"),
        ("insufficient_quota", "error", "quota"),
        ("sensitive_content", "done", None),
        ("endTurn", "done", None),
        ("banana", "done", None),
    ],
)
@pytest.mark.gen_test
async def test_a_finish_reason_decides_how_an_answer_ends(chat, reason, state, code):
    answer = await chat.ask(model=raw(say("half"), chunk({}, reason), "[DONE]"))
    error = answer.end["error"] or {}
    assert (answer.end["state"], error.get("code")) == (state, code)
    assert (answer.text, answer.end["finish_reason"]) == ("half", reason)
    assert error.get("retryable", True) == (code != "quota")
    assert reason in error.get("message", reason)
    message = await stored(chat, answer)
    assert (message["state"], message["content"]) == (state, "half")


@pytest.mark.gen_test
async def test_an_answer_that_the_server_broke_off_can_be_continued(chat):
    first = await chat.ask(model=raw(say("one two"), chunk({}, "aborted")))
    body = {"continue": first.start["message_id"], "model": "say= three"}
    assert (await (await chat.open("POST", "/stream", body)).read()).text == "one two three"


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([{**chunk({}), "x_groq": {"error": "over_capacity"}}], "over_capacity"),
        ([{**say("!"), "x_other": {"error": {"message": "It broke"}}}], "It broke"),
        ([chunk({}, "error"), {"error": {"message": "The disk is full"}}], "The disk is full"),
        ([chunk({}, "aborted"), {"error": {"message": "The disk is full"}}], "The disk is full"),
        ([chunk({}, "engine_failure"), chunk({}, "stop")], "engine_failure"),
    ],
)
@pytest.mark.gen_test
async def test_an_error_says_more_than_a_finish_reason(chat, chunks, message):
    answer = await chat.ask(model=raw(say("half"), *chunks, "[DONE]"))
    assert answer.end["state"] == "error"
    assert message in answer.end["error"]["message"]
    assert answer.text.startswith("half")


@pytest.mark.gen_test
async def test_the_reason_of_the_server_behind_a_router_counts(chat):
    last = chunk({}, "stop")
    last["choices"][0]["native_finish_reason"] = "UNEXPECTED_TOOL_CALL"
    text = say("half")
    text["choices"][0]["native_finish_reason"] = "aborted"
    assert (await chat.ask(model=raw(say("half"), last))).end["state"] == "error"
    assert (await chat.ask(model=raw(text, chunk({}, "stop")))).end["state"] == "cut_off"


@pytest.mark.gen_test
async def test_a_long_finish_reason_does_not_fill_the_message(chat):
    answer = await chat.ask(model=raw(say("a"), chunk({}, "error " * 1000)))
    assert len(answer.end["error"]["message"]) < 250


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.gen_test
async def test_reasoning_in_tags_is_kept_as_reasoning(chat, size):
    answer = await chat.ask(model=saying("<think>\nSo it is\n</think>\n\nThree.", size))
    assert (answer.text, answer.reasoning) == ("\n\nThree.", "\nSo it is\n")
    message = await stored(chat, answer)
    assert (message["content"], message["reasoning"]) == (answer.text, answer.reasoning)


@pytest.mark.parametrize("size", [1, 4, 50])
@pytest.mark.gen_test
async def test_an_end_without_a_beginning_moves_what_was_sent(chat, upstream, size):
    answer = await chat.ask(model=saying("So it is\n</think>\nThree.", size))
    assert (answer.text, answer.reasoning) == ("\nThree.", "So it is\n")
    message = await stored(chat, answer)
    assert (message["content"], message["reasoning"]) == (answer.text, answer.reasoning)
    log = await chat.resume(answer.start["generation_id"])
    assert (log.text, log.reasoning) == (answer.text, answer.reasoning)
    sent = {"conversation_id": answer.start["conversation_id"], "model": "say=x"}
    await chat.ask("and?", **sent, parent_id=answer.start["message_id"])
    question = json.dumps(upstream.requests[-1])
    assert "Three." in question and "So it is" not in question


@pytest.mark.gen_test
async def test_an_end_without_a_beginning_counts_in_an_answer_that_goes_on(chat):
    first = await chat.ask(model=raw(say("So it is ")))
    more = saying("So it is three.\n</think>\nThree.")
    body = {"continue": first.start["message_id"], "model": more}
    answer = await (await chat.open("POST", "/stream", body)).read()
    assert (answer.text, answer.reasoning) == ("\nThree.", "So it is three.\n")
    message = await stored(chat, answer)
    assert (message["content"], message["reasoning"]) == (answer.text, answer.reasoning)


@pytest.mark.gen_test
async def test_sources_and_signed_members_are_kept(chat):
    details = [{"type": "reasoning.encrypted", "data": "gAAA", "index": 0}]
    answer = await chat.ask(
        model=raw(
            chunk({"content": "", "reasoning_details": details}),
            {**say("Oslo [1]"), "citations": ["https://a.example/"]},
            chunk({}, "stop"),
        )
    )
    assert (await stored(chat, answer))["sources"] == [{"url": "https://a.example/", "title": ""}]
    deltas = [event.data for event in answer.events if event.name == "delta"]
    signed = [delta["signed"] for delta in deltas if "signed" in delta]
    assert signed == [{"reasoning_details": details}]


def emitted(*pieces: bytes, **options: Any) -> tuple[AnswerText, list[Any]]:
    """What an emitter emits of a stream that breaks off."""
    events: list[Any] = []
    emitter = AnswerEmitter(events.append, **options)
    for piece in pieces:
        emitter.feed(piece)
    with pytest.raises(ProviderError):
        emitter.close()
    answer = AnswerText()
    for event in events:
        if isinstance(event, Delta):
            answer.add(event)
    return answer, events


def test_text_that_was_held_back_comes_at_the_end() -> None:
    answer, _ = emitted(sse(say("a </thin")))
    assert (answer.content, answer.reasoning) == ("a </thin", "")
    answer, _ = emitted(sse(say("<think>a</thi")))
    assert (answer.content, answer.reasoning) == ("", "a</thi")
    answer, _ = emitted(sse(say("a\n")), sse(say("</think>")))
    assert (answer.content, answer.reasoning) == ("", "a\n")


def test_usual_text_is_emitted_as_the_decoder_made_it() -> None:
    _, events = emitted(*[sse(say(text)) for text in ("The ", "answer ", "is ", "3.")])
    assert [event.content for event in events] == ["The ", "answer ", "is ", "3."]


def test_the_repeated_words_of_an_answer_that_goes_on_open_no_tag() -> None:
    answer, _ = emitted(
        sse(say("<think> is here a tag")), text_so_far="The word <think> is here", repeats=True
    )
    assert (answer.content, answer.reasoning) == (" a tag", "")
