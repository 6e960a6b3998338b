"""Responses after public reports: what the page and programs get of each, as a table.

Every case goes through the whole server three times: by `POST /stream`, and by
`/v1/chat/completions`, streamed and whole. The tests are skipped if there is no corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from client import Client

from .reports import REPORTS, Outcome, Replayer, outcome, sent_chunks

NAMES = sorted(path.name for path in REPORTS.glob("*.*"))

pytestmark = pytest.mark.skipif(not NAMES, reason="there is no corpus of reports")

#: The text of most cases.
HALF = "Half an ans"
THINK, ANSWER = "Let me think", "The answer is 3."
PAGE = "https://example.com/oslo"
#: Any error code: the case is about the state.
ANY = "any"


@dataclass(frozen=True)
class Case:
    """What is right. Texts are compared without the white space around them.

    `code` is the page's error code, and `upstream_code` the one that programs get, if these
    differ. `raw` is the text that programs get, if it is not that of the page. `status` is that of
    a failure before any text. `says` is part of the error's message.
    """

    state: str = "done"
    content: str = HALF
    reasoning: str = ""
    code: str | None = None
    reasons: tuple[str | None, ...] = ("stop",)
    calls: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    raw: str | None = None
    status: int = 502
    upstream_code: str = ANY
    says: str = ""


def failed(state: str, code: str = ANY, content: str = "", **more: Any) -> Case:
    return Case(state, content, code=code, reasons=(None,), **more)


def refused(status: int, code: str, **more: Any) -> Case:
    return failed("error", code, status=status, **more)


def cut(reason: str) -> Case:
    return Case("cut_off", code=ANY, reasons=(reason, None))


def broken(reason: str | None) -> Case:
    return Case("error", code=ANY, reasons=(reason, None))


def called(*calls: tuple[str, str], reason: str = "tool_calls") -> Case:
    return Case(content="", calls=list(calls), reasons=(reason,))


MALFORMED = failed("error", "malformed_response")
NO_END = failed("cut_off", "connection_closed", HALF)
NO_API = failed("error", "not_an_api")
THOUGHT = Case(content="3", reasoning=THINK)

CASES = {
    "400-content-filter.http": refused(400, ANY, upstream_code="content_filter"),
    "413-json.http": refused(413, ANY),
    "429-html.http": refused(429, "rate_limit"),
    "451.http": refused(451, ANY),
    "499-cf.http": refused(502, "upstream_5xx"),
    "annotations.sse": Case(content="Oslo is cold.", sources=[PAGE]),
    "audio.sse": Case(content=""),
    "bom.sse": Case(),
    "ce-br.http": failed("cut_off", "malformed_response", says="br"),
    "ce-deflate-raw.http": Case(),
    "ce-gzip-but-plain.http": failed("cut_off", "malformed_response"),
    "ce-gzip-members.http": Case(content="Half an answer"),
    "ce-gzip-upper.http": Case(),
    "ce-utf8.http": Case(),
    "choices-object.sse": Case(content="", reasons=(None,)),
    "citations.sse": Case(content="Oslo is cold [1].", sources=[PAGE]),
    "content-number.sse": Case(content="x"),
    "content-type-reasoning-part.sse": replace(THOUGHT, raw=""),  # the content is a list
    "done-json-string.sse": NO_END,
    "done-lower.sse": NO_END,
    "dup-cl-te.http": MALFORMED,
    "error-after-stop.sse": Case("error", code="upstream_5xx", reasons=("stop",)),
    "error-empty-usage.sse": Case(),
    "event-done.sse": NO_END,
    "fr-MALFORMED_FUNCTION_CALL.sse": broken("MALFORMED_FUNCTION_CALL"),
    "fr-abort.sse": cut("abort"),
    "fr-error.sse": broken("error"),
    "fr-network_error.sse": broken("network_error"),
    "fr-sensitive.sse": Case(reasons=("sensitive", "content_filter")),
    "fr-timeout.sse": cut("timeout"),
    "function-call-legacy.sse": Case(content="", reasons=("function_call",)),
    "harmony.sse": replace(
        THOUGHT,
        raw=f"<|channel|>analysis<|message|>{THINK}<|end|>"
        "<|start|>assistant<|channel|>final<|message|>3",
    ),
    "header-space-colon.http": MALFORMED,
    "html-200.http": NO_API,
    "http10.http": Case(),
    "images.sse": Case(content="Here it is:"),
    "index-1-only.sse": Case(content="", raw="hello", reasons=(None,)),
    "lf-only-head.http": MALFORMED,
    "logprobs.sse": Case(content="Yes"),
    "no-reason.http": Case(),
    "only-done.sse": Case(content="", reasons=(None,)),
    "ping-event-no-stop.sse": Case(),
    "reasoning-details-only.sse": Case(content="3", reasoning="Counting letters"),
    "reasoning-list.sse": THOUGHT,
    "reasoning-text-copilot.sse": THOUGHT,
    "redirect-307.http": NO_API,
    "redirect-308-slash.http": NO_API,
    "responses-api.sse": failed("error", "not_an_api", says="Responses"),
    "status-201.http": Case(),
    "status-204.http": NO_API,
    "text-completion.sse": Case(content="hello"),
    "think-close-only.sse": Case(
        content=ANSWER, reasoning=THINK, raw=f"{THINK}\n</think>\n\n{ANSWER}"
    ),
    "think-tag.sse": Case(
        content=ANSWER, reasoning=THINK, raw=f"<think>\n{THINK}\n</think>\n\n{ANSWER}"
    ),
    "thinking-blocks.sse": THOUGHT,
    "tool-arguments-null.sse": called(("f", "{}")),
    "tool-extra-content.sse": called(("get_weather", '{"city":"Oslo"}')),
    "tool-finish-stop.sse": called(("f", "{}"), reason="stop"),
    "tool-index-from-1.sse": called(("f", "{}")),
    "tool-two-id-empty.sse": called(("f", '{"x":1}'), ("f", '{"x":2}')),
    "usage-negative.sse": Case(),
    "usage-weird.sse": Case(),
    "xgroq-error.sse": broken(None),
}


def test_every_report_has_a_row():
    assert set(NAMES) == set(CASES)


@pytest.fixture
def replayer(io_loop: Any) -> Iterator[Replayer]:
    running = io_loop.run_sync(Replayer().start)
    yield running
    io_loop.run_sync(running.close)


@pytest.fixture
def reports_chat(serve: Any, settings: Any, replayer: Replayer) -> Client:
    return serve(replace(settings, base_url=replayer.url, model=None))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.gen_test
async def test_what_comes_of_it(reports_chat, replayer, name):
    case, got = CASES[name], await outcome(reports_chat, name)
    assert replayer.requests == 3
    check_page(case, got)
    check_stream(case, got)
    check_whole(case, got)


def check_page(case: Case, got: Outcome) -> None:
    answer, end = got.answer, got.answer.end
    error = end["error"] or {}
    assert (end["state"], bool(error)) == (case.state, case.code is not None)
    assert case.code in (ANY, error.get("code"))
    assert case.says in error.get("message", "")
    assert end["finish_reason"] in case.reasons
    assert (answer.text.strip(), answer.reasoning.strip()) == (case.content, case.reasoning)
    assert (got.tool_calls, got.sources) == (case.calls, case.sources)


def check_stream(case: Case, got: Outcome) -> None:
    if case.code is not None and not case.content:
        assert got.stream_status == case.status
        return check_error(case, got.chunks[0]["error"])
    assert got.stream_status == 200
    assert got.streamed("content") == (case.content if case.raw is None else case.raw)
    if case.code is not None:
        return check_error(case, got.streamed_error)
    assert got.streamed_error is None
    assert got.finish_reason in (case.reasons if case.reasons != (None,) else ("stop",))
    return None


def check_whole(case: Case, got: Outcome) -> None:
    assert got.whole_status == (200 if case.code is None else case.status)
    if case.code is not None:
        return check_error(case, got.whole["error"])
    (choice,) = got.whole["choices"]
    assert choice["finish_reason"] == got.finish_reason
    message = choice["message"]
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    assert [(f["name"], f["arguments"]) for f in functions] == case.calls
    if isinstance(message["content"], str | None):
        assert (message["content"] or "") == got.streamed("content")
    return None


def check_error(case: Case, error: dict[str, Any] | None) -> None:
    assert error and error["message"] and set(error) >= {"message", "type", "param", "code"}
    assert case.upstream_code in (ANY, error["code"])


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith(".sse") and n in CASES])
@pytest.mark.gen_test
async def test_programs_get_the_chunks_as_they_were_sent(reports_chat, name):
    if CASES[name].code is not None or name == "text-completion.sse":
        pytest.skip("a failure ends this stream, or it is told in other words")
    got = await outcome(reports_chat, name)
    received = [chunk for chunk in got.chunks if chunk.get("choices")]
    sent = sent_chunks(name)
    assert len(received) >= len(sent)
    for before, after in zip(sent, received, strict=False):
        check_members(before, after, {"id"}, ADDED)
        if isinstance(before["choices"], list):
            for choice, got_choice in zip(before["choices"], after["choices"], strict=True):
                check_members(choice, got_choice, {"delta"}, {"index", "delta", "logprobs"})
                delta = choice.get("delta") or {}
                reasons = set() if {"reasoning_content", "reasoning"} & set(delta) else REASONING
                check_members(delta, got_choice.get("delta") or {}, set(), {"role"} | reasons)


#: What the server may add where the upstream has left it out.
ADDED, REASONING = {"id", "object", "created", "model"}, {"reasoning_content"}


def check_members(sent: dict[str, Any], got: dict[str, Any], own: set[str], more: set[str]) -> None:
    """Each member has come as it was sent but for `own`; only members in `more` were added."""
    own = own | {"choices"} if isinstance(sent.get("choices"), list) else own
    expected = {name: value for name, value in sent.items() if name not in own}
    assert {name: got.get(name, "missing") for name in expected} == expected
    assert set(got) - set(sent) <= more


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("logprobs.sse", ["top_logprobs", "fp_1", "service_tier"]),
        ("tool-extra-content.sse", ["thought_signature", "SIG123"]),
        ("function-call-legacy.sse", ["function_call", "get_weather", '{"city":"Oslo"}']),
        ("annotations.sse", ["url_citation", PAGE]),
        ("citations.sse", ["citations", PAGE]),
        ("reasoning-details-only.sse", ["reasoning_details", "Counting letters"]),
        ("images.sse", ["images", "data:image/png"]),
    ],
)
@pytest.mark.gen_test
async def test_whole_responses_have_what_the_chunks_had(reports_chat, name, marks):
    text = repr((await outcome(reports_chat, name)).whole)
    assert [mark for mark in marks if mark not in text] == []
