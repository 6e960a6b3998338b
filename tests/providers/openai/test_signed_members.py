from typing import Any

import pytest
from upstream_json import chunk, fold, half, say, sse

from tornado_stream.providers.openai import signed_members
from tornado_stream.providers.openai.signed_members import SignedMembers

STOP = chunk({}, "stop")


def signed(*deltas: dict[str, Any]) -> dict[str, Any] | None:
    return fold(sse(*map(chunk, deltas), say("3"), STOP))[0].signed


def detail(text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    one = {"type": "reasoning.text", "text": text, "index": index, **more}
    return {"reasoning": text, "reasoning_details": [one]}


def test_a_text_and_its_signature_become_one_entry_again() -> None:
    assert signed(
        detail("Let ", format="f"), detail("me"), detail("", signature="S1"), detail("b", index=1)
    ) == {
        "reasoning_details": [
            {
                "type": "reasoning.text",
                "text": "Let me",
                "index": 0,
                "format": "f",
                "signature": "S1",
            },
            {"type": "reasoning.text", "text": "b", "index": 1},
        ]
    }


def test_a_signature_without_a_text_belongs_to_the_text_before_it() -> None:
    """Fragments that are sent back as they came are an invalid signature at Anthropic
    (https://github.com/agno-agi/agno/issues/8794)."""
    one = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    found = signed(
        *({"reasoning_details": [{**one, "text": text}]} for text in ("Let", " me")),
        {"reasoning_details": [{**one, "signature": "S1"}]},
    )
    assert found == {"reasoning_details": [{**one, "text": "Let me", "signature": "S1"}]}
    assert signed(
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        {"thinking_blocks": [{"type": "thinking", "signature": "S1"}]},
    ) == {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "S1"}]}


def test_encrypted_entries_stay_as_they_came() -> None:
    one = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "index": 0}
    two = {"type": "reasoning.encrypted", "data": "gBBB", "id": "rs_2", "index": 0}
    assert signed({"reasoning_details": [one]}, {"reasoning_details": [two]}) == {
        "reasoning_details": [one, two]
    }


def test_blocks_without_an_index_end_with_their_signature() -> None:
    def block(text: str, signature: str = "") -> dict[str, Any]:
        return {"thinking_blocks": [{"type": "thinking", "thinking": text, "signature": signature}]}

    redacted = {"type": "redacted_thinking", "data": "QQ"}
    found = signed(
        block("a"), block("b"), block("", "S1"), block("c", "S2"), {"thinking_blocks": [redacted]}
    )
    assert found == {
        "thinking_blocks": [
            {"type": "thinking", "thinking": "ab", "signature": "S1"},
            {"type": "thinking", "thinking": "c", "signature": "S2"},
            redacted,
        ]
    }


def test_entries_with_other_ids_are_other_entries() -> None:
    found = signed(detail("a", id="1"), detail("b", id="2", signature="S"))
    assert found and [entry["text"] for entry in found["reasoning_details"]] == ["a", "b"]


@pytest.mark.parametrize(
    "member",
    [
        {"extra_content": {"google": {"thought_signature": "SIG"}}},
        {"reasoning_opaque": "abc"},
        {"reasoning_details": ["text", {"data": "QQ"}]},
    ],
)
def test_members_are_kept_as_they_came(member: dict[str, Any]) -> None:
    assert signed(member) == member


def test_what_is_not_signed_is_not_kept() -> None:
    assert signed(detail("a"), {"thinking_blocks": [{"thinking": "b", "signature": ""}]}) is None


def test_what_was_signed_belongs_to_complete_answers_only() -> None:
    data = sse(chunk({"reasoning_opaque": "abc"}), say("3"))
    assert fold(data)[0].signed is None
    assert fold(data + sse("[DONE]"))[0].signed == {"reasoning_opaque": "abc"}
    assert fold(data + sse(STOP, {"error": "no"}))[0].signed is None


def test_too_much_is_not_kept_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_members, "MAX_BYTES", 100)
    small = {"reasoning_opaque": "abc"}
    assert signed(small, {"reasoning_details": [{"data": "x" * 100}]}, small) is None
    assert signed(small) == small


def test_what_json_cannot_encode_is_not_kept() -> None:
    text = half(r"\ud83d", "reasoning_opaque")
    assert fold(sse(text, STOP))[0].signed is None
    members = SignedMembers()
    members.add({"signature": 2**70})
    assert members.whole() is None
