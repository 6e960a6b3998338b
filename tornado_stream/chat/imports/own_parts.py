"""Files and calls of tools in the messages of an export of this program. Pure.

The rule: what a person approves is bound to the call that is shown, not to what an export says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tornado_stream.chat.imports.members import listed, source, table, text
from tornado_stream.values.calls import DECISIONS, DONE, FAILED, REFUSED, RUNNING, Call, ended
from tornado_stream.values.events import Source
from tornado_stream.values.files import SHOWN

#: Levels of objects within a field of a message.
MAX_DEPTH = 50
_STATES = (*DECISIONS, RUNNING, DONE, FAILED, REFUSED)
_DECIDED = {decision for decisions in DECISIONS.values() for decision in decisions}


def parts_of(value: Any) -> list[dict[str, Any]] | None:
    """The texts, steps and calls of an answer; None if there are none. A call that ran during the
    export is `unknown`."""
    parts = []
    for one in map(table, listed(value)):
        if one.get("type") == "text":
            parts.append({"type": "text", "text": text(one.get("text"))})
        elif one.get("type") == "step":
            parts.append(clean({name: one[name] for name in one if name != "signed"}))
        elif one.get("type") == "call" and one.get("state") in _STATES:
            parts.append(_call(one).to_part())
    return ended(parts) or None


def file_of(value: Any) -> dict[str, Any]:
    """A file of a message as the message has it."""
    value = table(value)
    known: dict[str, Any] = {name: clean(value.get(name)) for name in SHOWN}
    return (
        known
        | {name: text(value.get(name)) for name in ("id", "name", "type", "kind")}
        | {name: whole_number(value.get(name)) or 0 for name in ("size", "tokens")}
    )


def pages(value: Any) -> list[Source]:
    """The pages that a message refers to."""
    return [
        {"url": text(one.get("url")), "title": text(one.get("title"))}
        for one in map(table, listed(value))
        if source(one.get("url"), "")
    ]


def whole_number(value: Any) -> int | None:
    """A whole number that JavaScript can hold."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) < 2**53 else None


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON that can be stored: whole characters, finite numbers, a bounded depth."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return None
    if isinstance(value, dict):
        return {text(k): clean(v, depth - 1) for k, v in value.items()} if depth else {}
    if isinstance(value, list):
        return [clean(one, depth - 1) for one in value] if depth else []
    return value


def _call(value: dict[str, Any]) -> Call:
    decision = text(value.get("decision"))
    call = Call(
        index=whole_number(value.get("index")),
        id=text(value.get("id")),
        name=text(value.get("name")),
        server=text(value.get("server")) or None,
        arguments=text(value.get("arguments")),
        state=value["state"],
        why=text(value.get("why")) or None,
        result=_result(value.get("result")),
        is_error=value.get("is_error") is True,
        ms=whole_number(value.get("ms")),
        again=text(value.get("again")) or None,
        decision=decision if decision in _DECIDED else None,
        definition=text(value.get("definition")) or None,
    )
    return replace(call, sha256=call.digest()) if value.get("sha256") else call


def _result(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    structured = value.get("structured")
    return {
        "text": text(value.get("text")),
        "structured": clean(structured) if isinstance(structured, dict) else None,
        "files": [file for file in map(file_of, listed(value.get("files"))) if file["id"]],
        "sources": pages(value.get("sources")),
        "shortened": value.get("shortened") is True,
    }
