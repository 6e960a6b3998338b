"""Calls of tools of this server, and the parts of an answer that has some. Pure values.

The rule: a call is in one of six states. `waiting` and `unknown` are those that a person decides;
`running` is that of a call in a running answer alone, and becomes `unknown` when the answer ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

WAITING, RUNNING, DONE = "waiting", "running", "done"
FAILED, REFUSED, UNKNOWN = "failed", "refused", "unknown"
#: The states that a person decides, and what can be decided.
DECISIONS = {WAITING: ("run", "always", "refuse"), UNKNOWN: ("run", "tell")}
#: Why a call waits.
ASKS, CHANGED, REPEATED, STEPS = "asks", "changed", "repeated", "steps"
#: Tools that run unasked in a conversation; further ones take the places of the oldest.
MAX_ALWAYS = 200

CUT_SHORT = "The answer ended while the call ran. It may have run."


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, as an event tells it and a part of a message keeps it.

    `index` is its number among the calls of the answer whose log it is in; None for a call of the
    answer before, which a person has decided. `server` is None where there is no such tool.
    `arguments` is the text that the model wrote. `why` explains a state to a person, or is one of
    the reasons to wait. `sha256` is that of what a person is asked to approve. `again` is the id of
    the call that this one runs again. `ms` is how long it ran. `decision` is what a person has
    decided of it. `definition` is the SHA-256 of the tool as the model knew it.
    """

    index: int | None
    id: str
    name: str
    server: str | None
    arguments: str
    state: str
    why: str | None = None
    result: dict[str, Any] | None = None
    is_error: bool = False
    ms: int | None = None
    again: str | None = None
    sha256: str | None = None
    decision: str | None = None
    definition: str | None = None

    def digest(self) -> str:
        """The SHA-256 of server, tool and arguments, which an approval is bound to."""
        text = "\0".join((self.server or "", self.name, self.arguments))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def to_part(self) -> dict[str, Any]:
        """The call as a part of a message."""
        return {"type": "call", **{name: getattr(self, name) for name in _FIELDS}}


_FIELDS = tuple(Call.__slots__)


def from_part(part: dict[str, Any]) -> Call:
    """The call of a part."""
    return Call(**{name: part.get(name) for name in _FIELDS})  # type: ignore[arg-type]


