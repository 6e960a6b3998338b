"""The decoder with response bodies after public reports, if there is a corpus of them.

`reports/NAME.sse` of the corpus are event streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from corpus import CORPUS

from tornado_stream.providers.openai.answer_emitter import AnswerEmitter
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import AnswerText, Delta, Finish

from .test_corpus_streams import by_chance, by_event, by_line

REPORTS = sorted((CORPUS / "reports").glob("*.sse"))

pytestmark = pytest.mark.skipif(not REPORTS, reason=f"no reports in {CORPUS}")

HALF, THOUGHT, PAGE = "Half an ans", "Let me think", "https://example.com/oslo"


class Expected(NamedTuple):
    """White space around the texts does not count."""

    content: str = HALF
    reasoning: str = ""
    state: str = "done"
    code: str | None = None
    sources: tuple[str, ...] = ()


CUT = Expected(state="cut_off", code="upstream_cut_off")
BROKEN = Expected(state="error", code="upstream_error")
THREE = Expected("3", THOUGHT)
CASES = {
    "annotations": Expected("Oslo is cold.", sources=(PAGE,)),
    "citations": Expected("Oslo is cold [1].", sources=(PAGE,)),
    "content-type-reasoning-part": THREE,
    "done-lower": Expected(state="cut_off", code="connection_closed"),
    "fr-MALFORMED_FUNCTION_CALL": BROKEN,
    "fr-abort": CUT,
    "fr-error": BROKEN,
    "fr-network_error": BROKEN,
    "fr-sensitive": Expected(),
    "fr-timeout": CUT,
    "harmony": THREE,
    "ping-event-no-stop": Expected(),
    "reasoning-details-only": Expected("3", "Counting letters"),
    "reasoning-list": THREE,
    "reasoning-text-copilot": THREE,
    "responses-api": Expected("", state="error", code="not_an_api"),
    "think-close-only": Expected("The answer is 3.", THOUGHT),
    "think-tag": Expected("The answer is 3.", THOUGHT),
    "thinking-blocks": THREE,
    "xgroq-error": BROKEN,
}


def read(pieces: Iterable[bytes]) -> tuple[dict[str, Any], ProviderError | None]:
    """What an answer adds up to, and its failure."""
    answer, finish = AnswerText(), Finish()

    def emit(event: Any) -> None:
        nonlocal finish
        if isinstance(event, Delta):
            answer.add(event)
        elif isinstance(event, Finish):
            finish = finish.then(event)

    emitter = AnswerEmitter(emit)
    failure: ProviderError | None = None
    for piece in pieces:
        emitter.feed(piece)
    try:
        emitter.close()
    except ProviderError as error:
        failure = error
    names = ("content", "reasoning", "refusal", "tool_calls", "sources", "signed")
    return {name: getattr(answer, name) for name in names} | {"finish": finish}, failure


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report(path: Path) -> None:
    data = path.read_bytes()
    whole, error = read([data])
    if expected := CASES.get(path.stem):
        assert whole["content"].strip() == expected.content
        assert whole["reasoning"].strip() == expected.reasoning
        assert (error.state if error else "done") == expected.state
        assert (error.code if error else None) == expected.code
        assert [source["url"] for source in whole["sources"]] == list(expected.sources)
    splits = [by_line(data), by_event(data), [data[i : i + 1] for i in range(len(data))]]
    for pieces in (*splits, *(by_chance(data, seed) for seed in range(5))):
        split, failure = read(pieces)
        assert split == whole
        assert (failure and failure.to_json()) == (error and error.to_json())