def result_files(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pictures that the calls of these parts have returned."""
    return [file for part in parts for file in (part.get("result") or {}).get("files", ())]


def is_undecided(part: dict[str, Any]) -> bool:
    """Whether a part is a call that a person has to decide, and nobody has."""
    return part["type"] == "call" and part["state"] in DECISIONS and not part["decision"]


def undecided(parts: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of the calls that a person has to decide."""
    return [part["id"] for part in parts if is_undecided(part)]


def ended(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of an answer that ends now."""
    return [
        {**part, "state": UNKNOWN, "why": CUT_SHORT} if part.get("state") == RUNNING else part
        for part in parts
    ]


def decided(
    parts: Sequence[dict[str, Any]], decisions: dict[str, str]
) -> list[dict[str, Any]] | None:
    """The parts with these decisions. None if one of the calls is not to be decided (any more)."""
    if set(undecided(parts)) != set(decisions):
        return None
    return [
        {**part, "decision": decisions[part["id"]]} if is_undecided(part) else part
        for part in parts
    ]


def after_decision(parts: Sequence[dict[str, Any]], decisions: dict[str, str]) -> list[Call]:
    """The calls with which the answer after a decision begins: those to run are `waiting`."""
    calls = []
    for call in map(from_part, filter(is_undecided, parts)):
        decision = decisions[call.id]
        if decision == "refuse":
            new = replace(call, state=REFUSED, why=None)
        elif decision == "tell":
            new = replace(call, decision=decision)
        elif call.state == UNKNOWN:
            new = replace(call, state=WAITING, why=ASKS, again=call.again or call.id, ms=None)
            new = replace(new, id=f"{new.again}_again", sha256=new.digest())
        else:
            new = call
        calls.append(replace(new, index=None))
    return calls


def with_allowed(
    always: Sequence[dict[str, str]],
    parts: Iterable[dict[str, Any]],
    decisions: dict[str, str],
) -> list[dict[str, str]]:
    """The tools that run unasked in a conversation (`Conversation.always`) after these decisions of
    the calls of an answer. What is not known of a tool cannot be allowed for good."""
    new = {
        (part["server"], part["name"]): {n: part[n] for n in ("server", "name", "definition")}
        for part in parts
        if decisions.get(part.get("id", "")) == "always" and part.get("definition")
    }
    kept = [one for one in always if (one["server"], one["name"]) not in new]
    return [*kept, *new.values()][-MAX_ALWAYS:]


def still_allowed(
    always: Sequence[dict[str, str]], named: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    """Those of the tools that run unasked which are among the ones that are named."""
    names = {(one["server"], one["name"]) for one in named}
    return [one for one in always if (one["server"], one["name"]) in names]


@dataclass(slots=True)
class PartList:
    """The parts of an answer while it grows: where in its texts steps and calls stand.

    It costs nothing until the first of them comes. The places are indexes of the list of texts.
    """

    _marks: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _calls: dict[str, int] = field(default_factory=dict)

    def add_call(self, place: int, part: dict[str, Any]) -> None:
        """Add a call, or replace what is known of it."""
        known = self._calls.get(part["id"])
        if known is None:
            self._calls[part["id"]] = len(self._marks)
            self._marks.append((place, part))
        else:
            self._marks[known] = (self._marks[known][0], part)

    def add_step(self, place: int, part: dict[str, Any]) -> None:
        self._marks.append((place, part))

    def forget_texts(self) -> None:
        """The texts so far are none."""
        self._marks = [(0, part) for _, part in self._marks]

    def whole(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """All parts in their order; none where there is no call and no step."""
        if not self._marks:
            return []
        parts: list[dict[str, Any]] = []
        begin = 0
        for place, part in [*self._marks, (len(texts), None)]:
            if text := "".join(texts[begin:place]):
                parts.append({"type": "text", "text": text})
            begin = max(begin, place)
            if part:
                parts.append(part)
        return parts


def decided_later(
    parts: Iterable[dict[str, Any]], later: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What became of the calls of the answer before, by their ids, as the answer with these parts
    and those after it (`later`) tell."""
    before = (part for part in parts if part["type"] == "call" and part["index"] is None)
    keys = ((part["again"] or part["id"], part) for part in before)
    return {key: later.get(key, part) for key, part in keys}


def told(call: dict[str, Any]) -> str:
    """What the model gets as the result of a call, in the state that its part has."""
    state, result = call["state"], call["result"] or {}
    if state in (DONE, FAILED) and result:
        names = [f"[Picture: {file['name']}]" for file in result.get("files", ())]
        text = "\n".join(filter(None, [result["text"], *names])) or "(no output)"
        if result.get("shortened"):
            text += "\n[The rest was left out.]"
        return text
    return {
        FAILED: f"The call failed: {call['why']}",
        REFUSED: "The user refused this call. It did not run.",
        WAITING: "The user has not decided on this call. It did not run.",
    }.get(
        state,
        "It is not known whether this call ran: no result came. It may have run. Do not repeat it "
        "unless the user asks for it.",
    )


def wire_of_parts(
    parts: Sequence[dict[str, Any]], later: dict[str, dict[str, Any]]
) -> list[tuple[list[dict[str, Any]], dict[str, Any] | None]]:
    """The messages of each step of an answer, as a model takes them, and what was signed of it.

    Each call of a step has a `tool` message, whatever became of it. `later` has what became of
    calls in the answers after this one, by their ids.
    """
    steps: list[tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any] | None]] = []
    text, signed = "", None
    calls: list[dict[str, Any]] = []
    open_step = False

    def close() -> None:
        nonlocal text, signed, calls, open_step
        if text.strip() or calls:
            steps.append(_step(text, calls, later) + (signed,))
        text, signed, calls, open_step = "", None, [], False

    for part in parts:
        if part["type"] == "text":
            if open_step:
                close()
            text += part["text"]
        elif part["type"] == "step":
            if open_step:
                close()
            signed, open_step = part.get("signed"), True
        elif part["index"] is not None:
            calls.append(part)
    close()
    return [([*first, *rest], signed) for first, rest, signed in steps]


def _step(
    text: str, calls: list[dict[str, Any]], later: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    message: dict[str, Any] = {"role": "assistant", "content": text.lstrip("\n") or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {
                    "name": called_name(call["server"], call["name"]),
                    "arguments": call["arguments"],
                },
            }
            for call in calls
        ]
    results = [
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": told(later.get(call["id"], call)),
        }
        for call in calls
    ]
    return [message], results


def called_name(server: str | None, name: str) -> str:
    """The name by which models know a tool: letters, digits, `_` and `-`, at most 64."""
    if server is None:
        return name
    whole = f"{server}__{name}"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in whole)
    if plain == whole and len(whole) <= 64:
        return whole
    return f"{plain[:55]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
